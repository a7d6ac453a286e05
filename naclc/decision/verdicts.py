"""Every packet that can occur where a Filter is attached must reach a verdict (docs/language.md 6.4): exactly.

From the leaves to the root, each node gets the set of packets that would fall off the end if they began there. Where
that is none at the root no verdict is missing; else one of the packets, replayed, is the example that is shown. Nodes
from which no way leads to an end, whatever is tested, are none without any set being made: a function that ends in
`drop` costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from naclc.decision.backward import Backward
from naclc.decision.evaluate import path_length
from naclc.decision.facts import FACT_FIELDS, Place, packets_at
from naclc.decision.graph import Call, FieldTest, Graphs, Guard, Leaf, Node, Test
from naclc.decision.path import describe_packet, path_labels
from naclc.decision.symbolic import Symbols, reads
from naclc.decision.usual import usual
from naclc.decision.walk import successors, topological
from naclc.decision.witness import NoSuchPacket, facts_from_assignment
from naclc.diagnostics import Diagnostic, error, warning
from naclc.pipeline.evaluation import Evaluator, Facts, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook, Kind

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

_FIRST_TRY = 1 << 16  # BDD nodes: there at once, and enough for usual policies
_GROWTH = 16
_DECIDING = Test | FieldTest | Guard
_LONGEST_REPLAY = 100_000  # nodes on the path of an example; calls that double and log can make it 2**30


def missing_verdicts(
    graphs: Graphs, pipeline: Pipeline, evaluate: Evaluator, *, max_nodes: int = 4_000_000
) -> list[Diagnostic]:
    """`missing-verdict` for each attached Filter that lets a packet fall off its end, in the order of the pipeline.

    Args:
        evaluate: replays an example before it is shown; not made from `graphs`.
        max_nodes: BDD nodes that the analysis of one Filter may take. Beyond them a Filter is judged by its form
            alone, as if every test could go either way, and `analysis-limit` says so.
    """
    may_end = _may_end(graphs)
    findings: list[Diagnostic] = []
    for name, places in pipeline.attached().items():
        if pipeline.functions[name].kind is Kind.FILTER and id(graphs.graphs[name].root) in may_end:
            judge = _Judge(graphs, pipeline, evaluate, name, sorted(places, key=_source_order), may_end)
            findings += judge.findings(max_nodes)
    return findings


def _source_order(place: Place) -> tuple[int, int]:
    hook, iface = place
    return (-1 if iface is None else iface), list(Hook).index(hook)


def _may_end(graphs: Graphs) -> frozenset[int]:
    """The nodes, by `id`, from which some way leads to the end of their function, if every test can go either way."""
    ending: set[int] = set()
    for graph in graphs.graphs.values():
        for node in reversed(topological(graph.root)):
            match node:
                case Leaf():
                    ends = node.is_end
                case Call(function, following):
                    callee = graphs.graphs[function]
                    ends = id(callee.root) in ending and id(following) in ending
                case _:
                    ends = any(id(successor) in ending for successor in successors(node))
            if ends:
                ending.add(id(node))
    return frozenset(ending)


@dataclass(frozen=True, slots=True)
class _Judge:
    """The analysis of one attached Filter."""

    graphs: Graphs
    pipeline: Pipeline
    evaluate: Evaluator
    name: str
    places: list[Place]
    may_end: frozenset[int]

    def findings(self, max_nodes: int) -> list[Diagnostic]:
        called = list(self._called())
        fields, pairs = reads(self.graphs.graphs[name] for name in called)

        def symbols(nodes: int, *, free_pairs: bool = False) -> Symbols:
            return Symbols(fields | FACT_FIELDS, pairs, nodes, free_pairs=free_pairs)

        nodes = min(_FIRST_TRY, max_nodes)
        while True:
            try:
                return self._exact(called, symbols(nodes))
            except MemoryError:
                if nodes == max_nodes:
                    break
                nodes = min(nodes * _GROWTH, max_nodes)
        try:
            if pairs and not any(self._falling(called, symbols(max_nodes, free_pairs=True))):
                return []
        except MemoryError:
            pass
        return [self._limit(), self._missing(None)]

    def _called(self) -> Iterator[str]:
        """The Filter and all it may call on a way to an end, callees first."""
        wanted = {self.name}
        for name in reversed(self.graphs.graphs):
            if name in wanted:
                calls = (node for node in topological(self.graphs.graphs[name].root) if isinstance(node, Call))
                wanted |= {node.function for node in calls if id(node) in self.may_end}
        return (name for name in self.graphs.graphs if name in wanted)

    def _exact(self, called: list[str], symbols: Symbols) -> list[Diagnostic]:
        fallen = next(self._falling(called, symbols), None)
        if fallen is None:
            return []
        return [self._missing(self._example(fallen, symbols))]

    def _falling(self, called: list[str], symbols: Symbols) -> Iterator[BDDFunction]:
        """For each place where packets can fall off the end: those packets."""
        ends: dict[str, BDDFunction] = {}
        for name in called:
            backward = Backward(self.graphs.graphs[name].root, symbols, ends.__getitem__, self.may_end)
            ends[name] = backward.packets(lambda _: True)
        for place in self.places:
            packets = ends[self.name] & packets_at(place, self.pipeline, symbols)
            if packets.satisfiable():
                yield packets

    def _example(self, fallen: BDDFunction, symbols: Symbols) -> Facts | None:
        """One of the packets, as usual as can be, if it can be made and the replay confirms that it falls."""
        try:
            facts = facts_from_assignment(symbols.pick(usual(fallen, symbols)))
        except NoSuchPacket:
            return None
        if path_length(self.graphs, self.name, facts) > _LONGEST_REPLAY:
            return None
        return facts if self.evaluate(self.name, facts).verdict is Verdict.END else None

    def _missing(self, example: Facts | None) -> Diagnostic:
        function = self.pipeline.functions[self.name]
        help_ = "end it with `accept` or `drop`"
        message = f"`{self.name}` lets packets reach its end without a verdict"
        if example is None:
            return error("missing-verdict", message, function.span, help=help_)
        fields, _ = reads(self.graphs.graphs[name] for name in self._called())
        shown = describe_packet(example, fields, self.pipeline)
        labels = path_labels(self.name, example, self.pipeline)
        return error("missing-verdict", f"{message}, for example {shown}", function.span, *labels, help=help_)

    def _limit(self) -> Diagnostic:
        return warning(
            "analysis-limit",
            f"`{self.name}` is too large to find out exactly whether every packet reaches a verdict",
            self.pipeline.functions[self.name].span,
            help="end it with `accept` or `drop` on every branch, or raise the budget with `--analysis-nodes N`",
        )


def _ways_out(node: Node, symbols: Symbols) -> list[tuple[Node, BDDFunction]]:
    if isinstance(node, _DECIDING):
        return symbols.ways_out(node)
    return [(successor, symbols.all) for successor in successors(node)]
