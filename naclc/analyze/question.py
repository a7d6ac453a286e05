"""The universe of packets in which one or two policies are asked about, and the searches in it.

A budget of BDD nodes bounds every question: beyond it there is no answer, never half of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from naclc.analyze.example import Example, confirmed, example_of
from naclc.analyze.fates import WAY_FIELDS, Explorer, Fate, Outcome
from naclc.analyze.view import Station
from naclc.decision.graph import Graphs, Leaf
from naclc.decision.symbolic import Pairs, Symbols, reads
from naclc.net.fields import FIELDS, Field
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Kind
from naclc.source import Span

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

_FIRST_TRY = 1 << 18
_GROWTH = 8
_MOST_TRIES = 16
_T = TypeVar("_T")


class OverBudget(Exception):
    """The question takes more BDD nodes than it may."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`leased`: names of the Ifaces with DHCP whose addresses in `pipeline` are what they get."""

    pipeline: Pipeline
    graphs: Graphs
    leased: frozenset[str] = frozenset()

    def explorer(self, symbols: Symbols) -> Explorer:
        return Explorer(self.pipeline, self.graphs, symbols, self.leased)


def tested_by(policy: Policy) -> frozenset[Field]:
    """The fields that the functions of `policy` test."""
    return reads(policy.graphs.graphs.values())[0]


def within(
    max_nodes: int, policies: Iterable[Policy], fields: Iterable[Field], pairs: Pairs, ask: Callable[[Symbols], _T]
) -> _T:
    """What `ask` returns for symbols that hold all that `policies` test, and `fields` and `pairs` besides.

    Raises:
        OverBudget: `max_nodes` do not suffice.
    """
    tested, compared = reads(graph for policy in policies for graph in policy.graphs.graphs.values())
    nodes = min(_FIRST_TRY, max_nodes)
    while True:
        try:
            return ask(Symbols(WAY_FIELDS | tested | frozenset(fields), compared | pairs, nodes))
        except MemoryError:
            if nodes >= max_nodes:
                raise OverBudget from None
            nodes = min(nodes * _GROWTH, max_nodes)


@dataclass(frozen=True, slots=True)
class Side:
    """What a policy does with some packets. `iface`: the name of the Iface they leave by or are delivered on. `rule`:
    the statement that decides, None when it is none (no route, untracked …): `why` then says what."""

    outcome: Outcome
    iface: str | None
    why: str
    rule: Span | None


def side(fate: Fate, decider: Leaf | None, policy: Policy) -> Side:
    names = {iface.number: iface.name for iface in policy.pipeline.ifaces}
    rule = None if decider is None else policy.pipeline.statements[decider.statement]
    return Side(fate.outcome, None if fate.iface is None else names[fate.iface], fate.why, rule)


def by_rule(
    packets: BDDFunction, station: Station | None, explorer: Explorer, symbols: Symbols
) -> Iterator[tuple[Leaf | None, BDDFunction]]:
    """`packets`, none of them twice, by the statement of the function at `station` that decides about them. None: no
    statement does."""
    left = packets
    if station is not None:
        now = _image(packets, station, symbols) & explorer.regions.runs(station.function)
        for leaf, deciding in explorer.regions.deciders(station.function, now):
            some = left & station.view.of(deciding)
            if some.satisfiable():
                yield leaf, some
                left = left & ~some
    if left.satisfiable():
        yield None, left


def _image(packets: BDDFunction, station: Station, symbols: Symbols) -> BDDFunction:
    """What `packets` can be at `station`; some that they cannot be are among them."""
    changed = station.view.changed
    found = symbols.without(packets, changed)
    for name, bits in changed.items():
        if all(bit in (symbols.all, symbols.none) for bit in bits):
            value = sum(int(bit == symbols.all) << place for place, bit in enumerate(bits))
            found = found & symbols.member(FIELDS[name], ((value, value),))
    return found


def decided(fate: Fate, policy: Policy) -> Station | None:
    """The function that decided: the one that dropped, or the last Filter that let pass; None when there was none."""
    stations = fate.view.stations
    if fate.outcome is Outcome.DROP:
        return stations[-1] if stations and stations[-1].hook.value == fate.why else None
    functions = policy.pipeline.functions
    return next((each for each in reversed(stations) if functions[each.function].kind is Kind.FILTER), None)


Way = tuple[Fate, int, Policy]  # what becomes of packets that arrive on the Iface of that number under that policy


@dataclass(frozen=True, slots=True)
class Share:
    """`packets` that go `ways`, one under each policy."""

    packets: BDDFunction
    ways: tuple[Way, ...]

    @staticmethod
    def all(shares: list[Share]) -> BDDFunction:
        """The packets of all of `shares`, of which there is one at least."""
        packets = shares[0].packets
        for share in shares[1:]:
            packets = packets | share.packets
        return packets


def first_example(shares: list[Share], symbols: Symbols) -> Example | None:
    """A packet of the first of `shares` that has one for which the interpreter confirms all its ways."""
    for share in shares[:_MOST_TRIES]:
        example = example_of(share.packets, symbols)
        if example is not None and all(
            confirmed(example, fate, iface, policy.pipeline, symbols, policy.leased)
            for fate, iface, policy in share.ways
        ):
            return example
    return None
