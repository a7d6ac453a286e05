"""What decides packets before a statement, and which of it is to be named.

A *scope* is a body. Its *potential* is the packets that would come to it if nothing were decided before; what comes to
a statement is the potential of its scope without the matches of all deciders before it.

Before   if (A) { accept }  if (B) { drop }  if (A and C or B and C) { drop }
Named    both: the third condition is true for no packet that neither of them decides

INVARIANT minimal   without one of the deciders that are named, some packet would get past the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from naclc.decision.facts import Place
from naclc.semantics.model import Function
from naclc.source import Span

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction


def without(packets: BDDFunction, others: BDDFunction) -> BDDFunction:
    """`packets` that are not in `others`."""
    return others.imp_strict(packets)


@dataclass(frozen=True, slots=True)
class Gate:
    """What packets pass to come into a scope: `span` must be `word` for them, or be of the protocol that is `word`."""

    packets: BDDFunction
    span: Span
    word: str  # "true", "false", or a protocol


class Scope:
    """A body of statements. `paired`: to come here, fields were compared with each other."""

    def __init__(self, parent: Scope | None, gate: Gate | None, packets: BDDFunction, paired: bool) -> None:
        """`packets` of the parent's potential belong to this one's."""
        self.parent = parent
        self.gate = gate
        self.paired: bool = paired or (parent is not None and parent.paired)
        self._packets = packets
        self._potential = packets if parent is None else None

    @property
    def potential(self) -> BDDFunction:
        waiting, scope = [], self
        while scope._potential is None:
            waiting.append(scope)
            assert scope.parent is not None
            scope = scope.parent
        found = scope._potential
        for scope in reversed(waiting):
            found = scope._potential = found & scope._packets
        return found

    def outward(self) -> Iterator[Scope]:
        """This scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


@dataclass(frozen=True, slots=True)
class Decider:
    """A verdict, or a call that may end in one: it decides the potential of its scope, as far as in `share`."""

    scope: Scope
    share: BDDFunction | None
    span: Span
    paired: bool


class Deciders:
    """The deciders of one function in source order.

    Unions of their matches are made when they are asked for, of 2**n neighbours at a time, so that one question costs
    some steps for each doubling of the number of deciders.
    """

    def __init__(self) -> None:
        self._deciders: list[Decider] = []
        self._unions: dict[tuple[int, int], BDDFunction] = {}

    def __len__(self) -> int:
        return len(self._deciders)

    def __getitem__(self, number: int) -> Decider:
        return self._deciders[number]

    def add(self, decider: Decider) -> None:
        self._deciders.append(decider)

    def match(self, number: int) -> BDDFunction:
        """The packets that this one would decide if it were alone."""
        return self._union(0, number)

    def past(self, packets: BDDFunction, start: int, end: int) -> BDDFunction:
        """`packets` that none of the deciders start .. end - 1 decides."""
        for level, number in _blocks(start, end):
            packets = without(packets, self._union(level, number))
            if not packets.satisfiable():
                break
        return packets

    def cover(self, packets: BDDFunction, end: int, longest: int) -> list[int] | None:
        """Some of the first `end` deciders that together decide all of `packets`, last first; none can be left out.

        None when it takes more than `longest`, or not all of `packets` are decided by them.
        """
        found: list[int] = []
        while packets.satisfiable():
            last = self._last_needed(packets, end)
            if last is None or len(found) == longest:
                return None
            found.append(last)
            packets = without(packets, self.match(last))
            end = last
        return found

    def _last_needed(self, packets: BDDFunction, end: int) -> int | None:
        """The decider with which the last of `packets` is decided, going through them in order."""
        for level, number in _blocks(0, end):
            left = without(packets, self._union(level, number))
            if not left.satisfiable():
                return self._descend(packets, level, number)
            packets = left
        return None

    def _descend(self, packets: BDDFunction, level: int, number: int) -> int:
        while level:
            level, number = level - 1, number * 2
            left = without(packets, self._union(level, number))
            if left.satisfiable():
                packets, number = left, number + 1
        return number

    def _union(self, level: int, number: int) -> BDDFunction:
        """The matches of deciders number * 2**level and on, 2**level of them."""
        known = self._unions.get((level, number))
        if known is not None:
            return known
        if level:
            union = self._union(level - 1, number * 2) | self._union(level - 1, number * 2 + 1)
        else:
            decider = self._deciders[number]
            union = decider.scope.potential
            if decider.share is not None:
                union = union & decider.share
        self._unions[level, number] = union
        return union


def _blocks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """start .. end - 1 as aligned blocks (level, number), each of 2**level numbers from number * 2**level.

    >>> list(_blocks(0, 13)), list(_blocks(3, 8))
    ([(3, 0), (2, 2), (0, 12)], [(0, 3), (2, 1)])
    """
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level


@dataclass(eq=False, slots=True)
class Visit:
    """A function with all that enters it: where it hangs itself (`attached`), and from calls, of which those that are
    not decided before are in `arriving`."""

    function: Function
    places: frozenset[Place]  # from which packets come here, over calls too
    attached: BDDFunction
    arriving: BDDFunction
    sites: list[Site] = field(default_factory=list)
    deciders: Deciders = field(default_factory=Deciders)


@dataclass(frozen=True, eq=False, slots=True)
class Site:
    """A call in `caller`, behind `before` of its deciders; packets of its scope in `guard` enter the function."""

    caller: Visit
    before: int
    scope: Scope
    guard: BDDFunction

    @property
    def potential(self) -> BDDFunction:
        return self.scope.potential & self.guard
