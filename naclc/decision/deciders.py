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

_HIGHEST = 8  # doublings of neighbours whose union is made


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

    What nobody has decided yet may be a very large set, so it is not made: a question about some packets is answered
    with one of them after the other. Only unions of up to 2**_HIGHEST neighbours are kept.
    """

    def __init__(self) -> None:
        self._deciders: list[Decider] = []
        self._unions: dict[tuple[int, int], BDDFunction] = {}
        self._examples: dict[BDDFunction, tuple[BDDFunction, int]] = {}  # with how many deciders they got past

    def __len__(self) -> int:
        return len(self._deciders)

    def __getitem__(self, number: int) -> Decider:
        return self._deciders[number]

    def add(self, decider: Decider) -> None:
        self._deciders.append(decider)

    def match(self, number: int) -> BDDFunction:
        """The packets that this one would decide if it were alone."""
        return self._union(0, number)

    def past(self, packets: BDDFunction, end: int) -> BDDFunction:
        """`packets` that none of the first `end` decides."""
        for level, number in reversed(_blocks(end)):
            packets = without(packets, self._union(level, number))
            if not packets.satisfiable():
                break
        return packets

    def let_past(self, packets: BDDFunction, *, asked_often: bool = False) -> bool:
        """Whether some of `packets` are decided by none. With `asked_often` an example is kept for the next time."""
        if packets in self._examples:
            one, seen = self._examples[packets]
            one, taker = self._follow(one, _blocks(len(self), seen))
            if taker is None:
                self._examples[packets] = one, len(self)
                return True
        left, blocks = packets, _blocks(len(self))
        while left.satisfiable():
            one, taker = self._follow(left.pick_cube_dd(), blocks)
            if taker is None:
                if asked_often:
                    self._examples[packets] = one, len(self)
                return True
            blocks.remove(taker)
            left = without(left, self._union(*taker))
        return False

    def cover(self, packets: BDDFunction, end: int, longest: int) -> list[int] | None:
        """Some of the first `end` deciders that together decide all of `packets`; none can be left out.

        Those that decide first, where they are not too many. None when it takes more than `longest`, or not all of
        `packets` are decided.
        """
        for backward in (False, True):
            blocks = _blocks(end)[::-1] if backward else _blocks(end)
            found: set[int] = set()
            left = packets
            while left.satisfiable() and len(found) < 4 * longest:
                taker = self._taker(left, blocks, backward)
                if taker is None:
                    return None
                found.add(taker)
                left = without(left, self.match(taker))
            if not left.satisfiable():
                needed = self._needed(packets, sorted(found))
                return needed if len(needed) <= longest else None
        return None

    def _follow(
        self, packets: BDDFunction, blocks: list[tuple[int, int]]
    ) -> tuple[BDDFunction, tuple[int, int] | None]:
        """Some of `packets` that get past all `blocks`, and None; or the block that takes those that came farthest."""
        for block in blocks:
            left = without(packets, self._union(*block))
            if not left.satisfiable():
                return packets, block
            packets = left.pick_cube_dd()
        return packets, None

    def _taker(self, packets: BDDFunction, blocks: list[tuple[int, int]], backward: bool) -> int | None:
        """The decider of one of `packets`, for which none before it in the order of `blocks` decides."""
        one, waiting = packets.pick_cube_dd(), blocks[::-1]
        while waiting:
            level, number = waiting.pop()
            left = without(one, self._union(level, number))
            if left.satisfiable():
                one = left.pick_cube_dd()
            elif level == 0:
                return number
            else:
                halves = [(level - 1, number * 2), (level - 1, number * 2 + 1)]
                waiting += halves if backward else halves[::-1]
        return None

    def _needed(self, packets: BDDFunction, found: list[int]) -> list[int]:
        """Of `found`, which decide all of `packets`, some that do so too and of which none can be left out."""
        needed: list[int] = []
        while packets.satisfiable():
            left = packets
            for last in found:
                left = without(left, self.match(last))
                if not left.satisfiable():
                    break
            needed.append(last)
            packets = without(packets, self.match(last))
            found = found[: found.index(last)]
        return needed[::-1]

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


def _blocks(end: int, start: int = 0) -> list[tuple[int, int]]:
    """start .. end - 1 as blocks (level, number), each of 2**level numbers from number * 2**level.

    >>> _blocks(13), _blocks(8, 3)
    ([(3, 0), (2, 2), (0, 12)], [(0, 3), (2, 1)])
    """
    blocks = []
    while start < end:
        level = min((end - start).bit_length() - 1, _HIGHEST)
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        blocks.append((level, start >> level))
        start += 1 << level
    return blocks


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
