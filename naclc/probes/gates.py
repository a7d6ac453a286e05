"""Which packets get to a node of a large decision graph: rather too many, and fewer with each that does not.

What nobody has decided before the last of thousands of rules may be a very large set, so it is not made. Of the tests
that all ways to a node pass through, its *gate* has those that leave few packets. A packet that is in there and does
not get to the node has missed one of the others: what that one lets through is a small set, which makes the gate
narrower.

Before   if (A) { drop }  if (B and C) { accept }  if (D) { drop }
Gate     of the last drop: D.  A packet that C accepted is of B and C: the next is looked for in D and not (B and C)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from naclc.decision.dominance import DominatorTree
from naclc.decision.graph import Call, Edge, FieldTest, Guard, Leaf, Node, Test
from naclc.decision.walk import successors
from naclc.pipeline.evaluation import Verdict
from naclc.probes.edges import ENTRY, REWRITE, Way, Ways
from naclc.probes.reach import Reach, enter, part
from naclc.probes.sets import Set, Space

_REGION = 120  # nodes between two that are looked at together
_SITES = 8  # calls of one function whose gates are united


Place = tuple[str, int]  # a function, the number of a node in its graph


class _Graph:
    """The nodes of one function by number, what leads to each, and what dominates it."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.number = {id(node): number for number, node in enumerate(nodes)}
        self.before: list[list[tuple[int, int]]] = [[] for _ in nodes]  # node and way that lead here
        self.tree = DominatorTree()
        common: dict[int, int] = {}
        for number, node in enumerate(nodes):
            if number:
                self.tree.add(number, common[number])
            for way, successor in enumerate(successors(node)):
                target = self.number[id(successor)]
                self.before[target].append((number, way))
                common[target] = self.tree.common(common[target], number) if target in common else number

    def region(self, above: int, below: int) -> list[int] | None:
        """All nodes on ways from `above`, which dominates it, to `below`, in order; None for too many."""
        found, pending = {above, below}, [below]
        while pending:
            for number, _ in self.before[pending.pop()]:
                if number not in found:
                    found.add(number)
                    pending.append(number)
            if len(found) > _REGION:
                return None
        return sorted(found)


