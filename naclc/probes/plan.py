"""Which probes to send: for every way out of every test, and for both sides of every boundary, one that takes it.

    graphs ─ goals ─▶ for each: the packets that take it ─ one of them ─▶ tried on the reference machine ─▶ probe
                        └ none: masked, or not reachable from the wire

A probe reaches more than it was made for: a goal that an earlier one reached needs none of its own. Probes are tried
in their order on one machine, as they are sent later; one that only reaches its goal on a fresh machine says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from naclc.decision.graph import FieldTest, Graphs, Test
from naclc.decision.symbolic import reads
from naclc.interpret.machine import Machine
from naclc.net.fields import NO_IFACE
from naclc.pipeline.evaluation import Decision, Facts
from naclc.pipeline.pipeline import Pipeline
from naclc.probes.edges import Goal, Way, Ways
from naclc.probes.places import Maker, Places, Source
from naclc.probes.probe import Plan, Probe, ProbeStep, Unreachable
from naclc.probes.reach import Reach, enter
from naclc.probes.sequence import Sequences
from naclc.probes.sets import OverBudget, Set, Space
from naclc.probes.trace import Taken, Tracer

_NODES = 4_000_000  # of the BDD
_TRIES = 12  # candidates for one goal
_MASKED = "masked: no packet that can be gets there with it"
_NOT_FROM_WIRE = "not reachable from the wire: no packet that comes this way has it"
_NO_SEQUENCE = "not reachable from the wire: no sequence of packets was found that does it"
_TOO_LARGE = "not planned: the analysis budget is used up"


def plan_probes(graphs: Graphs, pipeline: Pipeline, limit: int = 100_000, nodes: int = _NODES) -> Plan:
    """Plan at most `limit` probes. Equal policies give equal plans.

    A policy too large for `nodes` BDD nodes gets no probes; every goal is then listed as not planned.
    """
    ways = Ways(graphs)
    goals = list(ways.goals({iface.number: iface.name for iface in pipeline.ifaces}))
    try:
        return _Planner(graphs, pipeline, ways, goals, nodes).plan(limit)
    except (OverBudget, MemoryError):
        return Plan((), tuple(_unreachable(pipeline, goal, _TOO_LARGE) for goal in goals), len(goals))


class _Planner:
    def __init__(self, graphs: Graphs, pipeline: Pipeline, ways: Ways, goals: list[Goal], nodes: int) -> None:
        fields, pairs = reads(graphs.graphs.values())
        self._goals = goals
        self._pipeline = pipeline
        self._ways = ways
        self._space = Space(fields, pairs, nodes)
        self._places = Places(pipeline, ways, self._space)
        self._sequences = Sequences(pipeline, self._places, self._space)
        self._trial = _Trial(pipeline, ways, goals)
        self._anywhere = self._everything()

    def _everything(self) -> Reach:
        """What takes each way when every packet that can be enters every attached function."""
        reach, space = Reach(), self._space
        known = [iface.number for iface in self._pipeline.ifaces] + [NO_IFACE]
        packets = self._places.valid() & space.one_of("iface.in", known) & space.one_of("iface.out", known)
        for function in self._pipeline.attached():
            enter(self._ways, space, function, packets, reach)
        return reach

    def plan(self, limit: int) -> Plan:
        probes: list[Probe] = []
        unreachable: list[Unreachable] = []
        for goal in self._goals:
            if self._trial.has_reached(goal) or len(probes) >= limit:
                continue
            steps, reason = self._steps(goal, len(probes) + 1)
            if steps is None:
                unreachable.append(_unreachable(self._pipeline, goal, reason))
                continue
            fresh = self._trial.keep(steps, goal)
            span = self._pipeline.statements.get(goal.statement)
            name = f"probe {len(probes) + 1}"
            probes.append(Probe(name, f"{goal.way[0]}: {goal.about}", goal.way[0], span, steps, fresh))
        return Plan(tuple(probes), tuple(unreachable), len(self._goals))

    def _steps(self, goal: Goal, serial: int) -> tuple[tuple[ProbeStep, ...] | None, str]:
        """The steps of a probe for `goal`, or why there are none."""
        tries = 0
        possible = False
        for source, packets in self._sources(goal):
            possible = True
            for steps in self._sequences.candidates(source, packets, serial):
                tries += 1
                if self._trial.reaches(steps, goal):
                    return steps, ""
                if tries >= _TRIES:
                    return None, _NO_SEQUENCE
        if possible:
            return None, _NO_SEQUENCE
        anyone = self._anywhere.taking.get(goal.way)
        masked = anyone is None or not (anyone & self._value(goal)).satisfiable()
        return None, _MASKED if masked else _NOT_FROM_WIRE

    def _sources(self, goal: Goal) -> Iterator[tuple[Source, Set]]:
        """Sources from which some packets reach `goal`, the wire before the machine itself; and those packets."""
        value = self._value(goal)
        for own in (False, True):
            for visit in self._places.visits:
                taking = visit.reach.taking.get(goal.way)
                if taking is None or not taking.satisfiable():
                    continue
                taking = taking & value
                for source, packets in visit.stream:
                    if (source.maker is not Maker.WIRE) is own and (packets & taking).satisfiable():
                        yield source, packets & taking

    def _value(self, goal: Goal) -> Set:
        """The packets whose tested field has the goal's value."""
        function, number, _ = goal.way
        node = self._ways.nodes[function][number]
        if isinstance(node, Test) and goal.value is not None:
            return self._space.equal(node.field.name, goal.value)
        if isinstance(node, FieldTest) and goal.value is not None:
            pair = (node.left, node.right) if goal.value < 0 else (node.right, node.left)
            return self._space.next_to(*pair)
        return self._space.all


