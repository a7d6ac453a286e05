"""What each function of a policy does with which packets, as sets over the packet that it sees.

Verdicts are found from the leaves up, once for each function; which statement decides about some packets, from the root
down for those packets alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from naclc.decision.backward import Backward
from naclc.decision.graph import Call, FieldTest, Graphs, Guard, Leaf, Node, Test
from naclc.decision.symbolic import Symbols
from naclc.decision.walk import successors, topological
from naclc.pipeline.evaluation import Rewrite, Verdict
from naclc.semantics.model import Protocol

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The packets that a function accepts, and those that come to its end. All others it drops, or rewrites."""

    accept: BDDFunction
    end: BDDFunction


class Regions:
    """Of all functions of `graphs`, each found when it is asked for. Raises MemoryError like `symbols`."""

    def __init__(self, graphs: Graphs, symbols: Symbols) -> None:
        self._graphs = graphs
        self._symbols = symbols
        self._verdicts: dict[str, Verdicts] = {}
        self._rewrites: dict[str, list[tuple[Rewrite, BDDFunction]]] = {}

    def verdicts(self, name: str) -> Verdicts:
        """Of function `name`, for packets of its protocol."""
        if name not in self._verdicts:
            for known in self._graphs.graphs:  # callees first
                if known not in self._verdicts:
                    self._verdicts[known] = self._from_leaves(known)
                if known == name:
                    break
        return self._verdicts[name]

    def runs(self, name: str) -> BDDFunction:
        """The packets that are of the protocol of function `name`: to all others it does nothing."""
        protocol = self._graphs.graphs[name].protocol
        return self._symbols.all if protocol is Protocol.IP else self._symbols.guard(protocol)

    def rewrites(self, name: str) -> list[tuple[Rewrite, BDDFunction]]:
        """What the Nat `name` asks for, each with the packets it asks it for."""
        if name not in self._rewrites:
            found: dict[Rewrite, BDDFunction] = {}
            for leaf, packets in self.deciders(name, self.runs(name)):
                if leaf.rewrite is not None:
                    found[leaf.rewrite] = found.get(leaf.rewrite, self._symbols.none) | packets
            self._rewrites[name] = list(found.items())
        return self._rewrites[name]

    def deciders(self, name: str, packets: BDDFunction) -> list[tuple[Leaf, BDDFunction]]:
        """Who decides about `packets`, which are of the function's protocol: the verdict or rewrite with its share.

        Packets that come to the end are nobody's.
        """
        found: list[tuple[Leaf, BDDFunction]] = []
        waiting = [(name, packets)]
        while waiting:
            function, some = waiting.pop()
            arriving: dict[int, BDDFunction] = {id(self._graphs.graphs[function].root): some}
            for node in topological(self._graphs.graphs[function].root):
                here = arriving.pop(id(node), self._symbols.none)
                if not here.satisfiable():
                    continue
                if isinstance(node, Leaf):
                    found += [] if node.is_end else [(node, here)]
                elif isinstance(node, Call):
                    waiting.append((node.function, here))
                    here = here & self.verdicts(node.function).end
                for target, way in self._ways(node):
                    arriving[id(target)] = arriving.get(id(target), self._symbols.none) | (here & way)
        return found

    def _ways(self, node: Node) -> list[tuple[Node, BDDFunction]]:
        if isinstance(node, Test | FieldTest | Guard):
            return self._symbols.ways_out(node)
        return [(successor, self._symbols.all) for successor in successors(node)]

    def _from_leaves(self, name: str) -> Verdicts:
        backward = Backward(self._graphs.graphs[name].root, self._symbols, lambda callee: self._verdicts[callee].end)
        accept = backward.packets(
            lambda leaf: leaf.verdict is Verdict.ACCEPT, lambda callee: self._verdicts[callee].accept
        )
        return Verdicts(accept, backward.packets(lambda leaf: leaf.is_end))
