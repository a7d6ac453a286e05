"""Set tests as matches of nftables: one expression of a rule for each.

Reference: nft(8), "Payload expressions" and "Raw payload expression". A match on a header that is not there never
holds; tests of transport fields stand behind the guard of their protocol, where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from naclc.export.formula import Interval, Test, complement
from naclc.net.addresses import format_address
from naclc.net.fields import NO_IFACE, FieldType, State
from naclc.pipeline.pipeline import Iface

# By name: the field as nft spells it. Those with a mask or of other units follow below.
_PLAIN = {
    "ip.length": "ip length",
    "ip.id": "ip id",
    "ip.ttl": "ip ttl",
    "ip.protocol": "ip protocol",
    "ip.checksum": "ip checksum",
    "ip.saddr": "ip saddr",
    "ip.daddr": "ip daddr",
    "tcp.sport": "tcp sport",
    "tcp.dport": "tcp dport",
    "tcp.sequence": "tcp sequence",
    "tcp.ackseq": "tcp ackseq",
    "tcp.window": "tcp window",
    "tcp.checksum": "tcp checksum",
    "tcp.urgptr": "tcp urgptr",
    "tcp.flags": "@th,104,8",  # `tcp flags` would ask for single bits
    "udp.sport": "udp sport",
    "udp.dport": "udp dport",
    "udp.length": "udp length",
    "udp.checksum": "udp checksum",
    "icmp.type": "icmp type",
    "icmp.code": "icmp code",
}
# By name: a word that holds the field, and how far above its lowest bit; what lies below is masked away, or is free.
_SHIFTED = {
    "ip.frag-off": ("ip frag-off & 0x1fff", 0),
    "ip.ecn": ("@nh,8,8 & 0x03", 0),
    "ip.dscp": ("@nh,8,8", 2),
    "tcp.doff": ("@th,96,8", 4),
    "tcp.reserved": ("@th,96,8 & 0x0e", 1),
    "tcp.has-ns": ("@th,96,8 & 0x01", 0),
}
_OCTETS_IN_WORD = 4  # nft counts the header length in 32-bit words


class InBy(Enum):
    """How a rule knows the Iface of iface.in."""

    ARRIVAL = "arrival"  # the packet arrived on it
    SOURCE = "source"  # the machine's own packet: it has the Iface's address as its source
    DESTINATION = "destination"  # a packet to the Iface's address that came by another one


@dataclass(frozen=True, slots=True)
class Names:
    """What the rules call an Iface: `devices` by Iface number."""

    ifaces: tuple[Iface, ...]
    devices: Mapping[int, str]

    def device(self, number: int) -> str:
        return f'"{self.devices[number]}"'


def match(test: Test, names: Names, in_by: InBy) -> str:
    """One nft expression that holds when `test` does."""
    field, intervals = test.field, test.intervals
    if field.name == "ct.state":
        return _state(intervals)
    if field.name == "iface.in":
        if in_by is InBy.ARRIVAL:
            return _device("iifname", intervals, names)
        return _address_of("ip saddr" if in_by is InBy.SOURCE else "ip daddr", intervals, names)
    if field.name == "iface.out":
        return _device("oifname", intervals, names)
    if field.name == "ip.hdrlength":
        words = tuple((-(-first // _OCTETS_IN_WORD), last // _OCTETS_IN_WORD) for first, last in intervals)
        return _among("ip hdrlength", tuple((a, b) for a, b in words if a <= b), 4)
    if field.flag_bit is not None:
        mask = 1 << field.flag_bit
        return f"@th,104,8 & 0x{mask:02x} {'==' if intervals[0] == (1, 1) else '!='} 0x{mask:02x}"
    if field.name in _SHIFTED:
        word, shift = _SHIFTED[field.name]
        wide = tuple((first << shift, (last + 1 << shift) - 1) for first, last in intervals)
        return _among(word, wide, field.width + shift)
    return _among(_PLAIN[field.name], intervals, field.width, addresses=field.type is FieldType.ADDR)


def _among(word: str, intervals: tuple[Interval, ...], width: int, addresses: bool = False) -> str:
    outside = complement(intervals, width)
    negated = len(outside) < len(intervals)
    chosen = outside if negated else intervals
    texts = [_address(*interval) if addresses else _number(*interval) for interval in chosen]
    if len(texts) > 1:
        return f"{word} {'!= ' if negated else ''}{{ {', '.join(texts)} }}"
    comparison = "!= " if negated else "== " if "&" in word and "-" not in texts[0] else ""
    return f"{word} {comparison}{texts[0]}"


def _number(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _address(first: int, last: int) -> str:
    """An address, a network, or a range."""
    size = last - first + 1
    if size == 1:
        return format_address(first)
    if size & (size - 1) == 0 and first % size == 0:
        return f"{format_address(first)}/{33 - size.bit_length()}"
    return f"{format_address(first)}-{format_address(last)}"


def _holds(intervals: tuple[Interval, ...], value: int) -> bool:
    return any(first <= value <= last for first, last in intervals)


def _state(intervals: tuple[Interval, ...]) -> str:
    """NaCl's `new` is all that has an entry and is not established: the kernel also knows related and invalid."""
    new, established, untracked = (
        _holds(intervals, state) for state in (State.NEW, State.ESTABLISHED, State.UNTRACKED)
    )
    words = ["new", "related", "invalid"] * new + ["established"] * established + ["untracked"] * untracked
    return f"ct state {words[0]}" if len(words) == 1 else f"ct state {{ {', '.join(words)} }}"


def _device(word: str, intervals: tuple[Interval, ...], names: Names) -> str:
    undeclared = _holds(intervals, NO_IFACE)
    chosen = [names.device(i.number) for i in names.ifaces if _holds(intervals, i.number) is not undeclared]
    return f"{word} {'!= ' if undeclared else ''}{{ {', '.join(chosen)} }}"


def _address_of(word: str, intervals: tuple[Interval, ...], names: Names) -> str:
    """As _device, where an address tells the Iface."""
    undeclared = _holds(intervals, NO_IFACE)
    chosen = [
        format_address(iface.address)
        for iface in names.ifaces
        if iface.address is not None and _holds(intervals, iface.number) is not undeclared
    ]
    if not chosen:  # an Iface without an address has no such packets
        return "ip version 4" if undeclared else "ip version != 4"
    return f"{word} {'!= ' if undeclared else ''}{{ {', '.join(chosen)} }}"
