"""Small pipelines made by hand, without parser or compiler: statements as short Python values.

pipeline_of({"f": ("IP", [if_(is_("ip.ttl", "<", 5), ["drop"]), block("TCP", [log("x")]), "accept"])})
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from naclc.net.fields import FIELDS, State
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
    Dnat,
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
    Snat,
    Statement,
    Syslog,
)
from naclc.source import SourceFile, Span

SOURCE = SourceFile("by hand", "line\n" * 20)
SPAN = Span(SOURCE, 0, 4)
HOOKS = (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING)
NEW, ESTABLISHED = State.NEW.value, State.ESTABLISHED.value
Spec = Any  # "accept", "drop", or what the functions below return
Body = Sequence[Spec]


def address(dotted: str) -> int:
    return int.from_bytes(bytes(map(int, dotted.split("."))), "big")


def if_(condition: Condition, then: Body, otherwise: Body = ()) -> Spec:
    return "if", condition, then, otherwise


def block(protocol: str, body: Body) -> Spec:
    return "block", Protocol(protocol), body


def call(function: str) -> Spec:
    return "call", function


def log(*parts: str) -> Spec:
    return "log", tuple(FIELDS.get(part, part) for part in parts)


def syslog(severity: int, *parts: str) -> Spec:
    return "syslog", severity, tuple(FIELDS.get(part, part) for part in parts)


def dnat(to: str | None = None, port: int | None = None) -> Spec:
    return "dnat", None if to is None else address(to), port


def snat(to: str | None = None, port: int | None = None) -> Spec:
    return "snat", None if to is None else address(to), port


def is_(field: str, operator: str, value: int | str) -> Condition:
    if isinstance(value, str) and value in FIELDS:
        return CompareFields(FIELDS[field], operator, FIELDS[value], SPAN)
    return Compare(FIELDS[field], operator, address(value) if isinstance(value, str) else value, SPAN)


def has(field: str) -> Condition:
    return is_(field, "==", 1)


def in_(field: str, *leaves: int | str | tuple[int, int]) -> Condition:
    return InSet(FIELDS[field], tuple(map(_leaf, leaves)), SPAN)


def _leaf(leaf: int | str | tuple[int, int]) -> Leaf:
    if isinstance(leaf, tuple):
        return Between(*leaf, SPAN)
    if isinstance(leaf, int):
        return Single(leaf, SPAN)
    if "/" in leaf:
        net, prefix = leaf.split("/")
        return Network(address(net), int(prefix), SPAN)
    return Single(address(leaf), SPAN)


def not_(operand: Condition) -> Condition:
    return Not(operand, SPAN)


def and_(*operands: Condition) -> Condition:
    return And(operands, SPAN)


def or_(*operands: Condition) -> Condition:
    return Or(operands, SPAN)


def literal(value: bool) -> Condition:
    return Literal(value, SPAN)


class _Numbering:
    def __init__(self) -> None:
        self._ids = count()
        self.places: dict[int, Span] = {}

    def next(self) -> int:
        number = next(self._ids)
        start = SOURCE.line_starts[number % 20]
        self.places[number] = Span(SOURCE, start, start + 4)
        return number

    def body(self, specs: Body) -> tuple[Statement, ...]:
        return tuple(map(self._statement, specs))

    def _statement(self, spec: Spec) -> Statement:
        number = self.next()
        match spec:
            case "accept":
                return Accept(number, SPAN)
            case "drop":
                return Drop(number, SPAN)
            case "if", condition, then, otherwise:
                return If(condition, self.body(then), self.body(otherwise), number, SPAN)
            case "block", protocol, body:
                return Block(protocol, self.body(body), number, SPAN)
            case "call", function:
                return Call(function, number, SPAN)
            case "log", parts:
                return Log(parts, number, SPAN)
            case "syslog", severity, parts:
                return Syslog(severity, parts, number, SPAN)
            case "dnat", to, port:
                return Dnat(to, port, number, SPAN)
            case "snat", to, port:
                return Snat(to, port, number, SPAN)
        raise AssertionError(spec)


def pipeline_of(
    functions: dict[str, tuple[str, Body]],
    chains: dict[Hook, Sequence[str]] | None = None,
    forward: Sequence[str] = (),
    untracked: str = "drop",
    kind: Kind = Kind.FILTER,
) -> Pipeline:
    """`functions` in order, callees first, all of one kind; `chains` are those of Iface 0, `forward` the router's. Line
    N of the source is the statement with id N-1, up to line 20."""
    numbering = _Numbering()
    made = {
        name: Function(kind, Protocol(protocol), name, numbering.body(body), SPAN)
        for name, (protocol, body) in functions.items()
    }
    of_iface = {hook: tuple((chains or {}).get(hook, ())) for hook in HOOKS}
    outside = Iface("outside", 0, 0, None, None, None, None, True, bool(forward), of_iface)
    inside = Iface("inside", 1, 1, None, None, None, None, False, False, dict.fromkeys(HOOKS, ()))
    router = Router((), tuple(forward), False) if forward else None
    return Pipeline((outside, inside), router, made, numbering.places, untracked)
