"""Formulas and the rules made of them, under every assignment of their tests."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from naclc.export.branches import Branches
from naclc.export.formula import All, Any, Formula, all_of, any_of
from naclc.export.formula import Test as FieldTest
from naclc.export.ruleset import ACCEPT, DROP, RETURN, Chain, Go, Ruleset, goto, jump
from naclc.net.fields import FIELDS

NAMES = ("ip.ttl", "ip.id", "ip.length", "ip.dscp", "ip.protocol")
TESTS = [FieldTest(FIELDS[name], ((1, 1),)) for name in NAMES]
FORMULAS: st.SearchStrategy[Formula] = st.recursive(
    st.sampled_from(TESTS),
    lambda inner: (
        st.builds(all_of, st.lists(inner, min_size=2, max_size=4))
        | st.builds(any_of, st.lists(inner, min_size=2, max_size=4))
    ),
    max_leaves=10,
)
# Alternatives that do not fit into one rule each, inside what must hold too.
ALTERNATIVES = any_of(
    [all_of([TESTS[0], any_of(TESTS[1:3])]), all_of([TESTS[3], any_of(TESTS[2:])]), all_of(TESTS[1:3])]
)
HARD = all_of(
    [
        ALTERNATIVES,
        any_of([TESTS[4], all_of([TESTS[1], any_of([TESTS[0], TESTS[2]])])]),
    ]
)


def holds(formula: Formula, true: set[str]) -> bool:
    match formula:
        case All(parts):
            return all(holds(part, true) for part in parts)
        case Any(parts):
            return any(holds(part, true) for part in parts)
        case FieldTest(field):
            return field.name in true
    return formula


def walked(ruleset: Ruleset, start: Chain, true: set[str]) -> tuple[str, list[str]]:
    """What nftables makes of it: the verdict, or `end`; and the chains that begin with `visit` on the way."""
    visits: list[str] = []
    stack = [iter(start.lines)]
    while stack:
        line = next(stack[-1], None)
        if line is None:
            stack.pop()
            continue
        *words, action = line.split(" ")
        target = None
        if words and words[-1] in ("jump", "goto"):
            target = ruleset.chains[action]
            action = words.pop()
        if not true.issuperset(words):
            continue
        if action in ("accept", "drop"):
            return action, visits
        if action in ("return", "goto"):
            stack.pop()
        if target is not None:
            visits += [target.name] if target.name.startswith("visit") else []
            stack.append(iter(target.lines))
    return "end", visits


def assignments() -> list[set[str]]:
    return [
        {name for name, chosen in zip(NAMES, bits, strict=True) if chosen}
        for bits in product((False, True), repeat=len(NAMES))
    ]


def branches() -> tuple[Branches, Ruleset, Chain]:
    ruleset = Ruleset()
    return Branches(lambda test: test.field.name, lambda: ruleset.chain("or")), ruleset, ruleset.chain("start")


@given(FORMULAS)
@example(HARD)
@example(ALTERNATIVES)
@settings(derandomize=True, max_examples=150, deadline=None)
def test_when_goes_there_and_only_then(formula: Formula) -> None:
    made, ruleset, start = branches()
    made.when(start, formula, DROP)
    start.rule((), ACCEPT)
    for true in assignments():
        assert walked(ruleset, start, true) == ("drop" if holds(formula, true) else "accept", [])


@given(FORMULAS)
@example(HARD)
@example(ALTERNATIVES)
@settings(derandomize=True, max_examples=150, deadline=None)
def test_either_goes_to_one_of_both_once_and_comes_back(formula: Formula) -> None:
    made, ruleset, start = branches()
    choice = ruleset.chain("choice")
    start.rule((), jump(choice))
    start.rule((), ACCEPT)
    made.either(choice, formula, goto(ruleset.chain("visit_yes")), goto(ruleset.chain("visit_no")))
    for true in assignments():
        assert walked(ruleset, start, true) == ("accept", ["visit_yes" if holds(formula, true) else "visit_no"])


@pytest.mark.parametrize("value", [True, False])
def test_constants(value: bool) -> None:
    made, ruleset, start = branches()
    made.either(start, value, DROP, RETURN)
    assert walked(ruleset, start, set())[0] == ("drop" if value else "end")


@given(st.integers(1, 40))
@settings(derandomize=True, max_examples=20, deadline=None)
def test_rules_grow_with_the_formula_and_no_faster(count: int) -> None:
    made, ruleset, start = branches()
    clauses = [any_of([all_of(TESTS[:2]), all_of(TESTS[2:])]) for _ in range(count)]
    made.when(start, all_of(clauses), Go("drop"))
    assert sum(len(chain.lines) for chain in ruleset.chains.values()) <= 3 * count + 3
