"""Runs of rules in a plan's steps: long stretches that only test, read as a list of rules.

Before   3 if ip.saddr in table 0 then 4 else 6        After   ip.saddr in table 0, destination port 80 → 5
         4 if tcp.dport == 80 then 5 else 6                    else → 6 …
         5 return accept
         6 …

A stretch goes from one step to the next *meeting*: the step where the ways meet again that do not return. What lies
between the two is a rule or several: one a way, in order. What a block holds is such a stretch again.

Preserves  where every packet goes: the first rule that matches is right because packets that no rule of a stretch takes
           are those that come to its meeting. Nothing relies on it: naclc.validate proves it of every classifier.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from naclc.codegen.classifier import DESTINATION_PORT, PROTOCOL, SOURCE_PORT, WITH_HEADER, Claim, Intervals, Key, Rule
from naclc.codegen.unit import (
    CallStep,
    ClassifyStep,
    CompareStep,
    FieldStep,
    GuardStep,
    LogStep,
    MemberStep,
    ReturnStep,
    Step,
    Table,
)
from naclc.decision.dominance import DominatorTree
from naclc.net.fields import PROTOCOL_NUMBERS, Field

_DEEPEST = 40  # stretches in each other
_MOST = 4  # rules a step; more are made where several ways lead to one block

Context = dict[Key, Intervals]
_PORTS = {
    "tcp.sport": SOURCE_PORT,
    "udp.sport": SOURCE_PORT,
    "tcp.dport": DESTINATION_PORT,
    "udp.dport": DESTINATION_PORT,
}


@dataclass(frozen=True, slots=True)
class Run:
    """From `step` on, packets go where the first matching rule says, else to `otherwise`."""

    step: int
    rules: tuple[Rule, ...]
    otherwise: int
    claims: tuple[Claim, ...]


class Runs:
    """The runs of one function."""

    def __init__(self, steps: tuple[Step, ...], tables: tuple[Table, ...]) -> None:
        self.steps = steps
        self.tables = tables
        self.meeting = _meetings(steps)

    def at(self, start: int) -> Run | None:
        """The longest run that begins with step `start`; None when it would have no rule."""
        reader = _Reader(self)
        step = start
        while not self.is_exit(step):
            before = len(reader.rules), len(reader.claims)
            reader.claim(step, {})
            try:
                reader.stretch(step, self.meeting[step], {})
            except _UnreadableError:
                del reader.rules[before[0] :], reader.claims[before[1] :]
                break
            step = self.meeting[step]
        return Run(start, tuple(reader.rules), step, tuple(reader.claims)) if reader.rules else None

    def is_exit(self, step: int) -> bool:
        """Whether a run ends here: the step does more than test a key."""
        return step >= len(self.steps) or isinstance(self.steps[step], ReturnStep | LogStep | CallStep | FieldStep)

    def leaks(self, step: int) -> bool:
        """Whether control goes on behind this exit, to steps that may be in the middle of a run."""
        while isinstance(made := self.steps[step], LogStep | CallStep):
            step = made.next
        return not isinstance(made, ReturnStep)


class _UnreadableError(Exception):
    """The ways through a stretch are too many or too deep, or one leads back into the run from a step behind it."""


@dataclass(slots=True)
class _Reader:
    runs: Runs
    rules: list[Rule] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    depth: int = 0

    def claim(self, step: int, context: Context) -> None:
        self.claims.append(Claim(step, len(self.rules), tuple(context.items())))

    def stretch(self, start: int, end: int, context: Context) -> None:
        """The rules of the ways from `start` to `end` for packets of `context`; `end` is the meeting of `start`."""
        for target, tests in self._ways(start):
            if target == end:
                continue
            inside = _narrowed(context, tests)
            if inside is None:
                continue
            if self.runs.is_exit(target):
                self._add(inside, target)
            else:
                self._inner(target, end, inside)

    def _inner(self, step: int, end: int, context: Context) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _UnreadableError
        while step != end:
            if self.runs.is_exit(step):
                self._add(context, step)
                break
            meeting = self.runs.meeting[step]
            self.stretch(step, meeting, context)
            step = meeting
            if step != end and not self.runs.is_exit(step):
                self.claim(step, context)
        self.depth -= 1

    def _add(self, context: Context, target: int) -> None:
        if len(self.rules) > _MOST * len(self.runs.steps) or self.runs.leaks(target):
            raise _UnreadableError
        self.rules.append(Rule(tuple(sorted(context.items(), key=lambda test: test[0].name)), target))

    def _ways(self, step: int) -> Iterator[tuple[int, tuple[Key, Intervals]]]:
        made = self.runs.steps[step]
        assert isinstance(made, CompareStep | MemberStep | GuardStep)
        key, inside = _test(made, self.runs.tables)
        yield made.then, (key, inside)
        yield made.otherwise, (key, complement(inside, key.width))


def _meetings(steps: tuple[Step, ...]) -> list[int]:
    """For each step the first one that its ways meet at which do not return before; len(steps) where there is none."""
    end = len(steps)
    tree = DominatorTree()  # turned round: node 0 is behind the last step
    meetings = [end] * (end + 1)
    for number in reversed(range(end)):
        going_on = [target for target in _targets(steps[number]) if not isinstance(steps[target], ReturnStep)]
        if len(going_on) == 2:
            met = end - tree.common(end - going_on[0], end - going_on[1])
            meetings[number] = met if met < end else max(going_on)
        elif going_on:
            meetings[number] = going_on[0]
        else:
            meetings[number] = max(_targets(steps[number]), default=end)
        tree.add(end - number, end - meetings[number])
    return meetings


def _targets(step: Step) -> tuple[int, ...]:
    if isinstance(step, ReturnStep):
        return ()
    if isinstance(step, LogStep | CallStep):
        return (step.next,)
    assert not isinstance(step, ClassifyStep), "a plan that is still read has none"
    return step.then, step.otherwise


def _test(step: CompareStep | MemberStep | GuardStep, tables: tuple[Table, ...]) -> tuple[Key, Intervals]:
    if isinstance(step, GuardStep):
        number = PROTOCOL_NUMBERS[step.protocol] + WITH_HEADER
        return PROTOCOL, ((number, number),)
    inside = tables[step.table].intervals if isinstance(step, MemberStep) else _compared(step)
    return key_of(step.field, inside)


def _compared(step: CompareStep) -> Intervals:
    value, top = step.value, (1 << step.field.width) - 1
    if step.operator == "==":
        return ((value, value),)
    if step.operator == "!=":
        return complement(((value, value),), step.field.width)
    return ((0, value),) if step.operator == "<=" else ((value, top),)


def key_of(field: Field, inside: Intervals) -> tuple[Key, Intervals]:
    """The key that `field` is part of, and its values for which the field is in `inside`."""
    if field.name == "ip.protocol":
        return PROTOCOL, joined([*inside, *((first + WITH_HEADER, last + WITH_HEADER) for first, last in inside)])
    return _PORTS.get(field.name) or Key(field.name, field.width), inside


def joined(intervals: list[tuple[int, int]]) -> Intervals:
    """Sorted intervals, adjacent ones made one."""
    made: list[tuple[int, int]] = []
    for first, last in intervals:
        if made and made[-1][1] + 1 == first:
            made[-1] = made[-1][0], last
        else:
            made.append((first, last))
    return tuple(made)


def complement(intervals: Intervals, width: int) -> Intervals:
    made, at = [], 0
    for first, last in intervals:
        if first > at:
            made.append((at, first - 1))
        at = last + 1
    if at < 1 << width:
        made.append((at, (1 << width) - 1))
    return tuple(made)


def common(left: Intervals, right: Intervals) -> Intervals:
    made, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            made.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(made)


def _narrowed(context: Context, test: tuple[Key, Intervals]) -> Context | None:
    """`context` with one more test; None when no packet is left."""
    key, inside = test
    if key in context:
        inside = common(context[key], inside)
    return {**context, key: inside} if inside else None
