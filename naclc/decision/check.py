"""The invariants of a decision graph (naclc.decision.graph), asserted by name. Runs after every pass in tests."""

from __future__ import annotations

from collections.abc import Hashable

from naclc.decision.graph import Call, Effect, FieldTest, Graph, Guard, Leaf, Node, Test
from naclc.decision.walk import successors, topological
from naclc.net.fields import Field
from naclc.pipeline.evaluation import NO_STATEMENT, Verdict
from naclc.semantics.model import Protocol


def check(graph: Graph) -> None:
    """Raises AssertionError that begins with the invariant's name."""
    nodes = topological(graph.root)
    for node in nodes:
        _check_cover(node)
    _check_forward(nodes)
    _check_guarded(graph, nodes)
    _check_shared(nodes)


def _check_cover(node: Node) -> None:
    if not isinstance(node, Test):
        return
    assert len(node.edges) >= 2, f"cover: {node.field} has one edge only"
    at, before = 0, None
    for edge in node.edges:
        assert edge.first == at, f"cover: {node.field} goes on at {edge.first}, not at {at}"
        assert edge.last >= edge.first, f"cover: {node.field} has the empty edge {edge.first}..{edge.last}"
        assert edge.target is not before, f"cover: {node.field} has two neighbours with one target at {edge.first}"
        at, before = edge.last + 1, edge.target
    assert at == 1 << node.field.width, f"cover: {node.field} ends at {at - 1}"


def _check_forward(nodes: list[Node]) -> None:
    """`highest` is the highest id of an effect, call or leaf on any path to a node."""
    highest = dict.fromkeys(map(id, nodes), NO_STATEMENT)
    for node in nodes:
        here = highest[id(node)]
        if isinstance(node, Leaf):
            assert node.rewrite is None or node.verdict is Verdict.END, f"forward: {node.verdict.name} rewrites"
            assert node.is_end == (node.statement == NO_STATEMENT), (
                f"forward: {node.verdict.name} has id {node.statement}"
            )
        if isinstance(node, Effect | Call) or (isinstance(node, Leaf) and not node.is_end):
            assert node.statement > here, f"forward: {node.statement} comes after {here}"
            here = node.statement
        for successor in successors(node):
            highest[id(successor)] = max(highest[id(successor)], here)


def _check_guarded(graph: Graph, nodes: list[Node]) -> None:
    """`known` is the protocols whose guard stands on every path to a node."""
    known: dict[int, frozenset[str]] = {id(graph.root): frozenset({graph.protocol.value.lower()})}
    for node in nodes:
        here = known[id(node)]
        for field in _fields_read(node):
            outside = field.protocol in ("tcp", "udp", "icmp") and field.protocol not in here
            assert not outside, f"guarded: {field} is read outside the guard of its protocol"
        for successor in successors(node):
            there = here
            if isinstance(node, Guard) and successor is node.inside:
                assert node.protocol is not Protocol.IP, "guarded: IP needs no guard"
                there = here | {node.protocol.value.lower()}
            known[id(successor)] = known.get(id(successor), there) & there


def _fields_read(node: Node) -> list[Field]:
    match node:
        case Test():
            return [node.field]
        case FieldTest():
            return [node.left, node.right]
        case Effect():
            return [part for part in node.parts if isinstance(part, Field)]
        case _:
            return []


def _check_shared(nodes: list[Node]) -> None:
    seen: set[Hashable] = set()
    for node in nodes:
        ways_out = tuple(map(id, successors(node)))
        key: Hashable
        match node:
            case Test():
                key = ("test", node.field, tuple((edge.first, edge.last) for edge in node.edges), node.statement)
            case FieldTest():
                key = ("fields", node.left, node.right, node.statement)
                assert len(set(ways_out)) > 1, "shared: a test of two fields decides nothing"
            case Guard():
                key = ("guard", node.protocol, node.statement)
                assert len(set(ways_out)) > 1, "shared: a guard decides nothing"
            case Effect():
                key = ("effect", node.parts, node.severity, node.statement)
            case Call():
                key = ("call", node.function, node.statement)
            case Leaf():
                key = ("leaf", node.verdict, node.rewrite, node.statement)
        assert (key, ways_out) not in seen, f"shared: there are two equal nodes {key}"
        seen.add((key, ways_out))
