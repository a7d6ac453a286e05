"""Run a function on a packet by walking its statements as the user wrote them (docs/language.md 6 and 8.6).

Nothing here recurses: the depth of a policy is the length of a list, not of the Python stack. A called function sees
the same packet each time: one that came to its end in silence is not walked again, so that thirty functions that
each call the next one twice take thirty walks and not 2**30.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator

from naclc.interpret import header
from naclc.net.fields import NO_IFACE, PROTOCOL_NUMBERS, Field, FieldType, State
from naclc.pipeline.evaluation import NO_STATEMENT, Decision, Evaluator, Facts, Rewrite, RewriteKind, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics import model

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_UNDECLARED = "?"  # how an Iface that no element declares is printed


def evaluator(pipeline: Pipeline) -> Evaluator:
    """The interpreter as an answer to "what does this function do with this packet".

    The evaluator that is returned takes the name of a top-level function and Facts. It is pure. A function of
    protocol TCP, UDP or ICMP ends at once (END) on a packet that is not of its protocol or lacks its header.
    What becomes of untracked packets before a function runs, and whether a rewrite has an effect, is not decided here;
    see machine.Machine and translation.Translator.

    Raises (when called): KeyError, no function of that name; header.MalformedPacket, the packet is shorter than
    its IP header.
    """
    names = {iface.number: iface.name for iface in pipeline.ifaces}

    def evaluate(function: str, facts: Facts) -> Decision:
        return _run(pipeline.functions, function, facts, names)

    return evaluate


def _run(functions: dict[str, model.Function], function: str, facts: Facts, names: dict[int, str]) -> Decision:
    log: list[bytes] = []
    messages: list[tuple[int, bytes]] = []  # of syslog statements
    pending: list[Iterator[model.Statement]] = []  # innermost last: what is still to run in each open body
    calls: list[tuple[int, str, int]] = []  # innermost last: bodies open at the call, callee, texts written so far
    passed: set[str] = set()  # functions that did nothing to this packet: another call does nothing either

    if _applies(functions[function].protocol, facts.packet):
        pending.append(iter(functions[function].body))
    while pending:
        statement = next(pending[-1], None)
        match statement:
            case None:
                pending.pop()
                if calls and calls[-1][0] == len(pending):
                    _, name, logged = calls.pop()
                    if logged == len(log) + len(messages):
                        passed.add(name)
            case model.Accept():
                return Decision(Verdict.ACCEPT, statement.id, b"".join(log), syslog=tuple(messages))
            case model.Drop():
                return Decision(Verdict.DROP, statement.id, b"".join(log), syslog=tuple(messages))
            case model.Dnat() | model.Snat():
                return Decision(Verdict.END, statement.id, b"".join(log), _rewrite(statement), tuple(messages))
            case model.Log():
                log.append(_text(statement.parts, facts, names).encode())
            case model.Syslog():
                messages.append((statement.severity, _text(statement.parts, facts, names).encode()))
            case model.If():
                pending.append(iter(statement.then if holds(statement.condition, facts) else statement.otherwise))
            case model.Block():
                if _applies(statement.protocol, facts.packet):
                    pending.append(iter(statement.body))
            case model.Call():
                callee = functions[statement.function]
                if callee.name not in passed and _applies(callee.protocol, facts.packet):
                    calls.append((len(pending), callee.name, len(log) + len(messages)))
                    pending.append(iter(callee.body))
    return Decision(Verdict.END, NO_STATEMENT, b"".join(log), syslog=tuple(messages))


def _rewrite(statement: model.Dnat | model.Snat) -> Rewrite:
    kind = RewriteKind.DNAT if isinstance(statement, model.Dnat) else RewriteKind.SNAT
    return Rewrite(kind, statement.address, statement.port)


def _applies(protocol: model.Protocol, packet: bytes) -> bool:
    if protocol is model.Protocol.IP:
        return True
    return header.protocol(packet) == PROTOCOL_NUMBERS[protocol] and header.has_transport_header(packet)


def value_of(field: Field, facts: Facts) -> int:
    """The value of any field of docs/language.md 7.1 in `facts`, 0 .. 2**width - 1."""
    match field.name:
        case "ct.state":
            return facts.state
        case "iface.in":
            return facts.iface_in
        case "iface.out":
            return facts.iface_out
    return header.read_field(facts.packet, field.name)


def holds(condition: model.Condition, facts: Facts) -> bool:
    """Whether `condition` is true of `facts`; `and` and `or` stop early and go left to right."""
    parents: list[tuple[model.Not | model.And | model.Or, int]] = []  # innermost last, with the operand under way
    current = condition
    while True:
        while isinstance(current, model.Not | model.And | model.Or):
            parents.append((current, 0))
            current = current.operand if isinstance(current, model.Not) else current.operands[0]
        value = _test(current, facts)
        while parents:
            parent, at = parents.pop()
            if isinstance(parent, model.Not):
                value = not value
            elif value is isinstance(parent, model.And) and at + 1 < len(parent.operands):
                parents.append((parent, at + 1))
                current = parent.operands[at + 1]
                break
        else:
            return value


def _test(
    condition: model.Compare | model.CompareFields | model.InSet | model.Literal,
    facts: Facts,
) -> bool:
    match condition:
        case model.Literal():
            return condition.value
        case model.Compare():
            return _COMPARE[condition.operator](value_of(condition.field, facts), condition.value)
        case model.CompareFields():
            return _COMPARE[condition.operator](value_of(condition.left, facts), value_of(condition.right, facts))
        case model.InSet():
            value = value_of(condition.field, facts)
            return any(_matches(leaf, value) for leaf in condition.leaves)


def _matches(leaf: model.Leaf, value: int) -> bool:
    match leaf:
        case model.Single():
            return value == leaf.value
        case model.Between():
            return leaf.first <= value <= leaf.last
        case model.Network():
            host_bits = 32 - leaf.prefix
            return value >> host_bits == leaf.address >> host_bits


def _text(parts: tuple[str | Field, ...], facts: Facts, names: dict[int, str]) -> str:
    return "".join(part if isinstance(part, str) else _shown(part, value_of(part, facts), names) for part in parts)


def _shown(field: Field, value: int, names: dict[int, str]) -> str:
    match field.type:
        case FieldType.ADDR:
            return ".".join(str(octet) for octet in value.to_bytes(4, "big"))
        case FieldType.BOOL:
            return "true" if value else "false"
        case FieldType.STATE:
            return State(value).name.lower()
        case FieldType.IFACE:
            return _UNDECLARED if value == NO_IFACE else names.get(value, _UNDECLARED)
    return str(value)
