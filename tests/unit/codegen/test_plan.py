"""Decision graphs to plans: the order of steps, tables, and how tests with many ways out are taken apart."""

from __future__ import annotations

import operator

import pytest
from hypothesis import given, settings

from naclc.codegen.dump import dump
from naclc.codegen.plan import plan
from naclc.codegen.unit import (
    CallStep,
    CompareStep,
    LogStep,
    MemberStep,
    ReturnStep,
    Step,
    Table,
    Unit,
)
from naclc.decision.build import build
from naclc.decision.graph import Edge, Graph, Graphs, Leaf
from naclc.decision.graph import Test as Node
from naclc.net.fields import FIELDS
from naclc.pipeline.evaluation import Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook, Protocol
from tests.unit.decision.policies import Body, block, call, if_, in_, is_, log, or_, pipeline_of
from tests.unit.decision.random_policies import pipelines

OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def planned(body: Body) -> Unit:
    pipeline = pipeline_of({"f": ("IP", body)}, {Hook.INPUT: ["f"]})
    return plan(build(pipeline), pipeline)


def targets(step: Step) -> tuple[int, ...]:
    if isinstance(step, ReturnStep):
        return ()
    return (step.next,) if isinstance(step, LogStep | CallStep) else (step.then, step.otherwise)


def way(steps: tuple[Step, ...], value: int) -> tuple[ReturnStep, int]:
    """Where a packet whose every field is `value` ends, and after how many comparisons."""
    at, tests = 0, 0
    while not isinstance(step := steps[at], ReturnStep):
        assert isinstance(step, CompareStep)
        at = step.then if OPERATORS[step.operator](value, step.value) else step.otherwise
        tests += 1
    return step, tests


@pytest.mark.parametrize("sign", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize("value", [0, 1, 7, 254, 255])
def test_one_comparison_is_at_most_one_step(sign: str, value: int) -> None:
    steps = planned([if_(is_("ip.ttl", sign, value), ["accept"]), "drop"]).functions[0].steps
    for ttl in range(256):
        end, tests = way(steps, ttl)
        assert (end.verdict is Verdict.ACCEPT) == OPERATORS[sign](ttl, value)
        assert tests <= 1


def test_a_set_is_one_table_and_equal_sets_share_it() -> None:
    ports = in_("udp.dport", 53, (67, 68), 123)
    unit = planned([block("UDP", [if_(ports, [log("a")]), if_(ports, ["accept"])]), "drop"])
    assert unit.tables == (Table(16, ((53, 53), (67, 68), (123, 123))),)
    assert sum(isinstance(step, MemberStep) for step in unit.functions[0].steps) == 2


def many_ways(count: int) -> Unit:
    """A test of ip.ttl whose values 0, 1, 2 … lead to leaves of their own."""
    leaves = [Leaf(Verdict.ACCEPT, number) for number in range(count)]
    edges = [Edge(number, number, leaf) for number, leaf in enumerate(leaves[:-1])]
    root = Node(FIELDS["ip.ttl"], (*edges, Edge(count - 1, 255, leaves[-1])), 0)
    pipeline = pipeline_of({"f": ("IP", ["drop"])}, {Hook.INPUT: ["f"]})
    return plan(Graphs({"f": Graph("f", Protocol.IP, root)}), pipeline)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 100, 256])
def test_many_ways_out_are_a_search_of_logarithmic_depth(count: int) -> None:
    steps = many_ways(count).functions[0].steps
    assert len(steps) <= 2 * count
    for value in range(256):
        step, tests = way(steps, value)
        assert step.statement == min(value, count - 1)
        assert tests <= 4 + count.bit_length()


@settings(max_examples=60, deadline=None)
@given(pipelines())
def test_steps_lead_forward_and_calls_back(pipeline: Pipeline) -> None:
    unit = plan(build(pipeline), pipeline)
    for number, function in enumerate(unit.functions):
        for at, step in enumerate(function.steps):
            assert all(at < target < len(function.steps) for target in targets(step))
            assert not isinstance(step, CallStep) or step.function < number


def test_a_plan_is_linear_in_logs_and_calls() -> None:
    independent = [if_(is_("ip.ttl", "==", number), [log("x")]) for number in range(200)]
    assert len(planned([*independent, "drop"]).functions[0].steps) <= 2 * 200 + 1
    doubling = {"f0": ("IP", [log("x")])}
    doubling |= {f"f{level}": ("IP", [call(f"f{level - 1}"), call(f"f{level - 1}")]) for level in range(1, 30)}
    pipeline = pipeline_of(doubling, {Hook.INPUT: ["f29"]})
    assert sum(len(function.steps) for function in plan(build(pipeline), pipeline).functions) <= 3 * 30


def test_a_policy_deeper_than_pythons_stack() -> None:
    pipeline = pipeline_of({"f": ("IP", [if_(is_("ip.length", "==", port), ["accept"]) for port in range(3000)])})
    assert len(plan(build(pipeline), pipeline).functions[0].steps) >= 3000


def test_chains_name_functions_by_number() -> None:
    pipeline = pipeline_of(
        {"f": ("IP", ["accept"]), "g": ("IP", ["drop"])},
        {Hook.PREROUTING: ["g", "f"], Hook.OUTPUT: ["f"]},
        forward=["g"],
    )
    chains = plan(build(pipeline), pipeline).chains
    assert chains == {(Hook.PREROUTING, 0): (1, 0), (Hook.OUTPUT, 0): (0,), (Hook.FORWARD, None): (1,)}


def test_the_dump_shows_steps_tables_and_chains() -> None:
    condition = or_(is_("ip.saddr", "==", "192.0.2.1"), in_("ip.daddr", "192.0.2.0/24", "198.51.100.0/24"))
    text = dump(planned([if_(condition, [log('a "b"\n', "ip.ttl"), "accept"]), "drop"]))
    assert text == (
        "function 0 IP f\n"
        "     0 if ip.saddr == 192.0.2.1 then 2 else 1  [0]\n"
        "     1 if ip.daddr in table 0 then 2 else 4  [0]\n"
        '     2 log "a \\"b\\"\\n", ip.ttl then 3  [1]\n'
        "     3 return ACCEPT  [2]\n"
        "     4 return DROP  [3]\n"
        "\n"
        "table 0: 192.0.2.0-192.0.2.255, 198.51.100.0-198.51.100.255\n"
        "chain input of iface 0: f\n"
    )


def test_a_pipeline_without_functions() -> None:
    pipeline = pipeline_of({})
    assert dump(plan(build(pipeline), pipeline)) == "nothing to decide\n"
