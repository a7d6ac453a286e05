"""What belongs to the language and the skeleton OS does not have: refused where that system is chosen, never ignored.
All of it, and nothing else. IncludeOS has it.

Reports   not-on-target.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from naclc.diagnostics import Diagnostic, error, in_source_order
from naclc.semantics.model import Configuration, TimerData
from naclc.source import Span


class Part(StrEnum):
    """A part of the language that the skeleton OS lacks, as a message names it."""

    LOAD_BALANCER = "a Load_balancer"
    TIMER_STATS = "the Timer data `stats`"


def not_on_target(configuration: Configuration, system: str) -> list[Diagnostic]:
    """One error for each part that `system` (skeleton, includeos or any) does not have, in source order.

    `any` asks nothing: what one of the systems can run is accepted, and IncludeOS has all of it.
    """
    if system != "skeleton":
        return []
    return in_source_order([_refused(part, span) for part, span in _lacking(configuration)])


def _lacking(configuration: Configuration) -> Iterator[tuple[Part, Span]]:
    if configuration.load_balancer:
        yield Part.LOAD_BALANCER, configuration.load_balancer.span
    for timer in configuration.timers:
        if TimerData.STATS in timer.data:
            yield Part.TIMER_STATS, timer.span


def _refused(part: Part, span: Span) -> Diagnostic:
    advice = "IncludeOS has it: check, compile and build take `--os includeos`"
    return error("not-on-target", f"the skeleton OS does not have {part}", span, help=advice)
