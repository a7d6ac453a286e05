"""Statement trees to graphs: what comes out, that the invariants hold, and that size stays linear."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from naclc.decision import graph as ir
from naclc.decision.build import build
from naclc.decision.check import check
from naclc.decision.dump import dump
from naclc.decision.evaluate import evaluator
from naclc.decision.graph import Edge, FieldTest, Graph, Guard, Leaf
from naclc.decision.store import Store
from naclc.decision.walk import topological
from naclc.interpret.walk import evaluator as interpreter
from naclc.net.fields import FIELDS
from naclc.pipeline.evaluation import NO_STATEMENT, Facts, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Accept, Block, Drop, Function, If, Kind, Log, Protocol, Statement
from tests.unit.decision.policies import (
    SPAN,
    and_,
    block,
    call,
    has,
    if_,
    in_,
    is_,
    literal,
    log,
    not_,
    or_,
    pipeline_of,
)
from tests.unit.decision.random_policies import facts, pipelines


def graph_of(pipeline: Pipeline, name: str = "f") -> Graph:
    graph = build(pipeline).graphs[name]
    check(graph)
    return graph


def size(pipeline: Pipeline) -> int:
    return len(topological(graph_of(pipeline).root))


def one_function(body: tuple[Statement, ...]) -> Pipeline:
    return Pipeline((), None, {"f": Function(Kind.FILTER, Protocol.IP, "f", body, SPAN)}, {})


@settings(max_examples=80, deadline=None)
@given(pipelines(), facts())
def test_the_graph_decides_what_the_interpreter_decides(pipeline: Pipeline, packet: Facts) -> None:
    graphs = build(pipeline)
    for graph in graphs.graphs.values():
        check(graph)
    assert evaluator(graphs, pipeline)("main", packet) == interpreter(pipeline)("main", packet)


def test_and_or_not_become_the_order_of_tests() -> None:
    condition = and_(or_(is_("ip.ttl", "<", 5), is_("ip.dscp", "==", 1)), not_(is_("ip.id", "==", 7)))
    graph = graph_of(pipeline_of({"f": ("IP", [if_(condition, ["accept"]), "drop"])}))
    tested = [node.field.name for node in topological(graph.root) if isinstance(node, ir.Test)]
    assert tested == ["ip.ttl", "ip.dscp", "ip.id"]


def test_a_set_is_one_test_with_merged_intervals() -> None:
    ports = in_("tcp.dport", 80, (20, 25), 26, (443, 443), 22)
    graph = graph_of(pipeline_of({"f": ("TCP", [if_(ports, ["accept"]), "drop"])}))
    assert isinstance(graph.root, ir.Test)
    inside = [(edge.first, edge.last) for edge in graph.root.edges if edge.target is graph.root.edges[1].target]
    assert inside == [(20, 26), (80, 80), (443, 443)]


def test_a_network_keeps_only_the_bits_of_its_prefix() -> None:
    graph = graph_of(pipeline_of({"f": ("IP", [if_(in_("ip.saddr", "10.1.2.3/8"), ["accept"]), "drop"])}))
    assert isinstance(graph.root, ir.Test)
    assert (graph.root.edges[1].first, graph.root.edges[1].last) == (0x0A000000, 0x0AFFFFFF)


def test_a_comparison_that_every_value_fulfils_is_no_test() -> None:
    root = graph_of(pipeline_of({"f": ("IP", [if_(is_("ip.ttl", ">=", 0), ["accept"]), "drop"])})).root
    assert isinstance(root, Leaf)
    assert root.verdict is Verdict.ACCEPT


def test_a_literal_condition_is_folded() -> None:
    root = graph_of(pipeline_of({"f": ("IP", [if_(literal(False), ["accept"], ["drop"])])})).root
    assert isinstance(root, Leaf)
    assert root.verdict is Verdict.DROP


def test_a_field_compared_with_itself_is_equal() -> None:
    root = graph_of(pipeline_of({"f": ("IP", [if_(is_("ip.saddr", "<=", "ip.saddr"), ["accept"], ["drop"])])})).root
    assert isinstance(root, Leaf)
    assert root.verdict is Verdict.ACCEPT


def test_a_nested_ip_block_and_a_known_protocol_need_no_guard() -> None:
    inner = [block("IP", [block("TCP", [if_(is_("tcp.dport", "==", 22), ["accept"])])]), "drop"]
    graph = graph_of(pipeline_of({"f": ("IP", [block("TCP", inner)])}))
    assert sum(isinstance(node, Guard) for node in topological(graph.root)) == 1


def test_a_call_of_another_protocol_is_guarded() -> None:
    functions = {"g": ("UDP", ["accept"]), "f": ("IP", [call("g"), "drop"])}
    root = graph_of(pipeline_of(functions)).root
    assert isinstance(root, Guard)
    assert root.protocol is Protocol.UDP


def test_independent_ifs_are_linear() -> None:
    rules = [if_(is_("ip.ttl", "==", value), [log(str(value))]) for value in range(200)]
    assert size(pipeline_of({"f": ("IP", rules)})) == 401


def test_a_long_else_if_chain_is_built() -> None:
    body: tuple[Statement, ...] = (Drop(30_000, SPAN),)
    for number in range(10_000, 0, -1):
        test = is_("ip.saddr", "==", number)
        body = (If(test, (Accept(2 * number + 1, SPAN),), body, 2 * number, SPAN),)
    assert size(one_function(body)) == 20_001


def test_a_thousand_nested_statements_are_built() -> None:
    body: tuple[Statement, ...] = (Log(("x",), 5000, SPAN),)
    for number in range(2000, 0, -1):
        condition = or_(is_("ip.ttl", "==", number % 256), is_("ip.dscp", "==", 3))
        for _ in range(2):
            condition = not_(and_(condition, is_("ip.ecn", "==", 1)))
        nested = Block(Protocol.IP, body, 2 * number + 1, SPAN)
        body = (If(condition, (nested,), (), 2 * number, SPAN),)
    assert size(one_function(body)) > 2000


def test_conditions_nest_as_deep_as_they_like() -> None:
    condition = is_("ip.ttl", "==", 1)
    for number in range(5000):
        condition = not_(and_(condition, or_(is_("ip.id", "==", number), is_("ip.dscp", "==", 3))))
    assert size(pipeline_of({"f": ("IP", [if_(condition, ["accept"], ["drop"])])})) == 10_003


def test_dump_and_dot() -> None:
    body = [
        block("TCP", [if_(and_(in_("tcp.dport", 22, (80, 90)), has("tcp.has-syn")), [log('say "x"\n', "ip.saddr")])]),
        if_(in_("ip.saddr", "10.0.0.0/8", "192.0.2.1"), ["accept"]),
        if_(is_("ip.saddr", "<", "ip.daddr"), ["drop"]),
    ]
    pipeline = pipeline_of({"f": ("IP", body)})
    assert dump(build(pipeline), pipeline) == (
        "Filter::IP f\n"
        "  0  guard TCP: inside -> 1, outside -> 4                   # line 1\n"
        "  1  tcp.dport: 22, 80..90 -> 2, else -> 4                  # line 2\n"
        "  2  tcp.has-syn: true -> 3, else -> 4                      # line 2\n"
        '  3  log "say \\"x\\"\\n", ip.saddr -> 4                       # line 3\n'
        "  4  ip.saddr: 10.0.0.0/8, 192.0.2.1 -> 5, else -> 6        # line 4\n"
        "  5  accept                                                 # line 5\n"
        "  6  ip.saddr against ip.daddr: less -> 7, equal -> 8, greater -> 8  # line 6\n"
        "  7  drop                                                   # line 7\n"
        "  8  end\n"
    )


ACCEPT, DROP = Leaf(Verdict.ACCEPT, 8), Leaf(Verdict.DROP, 9)
TTL, PORT = FIELDS["ip.ttl"], FIELDS["tcp.dport"]
WHOLE = ir.Test(TTL, (Edge(0, 9, ACCEPT), Edge(10, 255, DROP)), 1)


@pytest.mark.parametrize(
    ("root", "invariant"),
    [
        (replace(WHOLE, edges=(Edge(0, 9, ACCEPT), Edge(11, 255, DROP))), "cover"),
        (replace(WHOLE, edges=(Edge(0, 9, ACCEPT), Edge(9, 255, DROP))), "cover"),
        (replace(WHOLE, edges=(Edge(0, 9, ACCEPT), Edge(10, 254, DROP))), "cover"),
        (replace(WHOLE, edges=(Edge(0, 9, ACCEPT), Edge(10, 255, ACCEPT))), "cover"),
        (Store().effect(("late",), WHOLE, 8), "forward"),
        (Leaf(Verdict.END, 3), "forward"),
        (Leaf(Verdict.DROP, NO_STATEMENT), "forward"),
        (ir.Test(PORT, (Edge(0, 9, ACCEPT), Edge(10, 65535, DROP)), 1), "guarded"),
        (Guard(Protocol.UDP, Store().effect((PORT,), DROP, 3), DROP, 1), "guarded"),
        (ir.Test(TTL, (Edge(0, 9, WHOLE), Edge(10, 255, replace(WHOLE))), 0), "shared"),
        (FieldTest(TTL, TTL, DROP, DROP, DROP, 1), "shared"),
    ],
)
def test_check_names_the_invariant_that_is_broken(root: ir.Test | Leaf, invariant: str) -> None:
    with pytest.raises(AssertionError, match=f"^{invariant}:"):
        check(Graph("f", Protocol.IP, root))
