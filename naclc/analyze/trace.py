"""How a function came to its decision about one packet, test by test.

The statements are walked as the interpreter walks them, once more and with a pencil. A function that is called again
came to its end before and does so again: its tests are not shown twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from naclc.analyze.atoms import Reading, reasons
from naclc.interpret import header
from naclc.interpret.walk import holds
from naclc.net.fields import PROTOCOL_NUMBERS
from naclc.pipeline.evaluation import Facts
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Accept, Block, Call, Dnat, Drop, If, Log, Protocol, Snat, Statement, Syslog
from naclc.source import Span


class Went(Enum):
    """What became of a statement that chooses a way."""

    IN = "in"  # the condition held; the block or call was entered
    PAST = "past"  # it did not hold; the packet is of another protocol
    AGAIN = "again"  # a call of a function that has come to its end before


@dataclass(frozen=True, slots=True)
class Line:
    """One statement that was run. `depth` counts the bodies around it, from 0. `went` is None for a verdict or a log.
    `because`: the tests of an if that settled it."""

    statement: Statement
    depth: int
    went: Went | None = None
    because: tuple[Reading, ...] = ()

    @property
    def span(self) -> Span:
        return self.statement.span


def trace(pipeline: Pipeline, function: str, facts: Facts) -> list[Line]:
    """What `function` ran on `facts`, in order, up to its verdict or its end."""
    names = {iface.number: iface.name for iface in pipeline.ifaces}
    lines: list[Line] = []
    called: set[str] = set()
    pending: list[Iterator[Statement]] = []  # innermost last
    if applies(pipeline.functions[function].protocol, facts):
        pending.append(iter(pipeline.functions[function].body))
    while pending:
        depth = len(pending) - 1
        match next(pending[-1], None):
            case None:
                pending.pop()
            case If() as test:
                held = holds(test.condition, facts)
                because = tuple(reasons(test.condition, facts, names))
                lines.append(Line(test, depth, Went.IN if held else Went.PAST, because))
                pending.append(iter(test.then if held else test.otherwise))
            case Block() as block:
                enters = applies(block.protocol, facts)
                lines.append(Line(block, depth, Went.IN if enters else Went.PAST))
                pending.append(iter(block.body if enters else ()))
            case Call() as call:
                callee = pipeline.functions[call.function]
                went = Went.PAST if not applies(callee.protocol, facts) else Went.IN
                went = Went.AGAIN if callee.name in called else went
                called.add(callee.name)
                lines.append(Line(call, depth, went))
                pending.append(iter(callee.body if went is Went.IN else ()))
            case Log() | Syslog() as effect:
                lines.append(Line(effect, depth))
            case Accept() | Drop() | Dnat() | Snat() as verdict:
                lines.append(Line(verdict, depth))
                return lines
    return lines


def applies(protocol: Protocol, facts: Facts) -> bool:
    """Whether a block or function of `protocol` runs on the packet (docs/language.md 6.1)."""
    if protocol is Protocol.IP:
        return True
    number = PROTOCOL_NUMBERS[protocol]
    return header.protocol(facts.packet) == number and header.has_transport_header(facts.packet)
