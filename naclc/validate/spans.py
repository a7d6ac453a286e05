"""Sets of numbers as the places where they begin and end, in turn: (22, 23, 80, 91) is 22 and 80 .. 90.

INVARIANT rising   places rise strictly, and there is an even number of them; so equal sets are equal tuples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

Spans = tuple[int, ...]


def spans(intervals: Iterable[tuple[int, int]], size: int) -> Spans | None:
    """The numbers of `intervals`, both ends included; None when they are not sorted, disjoint, not adjacent and below
    `size`."""
    places = tuple(place for first, last in intervals for place in (first, last + 1))
    if any(place >= following for place, following in zip((-1, *places), (*places, size + 1), strict=True)):
        return None
    return places


def without(places: Spans, size: int) -> Spans:
    """All numbers below `size` that are not in `places`."""
    kept = set(places) ^ {0, size}
    return tuple(sorted(kept))


def common(one: Spans, other: Spans) -> Spans:
    if len(one) == 2 == len(other):
        first, end = max(one[0], other[0]), min(one[1], other[1])
        return (first, end) if first < end else ()
    found: list[int] = []
    inside = False
    for place in sorted({*one, *other}):
        now = bisect_right(one, place) % 2 == 1 and bisect_right(other, place) % 2 == 1
        if now is not inside:
            found.append(place)
            inside = now
    return tuple(found)


def is_within(inner: Spans, outer: Spans) -> bool:
    return inner == outer or common(inner, outer) == inner


def shifted(places: Spans, by: int) -> Spans:
    return tuple(place + by for place in places)


def union_of_apart(low: Spans, high: Spans) -> Spans:
    """All numbers of both; none of `low` is above one of `high`."""
    if low and high and low[-1] == high[0]:
        return low[:-1] + high[1:]
    return low + high
