"""Immediate dominators of a graph without cycles whose edges lead to higher numbers.

A node is dominated by another if every way from node 0 to it passes through the other. Each node keeps, beside its
dominator, one that lies exponentially further up, so that a common dominator is found in logarithmic time (Myers,
"An applicative random-access stack", 1983).
"""

from __future__ import annotations

from collections.abc import Mapping

from naclc.codegen.branches import Block, Branch
from naclc.codegen.unit import ReturnStep


def dominators(blocks: Mapping[int, Block]) -> dict[int, int]:
    """The immediate dominator of every block that can be reached from block 0, without block 0 itself."""
    tree = _Tree()
    common: dict[int, int] = {}
    for number in sorted(blocks):
        if number != 0:
            if number not in common:
                continue  # nothing leads to it
            tree.add(number, common[number])
        for target in targets(blocks[number]):
            common[target] = tree.common(common[target], number) if target in common else number
    return common


def targets(block: Block) -> tuple[int, ...]:
    if isinstance(block, Branch):
        return block.then, block.otherwise
    if isinstance(block, ReturnStep):
        return ()
    return (block.next,)


class _Tree:
    def __init__(self) -> None:
        self._depth = {0: 0}
        self._parent = {0: 0}
        self._far = {0: 0}

    def add(self, node: int, parent: int) -> None:
        far = self._far[parent]
        same_stride = self._depth[parent] - self._depth[far] == self._depth[far] - self._depth[self._far[far]]
        self._depth[node] = self._depth[parent] + 1
        self._parent[node] = parent
        self._far[node] = self._far[far] if same_stride else parent

    def common(self, left: int, right: int) -> int:
        """The lowest node that is above (or equal to) both."""
        depth, parent, far = self._depth, self._parent, self._far
        if depth[left] < depth[right]:
            left, right = right, left
        while depth[left] > depth[right]:
            left = far[left] if depth[far[left]] >= depth[right] else parent[left]
        while left != right:
            if far[left] != far[right]:
                left, right = far[left], far[right]
            else:
                left, right = parent[left], parent[right]
        return left
