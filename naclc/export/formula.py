"""Conditions as formulas of set tests, with `not` worked in and constants worked out.

Before   not (tcp.dport < 80 or ip.version != 4) and true
After    tcp.dport in 80..65535

INVARIANT settled  no part is a constant, no All is in an All and no Any in an Any, and each has two parts at least.
INVARIANT sorted   the intervals of a Test are sorted, disjoint and not adjacent; at least one value is in, and one out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from naclc.net.fields import Field, State
from naclc.semantics import model
from naclc.semantics.model import Untracked

Interval = tuple[int, int]  # first and last value, both included


@dataclass(frozen=True, slots=True)
class Test:
    """The value of `field` lies in one of `intervals`."""

    field: Field
    intervals: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Formula, ...]


Formula = bool | Test | All | Any


class NotATest(ValueError):
    """Two different fields are compared."""


class Reader:
    """Reads conditions of a policy; `untracked` says what it does with packets without an entry."""

    def __init__(self, untracked: str) -> None:
        states = [State.NEW, State.ESTABLISHED, *([State.UNTRACKED] if untracked == Untracked.FILTER else [])]
        # Values that a packet can have there, where they are not all of the field's width.
        self._possible: dict[str, tuple[Interval, ...]] = {
            "ip.version": ((4, 4),),
            "ip.hdrlength": tuple((octets, octets) for octets in range(20, 64, 4)),
            "ct.state": union((int(state), int(state)) for state in states),
        }

    def read(self, condition: model.Condition, negated: bool = False) -> Formula:
        """`condition`, or what is true when it is not.

        Raises:
            NotATest: two different fields are compared.
        """
        match condition:
            case model.Not(operand):
                return self.read(operand, not negated)
            case model.And(operands):
                return (any_of if negated else all_of)(self.read(operand, negated) for operand in operands)
            case model.Or(operands):
                return (all_of if negated else any_of)(self.read(operand, negated) for operand in operands)
            case model.Literal(value):
                return value is not negated
            case model.CompareFields():
                if condition.left != condition.right:
                    raise NotATest
                return (condition.operator in ("==", "<=", ">=")) is not negated
            case model.Compare():
                intervals = _compared(condition.operator, condition.value, condition.field.width)
            case model.InSet():
                intervals = union(_leaf(leaf) for leaf in condition.leaves)
        return self._test(condition.field, intervals, negated)

    def _test(self, field: Field, intervals: tuple[Interval, ...], negated: bool) -> Formula:
        if negated:
            intervals = complement(intervals, field.width)
        everything = ((0, (1 << field.width) - 1),)
        possible = self._possible.get(field.name, everything)
        inside = [any(_overlap(value, interval) for interval in intervals) for value in possible]
        if not any(inside):
            return False
        if not any(_overlap(gap, value) for gap in complement(intervals, field.width) for value in possible):
            return True
        return Test(field, intervals)


def all_of(parts: Iterable[Formula]) -> Formula:
    """True when every part is."""
    flat: list[Formula] = []
    for part in parts:
        if part is False:
            return False
        if part is not True:
            flat += part.parts if isinstance(part, All) else (part,)
    if len(flat) > 1:
        return All(tuple(flat))
    return flat[0] if flat else True


def any_of(parts: Iterable[Formula]) -> Formula:
    """True when some part is."""
    flat: list[Formula] = []
    for part in parts:
        if part is True:
            return True
        if part is not False:
            flat += part.parts if isinstance(part, Any) else (part,)
    if len(flat) > 1:
        return Any(tuple(flat))
    return flat[0] if flat else False


def union(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same values, sorted, nothing twice."""
    merged: list[Interval] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def complement(intervals: tuple[Interval, ...], width: int) -> tuple[Interval, ...]:
    """The values of `width` bits that are in none of the sorted `intervals`."""
    gaps: list[Interval] = []
    start = 0
    for first, last in intervals:
        if first > start:
            gaps.append((start, first - 1))
        start = last + 1
    if start < 1 << width:
        gaps.append((start, (1 << width) - 1))
    return tuple(gaps)


def _overlap(one: Interval, other: Interval) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _compared(operator: str, value: int, width: int) -> tuple[Interval, ...]:
    largest = (1 << width) - 1
    intervals = {
        "==": [(value, value)],
        "!=": [(0, value - 1), (value + 1, largest)],
        "<": [(0, value - 1)],
        "<=": [(0, value)],
        ">": [(value + 1, largest)],
        ">=": [(value, largest)],
    }[operator]
    return union((first, last) for first, last in intervals if first <= last)


def _leaf(leaf: model.Leaf) -> Interval:
    match leaf:
        case model.Single(value):
            return value, value
        case model.Between(first, last):
            return first, last
        case model.Network(address, prefix):
            hosts = (1 << (32 - prefix)) - 1
            return address & ~hosts, address | hosts
