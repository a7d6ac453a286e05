"""Rules in tables: what takes the place of many tests in a row (docs/adr/0008).

Before   3 if A then 7 else 4          After   3 the first of: A → 7, B → 8 …; else 6
         4 if B then 8 else 5

A *run* of rules is a part of a plan's steps, from one step on, that does nothing but test. A classifier decides it:
its rules are conjunctions of tests of *keys*, the first that matches says at which step to go on. The steps stay in
the plan: naclc.validate proves the rules equal to them, and the tables to the rules; what no longer leads anywhere is
not rendered.

The rules are divided into *groups*. A group finds the interval that one key lies in, there the interval of a second
key, and there a *cell*: the group's rules that match both keys, in order, each with a *predicate* on the other keys.
The lowest rule number over all groups is the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

Intervals = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A number that packets are told apart by, 0 .. 2**width - 1: a field of naclc.net.fields by its name, 0 where the
    packet has no such header; or one of SOURCE_PORT, DESTINATION_PORT and PROTOCOL."""

    name: str
    width: int


# The first and second 16 bits behind the IP header, 0 where no transport header is (docs/language.md 8.3).
SOURCE_PORT = Key("source port", 16)
DESTINATION_PORT = Key("destination port", 16)
# ip.protocol, and 256 more where its transport header is there.
PROTOCOL = Key("protocol", 9)
WITH_HEADER = 256

Tests = tuple[tuple[Key, Intervals], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Packets whose keys all lie in their intervals (sorted, disjoint, not adjacent, not empty) go on at step
    `target`."""

    tests: Tests
    target: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What the run does with packets of `context` that are at `step`: the first match among rules from `rule` on."""

    step: int
    rule: int
    context: Tests


@dataclass(frozen=True, slots=True)
class Division:
    """A key's values as intervals: number i begins at bounds[i] and ends before the next; bounds[0] is 0."""

    key: Key
    bounds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """Of a cell: packets for which `predicate` holds are taken by `rule`."""

    predicate: int
    rule: int


@dataclass(frozen=True, slots=True)
class Rows:
    """What one of the other keys says about predicates: bit p of rows[i] is set when predicate p holds for values in
    interval i of division `division` of the classifier."""

    division: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`nodes[first_nodes[i]]` stands for interval i of `first`; `cells[node.cells[j]]` for interval j of that node,
    which divides `second`. A cell's entries are in the order of their rules; the last one is of rule number
    len(rules), and its predicate always holds. `predicates` is how many there are; one holds where all `rows` say
    so."""

    members: tuple[int, ...]
    first: Division
    first_nodes: tuple[int, ...]
    second: Key
    nodes: tuple[Node, ...]
    cells: tuple[tuple[Entry, ...], ...]
    predicates: int
    rows: tuple[Rows, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """`bounds` as those of a Division."""

    bounds: tuple[int, ...]
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Classifier:
    """Stands in place of the steps from `step` on that only test; packets no rule takes go on at step `otherwise`.
    Without groups the rules are gone through in order, as a list of intervals.
    `divisions` are those of the keys that `Rows` look at."""

    step: int
    rules: tuple[Rule, ...]
    otherwise: int
    claims: tuple[Claim, ...]
    divisions: tuple[Division, ...]
    groups: tuple[Group, ...]

    @property
    def targets(self) -> tuple[int, ...]:
        """Where control can go, ascending."""
        return tuple(sorted({rule.target for rule in self.rules} | {self.otherwise}))
