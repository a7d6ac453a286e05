"""A packet under way in terms of the packet that arrived: which bits of it are now something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from naclc.decision.symbolic import Symbols
from naclc.net.fields import FIELDS
from naclc.semantics.model import Hook

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction, BDDSubstitution

Bits = tuple["BDDFunction", ...]  # least significant first


@dataclass(frozen=True, slots=True)
class Station:
    """A function that the packet came to, and what the packet was then."""

    hook: Hook
    function: str
    view: View


class View:
    """`changed` holds the bits of each field that is no longer what arrived, over the bits of what arrived. `stations`
    are the functions that the packet came to so far."""

    def __init__(
        self, symbols: Symbols, changed: Mapping[str, Bits] | None = None, stations: tuple[Station, ...] = ()
    ) -> None:
        self._symbols = symbols
        self.changed: dict[str, Bits] = dict(changed or {})
        self.stations = stations
        self._made: BDDSubstitution | None = None

    def of(self, packets: BDDFunction) -> BDDFunction:
        """Those that arrived and are now among `packets`."""
        if not self.changed:
            return packets
        if self._made is None:
            pairs = [
                (number, bit)
                for name, bits in self.changed.items()
                for variable, bit in zip(self._symbols.bits(FIELDS[name]), bits, strict=True)
                if (number := variable.node_var()) is not None
            ]
            self._made = packets.make_substitution(pairs)
        return packets.substitute(self._made)

    def bits(self, name: str) -> Sequence[BDDFunction]:
        """What field `name` is now."""
        return self.changed.get(name) or self._symbols.bits(FIELDS[name])

    def with_value(self, name: str, value: int) -> View:
        """With `value` in field `name`; the same view when nobody asks for the field."""
        if not self._symbols.has(FIELDS[name]):
            return self
        none, everything = self._symbols.none, self._symbols.all
        width = FIELDS[name].width
        return self.with_bits(name, tuple(everything if value >> bit & 1 else none for bit in range(width)))

    def with_unknown(self, name: str, what: str) -> View:
        """With anything in field `name`: any value of `what`, which is the same wherever it has the same name."""
        if not self._symbols.has(FIELDS[name]):
            return self
        return self.with_bits(name, tuple(self._symbols.extra(f"{what} {name}", FIELDS[name].width)))

    def with_bits(self, name: str, bits: Bits) -> View:
        return View(self._symbols, {**self.changed, name: bits}, self.stations)

    def at(self, hook: Hook, function: str) -> View:
        """The same packet, come to `function`."""
        return View(self._symbols, self.changed, (*self.stations, Station(hook, function, self)))

    def one_less(self, name: str) -> View:
        """With one less in field `name`; 0 becomes its largest value."""
        if not self._symbols.has(FIELDS[name]):
            return self
        borrow, result = self._symbols.all, []
        for bit in self.bits(name):
            result.append(bit ^ borrow)
            borrow = borrow & ~bit
        return self.with_bits(name, tuple(result))