class _Trial:
    """Reference machines on which candidates are tried, with an eye on the ways that packets take."""

    def __init__(self, pipeline: Pipeline, ways: Ways, goals: Iterable[Goal]) -> None:
        self._pipeline = pipeline
        self._numbers = {iface.name: iface.number for iface in pipeline.ifaces}
        self._tracer = Tracer(ways)
        self._wanted = {(goal.way, goal.value) for goal in goals}
        self._now: list[Taken] = []  # taken by the last packet
        self._walked: dict[tuple[str, Facts], tuple[Decision, list[Taken]]] = {}  # for the probe under way
        self._reached: set[Taken] = set()
        self._reached_ways: set[Way] = set()
        self._machine = Machine(pipeline, self._watch)

    def _watch(self, function: str, facts: Facts) -> Decision:
        walked = self._walked.get((function, facts))
        if walked is None:
            walked = self._walked[function, facts] = self._tracer.walk(function, facts)
        self._now += walked[1]
        return walked[0]

    def has_reached(self, goal: Goal) -> bool:
        """Whether a kept probe reaches `goal`."""
        return goal.way in self._reached_ways and (goal.value is None or (goal.way, goal.value) in self._reached)

    def reaches(self, steps: tuple[ProbeStep, ...], goal: Goal) -> bool:
        """Whether the last of `steps` reaches `goal` on a fresh machine."""
        self._send(Machine(self._pipeline, self._watch), steps)
        return self._meets(goal)

    def keep(self, steps: tuple[ProbeStep, ...], goal: Goal) -> bool:
        """Send `steps` after those kept before; whether they need a fresh machine for `goal`."""
        self._send(self._machine, steps)
        fresh = not self._meets(goal)
        if fresh:
            self._machine = Machine(self._pipeline, self._watch)
            self._send(self._machine, steps)
        self._reached.update(self._wanted.intersection(self._now))
        self._reached_ways.update(way for way, _ in self._now)
        self._walked.clear()
        return fresh

    def _send(self, machine: Machine, steps: tuple[ProbeStep, ...]) -> None:
        for step in steps:
            self._now = []
            machine.receive(self._numbers[step.iface], step.packet)

    def _meets(self, goal: Goal) -> bool:
        if goal.value is None:
            return any(way == goal.way for way, _ in self._now)
        return (goal.way, goal.value) in self._now


def _unreachable(pipeline: Pipeline, goal: Goal, reason: str) -> Unreachable:
    return Unreachable(goal.way[0], goal.about, reason, pipeline.statements.get(goal.statement))
