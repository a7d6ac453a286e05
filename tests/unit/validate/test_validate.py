"""Translation validation: plans as the planner makes them are proved, and every kind of fault in one is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from naclc.codegen.plan import plan
from naclc.codegen.unit import (
    CallStep,
    CompareStep,
    FieldStep,
    GuardStep,
    LogStep,
    MemberStep,
    ReturnStep,
    Step,
    Table,
    Unit,
)
from naclc.decision import graph as ir
from naclc.decision.build import build
from naclc.decision.evaluate import evaluator
from naclc.decision.walk import topological
from naclc.interpret.walk import evaluator as interpreter
from naclc.net.fields import FIELDS
from naclc.pipeline.evaluation import Facts, Rewrite, RewriteKind, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook, Kind, Protocol
from naclc.validate.shape import targets
from naclc.validate.validate import Difference, OverBudget, Proved, validate
from tests.unit.decision.policies import address as number_of
from tests.unit.decision.policies import (
    and_,
    block,
    call,
    dnat,
    has,
    if_,
    in_,
    is_,
    log,
    not_,
    or_,
    pipeline_of,
    snat,
    syslog,
)
from tests.unit.decision.random_policies import facts, pipelines

POLICY = pipeline_of(
    {
        "other": ("UDP", [if_(is_("udp.dport", "==", 53), ["accept"])]),
        "web": ("TCP", [if_(in_("tcp.dport", 80, 443, (8000, 8080)), ["accept"]), log("not web ", "tcp.dport")]),
        "main": (
            "IP",
            [
                if_(is_("ct.state", "==", 1), ["accept"]),
                if_(in_("ip.saddr", "10.0.0.0/8", "192.0.2.1", "198.51.100.0/30"), [log("in ", "ip.saddr"), "drop"]),
                call("web"),
                call("other"),
                block("TCP", [if_(and_(has("tcp.has-syn"), not_(has("tcp.has-ack"))), [log("syn")])]),
                if_(is_("ip.saddr", "<", "ip.daddr"), ["drop"]),
                if_(is_("ip.ttl", "<=", 4), [log("ttl")]),
                if_(is_("ip.dscp", ">=", 40), ["drop"], ["accept"]),
            ],
        ),
    },
    {Hook.INPUT: ["main"], Hook.OUTPUT: ["other", "main"]},
)


def planned(pipeline: Pipeline) -> Unit:
    return plan(build(pipeline), pipeline)


UNIT = planned(POLICY)
Mutation = Callable[[Step], Step | None]


def step_number(function: str, kind: type[Step], where: Callable[[Any], bool] = lambda step: True) -> tuple[int, int]:
    number = next(n for n, made in enumerate(UNIT.functions) if made.name == function)
    steps = UNIT.functions[number].steps
    return number, next(at for at, step in enumerate(steps) if isinstance(step, kind) and where(step))


def accepting(steps: tuple[Step, ...]) -> int:
    return next(at for at, step in enumerate(steps) if getattr(step, "verdict", None) is Verdict.ACCEPT)


def with_step(place: tuple[int, int], **changes: Any) -> Unit:
    number, at = place
    function = UNIT.functions[number]
    steps = list(function.steps)
    steps[at] = replace(steps[at], **changes)
    return with_function(number, steps=tuple(steps))


def with_function(number: int, **changes: Any) -> Unit:
    functions = list(UNIT.functions)
    functions[number] = replace(functions[number], **changes)
    return replace(UNIT, functions=tuple(functions))


def with_table(number: int, *intervals: tuple[int, int]) -> Unit:
    tables = list(UNIT.tables)
    tables[number] = replace(tables[number], intervals=intervals)
    return replace(UNIT, tables=tuple(tables))


def step_at(place: tuple[int, int]) -> Any:
    return UNIT.functions[place[0]].steps[place[1]]


STATE = step_number("main", CompareStep, lambda step: step.field.name == "ct.state")
TTL = step_number("main", CompareStep, lambda step: step.field.name == "ip.ttl")
SYN = step_number("main", CompareStep, lambda step: step.field.name == "tcp.has-syn")
SOURCES = step_number("main", MemberStep)
PORTS = step_number("web", MemberStep)
FIELDS_STEP = step_number("main", FieldStep)
GUARD = step_number("main", GuardStep)
LOG = step_number("main", LogStep)
LAST_LOG = step_number("main", LogStep, lambda step: step.parts == ("ttl",))
CALL = step_number("main", CallStep)
ACCEPT = step_number("main", ReturnStep, lambda step: step.verdict is Verdict.ACCEPT)
DROP = step_number("main", ReturnStep, lambda step: step.verdict is Verdict.DROP)
END = step_number("web", ReturnStep, lambda step: step.verdict is Verdict.END)
SOURCE_TABLE = step_at(SOURCES).table
TEN, LOW_NET, ONE = UNIT.tables[SOURCE_TABLE].intervals
PORT_TABLE = step_at(PORTS).table


def swapped(place: tuple[int, int]) -> Unit:
    return with_step(place, then=step_at(place).otherwise, otherwise=step_at(place).then)


MIRRORED = {"<=": ">=", ">=": "<="}
FAULTS: dict[str, Unit] = {
    # one a step kind
    "a comparison with the next value": with_step(TTL, value=step_at(TTL).value + 1),
    "a comparison with the value before": with_step(TTL, value=step_at(TTL).value - 1),
    "a comparison with another operator": with_step(TTL, operator=MIRRORED[step_at(TTL).operator]),
    "equality became inequality": with_step(STATE, operator="!="),
    "the ways out of a comparison are swapped": swapped(TTL),
    "another field of the same width": with_step(TTL, field=FIELDS["ip.protocol"]),
    "another flag": with_step(SYN, field=FIELDS["tcp.has-fin"]),
    "the ways out of a look-up are swapped": swapped(PORTS),
    "another table of the same width": with_step(SOURCES, field=FIELDS["ip.daddr"]),
    "another operator between fields": with_step(FIELDS_STEP, operator="=="),
    "the sides of a field comparison are swapped": with_step(
        FIELDS_STEP, left=FIELDS["ip.daddr"], right=FIELDS["ip.saddr"]
    ),
    "the ways out of a field comparison are swapped": swapped(FIELDS_STEP),
    "a guard of another protocol": with_step(GUARD, protocol=Protocol.ICMP),
    "a guard that lets everything in": with_step(GUARD, otherwise=step_at(GUARD).then),
    "the ways out of a guard are swapped": swapped(GUARD),
    "a log is passed by": with_step(TTL, then=step_at(LAST_LOG).next, otherwise=step_at(LAST_LOG).next),
    "a log writes something else": with_step(LOG, parts=("in ", FIELDS["ip.daddr"])),
    "a log of another statement": with_step(LOG, statement=step_at(LAST_LOG).statement),
    "a log goes on elsewhere": with_step(LOG, next=step_at(LOG).next + 1),
    "another function is called": with_step(CALL, function=0 if step_at(CALL).function else 1),
    "a call is passed by": with_step(CALL, next=step_at(CALL).next + 1),
    "accept became drop": with_step(ACCEPT, verdict=Verdict.DROP),
    "drop became accept": with_step(DROP, verdict=Verdict.ACCEPT),
    "a verdict of another statement": with_step(DROP, statement=step_at(DROP).statement + 1),
    "the end became accept": with_step(END, verdict=Verdict.ACCEPT),
    "the end has a statement": with_step(END, statement=3),
    # one a table kind and encoder
    "a table's interval starts one late": with_table(SOURCE_TABLE, (TEN[0] + 1, TEN[1]), LOW_NET, ONE),
    "a table's interval ends one late": with_table(SOURCE_TABLE, (TEN[0], TEN[1] + 1), LOW_NET, ONE),
    "a prefix has lost a bit": with_table(SOURCE_TABLE, (TEN[0], TEN[1] + (1 << 24)), LOW_NET, ONE),
    "a single address is off by one": with_table(SOURCE_TABLE, TEN, (LOW_NET[0] + 1, LOW_NET[1] + 1), ONE),
    "a network has lost its last address": with_table(SOURCE_TABLE, TEN, LOW_NET, (ONE[0], ONE[1] - 1)),
    "a table has lost an interval": with_table(SOURCE_TABLE, TEN, ONE),
    "a table has one interval too many": with_table(PORT_TABLE, (22, 22), *UNIT.tables[PORT_TABLE].intervals),
    "a port range ends early": with_table(PORT_TABLE, (80, 80), (443, 443), (8000, 8079)),
    "a table is not sorted": with_table(SOURCE_TABLE, LOW_NET, TEN, ONE),
    "a table has touching intervals": with_table(PORT_TABLE, (80, 80), (443, 443), (8000, 8010), (8011, 8080)),
    "a table has overlapping intervals": with_table(PORT_TABLE, (80, 80), (443, 8000), (8000, 8080)),
    "a table has an empty interval": with_table(PORT_TABLE, (80, 79), (443, 443), (8000, 8080)),
    "a table goes beyond its width": with_table(PORT_TABLE, (80, 80), (443, 443), (8000, 65536)),
    "a table of another width": replace(
        UNIT, tables=(*UNIT.tables[:PORT_TABLE], Table(32, UNIT.tables[PORT_TABLE].intervals))
    ),
    "a table that is not there": with_step(PORTS, table=99),
    # shape
    "a step goes back": with_step(TTL, otherwise=0),
    "a step goes to itself": with_step(TTL, otherwise=TTL[1]),
    "a step leads nowhere": with_step(TTL, otherwise=999),
    "a comparison nothing can fulfil": with_step(TTL, value=256),
    "an operator nobody knows": with_step(TTL, operator="<"),
    "an operator between fields nobody knows": with_step(FIELDS_STEP, operator="<="),
    "a function calls itself": with_step(CALL, function=CALL[0]),
    "a test of a statement of another function": with_step(TTL, statement=0),
    "a function without steps": with_function(0, steps=()),
    "a function of another protocol": with_function(1, protocol=Protocol.IP),
    "a function is missing": replace(UNIT, functions=UNIT.functions[:2], chains={}),
    "a function has another name": with_function(0, name="nobody"),
    "a field is read outside its guard": with_step(TTL, field=FIELDS["icmp.code"]),
    # chains
    "a chain in another order": replace(UNIT, chains=UNIT.chains | {(Hook.OUTPUT, 0): (2, 0)}),
    "a chain has lost a function": replace(UNIT, chains=UNIT.chains | {(Hook.OUTPUT, 0): (2,)}),
    "a chain at another hook": replace(UNIT, chains={(Hook.INPUT, 0): (2,), (Hook.POSTROUTING, 0): (0, 2)}),
    "a chain of another Iface": replace(UNIT, chains={(Hook.INPUT, 1): (2,), (Hook.OUTPUT, 0): (0, 2)}),
    "a chain too many": replace(UNIT, chains=UNIT.chains | {(Hook.FORWARD, None): (2,)}),
    "a chain of a function that is not there": replace(UNIT, chains=UNIT.chains | {(Hook.OUTPUT, 0): (0, 9)}),
}


def test_a_plan_as_it_is_made_is_proved() -> None:
    assert isinstance(validate(UNIT, POLICY), Proved)
    assert isinstance(validate(NAT_UNIT, NAT), Proved)


NAT = pipeline_of(
    {
        "inner": ("IP", [if_(is_("ip.ttl", "==", 9), [snat("192.0.2.1")])]),
        "outer": (
            "IP",
            [
                if_(is_("ip.dscp", "==", 8), [syslog(3, "from ", "ip.saddr"), log("from ", "ip.saddr")]),
                block("TCP", [if_(is_("tcp.dport", "==", 80), [dnat("10.0.0.1", 8080)])]),
                call("inner"),
                if_(is_("ip.ttl", "<", 5), [dnat(port=53)], [dnat("10.0.0.1")]),
            ],
        ),
    },
    {Hook.PREROUTING: ["outer"]},
    kind=Kind.NAT,
)
NAT_UNIT = planned(NAT)


def nat_with(kind: type[Step], which: Callable[[Any], bool], **changes: Any) -> Unit:
    """One step of `outer` changed, the first that `which` holds for."""
    outer = NAT_UNIT.functions[1]
    at = next(at for at, step in enumerate(outer.steps) if isinstance(step, kind) and which(step))
    steps = (*outer.steps[:at], replace(outer.steps[at], **changes), *outer.steps[at + 1 :])
    return replace(NAT_UNIT, functions=(NAT_UNIT.functions[0], replace(outer, steps=steps)))


def asks(address: str | None, port: int | None) -> Callable[[Any], bool]:
    wanted = Rewrite(RewriteKind.DNAT, None if address is None else number_of(address), port)
    return lambda step: step.rewrite == wanted


def sends(step: Any) -> bool:
    return step.severity is not None


BOTH = Rewrite(RewriteKind.DNAT, number_of("10.0.0.1"), 8080)
INNER_SNAT = next(step for step in NAT_UNIT.functions[0].steps if isinstance(step, ReturnStep) and step.rewrite)
NAT_FAULTS: dict[str, Unit] = {
    "another address": nat_with(ReturnStep, asks("10.0.0.1", 8080), rewrite=replace(BOTH, address=BOTH.port)),
    "another port": nat_with(ReturnStep, asks("10.0.0.1", 8080), rewrite=replace(BOTH, port=8081)),
    "the port is lost": nat_with(ReturnStep, asks("10.0.0.1", 8080), rewrite=replace(BOTH, port=None)),
    "the address is lost": nat_with(ReturnStep, asks("10.0.0.1", 8080), rewrite=replace(BOTH, address=None)),
    "a port too many": nat_with(ReturnStep, asks("10.0.0.1", None), rewrite=BOTH),
    "the other end is rewritten": nat_with(
        ReturnStep, asks("10.0.0.1", 8080), rewrite=replace(BOTH, kind=RewriteKind.SNAT)
    ),
    "a rewrite of another statement": nat_with(ReturnStep, asks(None, 53), rewrite=BOTH),
    "a rewrite with a verdict": nat_with(ReturnStep, asks(None, 53), verdict=Verdict.ACCEPT),
    "a rewrite became the end": nat_with(ReturnStep, asks(None, 53), rewrite=None, statement=-1),
    "a rewrite became an end with a statement": nat_with(ReturnStep, asks(None, 53), rewrite=None),
    "a rewrite of another function": nat_with(
        ReturnStep, asks(None, 53), rewrite=INNER_SNAT.rewrite, statement=INNER_SNAT.statement
    ),
    "a message of another severity": nat_with(LogStep, sends, severity=4),
    "a message goes to the console": nat_with(LogStep, sends, severity=None),
    "a message says something else": nat_with(LogStep, sends, parts=("from ", FIELDS["ip.daddr"])),
    "a log becomes a message": nat_with(LogStep, lambda step: not sends(step), severity=3),
    "other packets are rewritten": nat_with(CompareStep, lambda step: step.field.name == "tcp.dport", value=81),
}


@pytest.mark.parametrize("unit", NAT_FAULTS.values(), ids=NAT_FAULTS.keys())
def test_a_fault_in_a_nat_is_seen(unit: Unit) -> None:
    assert isinstance(validate(unit, NAT), Difference)


@pytest.mark.parametrize("unit", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_seen(unit: Unit) -> None:
    assert isinstance(validate(unit, POLICY), Difference)


def test_a_difference_names_function_statement_and_packet() -> None:
    difference = validate(with_step(STATE, value=2), POLICY)
    assert isinstance(difference, Difference)
    assert difference.function == "main"
    assert difference.line == POLICY.statements[difference.statement].line == step_at(ACCEPT).statement + 1
    assert difference.packet["ct.state"] in (1, 2)
    assert f"ct.state {difference.packet['ct.state']}" in str(difference)


@settings(max_examples=60, deadline=None)
@given(pipelines())
def test_what_the_planner_makes_is_proved(pipeline: Pipeline) -> None:
    assert isinstance(validate(planned(pipeline), pipeline), Proved)


RULES = [
    if_(and_(is_("ip.saddr", "==", n), is_("ip.ttl", ">=", n % 200 + 1)), ["drop"], [log("x")]) for n in range(150)
]
LONG = pipeline_of({"long": ("IP", [*RULES, "accept"])}, {Hook.INPUT: ["long"]})


@pytest.mark.parametrize("at", [0, 40, 149, 300, 440])
def test_a_fault_in_a_long_list_is_seen(at: int) -> None:
    unit = planned(LONG)
    steps = list(unit.functions[0].steps)
    number = next(n for n in range(at, len(steps)) if isinstance(steps[n], CompareStep))
    step = steps[number]
    assert isinstance(step, CompareStep)
    steps[number] = replace(step, value=step.value - 1 if step.value else 1)
    difference = validate(replace(unit, functions=(replace(unit.functions[0], steps=tuple(steps)),)), LONG)
    assert isinstance(difference, Difference)
    assert difference.packet


def test_a_long_list_is_proved() -> None:
    assert isinstance(validate(planned(LONG), LONG), Proved)


def test_a_plan_that_uses_what_earlier_rules_left_over_is_proved() -> None:
    """The cuts do not help here: that the last comparison is superfluous follows from all rules before it."""
    rules = [if_(is_("ip.ttl", "==", value), ["drop"]) for value in range(255)]
    policy = pipeline_of({"f": ("IP", [*rules, if_(is_("ip.ttl", "==", 255), ["accept"], ["drop"])])})
    unit = planned(policy)
    steps = unit.functions[0].steps
    accept = accepting(steps)
    (test,) = (at for at, step in enumerate(steps) if accept in targets(step))
    shorter = tuple(_led_past(step, test, accept) for step in steps)
    assert shorter != steps
    outcome = validate(replace(unit, functions=(replace(unit.functions[0], steps=shorter),)), policy)
    assert isinstance(outcome, Proved)


def _led_past(step: Step, test: int, beyond: int) -> Step:
    if not isinstance(step, CompareStep):
        return step
    then, otherwise = (beyond if target == test else target for target in (step.then, step.otherwise))
    return replace(step, then=then, otherwise=otherwise)


def test_over_budget_is_said() -> None:
    assert isinstance(validate(planned(LONG), LONG, max_nodes=300), OverBudget)


def test_comparisons_of_fields_are_exact() -> None:
    """saddr < daddr and daddr < saddr exclude each other: known only to who knows what < means."""
    chain = [if_(is_("ip.saddr", "<", "ip.daddr"), [if_(is_("ip.daddr", "<", "ip.saddr"), ["drop"])]), "accept"]
    policy = pipeline_of({"f": ("IP", chain)})
    unit = planned(policy)
    steps = unit.functions[0].steps
    accept = accepting(steps)
    first = steps[0]
    assert isinstance(first, FieldStep)
    short = replace(unit, functions=(replace(unit.functions[0], steps=(replace(first, then=accept), *steps[1:])),))
    assert isinstance(validate(short, policy), Proved)


def test_comparisons_of_fields_beyond_the_budget_are_taken_as_they_stand() -> None:
    """Compared in a ring, addresses and ports cannot all be interleaved well; the plan is proved all the same."""
    ring = ("tcp.sequence", "tcp.ackseq", "ip.saddr", "ip.daddr", "tcp.sequence")
    tests = [is_(a, "<", b) for a, b in pairwise(ring)]
    policy = pipeline_of({"f": ("TCP", [if_(and_(*tests), ["drop"]), if_(or_(*tests), [log("x")]), "accept"])})
    assert isinstance(validate(planned(policy), policy, max_nodes=900), Proved)


def test_nested_and_chained_rules_need_no_recursion() -> None:
    deep: list[Any] = [log("x")]
    for number in range(200):
        deep = [if_(is_("ip.ttl", "==", number), [block("IP", deep)], ["drop"])]
    policy = pipeline_of({"f": ("IP", [*deep, "accept"])})
    assert isinstance(validate(planned(policy), policy), Proved)


def test_a_large_set_is_proved_and_its_faults_are_seen() -> None:
    addresses = [(number * 2654435761) % (1 << 32) for number in range(3000)]
    policy = pipeline_of({"f": ("IP", [if_(in_("ip.saddr", *addresses, "10.0.0.0/9"), ["accept"]), "drop"])})
    unit = planned(policy)
    assert isinstance(validate(unit, policy), Proved)
    (table,) = unit.tables
    without = replace(table, intervals=table.intervals[:1234] + table.intervals[1235:])
    difference = validate(replace(unit, tables=(without,)), policy)
    assert isinstance(difference, Difference)
    assert difference.packet["ip.saddr"] in range(table.intervals[1234][0], table.intervals[1234][1] + 1)


@settings(max_examples=50, deadline=None)
@given(st.data(), pipelines(), st.lists(facts(), min_size=10, max_size=10))
def test_a_plan_that_decides_otherwise_is_never_proved(
    data: st.DataObject, pipeline: Pipeline, packets: list[Facts]
) -> None:
    """The ways out of one test are swapped in the graphs: what the validator proves of the plan made from them, the
    interpreter must confirm."""
    graphs = build(pipeline)
    tests = [node for node in topological(graphs.graphs["main"].root) if isinstance(node, ir.Test)]
    assume(tests)
    changed = swapped_graphs(graphs, data.draw(st.sampled_from(tests)))
    outcome = validate(plan(changed, pipeline), pipeline)
    run, interpreted = evaluator(changed, pipeline), interpreter(pipeline)
    same = all(run("main", packet) == interpreted("main", packet) for packet in packets)
    assert isinstance(outcome, Difference) or (isinstance(outcome, Proved) and same)


def swapped_graphs(graphs: ir.Graphs, test: ir.Test) -> ir.Graphs:
    """The graphs with the first two edges of `test` leading each where the other did."""
    made: dict[int, ir.Node] = {}
    main = graphs.graphs["main"]
    for node in reversed(topological(main.root)):
        made[id(node)] = _rebuilt(node, made, swap=node is test)
    return ir.Graphs(graphs.graphs | {"main": replace(main, root=made[id(main.root)])})


def _rebuilt(node: ir.Node, made: dict[int, ir.Node], *, swap: bool) -> ir.Node:
    match node:
        case ir.Test():
            goals = [made[id(edge.target)] for edge in node.edges]
            if swap:
                goals[:2] = goals[1], goals[0]
            edges = tuple(replace(edge, target=goal) for edge, goal in zip(node.edges, goals, strict=True))
            return replace(node, edges=edges)
        case ir.FieldTest():
            less, equal, greater = (made[id(goal)] for goal in (node.less, node.equal, node.greater))
            return replace(node, less=less, equal=equal, greater=greater)
        case ir.Guard():
            return replace(node, inside=made[id(node.inside)], outside=made[id(node.outside)])
        case ir.Effect() | ir.Call():
            return replace(node, next=made[id(node.next)])
        case ir.Leaf():
            return node
