"""Sets of field values as sorted, disjoint, non-adjacent intervals (first, last), both ends included."""

from __future__ import annotations

from collections.abc import Iterable

from naclc.semantics.model import Between, Compare, Leaf, Network, Single

Intervals = tuple[tuple[int, int], ...]


def of_compare(compare: Compare) -> Intervals:
    """The values for which the comparison is true; empty or the full range where it is constant."""
    top = (1 << compare.field.width) - 1
    value = compare.value
    below, above = (0, value - 1), (value + 1, top)
    match compare.operator:
        case "==":
            wanted = [(value, value)]
        case "!=":
            wanted = [below, above]
        case "<":
            wanted = [below]
        case "<=":
            wanted = [(0, value)]
        case ">":
            wanted = [above]
        case ">=":
            wanted = [(value, top)]
        case other:
            raise AssertionError(f"no such operator: {other}")
    return merge(interval for interval in wanted if interval[0] <= interval[1])


def of_leaves(leaves: Iterable[Leaf], width: int) -> Intervals:
    """The values of a field of `width` bits that match one leaf of a set."""
    return merge(_of_leaf(leaf, width) for leaf in leaves)


def _of_leaf(leaf: Leaf, width: int) -> tuple[int, int]:
    match leaf:
        case Single(value):
            return value, value
        case Between(first, last):
            return first, last
        case Network(address, prefix):
            host_bits = (1 << (width - prefix)) - 1
            return address & ~host_bits, address | host_bits


def merge(intervals: Iterable[tuple[int, int]]) -> Intervals:
    """
    >>> merge([(80, 80), (22, 22), (443, 443), (81, 90), (85, 86)])
    ((22, 22), (80, 90), (443, 443))
    """
    merged: list[tuple[int, int]] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(merged)
