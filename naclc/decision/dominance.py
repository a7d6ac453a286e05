"""Which nodes all ways to a node of a graph pass through, as a tree that grows from node 0.

Each node keeps, beside its dominator, one that lies exponentially further up, so that a common dominator is found in
logarithmic time (Myers, "An applicative random-access stack", 1983).
"""

from __future__ import annotations


class DominatorTree:
    """Node 0 alone, and then each node once its dominator is there."""

    def __init__(self) -> None:
        self._depth = {0: 0}
        self._parent = {0: 0}
        self._far = {0: 0}

    def __contains__(self, node: int) -> bool:
        return node in self._depth

    def depth(self, node: int) -> int:
        """How many nodes dominate `node`, itself not counted."""
        return self._depth[node]

    def parent(self, node: int) -> int:
        """The immediate dominator; of node 0 itself."""
        return self._parent[node]

    def add(self, node: int, parent: int) -> None:
        """`parent` is the immediate dominator of `node`."""
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

    def above(self, node: int, depth: int) -> int:
        """What dominates `node` and is itself dominated by `depth` nodes: at most as many as `node` is."""
        while self._depth[node] > depth:
            node = self._far[node] if self._depth[self._far[node]] >= depth else self._parent[node]
        return node
