"""What happens to packets in an attached function: exactly in a small one, by gates in a large one."""

from __future__ import annotations

from typing import Protocol

from naclc.decision.graph import Call
from naclc.probes.edges import Way, Ways
from naclc.probes.gates import Gates
from naclc.probes.reach import Reach, Through, enter
from naclc.probes.sets import Set, Space

_LARGE = 250  # nodes of a function and all that it calls: beyond it, gates are made
_CALLED = 250  # the same for what lies between gates

_UNITED = 200  # accepts


class Taking(Protocol):
    """Which packets take a way; None for none."""

    def get(self, way: Way) -> Set | None: ...


class Gated:
    """`entering` of those that the gates let through, by way."""

    def __init__(self, gates: Gates, entering: Set) -> None:
        self.gates = gates
        self._entering = entering

    def get(self, way: Way) -> Set | None:
        gate = self.gates.at(way)
        return None if gate is None else gate & self._entering


class Passages:
    """All functions of a policy.

    Whatever enters a large one counts as come to its end; as accepted what the gates of its accepts let through, or of
    some of them. `guessed`: there were more, so what comes later may be thought too little.
    """

    def __init__(self, ways: Ways, space: Space) -> None:
        self._ways = ways
        self._space = space
        self._gates: dict[str, Gates] = {}
        self._accepted: dict[str, Set] = {}
        self.guessed = False
        self._sizes: dict[str, int] = {}
        for name, nodes in ways.nodes.items():  # callees before callers
            callees = {node.function for node in nodes if isinstance(node, Call)}
            self._sizes[name] = len(nodes) + sum(self._sizes[callee] for callee in callees)

    def is_small(self, function: str) -> bool:
        """Whether what a called function lets through may be computed."""
        return self._sizes[function] <= _CALLED

    def of(self, function: str, packets: Set) -> tuple[Taking, Through]:
        """What of `packets` takes each way when they enter `function`, and what becomes of them.

        Raises:
            OverBudget: too many calls with different packets.
        """
        if self._sizes[function] <= _LARGE:
            reach = Reach()
            through = enter(self._ways, self._space, function, packets, reach)
            return reach.taking, through
        if function not in self._gates:
            self._gates[function] = Gates(self._ways, self._space, function, self.is_small)
            self._accepted[function] = self._union(self._gates[function].accepting())
        gates = self._gates[function]
        rewriting = [(leaf, packets & gate) for leaf, gate in gates.rewriting()]
        return Gated(gates, packets), Through(packets & self._accepted[function], packets, rewriting)

    def _union(self, sets: list[Set]) -> Set:
        """All of `sets` together, or of some of many."""
        if len(sets) > _UNITED:
            self.guessed = True
            sets = [sets[index * len(sets) // _UNITED] for index in range(_UNITED)]
        while len(sets) > 1:
            pairs = [left | right for left, right in zip(sets[::2], sets[1::2], strict=False)]
            sets = pairs + sets[len(pairs) * 2 :]
        return sets[0] if sets else self._space.none
