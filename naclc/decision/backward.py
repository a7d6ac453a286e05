"""From the leaves of a graph to its root: which packets, if they began there, would come to certain leaves.

Only at *heads* (where ways meet, and where no test is) sets are made of all that follows; the tests from one head to
the next are taken together first, and what they say is small. In a list of rules the heads are the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container
from typing import TYPE_CHECKING

from naclc.decision.graph import Call, FieldTest, Guard, Leaf, Node, Test
from naclc.decision.symbolic import Symbols
from naclc.decision.walk import successors, topological

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

_DECIDING = Test | FieldTest | Guard


class Backward:
    """The heads of the graph at `root`, and the packets that go from each to the next ones.

    `through` gives the packets that come to the end of a called function. With `relevant` only the nodes whose `id` it
    holds are looked at: what leads elsewhere comes to no leaf that is asked for.
    """

    def __init__(
        self,
        root: Node,
        symbols: Symbols,
        through: Callable[[str], BDDFunction],
        relevant: Container[int] | None = None,
    ) -> None:
        self._root, self._symbols, self._relevant = root, symbols, relevant
        nodes = [node for node in topological(root) if self._counts(node)]
        ways_in = Counter(id(successor) for node in nodes for successor in successors(node))
        self._heads = [
            node for node in nodes if node is root or ways_in[id(node)] > 1 or not isinstance(node, _DECIDING)
        ]
        self._onward = self._ways_between(through)

    def _counts(self, node: Node) -> bool:
        return self._relevant is None or id(node) in self._relevant

    def packets(
        self, of_leaf: Callable[[Leaf], bool], of_call: Callable[[str], BDDFunction] | None = None
    ) -> BDDFunction:
        """The packets that come from the root to a leaf for which `of_leaf` holds; `of_call` gives those that do so in
        a called function."""
        everything, nothing = self._symbols.all, self._symbols.none
        waiting = Counter(target for ways in self._onward.values() for target in ways)
        known: dict[int, BDDFunction] = {}
        for head in reversed(self._heads):
            packets = everything if isinstance(head, Leaf) and of_leaf(head) else nothing
            if isinstance(head, Call) and of_call is not None:
                packets = of_call(head.function)
            ways = self._onward[id(head)]
            if len(ways) == 2 and not isinstance(head, Call) and self._relevant is None:
                (first, chosen), (second, _) = ways.items()  # all packets go one of the two ways
                packets = chosen.ite(known[first], known[second])
            else:
                for target, chosen in ways.items():
                    packets = packets | (chosen & known[target])
            for target in ways:
                waiting[target] -= 1
                if not waiting[target]:
                    del known[target]  # it may be large
            known[id(head)] = packets
        return known[id(self._root)] if self._heads else nothing

    def _ways_between(self, through: Callable[[str], BDDFunction]) -> dict[int, dict[int, BDDFunction]]:
        """For each head, by `id`, the next heads and the packets that go there."""
        known = {id(head) for head in self._heads}
        onward: dict[int, dict[int, BDDFunction]] = {}
        for head in self._heads:
            found = onward[id(head)] = {}
            waiting = [(head, through(head.function) if isinstance(head, Call) else self._symbols.all)]
            while waiting:
                node, here = waiting.pop()
                for target, chosen in self._ways_out(node):
                    some = here & chosen
                    if not self._counts(target):
                        continue
                    if id(target) in known:
                        found[id(target)] = found[id(target)] | some if id(target) in found else some
                    else:
                        waiting.append((target, some))
        return onward

    def _ways_out(self, node: Node) -> list[tuple[Node, BDDFunction]]:
        if isinstance(node, _DECIDING):
            return self._symbols.ways_out(node)
        return [(target, self._symbols.all) for target in successors(node)]
