"""A run of rules → groups of tables.

Each rule goes to the group that cuts it off best: a rule that names few sources is found by its source first, one that
names few destinations by its destination, one that names neither by the keys that its like differ in most. In such a
group most cells hold one or two rules; one table over all keys would explode where ranges of both addresses overlap.

INVARIANT parted    every rule is a member of exactly one group.
INVARIANT sorted    a cell's entries are in the order of their rules, and the last one takes all packets.
INVARIANT bounded   what is made stays below _MOST_WORK entries on the way, and is given up otherwise: then the rules
                    are listed, and the list is gone through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log2, prod

from naclc.codegen.classifier import (
    PROTOCOL,
    Classifier,
    Division,
    Entry,
    Group,
    Intervals,
    Key,
    Node,
    Rows,
    Rule,
    Tests,
)
from naclc.codegen.runs import Run

ADDRESSES = (Key("ip.saddr", 32), Key("ip.daddr", 32))
_CUTTING = 8  # bits of an address that a rule must fix to be found by it
_MOST_WORK = 6_000_000  # rules listed in nodes and cells while tables are made, in all
_OCTETS, _SPARE_OCTETS = 96, 1 << 17  # of tables: so many for each rule, and some more
_MOST_LISTED = 4  # intervals of all keys for each rule, on average
_MOST_ROWS = 1 << 23  # bits of predicate rows

Pieces = list[tuple[int, tuple[int, ...]]]  # where an interval begins, and the rules there


class TooLarge(Exception):
    """The tables would not fit the budget."""


def classifier(run: Run) -> Classifier:
    """Tables for the rules of `run`. Raises TooLarge."""
    budget = _Budget()
    parts = _parted(run.rules)
    drafts = [_draft(run.rules, members, keys, budget) for keys, members in parts.items()]
    divisions = _divisions([rest for draft in drafts for rest in draft.predicates])
    groups = tuple(_group(draft, divisions, budget) for draft in drafts)
    made = Classifier(run.step, run.rules, run.otherwise, run.claims, tuple(divisions.values()), groups)
    if _octets(made) > _OCTETS * len(run.rules) + _SPARE_OCTETS:
        raise TooLarge
    return made


def _octets(made: Classifier) -> int:
    """How large the tables are, roughly."""
    groups = sum(
        8 * len(group.first.bounds)
        + 6 * sum(len(node.bounds) for node in group.nodes)
        + 4 * sum(map(len, group.cells))
        + sum(len(rows.rows) * group.predicates // 8 for rows in group.rows)
        for group in made.groups
    )
    return groups + 8 * len(made.rules)


def listed(run: Run) -> Classifier | None:
    """The rules of `run` to be gone through in order; None when lists of intervals would make far more of them."""
    if sum(prod(len(inside) for _, inside in rule.tests) for rule in run.rules) > _MOST_LISTED * len(run.rules):
        return None
    return Classifier(run.step, run.rules, run.otherwise, run.claims, (), ())


@dataclass(slots=True)
class _Budget:
    work: int = _MOST_WORK
    rows: int = _MOST_ROWS

    def spend(self, work: int = 0, rows: int = 0) -> None:
        self.work -= work
        self.rows -= rows
        if self.work < 0 or self.rows < 0:
            raise TooLarge


def _parted(rules: Sequence[Rule]) -> dict[tuple[Key, Key], tuple[int, ...]]:
    """The members of each group, by its first and second key."""
    parts: dict[tuple[Key, Key], list[int]] = {}
    others: list[int] = []
    for number, rule in enumerate(rules):
        tests = dict(rule.tests)
        source, destination = (_fixed_bits(tests, key) for key in ADDRESSES)
        if max(source, destination) < _CUTTING:
            others.append(number)
        else:
            parts.setdefault(ADDRESSES if source >= destination else ADDRESSES[::-1], []).append(number)
    if others:
        parts.setdefault(_most_different(rules, others), []).extend(others)
    return {keys: tuple(sorted(members)) for keys, members in parts.items()}


def _fixed_bits(tests: Mapping[Key, Intervals], key: Key) -> float:
    """How many of the key's bits the rule fixes, going by how many values it leaves."""
    if key not in tests:
        return 0
    return key.width - log2(sum(last - first + 1 for first, last in tests[key]))


def _most_different(rules: Sequence[Rule], members: Iterable[int]) -> tuple[Key, Key]:
    """The two keys that `members` say the most different things about."""
    said: dict[Key, set[Intervals]] = {}
    for number in members:
        for key, inside in rules[number].tests:
            said.setdefault(key, set()).add(inside)
    keys = sorted(said, key=lambda key: (-len(said[key]), key.name))
    spare = [key for key in (PROTOCOL, *ADDRESSES) if key not in keys]
    first, second, *_ = [*keys, *spare]
    return first, second


@dataclass(slots=True)
class _Draft:
    """A group without its rows."""

    members: tuple[int, ...]
    first: Division
    first_nodes: tuple[int, ...]
    second: Key
    nodes: tuple[Node, ...]
    cells: tuple[tuple[Entry, ...], ...]
    predicates: tuple[Tests, ...]


def _draft(rules: Sequence[Rule], members: tuple[int, ...], keys: tuple[Key, Key], budget: _Budget) -> _Draft:
    first, second = keys
    said = {number: dict(rules[number].tests) for number in members}
    cells = _Cells(said, keys, len(rules), budget)
    nodes: dict[Node, int] = {}
    by_rules: dict[tuple[int, ...], int] = {}
    bounds: list[int] = []
    first_nodes: list[int] = []
    for begin, here in _pieces(said, members, first, budget):
        if here not in by_rules:
            node = cells.node(here, second)
            by_rules[here] = nodes.setdefault(node, len(nodes))
        if not first_nodes or first_nodes[-1] != by_rules[here]:
            bounds.append(begin)
            first_nodes.append(by_rules[here])
    division = Division(first, tuple(bounds))
    return _Draft(
        members, division, tuple(first_nodes), second, tuple(nodes), tuple(cells.numbers), tuple(cells.predicates)
    )


