"""The rules that nearly decided about a packet: one test turned out otherwise, and the verdict was another one's.

Looked at are the verdicts that stand, in the order in which statements run, before the one that fell; of those behind
several tests, for of a rule with a single test it is no news that this one did not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from naclc.analyze.atoms import Reading, unmet
from naclc.analyze.trace import applies
from naclc.pipeline.evaluation import Facts
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.depth import run_deep
from naclc.semantics.model import (
    Accept,
    And,
    Block,
    Call,
    Condition,
    Dnat,
    Drop,
    If,
    Not,
    Or,
    Protocol,
    Snat,
    Statement,
)


@dataclass(frozen=True, slots=True)
class Near:
    """The verdict `statement` would have fallen had `unmet` been otherwise; None: had the packet been of
    `protocol`."""

    statement: Accept | Drop | Dnat | Snat
    unmet: Reading | None
    protocol: Protocol | None = None


def near_misses(pipeline: Pipeline, function: str, facts: Facts) -> list[Near]:
    """The near misses of `function`, in the order in which its statements run."""
    names = {iface.number: iface.name for iface in pipeline.ifaces}
    search = _Search(pipeline, facts, names)
    outer = pipeline.functions[function]
    if applies(outer.protocol, facts):
        run_deep(search.body, outer.body, _Way())
    return search.found


@dataclass(frozen=True, slots=True)
class _Way:
    """What stands between the begin of the function and a statement: how many tests, and the one that is unmet."""

    tests: int = 0
    missing: Reading | Protocol | None = None


@dataclass(slots=True)
class _Search:
    pipeline: Pipeline
    facts: Facts
    names: Mapping[int, str]
    found: list[Near] = field(default_factory=list)
    ran: set[str] = field(default_factory=set)  # functions that came to their end: another call does so again
    looked_at: set[str] = field(default_factory=set)  # those that would have run with one test otherwise

    def body(self, statements: tuple[Statement, ...], way: _Way) -> bool:
        """Whether the verdict that fell is among them."""
        return any(self._statement(statement, way) for statement in statements)

    def _statement(self, statement: Statement, way: _Way) -> bool:
        match statement:
            case Accept() | Drop() | Dnat() | Snat():
                if way.missing is None:
                    return True
                if way.tests > 1:
                    protocol = way.missing if isinstance(way.missing, Protocol) else None
                    reading = way.missing if isinstance(way.missing, Reading) else None
                    self.found.append(Near(statement, reading, protocol))
            case If(condition, then, otherwise):
                sides = ((then, True), (otherwise, False))
                fell = [self._side(body, condition, wanted, way) for body, wanted in sides if body]
                return any(fell)  # both have been looked at
            case Block(protocol, body):
                return self._inside(protocol, body, way)
            case Call(name):
                callee = self.pipeline.functions[name]
                if name in self.ran or (way.missing is not None and name in self.looked_at):
                    return False
                (self.ran if way.missing is None else self.looked_at).add(name)
                return self._inside(callee.protocol, callee.body, way)
        return False

    def _side(self, body: tuple[Statement, ...], condition: Condition, wanted: bool, way: _Way) -> bool:
        if isinstance(way.missing, Protocol):
            return False  # its fields are not there to be tested
        lacking = unmet(condition, wanted, self.facts, self.names)
        if len(lacking) + (way.missing is not None) > 1:
            return False
        return self.body(body, _Way(way.tests + _tests(condition), lacking[0] if lacking else way.missing))

    def _inside(self, protocol: Protocol, body: tuple[Statement, ...], way: _Way) -> bool:
        if applies(protocol, self.facts):
            return self.body(body, way)
        if way.missing is None:
            self.body(body, _Way(way.tests + 1, protocol))
        return False


def _tests(condition: Condition) -> int:
    """Single tests in a condition."""
    match condition:
        case Not(operand):
            return _tests(operand)
        case And(operands) | Or(operands):
            return sum(map(_tests, operands))
    return 1
