"""What a plan does: for each log, call and verdict in it, the packets that reach it, step by step.

Tests are encoded from intervals, most significant bit first; the rules' own tests are encoded elsewhere
(naclc.validate.atoms) and in another way, so that a slip in one is seen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from naclc.codegen.unit import (
    CallStep,
    CompareStep,
    FieldStep,
    FunctionPlan,
    GuardStep,
    LogStep,
    MemberStep,
    ReturnStep,
    Table,
    Unit,
)
from naclc.net.fields import PROTOCOL_NUMBERS, Field
from naclc.pipeline.evaluation import Verdict
from naclc.validate.flow import ENTRY, Flow, Reach, both, flow, only
from naclc.validate.shape import targets
from naclc.validate.space import Space, pair_of

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

Intervals = tuple[tuple[int, int], ...]
Decider = CompareStep | MemberStep | FieldStep | GuardStep


class NoCut(Exception):
    """The plan has no step where a cut could lie."""


class Steps:
    """The functions of one unit, whose shape has been checked."""

    def __init__(self, unit: Unit, space: Space) -> None:
        self._unit = unit
        self._space = space
        self._encoder = _Encoder(space, unit.tables)

    def reach(
        self, plan: FunctionPlan, entry: BDDFunction, ends: dict[str, BDDFunction], cuts: Collection[int]
    ) -> Reach:
        """`entry` is the packets the function is run for, `ends` those that come to the end of a called one, `cuts`
        the statements before which to cut. Raises NoCut."""
        cut_at = _cut_steps(plan, cuts)
        heads = _heads(plan) | set(cut_at)
        arriving: dict[int, Flow] = {0: flow(ENTRY, entry)}
        reach = Reach({}, {}, {})
        end: Flow = {}
        for at in sorted(heads):
            here = arriving.pop(at, {})
            if not here:
                continue
            if at in cut_at:
                reach.cuts[cut_at[at]] = here
                here = flow(cut_at[at], self._space.true)
            step = plan.steps[at]
            onward: dict[int, BDDFunction] = {}
            match step:
                case ReturnStep(Verdict.END, _, None):
                    end = both(end, here)
                case ReturnStep():
                    _arrive(reach.sites, step.statement, here)
                case LogStep():
                    _arrive(reach.sites, step.statement, here)
                    onward = {step.next: self._space.true}
                case CallStep():
                    _arrive(reach.sites, step.statement, here)
                    onward = {step.next: ends[self._unit.functions[step.function].name]}
                case _:
                    onward = self._ways_out(plan, at, heads)
            for target, chosen in onward.items():
                _arrive(arriving, target, only(here, chosen))
        return Reach(reach.sites, reach.cuts, end)

    def _ways_out(self, plan: FunctionPlan, head: int, heads: set[int]) -> dict[int, BDDFunction]:
        """The next heads that the tests from `head` on lead to, each with the packets that take that way. Found
        without looking at who arrives at `head`: what is local stays small."""
        found: dict[int, BDDFunction] = {}
        waiting = [(head, self._space.true)]
        while waiting:
            at, here = waiting.pop()
            step = plan.steps[at]
            assert isinstance(step, Decider)
            chosen = self._encoder.test(step)
            for target, some in ((step.then, here & chosen), (step.otherwise, here & ~chosen)):
                if target in heads:
                    found[target] = found[target] | some if target in found else some
                else:
                    waiting.append((target, some))
        return found


def _arrive(flows: dict[int, Flow], place: int, more: Flow) -> None:
    flows[place] = both(flows[place], more) if place in flows else more


def _cut_steps(plan: FunctionPlan, cuts: Collection[int]) -> dict[int, int]:
    """The first step of each statement in `cuts`, and the statement it belongs to."""
    first: dict[int, int] = {}
    for at, step in enumerate(plan.steps):
        first.setdefault(step.statement, at)
    if not all(cut in first for cut in cuts):
        raise NoCut
    return {first[cut]: cut for cut in cuts}


def _heads(plan: FunctionPlan) -> set[int]:
    """Steps where the packets that arrive are counted: the first; all that do something, and what comes after them;
    all with several ways in."""
    heads = {0}
    ways_in = Counter(target for step in plan.steps for target in targets(step))
    for at, step in enumerate(plan.steps):
        if ways_in[at] > 1:
            heads.add(at)
        if not isinstance(step, Decider):
            heads |= {at, *targets(step)}
    return heads


class _Encoder:
    """Tests of a plan as sets of packets; equal tests are encoded once."""

    def __init__(self, space: Space, tables: tuple[Table, ...]) -> None:
        self._space = space
        self._tables = tables
        self._made: dict[tuple[str, Intervals], BDDFunction] = {}
        self._values: dict[tuple[str, int, int], BDDFunction] = {}

    def test(self, step: Decider) -> BDDFunction:
        """The packets that go to `then`."""
        match step:
            case CompareStep(field, operator, value):
                return self._compare(field, operator, value)
            case MemberStep(field, table):
                return self._member(field.name, self._tables[table].intervals)
            case FieldStep(left, operator, right):
                return self._compare_fields(left, operator, right)
            case GuardStep(protocol):
                number = PROTOCOL_NUMBERS[protocol]
                return self._member("ip.protocol", ((number, number),)) & self._space.transport

    def _compare(self, field: Field, operator: str, value: int) -> BDDFunction:
        top = (1 << field.width) - 1
        match operator:
            case "==":
                return self._member(field.name, ((value, value),))
            case "!=":
                return ~self._member(field.name, ((value, value),))
            case "<=":
                return self._member(field.name, ((0, value),))
            case ">=":
                return self._member(field.name, ((value, top),))
            case _:
                raise AssertionError(f"no such operator: {operator}")

    def _member(self, field: str, intervals: Intervals) -> BDDFunction:
        key = (field, intervals)
        if key not in self._made:
            self._made[key] = self._block(field, intervals, 0, 0)
        return self._made[key]

    def _block(self, field: str, intervals: Intervals, depth: int, base: int) -> BDDFunction:
        """The values in one of `intervals` among those that begin with the first `depth` bits of `base`; `intervals`
        are those that meet this block."""
        bits = self._space.bits[field]
        if not intervals:
            return self._space.false
        size = 1 << (len(bits) - depth)
        first, last = intervals[0]
        if first <= base and last >= base + size - 1:
            return self._space.true
        if len(intervals) == 1 and first == last:
            return self._value(field, depth, first & (size - 1))
        middle = base + size // 2
        low = intervals[: bisect_left(intervals, (middle,))]
        high = intervals[bisect_left(intervals, middle, key=lambda interval: interval[1]) :]
        return bits[depth].ite(self._block(field, high, depth + 1, middle), self._block(field, low, depth + 1, base))

    def _value(self, field: str, depth: int, rest: int) -> BDDFunction:
        """The bits from `depth` on are `rest`."""
        bits = self._space.bits[field]
        if depth == len(bits):
            return self._space.true
        key = (field, depth, rest)
        if key not in self._values:
            half = 1 << (len(bits) - depth - 1)
            below = self._value(field, depth + 1, rest & (half - 1))
            ways = (below, self._space.false) if rest & half else (self._space.false, below)
            self._values[key] = bits[depth].ite(*ways)
        return self._values[key]

    def _compare_fields(self, left: Field, operator: str, right: Field) -> BDDFunction:
        pair = pair_of(left, right)
        if pair in self._space.chance:
            less, equal = self._space.chance[pair]
            if operator == "==":
                return equal
            return less & ~equal if pair == (left.name, right.name) else ~less & ~equal
        ours, theirs = self._space.bits[left.name], self._space.bits[right.name]
        excess = len(ours) - len(theirs)
        none = self._space.false
        less, same = none, self._space.true
        for a, b in zip((none,) * -excess + ours, (none,) * excess + theirs, strict=True):
            less = less | (same & b & ~a)
            same = same & ~(a ^ b)
        return same if operator == "==" else less
