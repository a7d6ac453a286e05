"""Why no packet gets to a statement: the rules that decide first, or the conditions that exclude each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from naclc.decision.deciders import Decider, Gate, Scope, Visit, without
from naclc.decision.facts import packets_at
from naclc.decision.symbolic import Symbols
from naclc.diagnostics import Diagnostic, Label, warning
from naclc.pipeline.pipeline import Pipeline
from naclc.source import Span

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

_MOST_TAKERS = 32  # rules that are named of one finding
_MOST_VISITS = 64  # calls that are gone back over in search of them
_TAKES = "decides such packets first"
_CORRECT = "remove it, or correct the conditions that lead here"


class TooMany(Exception):
    """More rules or calls have a part in a finding than anybody wants to read about."""


@dataclass(slots=True)
class Finder:
    """Collects findings. Without `exact`, comparisons of fields are free choices, and no finding may rest on one.

    What no packet could come to as the switches are set now is switched off, and no finding.
    """

    symbols: Symbols
    pipeline: Pipeline
    without_entry: str  # why there are only packets with an entry, if that is so
    exact: bool
    findings: list[Diagnostic] = field(default_factory=list)

    def shadowed(self, visit: Visit, scope: Scope, condition: Span, target: BDDFunction) -> None:
        """All of `target`, which `condition` is true for, are decided before."""
        target = target & self.symbols.settings
        found = self._takers(visit, target)
        if not target.satisfiable() or self._rests_on_choice(found, scope):
            return
        rules = "an earlier rule decides" if len(found) == 1 else "earlier rules decide"
        message = f"{rules} every packet that this is true for"
        self._warn("shadowed", message, condition, _named(found), _help(found, "remove it, or move it up"))

    def unreachable(self, visit: Visit, scope: Scope, statement: Span, gate: Gate | None) -> None:
        """`statement` stands in `scope`, behind `gate` if it is not None."""
        target = scope.potential if gate is None else scope.potential & gate.packets
        if gate is None or target.satisfiable():
            target = target & self.symbols.settings
            found = self._takers(visit, target)
            if target.satisfiable() and not self._rests_on_choice(found, scope):
                message = "no packet gets here: all that could are decided before"
                self._warn("unreachable", message, statement, _named(found), _help(found, _CORRECT))
        elif self.exact or not scope.paired:
            labels, help_ = self._contradiction(visit, scope, gate)
            self._warn("unreachable", "no packet gets here", statement, labels, help_)

    def _warn(self, code: str, message: str, span: Span, labels: Iterable[Label], help_: str) -> None:
        self.findings.append(warning(code, message, span, *labels, help=help_))

    def _rests_on_choice(self, found: list[Decider], scope: Scope) -> bool:
        return not self.exact and (scope.paired or not found or any(decider.paired for decider in found))

    def _takers(self, visit: Visit, target: BDDFunction) -> list[Decider]:
        """A minimal set of deciders before this place that decide all of `target`; empty when it is too large."""
        try:
            found, _ = _Search(self.symbols.none).takers(visit, len(visit.deciders), target)
        except TooMany:
            return []
        return found

    def _contradiction(self, visit: Visit, scope: Scope, gate: Gate) -> tuple[list[Label], str]:
        """Why no packet of `scope` passes `gate`, whatever is decided before."""
        if not gate.packets.satisfiable():
            return [Label(gate.span, f"this is never {gate.word}")], _CORRECT
        left = gate.packets & self._present(visit, self.pipeline)
        if not left.satisfiable():
            label = Label(gate.span, _excluded(gate, f"no packet that comes to `{visit.function.name}`"))
            everything = self._present(visit, replace(self.pipeline, untracked="filter"))
            if self.pipeline.untracked == "drop" and (gate.packets & everything).satisfiable():
                return [label], self.without_entry
            return [label], _CORRECT
        for around in scope.outward():
            if around.gate is None:
                continue
            left = left & around.gate.packets
            if not left.satisfiable():
                label = Label(gate.span, _excluded(gate, "no packet that comes here"))
                return [_condition_of(around.gate), label], _CORRECT
        label = Label(gate.span, _excluded(gate, f"no packet that any call brings to `{visit.function.name}`"))
        return [label], _CORRECT

    def _present(self, visit: Visit, pipeline: Pipeline) -> BDDFunction:
        packets = self.symbols.none
        for place in sorted(visit.places, key=repr):
            packets = packets | packets_at(place, pipeline, self.symbols)
        return packets


@dataclass(slots=True)
class _Search:
    """Goes back from a statement to what decides before it, over the calls that lead there."""

    none: BDDFunction
    visits: int = 0

    def takers(self, visit: Visit, before: int, target: BDDFunction) -> tuple[list[Decider], BDDFunction]:
        """Deciders that no packet of `target` gets past on its way to behind the first `before` of `visit`.

        What the function itself does not decide, callers must; they are asked first, and the function's own are
        named for what is then left. Also returned: the packets that those found decide.
        """
        self.visits += 1
        if self.visits > _MOST_VISITS:
            raise TooMany
        found: list[Decider] = []
        foreign = visit.deciders.past(target, before)
        own = target & visit.attached
        for site in visit.sites:
            coming = target & site.potential
            asked = foreign & coming
            if asked.satisfiable():
                theirs, decided = self.takers(site.caller, site.before, asked)
                found += theirs
                coming = without(coming, decided)
            own = own | coming
        numbers = visit.deciders.cover(own, before, _MOST_TAKERS)
        if numbers is None or len(found) + len(numbers) > _MOST_TAKERS:
            raise TooMany
        decided = without(target, own)
        for number in numbers:
            decided = decided | visit.deciders.match(number)
        return [*found, *(visit.deciders[number] for number in numbers)], decided


def _named(found: list[Decider]) -> list[Label]:
    spans = sorted({decider.span for decider in found}, key=lambda span: (span.start, span.end))
    return [Label(span, _TAKES) for span in spans]


def _help(found: list[Decider], usual: str) -> str:
    return usual if found else f"more than {_MOST_TAKERS} earlier rules together decide them"


def _excluded(gate: Gate, nobody: str) -> str:
    return f"{nobody} makes this {gate.word}" if gate.word in ("true", "false") else f"{nobody} is {gate.word}"


def _condition_of(gate: Gate) -> Label:
    if gate.word in ("true", "false"):
        return Label(gate.span, f"this is {gate.word} for what comes here")
    return Label(gate.span, f"only {gate.word} gets in here")