def _pieces(said: Mapping[int, Mapping[Key, Intervals]], members: Iterable[int], key: Key, budget: _Budget) -> Pieces:
    """The values of `key` as intervals on which the same rules match, and those rules."""
    enter: dict[int, list[int]] = {0: []}
    leave: dict[int, list[int]] = {}
    always = []
    for number in members:
        if key not in said[number]:
            always.append(number)
            continue
        for first, last in said[number][key]:
            enter.setdefault(first, []).append(number)
            leave.setdefault(last + 1, []).append(number)
    here = set(always)
    pieces: Pieces = []
    for at in sorted(enter.keys() | leave.keys()):
        if at >> key.width:
            break
        here.difference_update(leave.get(at, ()))
        here.update(enter.get(at, ()))
        budget.spend(len(here) + 1)
        pieces.append((at, tuple(sorted(here))))
    return pieces


@dataclass(slots=True)
class _Cells:
    """The cells of a group; equal ones are one."""

    said: Mapping[int, Mapping[Key, Intervals]]
    keys: tuple[Key, Key]
    nobody: int
    budget: _Budget
    numbers: dict[tuple[Entry, ...], int] = field(default_factory=dict)
    predicates: dict[Tests, int] = field(default_factory=lambda: {(): 0})
    _of_rule: dict[int, int] = field(default_factory=dict)
    _rests: list[dict[Key, Intervals]] = field(default_factory=lambda: [{}])
    _weaker: dict[tuple[int, int], bool] = field(default_factory=dict)

    def node(self, members: tuple[int, ...], key: Key) -> Node:
        bounds: list[int] = []
        cells: list[int] = []
        for begin, here in _pieces(self.said, members, key, self.budget):
            cell = self.numbers.setdefault(self._cell(here), len(self.numbers))
            if not cells or cells[-1] != cell:
                bounds.append(begin)
                cells.append(cell)
        return Node(tuple(bounds), tuple(cells))

    def _cell(self, members: tuple[int, ...]) -> tuple[Entry, ...]:
        """Without the rules that one before them leaves nothing."""
        entries: list[Entry] = []
        for number in members:
            predicate = self._predicate(number)
            self.budget.spend(len(entries))
            if any(self._implies(predicate, entry.predicate) for entry in entries):
                continue
            entries.append(Entry(predicate, number))
        return (*entries, Entry(0, self.nobody))

    def _predicate(self, number: int) -> int:
        if number not in self._of_rule:
            rest = tuple((key, inside) for key, inside in self.said[number].items() if key not in self.keys)
            if rest not in self.predicates:
                self.predicates[rest] = len(self.predicates)
                self._rests.append(dict(rest))
            self._of_rule[number] = self.predicates[rest]
        return self._of_rule[number]

    def _implies(self, one: int, other: int) -> bool:
        """Whether packets for which predicate `one` holds are among those of `other`."""
        if other in (one, 0):
            return True
        if (one, other) not in self._weaker:
            ours, theirs = self._rests[one], self._rests[other]
            self._weaker[one, other] = all(
                key in ours and _is_within(ours[key], inside) for key, inside in theirs.items()
            )
        return self._weaker[one, other]


def _is_within(inner: Intervals, outer: Intervals) -> bool:
    at = 0
    for first, last in inner:
        while at < len(outer) and outer[at][1] < first:
            at += 1
        if at == len(outer) or not (outer[at][0] <= first and last <= outer[at][1]):
            return False
    return True


def _divisions(predicates: Iterable[Tests]) -> dict[Key, Division]:
    """The keys that predicates look at, cut wherever one of them begins or ends."""
    bounds: dict[Key, set[int]] = {}
    for tests in predicates:
        for key, inside in tests:
            cuts = bounds.setdefault(key, {0})
            for first, last in inside:
                cuts.add(first)
                if (last + 1) >> key.width == 0:
                    cuts.add(last + 1)
    return {key: Division(key, tuple(sorted(cuts))) for key, cuts in bounds.items()}


def _group(draft: _Draft, divisions: Mapping[Key, Division], budget: _Budget) -> Group:
    rows = []
    for number, (key, division) in enumerate(divisions.items()):
        if any(key in dict(tests) for tests in draft.predicates):
            budget.spend(rows=len(division.bounds) * len(draft.predicates))
            rows.append(Rows(number, _rows(draft.predicates, division)))
    return Group(
        draft.members,
        draft.first,
        draft.first_nodes,
        draft.second,
        draft.nodes,
        draft.cells,
        len(draft.predicates),
        tuple(rows),
    )


def _rows(predicates: Sequence[Tests], division: Division) -> tuple[int, ...]:
    always = 0
    enter: dict[int, int] = {}
    leave: dict[int, int] = {}
    for number, tests in enumerate(predicates):
        inside = dict(tests).get(division.key)
        if inside is None:
            always |= 1 << number
            continue
        for first, last in inside:
            enter[first] = enter.get(first, 0) | 1 << number
            leave[last + 1] = leave.get(last + 1, 0) | 1 << number
    rows, here = [], 0
    for bound in division.bounds:
        here = here & ~leave.get(bound, 0) | enter.get(bound, 0)
        rows.append(here | always)
    return tuple(rows)
