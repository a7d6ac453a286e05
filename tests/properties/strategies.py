"""Random policies and the packets that are hard for them.

    policies()           a Pipeline: `main`, a Filter::IP, and functions of every protocol that it may call
    facts_for(pipeline)  Facts whose fields lie on and beside every number that the policy compares them with
    facts()              the same for no policy in particular

All that is drawn is legal: fields stand where their protocol is known, numbers fit, operators suit their field's
type, calls lead to functions drawn before. Packets are whole and have passed the checks of arrival, but their
transport header may be short, far behind options, or in a later fragment.
"""

from __future__ import annotations

import itertools
import struct
from collections import defaultdict
from collections.abc import Iterator

from hypothesis import strategies as st

from naclc.net.fields import FIELDS, NO_IFACE, PROTOCOL_NUMBERS, Field, FieldType, State
from naclc.pipeline.evaluation import Facts
from naclc.pipeline.pipeline import Iface, Pipeline, Router
from naclc.semantics.model import (
    Accept,
    And,
    Between,
    Block,
    Call,
    Compare,
    CompareFields,
    Condition,
    Drop,
    Function,
    Hook,
    If,
    InSet,
    Kind,
    Leaf,
    Literal,
    Log,
    Network,
    Not,
    Or,
    Protocol,
    Single,
    Statement,
)
from naclc.source import SourceFile, Span

SPAN = Span(SourceFile("drawn", ""), 0, 0)
IFACES = ("outside", "inside", "aside")
NUMBERED = {FieldType.NUM, FieldType.PORT, FieldType.PROTO, FieldType.ICMP_TYPE, FieldType.ADDR}  # have an order
SETS = NUMBERED | {FieldType.FLAGS, FieldType.STATE, FieldType.IFACE}  # may stand left of `in`
ALL_OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
TEXTS = ("", " ", "a", "%d%s", "\n", 'quote " and \\', "€")
# Values that are worth a test whatever the policy says; others come from the policy.
SPECIAL = {
    "ip.saddr": (0x0A000001, 0x0A0000FF, 0xC0000209, 0x7FFFFFFF, 0x80000000),
    "ip.daddr": (0x0A000001, 0x0A0000FF, 0xC0000209, 0x7FFFFFFF, 0x80000000),
    "ip.protocol": (1, 6, 17, 47),
    "tcp.flags": (1, 2, 4, 8, 16, 32, 64, 128, 18),
}


def fields_of(context: Protocol) -> list[Field]:
    """The fields a function may name in `context`."""
    known = {"ip", "ct", "iface", context.value.lower()}
    return [field for field in FIELDS.values() if field.protocol in known]


def values_of(field: Field) -> st.SearchStrategy[int]:
    """A number that `field` may be compared with."""
    if field.type is FieldType.STATE:
        return st.sampled_from([int(state) for state in State])
    if field.type is FieldType.IFACE:
        return st.integers(0, len(IFACES) - 1)
    last = 2**field.width - 1
    chosen = (0, 1, last - 1, last, *SPECIAL.get(field.name, ()))
    return st.sampled_from(chosen) | st.integers(0, last)


