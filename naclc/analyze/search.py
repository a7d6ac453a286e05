"""One policy: do packets exist that …, and what becomes of them?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from naclc.analyze.describe import Words
from naclc.analyze.example import Example
from naclc.analyze.fates import Fate, Outcome
from naclc.analyze.question import Policy, Share, Side, by_rule, decided, first_example, side, tested_by, within
from naclc.decision.conditions import atoms, packets_where
from naclc.decision.symbolic import Pairs, Symbols
from naclc.net.fields import FIELDS, NO_IFACE, Field
from naclc.semantics.model import CompareFields, Condition, Literal, Protocol

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

ACCEPT = frozenset({Outcome.OUT, Outcome.LOCAL})  # what gets through
_ORDER = list(Outcome)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Packets of `protocol` for which `condition` holds as they arrive (iface.in and iface.out: the Ifaces they come
    and leave by), and that have one of `outcomes`; None: any."""

    condition: Condition
    protocol: Protocol = Protocol.IP
    outcomes: frozenset[Outcome] | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """Some packets that arrive on `iface`, in words, and what becomes of them. `example` is None when none of them can
    be shown on the interpreter."""

    iface: str
    packets: tuple[str, ...]
    fate: Side
    example: Example | None


def regions(policy: Policy, wanted: Wanted, max_nodes: int) -> tuple[Region, ...]:
    """All packets that are `wanted`, by the Iface they arrive on, their fate, and the rule that decides it; what gets
    through first.

    None: no such packet exists, whatever was sent before it.

    Raises:
        OverBudget: it takes more than `max_nodes` BDD nodes.
    """
    fields, pairs = _tested(wanted.condition)

    def ask(symbols: Symbols) -> tuple[Region, ...]:
        return _Search(policy, wanted, fields, symbols).regions()

    return within(max_nodes, (policy,), fields, pairs, ask)


def _tested(condition: Condition) -> tuple[set[Field], Pairs]:
    fields: set[Field] = set()
    pairs: set[tuple[Field, Field]] = set()
    for atom in atoms(condition):
        if isinstance(atom, CompareFields):
            fields |= {atom.left, atom.right}
            pairs.add((atom.left, atom.right))
        elif not isinstance(atom, Literal):
            fields.add(atom.field)
    return fields, frozenset(pairs)


class _Search:
    def __init__(self, policy: Policy, wanted: Wanted, fields: set[Field], symbols: Symbols) -> None:
        self._policy, self._wanted, self._symbols = policy, wanted, symbols
        self._tested = tested_by(policy) | fields
        self._explorer = policy.explorer(symbols)

    def regions(self) -> tuple[Region, ...]:
        wanted, symbols = self._wanted, self._symbols
        asked = packets_where(wanted.condition, symbols) & symbols.settings
        if wanted.protocol is not Protocol.IP:
            asked = asked & symbols.guard(wanted.protocol)
        found = [
            region
            for iface in self._policy.pipeline.ifaces
            for region in self._of_iface(iface.number, iface.name, asked)
        ]
        return tuple(sorted(found, key=lambda region: _ORDER.index(region.fate.outcome)))

    def _of_iface(self, number: int, name: str, asked: BDDFunction) -> list[Region]:
        shares: dict[Side, list[Share]] = {}
        base = self._symbols.none
        anywhere = self._symbols.without(self._at(asked, "iface.in", number), ("iface.out",))
        for fate in self._explorer.fates(number):
            there = fate.packets & self._by(asked, number, fate)
            base = base | (fate.packets & anywhere) if fate.why != "bad-source" else base
            if there.satisfiable() and (self._wanted.outcomes is None or fate.outcome in self._wanted.outcomes):
                for leaf, some in by_rule(there, decided(fate, self._policy), self._explorer, self._symbols):
                    what = side(fate, leaf, self._policy)
                    shares.setdefault(what, []).append(Share(some, ((fate, number, self._policy),)))
        words = Words(base, self._tested, self._symbols) if shares else None
        return [
            Region(name, words.of(packets), what, first_example(parts, self._symbols))
            for what, parts in shares.items()
            if words and (packets := Share.all(parts))
        ]

    def _by(self, asked: BDDFunction, number: int, fate: Fate) -> BDDFunction:
        """`asked` where iface.in and iface.out are those of this way."""
        leaves = fate.iface if fate.outcome is Outcome.OUT and fate.iface is not None else NO_IFACE
        return self._at(self._at(asked, "iface.in", number), "iface.out", leaves)

    def _at(self, asked: BDDFunction, name: str, value: int) -> BDDFunction:
        """`asked` where field `name` is `value`, which is then of no more interest."""
        return self._symbols.without(asked & self._symbols.member(FIELDS[name], ((value, value),)), (name,))
