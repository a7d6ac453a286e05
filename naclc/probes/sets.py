"""Sets of packets as the planner needs them: the symbols of naclc.decision, and what happens to packets on their way.

Among the fields are always those that decide a packet's way: addresses, protocol, ports, TTL, ct.state, iface.in,
iface.out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from naclc.decision.symbolic import Symbols
from naclc.net.fields import FIELDS, PROTOCOL_NUMBERS, Field
from naclc.probes.frames import FLOW

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction, BDDSubstitution

Set: TypeAlias = "BDDFunction"

ICMP, TCP, UDP = (PROTOCOL_NUMBERS[name] for name in ("ICMP", "TCP", "UDP"))
_ALWAYS = (*FLOW, "ip.ttl", "ct.state", "iface.in", "iface.out")
_SWAPPED = (("ip.saddr", "ip.daddr"), ("tcp.sport", "tcp.dport"), ("udp.sport", "udp.dport"))


class OverBudget(Exception):
    """The sets of this policy need more than the planner may spend."""


@dataclass(frozen=True, slots=True, eq=False)
class Wishes:
    """Values of fields that packets may have all together, and the first and the second half of them."""

    single: tuple[tuple[str, int], ...]
    together: Set
    halves: tuple[Wishes, ...]


class Space:
    """`nodes` bounds the BDD: operations raise MemoryError beyond it."""

    def __init__(self, fields: Iterable[Field], pairs: Iterable[tuple[Field, Field]], nodes: int) -> None:
        wanted = {*fields, *(FIELDS[name] for name in _ALWAYS)}
        self.symbols = Symbols(wanted, frozenset(pairs), nodes)
        self.all, self.none = self.symbols.all, self.symbols.none
        self.headed = self.symbols.transport  # packets whose transport header is there (docs/language.md 8.3)
        self.fields = tuple(field for field in FIELDS.values() if field.flag_bit is None and self.symbols.has(field))
        self._swap = self._substitution()
        self._equal: dict[tuple[str, int], Set] = {}
        self._turned: dict[str, list[tuple[Set, Set]]] = {}
        self._joined: dict[tuple[tuple[str, int], ...], Wishes] = {}

    def _substitution(self) -> BDDSubstitution:
        pairs = []
        for one, other in _SWAPPED:
            for left, right in zip(self._bits(one), self._bits(other), strict=True):
                pairs += [(_number(left), right), (_number(right), left)]
        return self.all.make_substitution(pairs)

    def _bits(self, name: str) -> list[Set]:
        """Least significant first."""
        return self.symbols.bits(FIELDS[name])

    # --- sets ---

    def tests(self, name: str) -> bool:
        """Whether the field is one of the space's."""
        return self.symbols.has(FIELDS[name])

    def known(self, name: str) -> bool:
        """Whether `name` is a field at all, and one of the space's."""
        return name in FIELDS and self.symbols.has(FIELDS[name])

    def between(self, name: str, first: int, last: int) -> Set:
        """Packets whose field `name` is first .. last."""
        return self.symbols.member(FIELDS[name], ((first, last),))

    def equal(self, name: str, value: int) -> Set:
        known = self._equal.get((name, value))
        if known is None:
            known = self._equal[name, value] = self._cube(name, value)
        return known

    def _cube(self, name: str, value: int) -> Set:
        result = self.all
        for one, other in self._literals(name):
            result = result & (one if value & 1 else other)
            value >>= 1
        return result

    def _literals(self, name: str) -> list[tuple[Set, Set]]:
        """Each bit of a field as it is, and turned over; least significant first."""
        if name not in self._turned:
            self._turned[name] = [(bit, ~bit) for bit in self._bits(name)]
        return self._turned[name]

    def when(self, name: str, value: int) -> Set:
        """Packets whose field `name` is `value`; all packets when nobody tests that field."""
        return self.equal(name, value) if self.tests(name) else self.all

    def one_of(self, name: str, values: Iterable[int]) -> Set:
        result = self.none
        for value in values:
            result = result | self.equal(name, value)
        return result

    def network(self, name: str, address: int, netmask: int) -> Set:
        """Packets whose address `name` equals `address` in the bits of `netmask`."""
        first = address & netmask
        return self.between(name, first, first | ~netmask & 0xFFFFFFFF)

    def headed_as(self, protocol: int) -> Set:
        """Packets of `protocol` whose transport header is there."""
        return self.headed & self.equal("ip.protocol", protocol)

    def next_to(self, lower: Field, upper: Field) -> Set:
        """Packets whose field `upper` is one more than their field `lower`."""
        ones, others = self.symbols.bits(lower), self.symbols.bits(upper)
        width = max(len(ones), len(others))
        result, carry = self.all, self.all
        for bit in range(width):
            one = ones[bit] if bit < len(ones) else self.none
            other = others[bit] if bit < len(others) else self.none
            result = result & (one ^ carry).equiv(other)
            carry = carry & one
        return result & ~carry

    # --- operations ---

    def without(self, packets: Set, names: Iterable[str]) -> Set:
        """`packets`, whatever the fields `names` hold."""
        cube = self.all
        for name in names:
            for bit in self._bits(name) if self.tests(name) else ():
                cube = cube & bit
        return packets.exists(cube)

    def only(self, packets: Set, names: Iterable[str]) -> Set:
        """What `packets` says about the fields `names` alone."""
        kept = set(names)
        return self.without(packets, [field.name for field in self.fields if field.name not in kept])

    def replies(self, packets: Set) -> Set:
        """`packets` with source and destination, addresses and ports, changed over."""
        return packets.substitute(self._swap)

    def decremented(self, packets: Set) -> Set:
        """What `packets` are after their TTL, 1 or more, has been decremented; the checksum is then anything."""
        arriving = self.without(packets & ~self.equal("ip.ttl", 0), ("ip.checksum",))
        carry, pairs = self.all, []
        for bit in self._bits("ip.ttl"):  # the TTL on arrival is one more than the one afterwards
            pairs.append((_number(bit), bit ^ carry))
            carry = carry & bit
        return arriving.substitute(self.all.make_substitution(pairs)) & ~self.equal("ip.ttl", 255)

    def one(
        self, packets: Set, wishes: Iterable[tuple[str, int]], own: Iterable[tuple[str, int]] = ()
    ) -> dict[str, int] | None:
        """One of `packets`, by its fields; one that is not named may hold anything. None when there is none.

        `wishes` are values to take where `packets` leave the choice, the more important first; `own` are
        wishes of this packet alone, not to be remembered.
        """
        if not packets.satisfiable():
            return None
        for name, value in own:
            closer = packets & self._cube(name, value)
            packets = closer if closer.satisfiable() else packets
        firsts: dict[str, int] = {}
        others: list[tuple[str, int]] = []
        for name, value in wishes:
            if not self.tests(name):
                continue
            if name in firsts:
                others.append((name, value))
            else:
                firsts[name] = value
        granted: set[str] = set()
        packets = self._grant(packets, self._join(tuple(firsts.items())), granted)
        for name, value in others:
            if name not in granted:
                packets = self._grant(packets, Wishes(((name, value),), self.equal(name, value), ()), granted)
        return self.symbols.pick(packets)

    def _grant(self, packets: Set, wishes: Wishes, granted: set[str]) -> Set:
        """`packets` with as many of `wishes` as they can have; those that they have are added to `granted`."""
        closer = packets & wishes.together
        if closer.satisfiable():
            granted.update(name for name, _ in wishes.single)
            return closer
        for half in wishes.halves:
            packets = self._grant(packets, half, granted)
        return packets

    def _join(self, wishes: tuple[tuple[str, int], ...]) -> Wishes:
        """`wishes` in halves of halves."""
        known = self._joined.get(wishes)
        if known is not None:
            return known
        if len(wishes) <= 1:
            together = self.equal(*wishes[0]) if wishes else self.all
            return Wishes(wishes, together, ())
        left, right = self._join(wishes[: len(wishes) // 2]), self._join(wishes[len(wishes) // 2 :])
        joined = self._joined[wishes] = Wishes(wishes, left.together & right.together, (left, right))
        return joined

    def fixed(self, values: Mapping[str, int]) -> Set:
        """Packets that have `values`."""
        result = self.all
        for name, value in values.items():
            result = result & self.when(name, value)
        return result


def _number(variable: Set) -> int:
    number = variable.node_var()
    assert number is not None
    return number
