"""Which runs of a unit get classifiers, and which stay tests in a row.

A chain of tests of CHAIN_RULES rules costs about what a classifier costs: below that it is faster, and it is easier
to read. What is measured stands in docs/adr/0008.
"""

from __future__ import annotations

from dataclasses import replace

from naclc.codegen.active import targets
from naclc.codegen.classifier import PROTOCOL, Classifier
from naclc.codegen.grouping import TooLarge, classifier, listed
from naclc.codegen.runs import Run, Runs
from naclc.codegen.unit import FunctionPlan, Unit

CHAIN_RULES = 256  # up to so many rules, a chain of tests is the better plan
# Rules about these alone stay in front of tables, a few in each function.
_KNOWN = {"ct.state", "iface.in", "iface.out", PROTOCOL.name}
_MOST_IN_FRONT = 8

# A C++ compiler takes three milliseconds for a rule of a chain; more than so many rules are a list if tables do not do.
_COMPILED_RULES = 1024


def with_classifiers(unit: Unit, *, chain_rules: int = CHAIN_RULES) -> Unit:
    """`unit`, with a classifier for each run of more than `chain_rules` rules whose tables fit their budget."""
    functions = tuple(_with_classifiers(plan, unit, chain_rules) for plan in unit.functions)
    return replace(unit, functions=functions)


def without_classifiers(unit: Unit) -> Unit:
    """`unit` with its tests in a row: the rules in order, one after the other."""
    return replace(unit, functions=tuple(replace(plan, classifiers=()) for plan in unit.functions))


def _with_classifiers(plan: FunctionPlan, unit: Unit, chain_rules: int) -> FunctionPlan:
    if len(plan.steps) <= chain_rules:
        return plan
    runs = Runs(plan.steps, unit.tables)
    made: list[Classifier] = []
    in_front = _MOST_IN_FRONT
    reached, chain_end = {0}, 0  # steps before `chain_end` belong to a run that stays as it is
    for step in range(len(plan.steps)):
        if step not in reached:
            continue
        run = None if runs.is_exit(step) or step < chain_end else runs.at(step)
        if run is not None and in_front and len(run.rules) > chain_rules and _begins_decisively(run):
            in_front -= 1
            reached.update(targets(plan.steps[step]))
            continue
        found = None if run is None or len(run.rules) <= chain_rules else _classifier(run)
        if found is not None:
            made.append(found)
            reached.update(found.targets)
            continue
        reached.update(targets(plan.steps[step]))
        if run is not None:
            chain_end = run.otherwise
    return replace(plan, classifiers=tuple(made))


def _begins_decisively(run: Run) -> bool:
    """Whether the first rule asks nothing but what is known of a packet without its addresses and ports: it stays in
    front of the tables, so that established flows cost one test."""
    return {key.name for key, _ in run.rules[0].tests} <= _KNOWN and len(run.claims) > 1 and run.claims[1].rule == 1


def _classifier(run: Run) -> Classifier | None:
    try:
        return classifier(run)
    except TooLarge:
        return listed(run) if len(run.rules) > _COMPILED_RULES else None
