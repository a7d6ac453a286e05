"""Reference machines on which candidates are tried, with an eye on the ways that packets take."""

from __future__ import annotations

from collections.abc import Iterable

from naclc.interpret.events import Rewritten, Sent, Visit
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
        self._walked: dict[tuple[str, Facts], tuple[Decision, list[Taken]]] = {}  # for the probe under way
        self._reached: set[Taken] = set()
        self._reached_ways: set[Way] = set()
        self._machine = self._fresh()

    def _fresh(self) -> Machine:
        return Machine(self._pipeline, self._decide, watch=self._note)

    def _decide(self, function: str, facts: Facts) -> Decision:
        walked = self._walked.get((function, facts))
        if walked is None:
            walked = self._walked[function, facts] = self._tracer.walk(function, facts)
        self._now += walked[1]
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
        self._send(self._fresh(), steps)
        return self._meets(goal)

    def keep(self, steps: Steps, goal: Goal) -> bool:
        """Send `steps` after those kept before; whether they need a fresh machine for `goal`."""
        self._send(self._machine, steps)
        fresh = not self._meets(goal)
        if fresh:
            self._machine = self._fresh()
            self._send(self._machine, steps)
        self._reached.update(self._wanted.intersection(self._now))
        self._reached_ways.update(way for way, _ in self._now)
        self._walked.clear()
        return fresh

    def _send(self, machine: Machine, steps: Steps) -> tuple[Sent, ...]:
        sent: list[tuple[Sent, ...]] = []
        for step in steps:
            self._now = []
            packet = step.packet
            if step.answers is not None and sent[step.answers]:
                packet = redirected(packet, sent[step.answers][0].packet)
            events = machine.receive(self._numbers[step.iface], packet)
            sent.append(tuple(event for event in events if isinstance(event, Sent)))
        return sent[-1]

    def _meets(self, goal: Goal) -> bool:
        if goal.value is None:
            return any(way == goal.way for way, _ in self._now)
        return (goal.way, goal.value) in self._now