class _Drawing:
    """One policy in the making: `callees` are the functions drawn so far."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.numbers = itertools.count(1)
        self.callees: dict[str, Function] = {}

    def function(self, name: str, protocol: Protocol, depth: int) -> None:
        self.callees[name] = Function(Kind.FILTER, protocol, name, self.body(protocol, depth), SPAN)

    def body(self, context: Protocol, depth: int) -> tuple[Statement, ...]:
        return tuple(self.statement(context, depth) for _ in range(self.draw(st.integers(0, 4))))

    def statement(self, context: Protocol, depth: int) -> Statement:
        number = next(self.numbers)
        kinds = ["accept", "drop", "log", "log"] + (["if", "if", "if", "block", "call"] if depth else [])
        match self.draw(st.sampled_from(kinds)):
            case "accept":
                return Accept(number, SPAN)
            case "drop":
                return Drop(number, SPAN)
            case "if":
                condition = self.condition(context, 3)
                return If(condition, self.body(context, depth - 1), self.body(context, depth - 1), number, SPAN)
            case "block":
                protocol = self.draw(st.sampled_from(children_of(context)))
                inside = context if protocol is Protocol.IP else protocol
                return Block(protocol, self.body(inside, depth - 1), number, SPAN)
            case "call" if self._callable(context):
                return Call(self.draw(st.sampled_from(self._callable(context))), number, SPAN)
        parts = st.sampled_from(TEXTS) | st.sampled_from(fields_of(context))
        return Log(tuple(self.draw(st.lists(parts, min_size=1, max_size=3))), number, SPAN)

    def field(self, context: Protocol, types: set[FieldType]) -> Field:
        """In a transport context mostly one of that protocol; each type as often as the next."""
        legal = [field for field in fields_of(context) if field.type in types]
        own = [field for field in legal if field.protocol == context.value.lower()]
        among = own if own and self.draw(st.integers(0, 2)) else legal
        kind = self.draw(st.sampled_from(sorted({field.type for field in among})))
        return self.draw(st.sampled_from([field for field in among if field.type is kind]))

    def _callable(self, context: Protocol) -> list[str]:
        allowed = children_of(context)
        return [name for name, function in self.callees.items() if function.protocol in allowed]

    def condition(self, context: Protocol, depth: int) -> Condition:
        kinds = ["compare", "compare", "set", "set", "fields", "literal"] + (["not", "and", "or"] if depth else [])
        match self.draw(st.sampled_from(kinds)):
            case "not":
                return Not(self.condition(context, depth - 1), SPAN)
            case "and":
                return And(self._operands(context, depth), SPAN)
            case "or":
                return Or(self._operands(context, depth), SPAN)
            case "literal":
                return Literal(self.draw(st.booleans()), SPAN)
            case "set":
                field = self.field(context, SETS)
                leaves = st.lists(leaves_of(field), min_size=1, max_size=4)
                return InSet(field, tuple(self.draw(leaves)), SPAN)
            case "fields":
                left = self.field(context, set(FieldType))
                right = self.draw(st.sampled_from([field for field in fields_of(context) if field.type is left.type]))
                return CompareFields(left, self.draw(operators_of(left)), right, SPAN)
        field = self.field(context, set(FieldType))
        return Compare(field, self.draw(operators_of(field)), self.draw(values_of(field)), SPAN)

    def _operands(self, context: Protocol, depth: int) -> tuple[Condition, ...]:
        return tuple(self.condition(context, depth - 1) for _ in range(self.draw(st.integers(2, 3))))


def children_of(context: Protocol) -> list[Protocol]:
    """The subtypes that may be nested or called in `context`."""
    return [Protocol.TCP, *Protocol] if context is Protocol.IP else [context, Protocol.IP]


def operators_of(field: Field) -> st.SearchStrategy[str]:
    return st.sampled_from(ALL_OPERATORS if field.type in NUMBERED else ("==", "!="))


def leaves_of(field: Field) -> st.SearchStrategy[Leaf]:
    """A leaf of a set that `field` may be looked for in."""
    single = st.builds(Single, values_of(field), st.just(SPAN))
    if field.type not in NUMBERED:
        return single
    ends = st.tuples(values_of(field), values_of(field)).map(sorted)
    between = ends.map(lambda pair: Between(pair[0], pair[1], SPAN))
    if field.type is not FieldType.ADDR:
        return single | between
    return single | between | st.builds(Network, values_of(field), st.integers(0, 32), st.just(SPAN))


@st.composite
def policies(draw: st.DrawFn, depth: int = 3, least: int = 0, most: int = 3) -> Pipeline:
    """`main` hangs on every chain; bodies nest `depth` deep; `least` to `most` functions beside `main`."""
    drawing = _Drawing(draw)
    for protocol in draw(st.lists(st.sampled_from([Protocol.TCP, *Protocol]), min_size=least, max_size=most)):
        drawing.function(f"f{len(drawing.callees)}", protocol, depth - 1)
    drawing.function("main", Protocol.IP, depth)
    hooks = dict.fromkeys((Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING), ("main",))
    ifaces = tuple(
        Iface(name, number, number, 0x0A000001 + (number << 16), 0xFFFF0000, None, None, True, True, hooks)
        for number, name in enumerate(IFACES)
    )
    spans = dict.fromkeys(range(1, next(drawing.numbers)), SPAN)
    return Pipeline(ifaces, Router((), ("main",), True), drawing.callees, spans)


# --- packets ---


def boundaries(pipeline: Pipeline) -> dict[str, list[int]]:
    """For each field the numbers where some test of the policy changes its mind, and their neighbours."""
    found: dict[str, set[int]] = defaultdict(set)
    for function in pipeline.functions.values():
        for condition in _conditions(function.body):
            match condition:
                case Compare(field, _, value):
                    found[field.name] |= {value - 1, value, value + 1}
                case InSet(field, leaves):
                    for leaf in leaves:
                        first, last = _ends(leaf)
                        found[field.name] |= {first - 1, first, last, last + 1}
    return {
        name: sorted(value for value in values if 0 <= value < 2 ** FIELDS[name].width)
        for name, values in found.items()
    }


def _ends(leaf: Leaf) -> tuple[int, int]:
    match leaf:
        case Single(value):
            return value, value
        case Between(first, last):
            return first, last
        case Network(address, prefix):
            hosts = (1 << (32 - prefix)) - 1
            return address & ~hosts, address | hosts


def _conditions(body: tuple[Statement, ...]) -> Iterator[Condition]:
    for statement in body:
        match statement:
            case If(condition, then, otherwise):
                yield from _tests(condition)
                yield from _conditions(then + otherwise)
            case Block(_, inner):
                yield from _conditions(inner)


def _tests(condition: Condition) -> Iterator[Condition]:
    match condition:
        case Not(operand):
            yield from _tests(operand)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from _tests(operand)
        case _:
            yield condition


class _Values:
    """Draws the value of a field: mostly one that matters, else any."""

    def __init__(self, draw: st.DrawFn, chosen: dict[str, list[int]]) -> None:
        self.draw = draw
        self.chosen = chosen

    def __call__(self, name: str) -> int:
        field = FIELDS[name]
        common = [*self.chosen.get(name, ()), *SPECIAL.get(name, ())]
        anything = st.integers(0, 2**field.width - 1)
        return self.draw(st.sampled_from(common) | anything if common else anything)


@st.composite
def facts(draw: st.DrawFn, chosen: dict[str, list[int]] | None = None) -> Facts:
    """`chosen` gives for fields by name the values to prefer."""
    iface = st.sampled_from([*range(len(IFACES)), NO_IFACE])
    state = st.sampled_from([State.NEW, State.ESTABLISHED, State.UNTRACKED])
    return Facts(_packet(_Values(draw, chosen or {})), draw(state), draw(iface), draw(iface))


def facts_for(pipeline: Pipeline) -> st.SearchStrategy[Facts]:
    return facts(boundaries(pipeline))


def _packet(value: _Values) -> bytes:
    draw = value.draw
    options = draw(st.binary(min_size=40, max_size=40))[: 4 * draw(st.sampled_from([0, 0, 0, 0, 1, 10]))]
    protocol = draw(st.sampled_from([1, 6, 17])) if draw(st.integers(0, 3)) else value("ip.protocol")
    message = _message(protocol, value) + draw(st.sampled_from([b"", b"\0", b"some octets of payload"]))
    if draw(st.integers(0, 7)) == 0:
        message = message[: draw(st.integers(0, len(message)))]
    flags = draw(st.integers(0, 7))
    offset = value("ip.frag-off") if draw(st.integers(0, 7)) == 0 else 0
    return struct.pack(
        ">BBHHHBBHII",
        0x40 | (20 + len(options)) // 4,
        value("ip.dscp") << 2 | value("ip.ecn"),
        20 + len(options) + len(message),
        value("ip.id"),
        flags << 13 | offset,
        value("ip.ttl"),
        protocol,
        value("ip.checksum"),
        value("ip.saddr"),
        value("ip.daddr"),
    ) + (options + message)


def _message(protocol: int, value: _Values) -> bytes:
    if protocol == PROTOCOL_NUMBERS["TCP"]:
        return struct.pack(
            ">HHIIBBHHH",
            value("tcp.sport"),
            value("tcp.dport"),
            value("tcp.sequence"),
            value("tcp.ackseq"),
            value("tcp.doff") << 4 | value("tcp.reserved") << 1 | value("tcp.has-ns"),
            value("tcp.flags"),
            value("tcp.window"),
            value("tcp.checksum"),
            value("tcp.urgptr"),
        )
    if protocol == PROTOCOL_NUMBERS["UDP"]:
        return struct.pack(">HHHH", *(value(f"udp.{name}") for name in ("sport", "dport", "length", "checksum")))
    if protocol == PROTOCOL_NUMBERS["ICMP"]:
        return struct.pack(">BBHI", value("icmp.type"), value("icmp.code"), 0x1234, 0x56789ABC)
    return b"sixteen octets.."