class Gates:
    """The gates of an attached function and of all that it calls."""

    def __init__(self, ways: Ways, space: Space, function: str, small: Callable[[str], bool]) -> None:
        """`small`: whether what a function lets through may be computed."""
        self._ways = ways
        self._space = space
        self._small = small
        self.function = function
        self._graphs: dict[str, _Graph] = {}
        self._gates: dict[str, list[Set]] = {}
        self._sites: dict[str, list[tuple[str, int]]] = {function: []}
        self._between: dict[tuple[str, int, int], Set] = {}
        self._ended: dict[str, Set] = {}
        for name in reversed(ways.nodes):  # callers before callees
            if name in self._sites:
                self._enter(name)

    def _enter(self, name: str) -> None:
        graph = self._graphs[name] = _Graph(self._ways.nodes[name])
        start, sites = self._space.all, self._sites[name]
        if 0 < len(sites) <= _SITES:
            start = self._space.none
            for caller, number in sites:
                start = start | self._gates[caller][number]
        gates = self._gates[name] = [start]
        for number in range(1, len(graph.nodes)):
            parent = graph.tree.parent(number)
            narrow = self._is_narrow(graph, parent, number)
            gates.append(gates[parent] & self._passing(name, parent, number) if narrow else gates[parent])
        for number, node in enumerate(graph.nodes):
            if isinstance(node, Call):
                self._sites.setdefault(node.function, []).append((name, number))

    def _is_narrow(self, graph: _Graph, parent: int, number: int) -> bool:
        """Whether few packets that come to `parent` come to `number`, as far as one test tells."""
        share = 0.0
        for before, way in graph.before[number]:
            if before == parent:
                share += _share(graph.nodes[parent], way)
        return share <= 0.5

    def _passing(self, name: str, above: int, below: int) -> Set:
        """The packets that get from a node to one that it dominates, or more where that takes too long to tell."""
        key = (name, above, below)
        if key not in self._between:
            region = self._graphs[name].region(above, below)
            self._between[key] = self._space.all if region is None else self._through(name, region)
        return self._between[key]

    def _through(self, name: str, region: list[int]) -> Set:
        graph, space = self._graphs[name], self._space
        entering = dict.fromkeys(region, space.none) | {region[0]: space.all}
        for number in region[:-1]:
            node = graph.nodes[number]
            here = entering[number]
            if isinstance(node, Call):
                here = here & self._let_through(node.function)
            for way, successor in enumerate(successors(node)):
                target = graph.number[id(successor)]
                if target in entering:
                    entering[target] = entering[target] | (here & part(node, way, space))
        return entering[region[-1]]

    def _let_through(self, function: str) -> Set:
        if function not in self._ended:
            space = self._space
            known = enter(self._ways, space, function, space.all, Reach()).ended if self._small(function) else space.all
            self._ended[function] = known
        return self._ended[function]

    def at(self, way: Way) -> Set | None:
        """The gate of a test and what of it takes `way`; None where the functions have no such way."""
        name, number, out = way
        if number == ENTRY:
            return self._gates[name][0] if name in self._gates else None
        if number == REWRITE:
            return next((gate for leaf, gate in self.rewriting() if leaf.statement == out), None)
        if number < 0 or name not in self._gates:
            return None
        return self._gates[name][number] & part(self._ways.nodes[name][number], out, self._space)

    def rewriting(self) -> Iterator[tuple[Leaf, Set]]:
        """All that rewrites packets, with its gate."""
        for name, graph in self._graphs.items():
            for number, node in enumerate(graph.nodes):
                if isinstance(node, Leaf) and node.rewrite is not None:
                    yield node, self._gates[name][number]

    def accepting(self) -> list[Set]:
        """The gates of all accepts."""
        return [
            self._gates[name][number]
            for name, graph in self._graphs.items()
            for number, node in enumerate(graph.nodes)
            if isinstance(node, Leaf) and node.verdict is Verdict.ACCEPT
        ]

    def missed(self, way: Way, visits: Callable[[str, int], bool]) -> tuple[Set, Place | None]:
        """What the packets that take `way` have to be in. `visits` tells which nodes one visits that does not take it.

        Of the nodes that all must pass through, the first that it misses says how it is not; which that is. None: it
        misses none, or that cannot be told.
        """
        return self._missed(way[0], self._place(way), visits)

    def _missed(self, name: str, number: int, visits: Callable[[str, int], bool]) -> tuple[Set, Place | None]:
        if not visits(name, 0):
            sites = self._sites[name]
            if len(sites) == 1:
                return self._missed(*sites[0], visits)
            passing = self._space.none if len(sites) <= _SITES else self._space.all
            for site in sites[:_SITES]:
                passing = passing | self._missed(*site, visits)[0]
            return passing, (name, 0)
        tree = self._graphs[name].tree
        met, missed = 0, tree.depth(number) + 1
        while missed - met > 1:
            depth = (met + missed) // 2
            if visits(name, tree.above(number, depth)):
                met = depth
            else:
                missed = depth
        if missed > tree.depth(number):
            return self._space.all, None
        below = tree.above(number, missed)
        return self._passing(name, tree.above(number, met), below), (name, below)

    def applies(self, place: Place, way: Way) -> bool:
        """Whether all that take `way` pass through the node `place`."""
        tree = self._graphs[place[0]].tree
        return place[0] == way[0] and tree.common(place[1], self._place(way)) == place[1]

    def _place(self, way: Way) -> int:
        return self._leaf(way) if way[1] == REWRITE else max(way[1], 0)

    def _leaf(self, way: Way) -> int:
        nodes = self._ways.nodes[way[0]]
        return next(n for n, node in enumerate(nodes) if isinstance(node, Leaf) and node.statement == way[2])


def _share(node: Node, way: int) -> float:
    """How many of the packets that come to `node` take `way`, by the values that do."""
    if isinstance(node, Test):
        edge: Edge = node.edges[way]
        return (edge.last - edge.first + 1) / (1 << node.field.width)
    if isinstance(node, FieldTest):
        return 0.0 if way == 1 else 1.0
    return float(way) if isinstance(node, Guard) else 1.0
