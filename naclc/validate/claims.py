"""Are the rules of a classifier what the steps it stands for do?

The planner hands in *claims*: packets of this context that are at this step take the first match among the rules from
this number on. The first one is about the first step and all packets and rules. Each claim is checked by following the
steps from it to other claims and to exits, so claims lean on claims about later steps only, and all hold if each does.

INVARIANT founded    there is a claim that says all about the classifier's first step.
INVARIANT carried    where control comes to another claim, packets are in its context and no rule between takes them.
INVARIANT answered   where control comes to an exit, the first rule that takes such packets takes all, and leads there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from naclc.codegen.classifier import Classifier
from naclc.codegen.unit import CompareStep, FunctionPlan, GuardStep, MemberStep, Table
from naclc.validate.keys import Box, are_apart, box_of, covers, narrowed, values_of
from naclc.validate.outcome import Difference, Differs

_MOST_WAYS = 256  # a step of the plan, on average


class OverEffort(Exception):
    """The ways through the steps are too many to be followed."""


def check_claims(made: Classifier, plan: FunctionPlan, tables: tuple[Table, ...]) -> None:
    """Raises Differs when a claim does not hold, OverEffort when that would take too long to see."""
    _Claims(made, plan, tables).check()


class _Claims:
    def __init__(self, made: Classifier, plan: FunctionPlan, tables: tuple[Table, ...]) -> None:
        self._made = made
        self._plan = plan
        self._tables = tables
        self._boxes = [box_of(rule.tests) for rule in made.rules]
        self._at: dict[int, list[tuple[int, Box]]] = {}
        self._effort = _MOST_WAYS * len(plan.steps)
        for claim in made.claims:
            if not 0 <= claim.rule <= len(made.rules):
                self._fail("founded: a claim begins at no rule", claim.step)
            self._at.setdefault(claim.step, []).append((claim.rule, box_of(claim.context)))

    def check(self) -> None:
        steps = len(self._plan.steps)
        if not all(0 <= rule.target < steps for rule in self._made.rules) or not 0 <= self._made.otherwise < steps:
            self._fail("answered: a rule leads to no step", self._made.step)
        if not any(rule == 0 and not context for rule, context in self._at.get(self._made.step, ())):
            self._fail("founded: nothing is claimed about the first step", self._made.step)
        for step, claims in self._at.items():
            for rule, context in claims:
                self._follow(step, rule, context)

    def _follow(self, claimed: int, rule: int, context: Box) -> None:
        waiting = list(self._onward(claimed, context))
        while waiting:
            self._effort -= 1
            if self._effort < 0:
                raise OverEffort
            step, packets = waiting.pop()
            if not self._is_carried(step, rule, packets) and not self._is_answered(step, rule, packets):
                waiting += self._onward(step, packets)

    def _onward(self, step: int, packets: Box) -> Iterator[tuple[int, Box]]:
        made = self._plan.steps[step] if 0 <= step < len(self._plan.steps) else None
        if not isinstance(made, CompareStep | MemberStep | GuardStep):
            self._fail("answered: packets leave the rules where no rule leads", step)
            return
        key, then, otherwise = values_of(made, self._tables)
        for target, places in ((made.then, then), (made.otherwise, otherwise)):
            inside = narrowed(packets, key, places)
            if inside is not None:
                yield target, inside

    def _is_carried(self, step: int, rule: int, packets: Box) -> bool:
        return any(
            number >= rule and covers(context, packets) and self._pass(packets, rule, number)
            for number, context in self._at.get(step, ())
        )

    def _pass(self, packets: Box, rule: int, end: int) -> bool:
        """Whether no rule from `rule` up to below `end` takes any of `packets`."""
        self._effort -= (end - rule) // 16
        return all(are_apart(packets, self._boxes[number]) for number in range(rule, end))

    def _is_answered(self, step: int, rule: int, packets: Box) -> bool:
        if step != self._made.otherwise and not self._is_target(step):
            return False
        for number in count(rule):
            if number == len(self._boxes):
                return step == self._made.otherwise
            if not are_apart(packets, self._boxes[number]):
                return step == self._made.rules[number].target and covers(self._boxes[number], packets)
        return False

    def _is_target(self, step: int) -> bool:
        return not isinstance(self._plan.steps[step], CompareStep | MemberStep | GuardStep)

    def _fail(self, what: str, step: int) -> None:
        statement = self._plan.steps[step].statement if 0 <= step < len(self._plan.steps) else -1
        raise Differs(Difference(self._plan.name, f"{what} (step {step})", statement))
