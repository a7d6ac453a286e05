"""Where the nodes of one graph are made: equal nodes become one node, and tests that decide nothing are left out.

Before   two edges of a test that lie side by side lead to the same node
After    they are one edge; a test with one edge is its target
"""

from __future__ import annotations

from collections.abc import Hashable

from naclc.decision.graph import Call, Edge, Effect, FieldTest, Guard, Leaf, Node, Test
from naclc.decision.intervals import Intervals
from naclc.net.fields import Field
from naclc.pipeline.evaluation import Rewrite, Verdict
from naclc.semantics.model import Protocol


class Store:
    """Nodes of one graph. Children are compared by identity: they come from the same store."""

    def __init__(self) -> None:
        self._nodes: dict[Hashable, Node] = {}

    def member(self, field: Field, inside: Intervals, yes: Node, no: Node, statement: int) -> Node:
        """`yes` for the values of `field` in `inside`, else `no`."""
        if yes is no:
            return yes
        edges: list[tuple[int, int, Node]] = []
        at = 0
        for first, last in inside:
            if first > at:
                edges.append((at, first - 1, no))
            edges.append((first, last, yes))
            at = last + 1
        if at < 1 << field.width:
            edges.append((at, (1 << field.width) - 1, no))
        if len(edges) == 1:
            return edges[0][2]
        key = ("test", field.name, tuple((first, last, id(target)) for first, last, target in edges), statement)
        return self._one(key, Test(field, tuple(Edge(*edge) for edge in edges), statement))

    def field_test(self, left: Field, right: Field, less: Node, equal: Node, greater: Node, statement: int) -> Node:
        if left == right or less is equal is greater:
            return equal
        key = ("fields", left.name, right.name, id(less), id(equal), id(greater), statement)
        return self._one(key, FieldTest(left, right, less, equal, greater, statement))

    def guard(self, protocol: Protocol, inside: Node, outside: Node, statement: int) -> Node:
        if inside is outside:
            return inside
        key = ("guard", protocol, id(inside), id(outside), statement)
        return self._one(key, Guard(protocol, inside, outside, statement))

    def effect(
        self, parts: tuple[str | Field, ...], following: Node, statement: int, severity: int | None = None
    ) -> Node:
        key = ("effect", parts, id(following), statement, severity)
        return self._one(key, Effect(parts, following, statement, severity))

    def call(self, function: str, following: Node, statement: int) -> Node:
        return self._one(("call", function, id(following), statement), Call(function, following, statement))

    def leaf(self, verdict: Verdict, statement: int, rewrite: Rewrite | None = None) -> Node:
        return self._one(("leaf", verdict, statement, rewrite), Leaf(verdict, statement, rewrite))

    def _one(self, key: Hashable, node: Node) -> Node:
        return self._nodes.setdefault(key, node)
