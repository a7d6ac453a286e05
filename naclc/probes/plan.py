"""Which probes to send: for every way out of every test, for both sides of every boundary, and for all that rewrites
packets, one that takes it.

    graphs ─ goals ─▶ for each: the packets that take it ─ one of them ─▶ tried on the reference machine ─▶ probe
                        └ none: masked, not reachable from the wire, or no short sequence

A probe reaches more than it was made for: a goal that an earlier one reached needs none of its own. Probes are tried
in their order on one machine, as they are sent later; one that only reaches its goal on a fresh machine says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from naclc.decision.graph import FieldTest, Graphs, Test
from naclc.decision.symbolic import reads
from naclc.net.fields import NO_IFACE
from naclc.pipeline.pipeline import Pipeline
from naclc.probes.edges import REWRITE, Goal, Ways
from naclc.probes.passage import Gated, Passages, Taking
from naclc.probes.places import Places
from naclc.probes.probe import Plan, Probe, Unreachable
from naclc.probes.search import Origin, Outcome, Search
from naclc.probes.sequence import Sequences, Steps
from naclc.probes.sets import ICMP, OverBudget, Set, Space
from naclc.probes.streams import Maker
from naclc.probes.trial import Trial
from naclc.semantics.model import Hook

_NODES = 4_000_000  # of the BDD
_MASKED = "masked: no packet that can be gets there with it"
_MASKED_BEFORE = "masked by another chain: every packet with it that comes this way is dropped before"
_NOT_FROM_WIRE = "not reachable from the wire: no packet that comes this way has it"
_NO_SEQUENCE = "no sequence of up to 4 packets was found that does it"
_TOO_LARGE = "not planned: the analysis budget is used up"


def plan_probes(graphs: Graphs, pipeline: Pipeline, limit: int = 100_000, nodes: int = _NODES) -> Plan:
    """Plan at most `limit` probes. Equal policies give equal plans. `pipeline` has the addresses that DHCP gave.

    A policy too large for `nodes` BDD nodes gets no probes; every goal is then listed as not planned.
    """
    ways = Ways(graphs)
    goals = list(ways.goals(pipeline))
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
        self._passages = Passages(ways, self._space)
        self._places = Places(pipeline, ways, self._space, self._passages)
        self._trial = Trial(pipeline, ways, goals)
        self._sequences = Sequences(pipeline, self._places, self._space, self._trial.sent)
        self._search = Search(self._space, self._sequences, self._trial)
        self._anywhere = self._everything()
        self._unfiltered: Places | None = None

    def _everything(self) -> list[Taking]:
        """What takes each way when every packet that can be enters every attached function."""
        space = self._space
        known = [iface.number for iface in self._pipeline.ifaces] + [NO_IFACE]
        packets = self._places.valid() & space.one_of("iface.in", known) & space.one_of("iface.out", known)
        return [self._passages.of(function, packets)[0] for function in self._pipeline.attached()]

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

    def _steps(self, goal: Goal, serial: int) -> tuple[Steps | None, str]:
        """The steps of a probe for `goal`, or why there are none."""
        found, outcome = self._search.steps(goal, self._origins(self._places, goal), serial)
        match outcome:
            case Outcome.NO_ORIGIN:
                return None, self._why(goal)
            case Outcome.MASKED:
                return None, _MASKED
        return found, _NO_SEQUENCE

    def _why(self, goal: Goal) -> str:
        """Why no packet comes to `goal`, by what is known of its way."""
        value = self._value(goal)
        anyone = [packets for taking in self._anywhere if (packets := taking.get(goal.way)) is not None]
        if anyone and not any((packets & value).satisfiable() for packets in anyone):
            return _MASKED
        if self._unfiltered is None:
            self._unfiltered = Places(self._pipeline, self._ways, self._space, self._passages, filters=False)
        if not any(self._origins(self._unfiltered, goal)):
            return _NOT_FROM_WIRE
        return _NO_SEQUENCE if self._passages.guessed else _MASKED_BEFORE

    def _origins(self, places: Places, goal: Goal) -> Iterator[Origin]:
        """Where some packets reach `goal`: the wire before the machine itself, the other side of the machine before the
        same."""
        value, wanted = self._value(goal), dict[int, Set]()
        for own, turning in ((False, False), (False, True), (True, False), (True, True)):
            for number, visit in enumerate(places.visits):
                for source, packets in visit.stream:
                    turns = visit.hook is Hook.POSTROUTING and source.iface is visit.iface
                    if (source.maker is not Maker.WIRE, turns) != (own, turning):
                        continue
                    if number not in wanted:
                        taking = visit.packets(goal.way)
                        wanted[number] = taking & value if taking is not None else self._space.none
                    there = packets & wanted[number]
                    if there.satisfiable():
                        gates = visit.taking.gates if isinstance(visit.taking, Gated) else None
                        yield Origin(visit.hook, source, there, gates)

    def _value(self, goal: Goal) -> Set:
        """The packets whose tested field has the goal's value."""
        function, number, _ = goal.way
        if number == REWRITE and self._ways.changes_port(goal.way):
            return ~self._space.equal("ip.protocol", ICMP)
        if number < 0:
            return self._space.all
        node = self._ways.nodes[function][number]
        if isinstance(node, Test) and goal.value is not None:
            return self._space.equal(node.field.name, goal.value)
        if isinstance(node, FieldTest) and goal.value is not None:
            pair = (node.left, node.right) if goal.value < 0 else (node.right, node.left)
            return self._space.next_to(*pair)
        return self._space.all


def _unreachable(pipeline: Pipeline, goal: Goal, reason: str) -> Unreachable:
    return Unreachable(goal.way[0], goal.about, reason, pipeline.statements.get(goal.statement))
