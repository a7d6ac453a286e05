"""Sets of packets as the planner needs them: the symbols of naclc.decision, and what happens to packets on their way.

Among the fields are always those that decide a packet's way: addresses, protocol, ports, TTL, ct.state, iface.in,
iface.out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


class Space:
    """`nodes` bounds the BDD: operations raise MemoryError beyond it."""

    def __init__(self, fields: Iterable[Field], pairs: Iterable[tuple[Field, Field]], nodes: int) -> None:
        wanted = {*fields, *(FIELDS[name] for name in _ALWAYS)}
        self.symbols = Symbols(wanted, frozenset(pairs), nodes)
        self.all, self.none = self.symbols.all, self.symbols.none
        self.headed = self.symbols.transport  # packets whose transport header is there (docs/language.md 8.3)
        self.fields = tuple(field for field in FIELDS.values() if field.flag_bit is None and self.symbols.has(field))
        self._swap = self._substitution()

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
        return self.between(name, value, value)

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

    def one(self, packets: Set, wishes: Iterable[tuple[str, int]]) -> dict[str, int] | None:
        """One of `packets`, by its fields; one that is not named may hold anything. None when there is none.

        `wishes` are values to take where `packets` leave the choice, the more important first.
        """
        if not packets.satisfiable():
            return None
        granted: set[str] = set()
        for name, value in wishes:
            if name not in granted and self.tests(name):
                closer = packets & self.equal(name, value)
                if closer.satisfiable():
                    packets = closer
                    granted.add(name)
        return self.symbols.pick(packets)

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
