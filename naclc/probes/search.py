"""The search for one probe: candidates are tried, and what they miss makes the set they are from smaller."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from naclc.probes.edges import Goal, undone_by
from naclc.probes.gates import Gates, Place
from naclc.probes.sequence import Sequences, Steps
from naclc.probes.sets import Set, Space
from naclc.probes.streams import Source
from naclc.probes.trial import Trial
from naclc.semantics.model import Hook

_TRIES = 60  # candidates for one goal
_REMEMBERED = 6  # of what earlier candidates missed


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """`packets`, as they are at `hook`, may reach a goal; they come from `source`. `gates`, if any, made the set."""

    hook: Hook
    source: Source
    packets: Set
    gates: Gates | None


class Outcome(Enum):
    """MASKED: it is proved that none of the packets of the origins gets there."""

    FOUND = 1
    NOT_FOUND = 2
    MASKED = 3
    NO_ORIGIN = 4


class Search:
    """Remembers what the candidates of the last goals missed: those of the next would miss it, too."""

    def __init__(self, space: Space, sequences: Sequences, trial: Trial) -> None:
        self._space = space
        self._sequences = sequences
        self._trial = trial
        self._missed: deque[tuple[Gates, Place, Set]] = deque(maxlen=_REMEMBERED)
        self._tries = 0

    def steps(self, goal: Goal, origins: Iterable[Origin], serial: int) -> tuple[Steps | None, Outcome]:
        """Steps that reach `goal`, if any are found."""
        self._tries = 0
        outcome = Outcome.NO_ORIGIN
        for origin in origins:
            if outcome is Outcome.NO_ORIGIN:
                outcome = Outcome.MASKED
            packets = self._without_known(goal, origin)
            while packets.satisfiable():
                steps, narrower = self._try(goal, origin, packets, serial)
                if steps is not None:
                    return steps, Outcome.FOUND
                if narrower is None:
                    outcome = Outcome.NOT_FOUND
                    break
                packets = narrower
            if self._tries >= _TRIES:
                return None, Outcome.NOT_FOUND
        return None, outcome

    def _without_known(self, goal: Goal, origin: Origin) -> Set:
        packets = origin.packets
        for gates, place, passing in self._missed:
            if gates is origin.gates and gates.applies(place, goal.way):
                packets = packets & passing
        return packets

    def _try(self, goal: Goal, origin: Origin, packets: Set, serial: int) -> tuple[Steps | None, Set | None]:
        """Steps that reach `goal`; or those of `packets` that do not miss what a candidate missed."""
        undone = undone_by(goal.way)
        for steps in self._sequences.candidates(origin.hook, origin.source, packets, serial, undone):
            self._tries += 1
            if self._trial.reaches(steps, goal):
                return steps, None
            narrower = self._narrowed(goal, origin, packets)
            if narrower is not None:
                return None, narrower
            if self._tries >= _TRIES:
                break
        return None, None

    def _narrowed(self, goal: Goal, origin: Origin, packets: Set) -> Set | None:
        """`packets` without those that go where the last candidate went; None when that makes no difference."""
        visits = self._trial.visited(origin.gates.function) if origin.gates is not None else None
        if visits is None or origin.gates is None:
            return None
        passing, place = origin.gates.missed(goal.way, visits)
        narrower = packets & passing
        if place is None or narrower == packets:
            return None
        self._missed.append((origin.gates, place, passing))
        return narrower
