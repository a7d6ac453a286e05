"""Classifiers: what the planner makes is proved, and every kind of fault in rules, claims and tables is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings

from bench.rulesets import generate, nacl
from naclc.codegen import grouping, runs
from naclc.codegen.active import active
from naclc.codegen.classifier import PROTOCOL, Classifier, Entry, Key
from naclc.codegen.classifying import with_classifiers, without_classifiers
from naclc.codegen.plan import plan
from naclc.codegen.unit import Unit
from naclc.decision.build import build
from naclc.driver import Options, proved
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook
from naclc.validate import claims
from naclc.validate.validate import Difference, OverBudget, Proved, validate
from tests.golden.services import pipeline_of_text
from tests.unit.decision.policies import and_, block, if_, in_, is_, log, not_, or_, pipeline_of
from tests.unit.decision.random_policies import pipelines


def classified(pipeline: Pipeline, chain_rules: int = 1) -> Unit:
    return with_classifiers(plan(build(pipeline), pipeline), chain_rules=chain_rules)


POLICY = pipeline_of_text(nacl(generate("fw", 150, 5)))
UNIT = classified(POLICY)
MADE = UNIT.functions[0].classifiers[0]
LARGEST = max(range(len(MADE.groups)), key=lambda number: len(MADE.groups[number].members))
GROUP = MADE.groups[LARGEST]


def with_classifier(made: Classifier) -> Unit:
    function = replace(UNIT.functions[0], classifiers=(made,))
    return replace(UNIT, functions=(function, *UNIT.functions[1:]))


def with_group(**changes: object) -> Classifier:
    groups = list(MADE.groups)
    groups[LARGEST] = replace(GROUP, **changes)  # type: ignore[arg-type]
    return replace(MADE, groups=tuple(groups))


def put(values: tuple, at: int, value: object) -> tuple:  # type: ignore[type-arg]
    return (*values[:at], value, *values[at + 1 :])


def swapped(values: tuple, at: int) -> tuple:  # type: ignore[type-arg]
    return (*values[:at], values[at + 1], values[at], *values[at + 2 :])


def with_cell(change: Callable[[tuple[Entry, ...]], tuple[Entry, ...]], least: int = 3) -> Classifier:
    at = next(n for n, cell in enumerate(GROUP.cells) if len(cell) >= least and cell[0].predicate and cell[1].predicate)
    return with_group(cells=put(GROUP.cells, at, change(GROUP.cells[at])))


def with_node(**changes: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Classifier:
    at = next(n for n, node in enumerate(GROUP.nodes) if len(node.bounds) > 2)
    node = GROUP.nodes[at]
    changed = {name: change(getattr(node, name)) for name, change in changes.items()}
    return with_group(nodes=put(GROUP.nodes, at, replace(node, **changed)))  # type: ignore[arg-type]


def with_rows(change: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Classifier:
    rows = GROUP.rows[0]
    return with_group(rows=put(GROUP.rows, 0, replace(rows, rows=change(rows.rows))))


def with_division(**changes: object) -> Classifier:
    at = GROUP.rows[-1].division
    changed = replace(MADE.divisions[at], **changes)  # type: ignore[arg-type]
    return replace(MADE, divisions=put(MADE.divisions, at, changed))


def with_rule(at: int, **changes: object) -> Classifier:
    return replace(MADE, rules=put(MADE.rules, at, replace(MADE.rules[at], **changes)))  # type: ignore[arg-type]


def without_a_member() -> Classifier:
    return with_group(members=GROUP.members[1:])


def with_one_member_in_two_groups() -> Classifier:
    other = next(n for n in range(len(MADE.groups)) if n != LARGEST)
    members = tuple(sorted({*MADE.groups[other].members, GROUP.members[0]}))
    return replace(MADE, groups=put(MADE.groups, other, replace(MADE.groups[other], members=members)))


LAST_BOUNDS = MADE.divisions[GROUP.rows[-1].division].bounds
FAULTS: dict[str, Classifier] = {
    "an interval begins one later": with_group(
        first=replace(GROUP.first, bounds=put(GROUP.first.bounds, 5, GROUP.first.bounds[5] + 1))
    ),
    "an interval is lost": with_group(
        first=replace(GROUP.first, bounds=GROUP.first.bounds[:5] + GROUP.first.bounds[6:]),
        first_nodes=GROUP.first_nodes[:5] + GROUP.first_nodes[6:],
    ),
    "bounds do not begin at 0": with_group(first=replace(GROUP.first, bounds=put(GROUP.first.bounds, 0, 1))),
    "bounds do not rise": with_group(first=replace(GROUP.first, bounds=swapped(GROUP.first.bounds, 3))),
    "an interval leads nowhere": with_group(first_nodes=GROUP.first_nodes[:-1]),
    "two intervals lead to each other's nodes": with_group(first_nodes=swapped(GROUP.first_nodes, 4)),
    "there is no such node": with_group(first_nodes=put(GROUP.first_nodes, 1, len(GROUP.nodes))),
    "an interval of a node begins one later": with_node(bounds=lambda bounds: put(bounds, 1, bounds[1] + 1)),
    "an interval of a node begins one earlier": with_node(bounds=lambda bounds: put(bounds, 1, bounds[1] - 1)),
    "two cells of a node are swapped": with_node(cells=lambda cells: swapped(cells, 0)),
    "there is no such cell": with_node(cells=lambda cells: put(cells, 0, len(GROUP.cells))),
    "an entry asks something else": with_cell(lambda cell: put(cell, 0, replace(cell[0], predicate=0))),
    "there is no such predicate": with_cell(lambda cell: put(cell, 0, replace(cell[0], predicate=GROUP.predicates))),
    "an entry is of another rule": with_cell(lambda cell: put(cell, 0, replace(cell[0], rule=cell[0].rule + 1))),
    "two entries are swapped": with_cell(lambda cell: swapped(cell, 0)),
    "an entry is lost": with_cell(lambda cell: cell[1:]),
    "a cell has no last entry": with_cell(lambda cell: cell[:-1]),
    "a cell's last entry does not hold always": with_cell(lambda cell: (*cell[:-1], replace(cell[-1], predicate=1))),
    "a cell ends in a rule": with_cell(lambda cell: (*cell[:-1], replace(cell[-1], rule=0))),
    "a predicate holds for one interval more": with_rows(lambda rows: put(rows, 0, rows[0] ^ 2)),
    "the predicate of all packets does not hold": with_rows(lambda rows: put(rows, 1, rows[1] & ~1)),
    "rows are lost": with_group(rows=GROUP.rows[1:]),
    "two rows of a key": with_group(rows=(*GROUP.rows, GROUP.rows[0])),
    "rows of another division": with_group(
        rows=put(GROUP.rows, 0, replace(GROUP.rows[0], division=len(MADE.divisions)))
    ),
    "a row is lost": with_rows(lambda rows: rows[:-1]),
    "a division begins one later": with_division(bounds=put(LAST_BOUNDS, 2, LAST_BOUNDS[2] + 1)),
    "a division is of another key": with_division(key=Key("ip.ttl", 8), bounds=LAST_BOUNDS),
    "a key of another width": with_group(second=replace(GROUP.second, width=33)),
    "a group is searched by one key twice": with_group(second=GROUP.first.key),
    "a group is searched by another key": with_group(second=PROTOCOL),
    "a rule is in no group": without_a_member(),
    "a rule is in two groups": with_one_member_in_two_groups(),
    "members are not in order": with_group(members=swapped(GROUP.members, 0)),
    "a rule leads elsewhere": with_rule(7, target=MADE.rules[8].target),
    "a rule leads nowhere": with_rule(7, target=len(UNIT.functions[0].steps)),
    "a rule asks less": with_rule(7, tests=MADE.rules[7].tests[1:]),
    "two rules are swapped": replace(MADE, rules=swapped(MADE.rules, 7)),
    "a rule is lost": replace(MADE, rules=MADE.rules[:-1]),
    "what no rule takes goes elsewhere": replace(MADE, otherwise=MADE.rules[0].target),
    "what no rule takes goes nowhere": replace(MADE, otherwise=len(UNIT.functions[0].steps)),
    "nothing is claimed": replace(MADE, claims=()),
    "too much is claimed": replace(
        MADE, claims=put(MADE.claims, 9, replace(MADE.claims[9], rule=MADE.claims[9].rule + 1))
    ),
    "the claim is about later rules only": replace(MADE, claims=put(MADE.claims, 0, replace(MADE.claims[0], rule=1))),
    "the claim is about no rule": replace(
        MADE, claims=put(MADE.claims, 9, replace(MADE.claims[9], rule=len(MADE.rules) + 1))
    ),
    "it stands at another step": replace(MADE, step=MADE.step + 1),
    "it stands at no step": replace(MADE, step=len(UNIT.functions[0].steps)),
}


def test_the_plan_with_tables_is_proved() -> None:
    assert isinstance(validate(UNIT, POLICY), Proved)
    assert len(MADE.groups) > 1 and len(MADE.rules) > 100


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault: str) -> None:
    assert FAULTS[fault] != MADE
    assert isinstance(validate(with_classifier(FAULTS[fault]), POLICY), Difference)


LISTED = replace(MADE, groups=(), divisions=())
LISTED_FAULTS = {
    "a rule leads elsewhere": replace(with_rule(7, target=MADE.rules[8].target), groups=(), divisions=()),
    "a rule asks less": replace(with_rule(7, tests=MADE.rules[7].tests[1:]), groups=(), divisions=()),
    "two rules are swapped": replace(LISTED, rules=swapped(MADE.rules, 7)),
    "a rule is lost": replace(LISTED, rules=MADE.rules[:-1]),
    "divisions without groups": replace(LISTED, divisions=MADE.divisions),
}


def test_rules_gone_through_in_order_are_proved() -> None:
    assert isinstance(validate(with_classifier(LISTED), POLICY), Proved)


@pytest.mark.parametrize("fault", LISTED_FAULTS)
def test_a_fault_in_a_list_is_seen(fault: str) -> None:
    assert isinstance(validate(with_classifier(LISTED_FAULTS[fault]), POLICY), Difference)


def test_every_row_of_every_predicate_matters() -> None:
    """Each bit, turned round: a predicate then holds for other values."""
    rows = GROUP.rows[0]
    for at in range(0, len(rows.rows), 3):
        for bit in range(0, GROUP.predicates, 7):
            turned = replace(rows, rows=put(rows.rows, at, rows.rows[at] ^ 1 << bit))
            made = with_group(rows=put(GROUP.rows, 0, turned))
            assert isinstance(validate(with_classifier(made), POLICY), Difference), (at, bit)


def test_every_bound_matters() -> None:
    for at in range(1, len(GROUP.first.bounds)):
        moved = replace(GROUP.first, bounds=put(GROUP.first.bounds, at, GROUP.first.bounds[at] - 1))
        assert isinstance(validate(with_classifier(with_group(first=moved)), POLICY), Difference), at


# The planner's own readings, each with a slip.
SLIPS: dict[str, tuple[object, str, Callable[..., object]]] = {
    "ports change places": (
        runs, "_PORTS", lambda old: {**old, "tcp.sport": runs.DESTINATION_PORT, "udp.sport": runs.DESTINATION_PORT}
    ),
    "a complement is one too small": (runs, "complement", lambda old: lambda inside, width: old(inside, width)[1:]),
    "a protocol is meant without its header": (runs, "WITH_HEADER", lambda old: 0),
    "a set loses its last interval": (runs, "key_of", lambda old: lambda f, inside: old(f, inside[:-1] or inside)),
    "an interval ends one too early": (
        runs, "key_of",
        lambda old: lambda f, inside: old(f, tuple((a, max(a, b - 1)) for a, b in inside)),
    ),
    "conditions are not narrowed": (runs, "common", lambda old: lambda left, right: right),
    "every rule is taken for a later one's": (grouping, "_is_within", lambda old: lambda inner, outer: True),
    "rows hold one bound too long": (
        grouping, "_rows", lambda old: lambda tests, division: (old(tests, division)[0], *old(tests, division)[:-1])
    ),
}  # fmt: skip
SLIPPERY = pipeline_of(
    {
        "main": (
            "IP",
            [
                *(if_(is_("ip.saddr", "==", number), ["accept"]) for number in range(8)),
                block(
                    "TCP",
                    [
                        if_(and_(in_("tcp.sport", 5, (7, 9)), in_("ip.saddr", "10.0.0.0/8")), ["drop"]),
                        if_(and_(in_("tcp.sport", 5, (7, 9)), in_("ip.saddr", "10.0.0.0/9")), ["accept"]),
                        if_(and_(in_("tcp.dport", (7, 12), 20), in_("ip.saddr", "10.0.0.0/8")), ["accept"]),
                        if_(and_(in_("tcp.dport", 30, 50), in_("ip.saddr", "10.0.0.0/8")), ["drop"]),
                        if_(and_(in_("tcp.dport", (7, 12)), in_("ip.daddr", "10.0.0.0/8", "20.0.0.0/7")), ["drop"]),
                    ],
                ),
                if_(and_(in_("ip.saddr", "10.0.0.0/8"), not_(in_("ip.saddr", "10.1.0.0/16"))), ["accept"]),
                if_(and_(is_("ip.ttl", "<=", 4), or_(is_("ip.dscp", "==", 3), is_("ip.ttl", ">=", 2))), ["accept"]),
                if_(is_("ip.ttl", "!=", 9), ["drop"], ["accept"]),
            ],
        )
    },
    {Hook.INPUT: ["main"]},
)  # fmt: skip


def test_the_policy_of_slips_is_proved_without_one() -> None:
    assert isinstance(validate(classified(SLIPPERY), SLIPPERY), Proved)


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_of_the_planner_is_seen(slip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, change = SLIPS[slip]
    monkeypatch.setattr(module, name, change(getattr(module, name)))
    assert isinstance(validate(classified(SLIPPERY), SLIPPERY), Difference)


def test_what_is_rendered_is_not_what_is_proved() -> None:
    """A plan whose steps are gone cannot be proved equal to the rules."""
    assert isinstance(validate(active(UNIT), POLICY), Difference)


def test_beyond_its_budget_the_proof_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_MOST_WAYS", 0)
    outcome = validate(UNIT, POLICY)
    assert isinstance(outcome, OverBudget) and not outcome.classifiers
    assert proved(UNIT, POLICY, Options()) == (without_classifiers(UNIT), [])
    assert isinstance(validate(without_classifiers(UNIT), POLICY), Proved)


def test_runs_end_at_what_goes_on_behind_a_log() -> None:
    rules = [if_(is_("ip.saddr", "==", number), ["accept"]) for number in range(5)]
    noted = if_(is_("ip.ttl", "==", 1), [log("ttl")])
    refused = if_(is_("ip.ttl", "==", 2), [log("refused"), "drop"])
    pipeline = pipeline_of({"main": ("IP", [*rules, refused, noted, *rules, "drop"])}, {Hook.INPUT: ["main"]})
    made = classified(pipeline).functions[0].classifiers
    assert [len(each.rules) for each in made] == [6, 5]
    assert isinstance(validate(classified(pipeline), pipeline), Proved)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(pipelines())
def test_random_policies_are_proved_with_tables_wherever_they_can_be(pipeline: Pipeline) -> None:
    unit = classified(pipeline, chain_rules=0)
    assume(any(function.classifiers for function in unit.functions))
    assert isinstance(validate(unit, pipeline), Proved)
