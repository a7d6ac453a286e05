"""The ways out of the tests of decision graphs, what rewrites packets, and what of it packets are to be found for.

A *way* is one edge of a test; or one dnat, snat or added step of a chain (docs/language.md 8.5) that rewrites a packet.
A function that tests nothing has one way, its entry. A *goal* is a way together with the value that is to take it:
both sides of every boundary, so each end of an edge that another edge lies beside; or any value, where a way has no
boundary of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from naclc.decision.evaluate import shown
from naclc.decision.graph import FieldTest, Graphs, Guard, Leaf, Node, Test
from naclc.decision.walk import topological
from naclc.interpret.events import Rewritten
from naclc.net.fields import FieldType, State
from naclc.pipeline.evaluation import NO_STATEMENT
from naclc.pipeline.pipeline import Pipeline, Translation
from naclc.semantics.model import Hook, Protocol

# A function, the number of the node in its graph, the number of the way out. In the place of the node: ENTRY, with 0;
# REWRITE, with a statement id. STEP, with the name of an Iface before and a place among _STEPS behind it.
Way = tuple[str, int, int]
ENTRY, REWRITE, STEP = -1, -2, -3
_STEPS = [(hook, step) for hook in Hook for step in Translation]


@dataclass(frozen=True, slots=True)
class Goal:
    """`value` is that of the tested field; for two fields the difference left - right; None for any. `statement` is
    NO_STATEMENT where it is about no statement."""

    way: Way
    value: int | None
    about: str
    statement: int


class Ways:
    """All tests of all graphs, numbered."""

    def __init__(self, graphs: Graphs) -> None:
        self.nodes: dict[str, list[Node]] = {name: topological(g.root) for name, g in graphs.graphs.items()}
        self.protocols: dict[str, Protocol] = {name: graph.protocol for name, graph in graphs.graphs.items()}
        self._untested = {name for name, nodes in self.nodes.items() if not any(map(_ways, nodes))}
        self._rewriting = {
            node.statement: (name, node.rewrite)
            for name, nodes in self.nodes.items()
            for node in nodes
            if isinstance(node, Leaf) and node.rewrite is not None
        }

    def entry(self, function: str) -> Way | None:
        """The way into a function that tests nothing; None for any other."""
        return (function, ENTRY, 0) if function in self._untested else None

    def rewrite(self, statement: int) -> Way:
        """What the Dnat or Snat `statement` does."""
        return self._rewriting[statement][0], REWRITE, statement

    def changes_port(self, way: Way) -> bool:
        """Whether the rewrite `way` is of the port form, which leaves ICMP alone."""
        return self._rewriting[way[2]][1].port is not None

    def all(self) -> list[Way]:
        """Every way through the functions, functions in order and tests from the root on."""
        ways = [
            (name, number, way)
            for name, nodes in self.nodes.items()
            for number, node in enumerate(nodes)
            for way in range(_ways(node))
        ]
        return ways + [(name, ENTRY, 0) for name in self.nodes if name in self._untested]

    def goals(self, pipeline: Pipeline) -> Iterator[Goal]:
        """All goals: those of tests in the order of `all`, then what rewrites packets."""
        ifaces = {iface.number: iface.name for iface in pipeline.ifaces}
        states = [State.NEW, State.ESTABLISHED, *([State.UNTRACKED] if pipeline.untracked == "filter" else [])]
        for name, nodes in self.nodes.items():
            if name in self._untested:
                yield Goal((name, ENTRY, 0), None, "a packet gets there", nodes[0].statement)
            for number, node in enumerate(nodes):
                if isinstance(node, Test):
                    yield from _test_goals(name, number, node, ifaces, states)
                elif isinstance(node, FieldTest):
                    yield from _pair_goals(name, number, node)
                elif isinstance(node, Guard):
                    for way, word in enumerate(("is", "is not")):
                        about = f"the packet {word} {node.protocol} with its header"
                        yield Goal((name, number, way), None, about, node.statement)
                elif isinstance(node, Leaf) and node.rewrite is not None:
                    about = f"the {node.rewrite.kind} rewrites a packet"
                    yield Goal(self.rewrite(node.statement), None, about, node.statement)
        for iface in pipeline.ifaces:
            for hook, steps in iface.translations.items():
                for step in steps:
                    about = f"{step} in {hook} rewrites a packet"
                    yield Goal(step_way(iface.name, hook, step), None, about, NO_STATEMENT)

    def rewritten(self, seen: Rewritten, ifaces: Mapping[int, str]) -> Way:
        """The way of what a reference machine tells; `ifaces`: the names of the Ifaces by number."""
        if isinstance(seen.by, Translation):
            return step_way(ifaces[seen.iface], seen.hook, seen.by)
        return self.rewrite(seen.by)


def undone_by(way: Way) -> frozenset[str]:
    """The fields whose rewriting the step of a chain `way` takes back; empty for others."""
    if way[1] != STEP or _STEPS[way[2]][1] is Translation.MASQUERADE:
        return frozenset()
    ends = ("ip.daddr", "dport") if _STEPS[way[2]][1] is Translation.UN_DNAT else ("ip.saddr", "sport")
    return frozenset((ends[0], f"tcp.{ends[1]}", f"udp.{ends[1]}"))


def step_way(iface: str, hook: Hook, step: Translation) -> Way:
    return iface, STEP, _STEPS.index((hook, step))


def _ways(node: Node) -> int:
    if isinstance(node, Test):
        return len(node.edges)
    return 3 if isinstance(node, FieldTest) else 2 if isinstance(node, Guard) else 0


def _test_goals(name: str, number: int, node: Test, ifaces: Mapping[int, str], states: list[State]) -> Iterator[Goal]:
    for way in range(len(node.edges)):
        for value in _deciding(node, way, ifaces, states):
            known = node.field.type is not FieldType.IFACE or value in ifaces
            what = shown(node.field, value, dict(ifaces)) if known else "no Iface of this policy"
            yield Goal((name, number, way), value, f"{node.field} is {what}", node.statement)


def _deciding(node: Test, way: int, ifaces: Mapping[int, str], states: list[State]) -> list[int]:
    """The ends of an edge that another edge lies beside. States and Ifaces are names, not numbers: each that can be,
    or the first when none of an edge can."""
    edge = node.edges[way]
    if node.field.type is FieldType.STATE:
        named = [state for state in State if edge.first <= state <= edge.last]
        return [int(state) for state in named if state in states] or [int(state) for state in named[:1]]
    if node.field.type is FieldType.IFACE:
        return [number for number in ifaces if edge.first <= number <= edge.last] or [edge.first]
    ends = ((edge.first, way > 0), (edge.last, way < len(node.edges) - 1))
    return list(dict.fromkeys(value for value, is_boundary in ends if is_boundary))


def _pair_goals(name: str, number: int, node: FieldTest) -> Iterator[Goal]:
    left, right = node.left, node.right
    for way, (sign, value) in enumerate((("<", -1), ("==", 0), (">", 1))):
        if value:
            yield Goal((name, number, way), value, f"{left} - {right} is {value}", node.statement)
        yield Goal((name, number, way), None, f"{left} {sign} {right}", node.statement)
