"""Which dnat and snat a packet can come to, and whether they do anything there (docs/language.md 6.2, 6.3, 8.5).

Reports   nat-wrong-hook, nat-port-icmp.

Only packets with an entry in the connection table run a Nat, so each is TCP, UDP or ICMP. A walk carries the set of
these protocols through the statements; of conditions it knows what ip.protocol and literals decide.
"""

from __future__ import annotations

from collections.abc import Iterable

from naclc.diagnostics import Label
from naclc.net.fields import PROTOCOL_NUMBERS
from naclc.semantics import model
from naclc.semantics.bodies import FunctionInfo
from naclc.semantics.model import Attachment, Hook, Kind, Protocol
from naclc.semantics.reporter import Reporter
from naclc.semantics.typing_rules import EVALUATE

_Protocols = frozenset[Protocol]
_Rewrite = model.Dnat | model.Snat

_ALL: _Protocols = frozenset({Protocol.TCP, Protocol.UDP, Protocol.ICMP})
_NOBODY: _Protocols = frozenset()
_ACTS_AT = {
    model.Dnat: ("dnat", (Hook.PREROUTING, Hook.OUTPUT)),
    model.Snat: ("snat", (Hook.POSTROUTING, Hook.INPUT)),
}


def check_nats(
    reporter: Reporter, infos: Iterable[FunctionInfo], chains: Iterable[tuple[Hook, tuple[Attachment, ...]]]
) -> None:
    """For a program without errors."""
    nats = {info.element.name: info for info in infos if info.element.function_kind is Kind.NAT}
    functions = {name: info.function for name, info in nats.items() if info.function}
    called = {site.target.name for info in nats.values() for site in info.calls}
    attached = [(hook, attachment) for hook, chain in chains for attachment in chain if attachment.function in nats]
    roots = {attachment.function for _, attachment in attached} | (nats.keys() - called)
    reached = {name: _reached(functions, name) for name in functions if name in roots}
    for hook, attachment in attached:
        _check_hook(reporter, hook, attachment, reached[attachment.function])
    port_spans = {number: span for info in nats.values() for number, span in info.port_spans.items()}
    for rewrites in reached.values():
        for rewrite, protocols in rewrites:
            if rewrite.port is not None and Protocol.ICMP in protocols:
                word, _ = _ACTS_AT[type(rewrite)]
                message = f"`{word}` does nothing to ICMP packets, which get here too: they have no port"
                advice = "put it into a Nat::TCP or Nat::UDP block"
                reporter.warning("nat-port-icmp", message, port_spans[rewrite.id], help=advice)


def _check_hook(
    reporter: Reporter, hook: Hook, attachment: Attachment, reached: list[tuple[_Rewrite, _Protocols]]
) -> None:
    for kind, (word, hooks) in _ACTS_AT.items():
        rewrite = next((rewrite for rewrite, _ in reached if isinstance(rewrite, kind)), None)
        if rewrite and hook not in hooks:
            reporter.warning(
                "nat-wrong-hook",
                f"`{word}` in `{attachment.function}` rewrites nothing in {hook}",
                attachment.span,
                Label(rewrite.span, "ends the function here, without effect"),
                help=f"`{word}` acts in {hooks[0]} and {hooks[1]}",
            )


def _reached(functions: dict[str, model.Function], root: str) -> list[tuple[_Rewrite, _Protocols]]:
    """The rewrites that packets which run `root` come to, in source order, and packets of which protocols do."""
    walk = _Walk(functions)
    walk.function(root, _ALL)
    return [walk.found[number] for number in sorted(walk.found)]


class _Walk:
    def __init__(self, functions: dict[str, model.Function]) -> None:
        self.found: dict[int, tuple[_Rewrite, _Protocols]] = {}
        self._functions = functions
        self._ends: dict[tuple[str, _Protocols], _Protocols] = {}

    def function(self, name: str, here: _Protocols) -> _Protocols:
        """Packets of which protocols come out at the end of the function, of those that are `here`."""
        key = (name, here)
        if key not in self._ends:
            function = self._functions[name]
            self._ends[key] = self._guarded(function.protocol, function.body, here)
        return self._ends[key]

    def _guarded(self, protocol: Protocol, body: tuple[model.Statement, ...], here: _Protocols) -> _Protocols:
        inside = here if protocol is Protocol.IP else here & {protocol}
        return (here - inside) | self._body(body, inside)

    def _body(self, body: tuple[model.Statement, ...], here: _Protocols) -> _Protocols:
        for statement in body:
            if not here:
                break
            here = self._statement(statement, here)
        return here

    def _statement(self, statement: model.Statement, here: _Protocols) -> _Protocols:
        match statement:
            case model.If(condition, then, otherwise):
                outcomes = {protocol: _outcomes(condition, protocol) for protocol in here}
                yes = frozenset(protocol for protocol, outcome in outcomes.items() if outcome[0])
                no = frozenset(protocol for protocol, outcome in outcomes.items() if outcome[1])
                return self._body(then, yes) | self._body(otherwise, no)
            case model.Block(protocol, body):
                return self._guarded(protocol, body, here)
            case model.Call(function):
                return self.function(function, here)
            case model.Dnat() | model.Snat():
                _, before = self.found.get(statement.id, (statement, _NOBODY))
                self.found[statement.id] = (statement, before | here)
                return _NOBODY
            case _:
                return here


def _outcomes(condition: model.Condition, protocol: Protocol) -> tuple[bool, bool]:
    """Whether a condition can be true, and whether it can be false, of packets of a protocol."""
    match condition:
        case model.Not(operand):
            yes, no = _outcomes(operand, protocol)
            return no, yes
        case model.And(operands):
            outcomes = [_outcomes(operand, protocol) for operand in operands]
            return all(yes for yes, _ in outcomes), any(no for _, no in outcomes)
        case model.Or(operands):
            outcomes = [_outcomes(operand, protocol) for operand in operands]
            return any(yes for yes, _ in outcomes), all(no for _, no in outcomes)
    truth = _decided(condition, PROTOCOL_NUMBERS[protocol])
    return (True, True) if truth is None else (truth, not truth)


def _decided(condition: model.Condition, number: int) -> bool | None:
    """The value of a single test when it depends on ip.protocol alone, which is `number`."""
    match condition:
        case model.Literal(value):
            return value
        case model.Compare(field, operator, value) if field.name == "ip.protocol":
            return EVALUATE[operator](number, value)
        case model.InSet(field, leaves) if field.name == "ip.protocol":
            return any(_contains(leaf, number) for leaf in leaves)
    return None


def _contains(leaf: model.Leaf, number: int) -> bool:
    match leaf:
        case model.Single(value):
            return value == number
        case model.Between(first, last):
            return first <= number <= last
        case _:
            return False
