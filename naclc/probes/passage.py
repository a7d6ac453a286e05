"""What happens to packets in an attached function: exactly in a small one, by gates in a large one."""

from __future__ import annotations

from typing import Protocol

from naclc.decision.graph import Call
from naclc.probes.edges import Way, Ways
from naclc.probes.gates import Gates
from naclc.probes.reach import Reach, Through, enter
from naclc.probes.sets import Set, Space

_LARGE = 250  # nodes of a function and all that it calls: beyond it, gates are made


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
    """All functions of a policy. Whatever enters a large one counts as accepted by it, and as come to its end."""

    def __init__(self, ways: Ways, space: Space) -> None:
        self._ways = ways
        self._space = space
        self._gates: dict[str, Gates] = {}
        self._sizes: dict[str, int] = {}
        for name, nodes in ways.nodes.items():  # callees before callers
            callees = {node.function for node in nodes if isinstance(node, Call)}
            self._sizes[name] = len(nodes) + sum(self._sizes[callee] for callee in callees)

    def is_small(self, function: str) -> bool:
        return self._sizes[function] <= _LARGE

    def of(self, function: str, packets: Set) -> tuple[Taking, Through]:
        """What of `packets` takes each way when they enter `function`, and what becomes of them.

        Raises:
            OverBudget: too many calls with different packets.
        """
        if self.is_small(function):
            reach = Reach()
            through = enter(self._ways, self._space, function, packets, reach)
            return reach.taking, through
        if function not in self._gates:
            self._gates[function] = Gates(self._ways, self._space, function, self.is_small)
        gates = self._gates[function]
        rewriting = [(leaf, packets & gate) for leaf, gate in gates.rewriting()]
        return Gated(gates, packets), Through(packets, packets, rewriting)
