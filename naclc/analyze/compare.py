"""Two policies: which packets does the new one treat otherwise than the old one?

Compared is what can be seen from outside: whether a packet leaves, by which Iface and rewritten how; whether it is
delivered to the machine itself; whether it is gone. What is logged, and the packets that the machine itself makes, are
not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from naclc.analyze.describe import Words
from naclc.analyze.example import Example
from naclc.analyze.fates import Fate, Outcome
from naclc.analyze.question import Policy, Share, Side, Way, by_rule, decided, first_example, side, tested_by, within
from naclc.analyze.view import Station
from naclc.decision.symbolic import Symbols

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

_NOT_SEEN = {"iface.in", "iface.out"}  # that a packet does not carry


@dataclass(frozen=True, slots=True)
class Change:
    """Packets that arrive on `iface` and are now treated otherwise. `packets`: in words, field by field. `example` is
    None when the packets cannot be shown on the interpreter."""

    iface: str
    packets: tuple[str, ...]
    old: Side
    new: Side
    example: Example | None

    @property
    def widens(self) -> bool:
        """Whether something gets through that did not."""
        return self.old.outcome is Outcome.DROP and self.new.outcome is not Outcome.DROP

    @property
    def narrows(self) -> bool:
        return self.new.outcome is Outcome.DROP and self.old.outcome is not Outcome.DROP


@dataclass(frozen=True, slots=True)
class Comparison:
    """`only_old`, `only_new`: names of Ifaces that the other policy does not have."""

    changes: tuple[Change, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not (self.changes or self.only_old or self.only_new)


def compare(old: Policy, new: Policy, max_nodes: int) -> Comparison:
    """All changes, Iface by Iface in the order of the new policy. Ifaces are the same when their names are.

    Raises:
        OverBudget: it takes more than `max_nodes` BDD nodes.
    """
    olds = {iface.name: iface.number for iface in old.pipeline.ifaces}
    news = {iface.name: iface.number for iface in new.pipeline.ifaces}

    def ask(symbols: Symbols) -> tuple[Change, ...]:
        search = _Search(old, new, symbols)
        return tuple(change for name in news if name in olds for change in search.changes(name, olds[name], news[name]))

    changes = within(max_nodes, (old, new), (), frozenset(), ask)
    return Comparison(changes, tuple(n for n in olds if n not in news), tuple(n for n in news if n not in olds))


class _Search:
    def __init__(self, old: Policy, new: Policy, symbols: Symbols) -> None:
        self._old, self._new, self._symbols = old, new, symbols
        self._before = old.explorer(symbols)
        self._after = new.explorer(symbols)

    def changes(self, name: str, old: int, new: int) -> list[Change]:
        before, after = self._before.fates(old), self._after.fates(new)
        base = dropped = self._symbols.none
        for fate in after:
            dropped = dropped | fate.packets if fate.outcome is Outcome.DROP else dropped
            base = base | fate.packets if fate.why != "bad-source" else base
        shares: dict[tuple[Side, Side], list[Share]] = {}
        for was in before:
            left = was.packets & ~dropped if was.outcome is Outcome.DROP else was.packets
            for now in after if left.satisfiable() else ():
                both = left & now.packets
                if both.satisfiable():
                    left = left & ~both
                    ways = ((was, old, self._old), (now, new, self._new))
                    self._part(both & self._differ(was, now), was, now, ways, shares)
        words = Words(base, tested_by(self._old) | tested_by(self._new), self._symbols) if shares else None
        return [
            Change(name, words.of(Share.all(parts)), was, now, first_example(parts, self._symbols))
            for (was, now), parts in shares.items()
            if words
        ]

    def _differ(self, was: Fate, now: Fate) -> BDDFunction:
        """Of packets that both policies see arrive, those that do not end alike."""
        ours, theirs = side(was, None, self._old), side(now, None, self._new)
        if (ours.outcome, ours.iface) != (theirs.outcome, theirs.iface):
            return self._symbols.all
        differing = self._symbols.none
        if was.outcome is not Outcome.DROP:
            for field in sorted((was.view.changed.keys() | now.view.changed.keys()) - _NOT_SEEN):
                for bit, other in zip(was.view.bits(field), now.view.bits(field), strict=True):
                    differing = differing | (bit ^ other)
        return differing

    def _part(
        self,
        packets: BDDFunction,
        was: Fate,
        now: Fate,
        ways: tuple[Way, ...],
        shares: dict[tuple[Side, Side], list[Share]],
    ) -> None:
        """Put `packets` into `shares` by the rules that decide about them before and after."""
        if not packets.satisfiable():
            return
        here, there = self._parting(was, now)
        for old_leaf, some in by_rule(packets, here, self._before, self._symbols):
            for new_leaf, part in by_rule(some, there, self._after, self._symbols):
                key = side(was, old_leaf, self._old), side(now, new_leaf, self._new)
                shares.setdefault(key, []).append(Share(part, ways))

    def _parting(self, was: Fate, now: Fate) -> tuple[Station | None, Station | None]:
        """Where the two ways part: the functions at the hook where one of them ends; else the last that let pass."""
        ended = next((fate.why for fate in (was, now) if fate.outcome is Outcome.DROP), None)
        return _station(was, ended, self._old), _station(now, ended, self._new)


def _station(fate: Fate, hook: str | None, policy: Policy) -> Station | None:
    last = decided(fate, policy)
    if last is None or fate.outcome is Outcome.DROP:
        return last
    return next((station for station in reversed(fate.view.stations) if station.hook.value == hook), last)
