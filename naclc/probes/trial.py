"""Reference machines on which candidates are tried, with an eye on the ways that packets take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from naclc.interpret.events import Rewritten, Sent, Visit
from naclc.interpret.flows import Tuple, tuple_of
from naclc.interpret.machine import Machine
from naclc.pipeline.evaluation import Decision, Facts
from naclc.pipeline.pipeline import Pipeline
from naclc.probes.edges import Goal, Way, Ways
from naclc.probes.frames import redirected
from naclc.probes.probe import ProbeStep
from naclc.probes.trace import Taken, Tracer

Steps = tuple[ProbeStep, ...]


class Trial:
    """Kept probes run one after the other on one machine, candidates each on a fresh one."""

    def __init__(self, pipeline: Pipeline, ways: Ways, goals: Iterable[Goal]) -> None:
        self._pipeline = pipeline
        self._ways = ways
        self._numbers = {iface.name: iface.number for iface in pipeline.ifaces}
        self._names = {iface.number: iface.name for iface in pipeline.ifaces}
        self._tracer = Tracer(ways)
        self._wanted = {(goal.way, goal.value) for goal in goals}
        self._now: list[Taken] = []  # taken by the last packet
        self._visited: list[tuple[str, Facts]] = []  # by the last packet, and as what
        self._walked: dict[tuple[str, Facts], tuple[Decision, list[Taken]]] = {}  # for the probe under way
        self._reached: set[Taken] = set()
        self._reached_ways: set[Way] = set()
        self._limited = pipeline.conntrack.limit != 0
        self._tuples: set[Tuple] = set()  # of the steps tried last
        self._flows: set[Tuple] = set()  # of all kept since the last fresh machine
        self._waiting: list[Steps] = []  # kept, and not yet sent to the machine
        self._goal: Way | None = None  # whose test the packets stop at
        self._machine = self._fresh()

    def _fresh(self) -> Machine:
        return Machine(self._pipeline, self._decide, watch=self._note)

    def _decide(self, function: str, facts: Facts) -> Decision:
        walked = self._walked.get((function, facts))
        if walked is None:
            walked = self._walked[function, facts] = self._tracer.walk(function, facts, self._goal)
        self._now += walked[1]
        self._visited.append((function, facts))
        return walked[0]

    def _note(self, seen: Visit | Rewritten) -> None:
        if isinstance(seen, Rewritten):
            self._now.append((self._ways.rewritten(seen, self._names), None))

    def has_reached(self, goal: Goal) -> bool:
        """Whether a kept probe reaches `goal`."""
        return goal.way in self._reached_ways and (goal.value is None or (goal.way, goal.value) in self._reached)

    def sent(self, steps: Steps) -> tuple[Sent, ...]:
        """What the last of `steps` makes a fresh machine send."""
        return self._send(self._fresh(), steps)

    def reaches(self, steps: Steps, goal: Goal) -> bool:
        """Whether the last of `steps` reaches `goal` on a fresh machine."""
        self._aim(goal)
        self._send(self._fresh(), steps)
        return self._meets(goal)

    def visited(self, function: str) -> Callable[[str, int], bool] | None:
        """Which nodes of `function` and its callees the last packet tried came to; None when it was not there."""
        facts = next((facts for name, facts in reversed(self._visited) if name == function), None)
        if facts is None:
            return None
        return lambda name, number: self._tracer.visits(function, facts, (name, number))

    def _aim(self, goal: Goal) -> None:
        if self._goal != goal.way:
            self._goal = goal.way
            self._walked.clear()

    def keep(self, steps: Steps, goal: Goal) -> bool:
        """Keep `steps`, which were the last to be tried; whether they need a fresh machine for `goal`.

        Flows that no probe before had take the same ways on the machine of those before.
        """
        apart = not self._limited and self._tuples.isdisjoint(self._flows)
        fresh = False
        if not apart:
            for kept in self._waiting:
                self._send(self._machine, kept)
            self._waiting.clear()
            self._send(self._machine, steps)
            fresh = not self._meets(goal)
        if fresh:
            self._machine = self._fresh()
            self._flows.clear()
            self._send(self._machine, steps)
        self._flows |= self._tuples
        if apart:
            self._waiting.append(steps)
        self._reached.update(self._wanted.intersection(self._now))
        self._reached_ways.update(way for way, _ in self._now)
        self._walked.clear()
        return fresh

    def _send(self, machine: Machine, steps: Steps) -> tuple[Sent, ...]:
        sent: list[tuple[Sent, ...]] = []
        self._tuples = set()
        for step in steps:
            self._now = []
            self._visited = []
            packet = step.packet
            if step.answers is not None and sent[step.answers]:
                packet = redirected(packet, sent[step.answers][0].packet)
            out = tuple(
                event for event in machine.receive(self._numbers[step.iface], packet) if isinstance(event, Sent)
            )
            sent.append(out)
            self._tuples.update(_tuples((packet, *(each.packet for each in out))))
        return sent[-1]

    def _meets(self, goal: Goal) -> bool:
        if goal.value is None:
            return any(way == goal.way for way, _ in self._now)
        return (goal.way, goal.value) in self._now


def _tuples(packets: Iterable[bytes]) -> Iterator[Tuple]:
    """What the connection table may know `packets` by, in both directions."""
    for packet in packets:
        found = tuple_of(packet)
        if found is not None:
            yield from (found, found.reversed())
