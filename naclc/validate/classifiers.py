"""Are the tables of a classifier the first match among its rules?

Each group is walked from its first key to its cells, with the members that match on the way: where a member begins or
ends to match, and where the table says that something else begins. Nodes and cells that several ways lead to are seen
once for each set of members. A cell must list the members that come to it in their order, each with a predicate that
is the rest of its rule; one may be missing only if an earlier entry takes all its packets.

Groups share out the rules, and each finds the first match among its own: the lowest number of all is the first match.

INVARIANT parted      every rule is a member of exactly one group.
INVARIANT divided     bounds rise from 0 and fit their key.
INVARIANT predicate   the rows of a predicate hold where the rest of its rule does, for every key.
INVARIANT in order    a cell's entries are the members that match there, in order; the last is for packets of no rule.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from naclc.codegen.classifier import Classifier, Division, Entry, Group, Key
from naclc.validate.keys import Box, box_of, covers, size_of
from naclc.validate.outcome import Difference, Differs
from naclc.validate.spans import Spans

Members = tuple[int, ...]


def check_tables(made: Classifier, function: str) -> None:
    """Raises Differs when an invariant does not hold."""
    boxes = [box_of(rule.tests) for rule in made.rules]
    if not made.groups and not made.divisions:
        return  # the rules themselves, in order
    if sorted(member for group in made.groups for member in group.members) != list(range(len(boxes))):
        _fail(function, "parted: the groups do not share out the rules")
    for division in made.divisions:
        _check_bounds(function, division.key, division.bounds)
    for group in made.groups:
        _Group(group, made, boxes, function).check()


def _fail(function: str, what: str) -> None:
    raise Differs(Difference(function, what))


def _check_bounds(function: str, key: Key, bounds: Sequence[int]) -> None:
    if not bounds or bounds[0] != 0 or bounds[-1] >= size_of(key) or any(a >= b for a, b in pairwise(bounds)):
        _fail(function, f"divided: the bounds of {key.name} are none")


class _Group:
    def __init__(self, group: Group, made: Classifier, boxes: Sequence[Box], function: str) -> None:
        self._group = group
        self._boxes = boxes
        self._function = function
        self._nobody = len(boxes)
        self._predicates = self._read_predicates(made.divisions)
        searched = (group.first.key.name, group.second.name)
        self._rests = {
            member: {key: places for key, places in boxes[member].items() if key not in searched}
            for member in group.members
        }
        self._seen: set[tuple[str, int, Members]] = set()

    def check(self) -> None:
        group = self._group
        if list(group.members) != sorted(group.members):
            _fail(self._function, "parted: the members of a group are not in order")
        if group.first.key == group.second:
            _fail(self._function, f"divided: a group is searched by {group.second.name} twice")
        _check_bounds(self._function, group.first.key, group.first.bounds)
        for node in group.nodes:
            _check_bounds(self._function, group.second, node.bounds)
        for number, members in self._walk(group.first.key, group.first.bounds, group.first_nodes, group.members):
            if self._is_new("node", number, members, len(group.nodes)):
                self._check_node(number, members)

    def _check_node(self, number: int, members: Members) -> None:
        node = self._group.nodes[number]
        for cell, matching in self._walk(self._group.second, node.bounds, node.cells, members):
            if self._is_new("cell", cell, matching, len(self._group.cells)):
                self._check_cell(self._group.cells[cell], matching)

    def _is_new(self, kind: str, number: int, members: Members, count: int) -> bool:
        if not 0 <= number < count:
            _fail(self._function, f"divided: there is no {kind} {number}")
        known = (kind, number, members)
        if known in self._seen:
            return False
        self._seen.add(known)
        return True

    def _walk(
        self, key: Key, bounds: Sequence[int], leads: Sequence[int], members: Members
    ) -> Iterator[tuple[int, Members]]:
        """What the table leads to and which of `members` match, all along the values of `key`."""
        if len(leads) != len(bounds):
            _fail(self._function, f"divided: {len(bounds)} intervals of {key.name} lead to {len(leads)} places")
        changes: dict[int, list[int]] = {bound: [] for bound in bounds}
        matching: list[int] = []
        for member in members:
            places = self._boxes[member].get(key.name)
            if places is None:
                matching.append(member)
            for place in places or ():
                changes.setdefault(place, []).append(member)
        size, at = size_of(key), -1
        for place in sorted(changes):
            if place == size:
                break
            for member in changes[place]:
                _toggle(matching, member)
            if at + 1 < len(bounds) and bounds[at + 1] == place:
                at += 1
            yield leads[at], tuple(matching)

    def _check_cell(self, entries: tuple[Entry, ...], matching: Members) -> None:
        listed: list[Box] = []
        waiting = list(reversed(entries))
        for member in matching:
            rest = self._rests[member]
            if waiting and waiting[-1].rule == member:
                if self._predicate(waiting.pop()) != rest:
                    _fail(self._function, f"predicate: a cell asks something else of rule {member} than the rule")
                listed.append(rest)
            elif not any(covers(before, rest) for before in listed):
                _fail(self._function, f"in order: rule {member} is missing in a cell")
        if len(waiting) != 1 or waiting[0].rule != self._nobody or self._predicate(waiting[0]):
            _fail(self._function, "in order: a cell does not end with its rules")

    def _predicate(self, entry: Entry) -> Box:
        if not 0 <= entry.predicate < len(self._predicates):
            _fail(self._function, f"predicate: there is no predicate {entry.predicate}")
        return self._predicates[entry.predicate]

    def _read_predicates(self, divisions: Sequence[Division]) -> list[Box]:
        """What each predicate holds for, from its bits in the rows."""
        predicates: list[Box] = [{} for _ in range(self._group.predicates)]
        for rows in self._group.rows:
            if not 0 <= rows.division < len(divisions):
                _fail(self._function, f"predicate: there is no division {rows.division}")
            division = divisions[rows.division]
            if len(rows.rows) != len(division.bounds) or division.key.name in {
                key for box in predicates for key in box
            }:
                _fail(self._function, f"predicate: the rows of {division.key.name} are not those of its intervals")
            for number, places in _spans_of(rows.rows, division, self._group.predicates).items():
                predicates[number][division.key.name] = places
        return predicates


def _spans_of(rows: Sequence[int], division: Division, count: int) -> Mapping[int, Spans]:
    """For each predicate that does not hold for all values, those it holds for."""
    places: dict[int, list[int]] = {}
    before = 0
    for bound, row in zip(division.bounds, rows, strict=True):
        changed = (row ^ before) & (1 << count) - 1
        before = row
        while changed:
            number = changed.bit_length() - 1
            changed ^= 1 << number
            places.setdefault(number, []).append(bound)
    size = 1 << division.key.width
    ended = {n: (*found, size) if len(found) % 2 else tuple(found) for n, found in places.items()}
    nowhere = {n: () for n in range(count) if n not in ended}
    return {n: found for n, found in (ended | nowhere).items() if found != (0, size)}


def _toggle(matching: list[int], member: int) -> None:
    at = bisect_right(matching, member) - 1
    if at >= 0 and matching[at] == member:
        del matching[at]
    else:
        insort(matching, member)
