"""What of a plan is rendered: classifiers in place of the steps they stand for, and no step that nothing leads to.

Before   classifier at 0 → 3, 4         After   0 classify → 1, 2
         0 if A then 3 else 1                   1 return accept
         1 if B then 3 else 4                   2 log "rest"
         3 return accept …
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from naclc.codegen.unit import CallStep, ClassifyStep, FunctionPlan, LogStep, ReturnStep, Step, Unit


def active(unit: Unit) -> Unit:
    """`unit` with steps as they run; the functions of the result have no classifiers of their own."""
    number = 0
    functions: list[FunctionPlan] = []
    for plan in unit.functions:
        functions.append(_active(plan, number) if plan.classifiers else plan)
        number += len(plan.classifiers)
    return replace(unit, functions=tuple(functions))


def targets(step: Step) -> tuple[int, ...]:
    """The steps that `step` may lead to."""
    if isinstance(step, ReturnStep):
        return ()
    if isinstance(step, LogStep | CallStep):
        return (step.next,)
    if isinstance(step, ClassifyStep):
        return (*step.targets, step.otherwise)
    return step.then, step.otherwise


def _active(plan: FunctionPlan, number: int) -> FunctionPlan:
    steps = list(plan.steps)
    for at, made in enumerate(plan.classifiers, start=number):
        ways = tuple(sorted({rule.target for rule in made.rules}))
        steps[made.step] = ClassifyStep(made, at, ways, made.otherwise, plan.steps[made.step].statement)
    reached = {0}
    for at, step in enumerate(steps):
        if at in reached:
            reached.update(targets(step))
    numbers = {at: new for new, at in enumerate(sorted(reached))}
    return replace(plan, steps=tuple(_renumbered(steps[at], numbers) for at in sorted(reached)), classifiers=())


def _renumbered(step: Step, numbers: Mapping[int, int]) -> Step:
    if isinstance(step, ReturnStep):
        return step
    if isinstance(step, LogStep | CallStep):
        return replace(step, next=numbers[step.next])
    if isinstance(step, ClassifyStep):
        rules = tuple(replace(rule, target=numbers[rule.target]) for rule in step.classifier.rules)
        made = replace(step.classifier, rules=rules, otherwise=numbers[step.otherwise])
        ways = tuple(numbers[target] for target in step.targets)
        return replace(step, classifier=made, targets=ways, otherwise=numbers[step.otherwise])
    return replace(step, then=numbers[step.then], otherwise=numbers[step.otherwise])
