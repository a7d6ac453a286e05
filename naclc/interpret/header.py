"""Where the fields of docs/language.md 7.1 lie in an IPv4 packet, and how to read and rewrite them.

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    |version|  IHL  |   DSCP    |ECN|            length             |
    |              id               |flags|        frag-off         |
    |      TTL      |   protocol    |           checksum            |
    |                             source                            |
    |                          destination                          |
    |         options, IHL * 4 octets in all, then the transport header

References: RFC 791 3.1 (IPv4), RFC 2474 and RFC 3168 (DSCP, ECN), RFC 9293 3.1 (TCP), RFC 3540 (the NS bit),
RFC 768 (UDP), RFC 792 (ICMP), RFC 1071 (checksum), RFC 1624 (incremental update of a checksum).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

IPV4_HEADER = 20  # octets, without options
MORE_FRAGMENTS = 0b001  # of the three flag bits
ICMP, TCP, UDP = 1, 6, 17
# Octets that a packet must hold after its IP header for its transport header to be there (docs/language.md 8.3).
TRANSPORT_HEADER = {ICMP: 8, TCP: 20, UDP: 8}
# Octets from the start of its header to the checksum of a transport that covers addresses and ports.
_COVERING_CHECKSUM = {TCP: 16, UDP: 6}


class End(Enum):
    """One end of a packet's way: octets to its address in the IP header, and to its port in the transport header."""

    SOURCE = (12, 0)
    DESTINATION = (16, 2)


class MalformedPacket(ValueError):
    """A field was asked of a packet that does not reach as far as that field."""


@dataclass(frozen=True, slots=True)
class Place:
    """`bits` bits of the big-endian word of `size` octets at `octet`, `shift` bits above its lowest."""

    octet: int
    size: int
    shift: int
    bits: int

    def read(self, header: bytes) -> int:
        """Raises MalformedPacket when `header` ends before the word does."""
        word = header[self.octet : self.octet + self.size]
        if len(word) < self.size:
            raise MalformedPacket(f"{len(header)} octets, {self.octet + self.size} needed")
        return (int.from_bytes(word, "big") >> self.shift) & ((1 << self.bits) - 1)


def _word(octet: int) -> Place:
    return Place(octet, 2, 0, 16)


def _long(octet: int) -> Place:
    return Place(octet, 4, 0, 32)


_VERSION = Place(0, 1, 4, 4)
_IHL = Place(0, 1, 0, 4)
_LENGTH = _word(2)
_FLAGS = Place(6, 2, 13, 3)
_FRAGMENT_OFFSET = Place(6, 2, 0, 13)
_TTL = Place(8, 1, 0, 8)
_PROTOCOL = Place(9, 1, 0, 8)
_CHECKSUM = _word(10)
_SOURCE = _long(12)
_DESTINATION = _long(16)

# From the start of the IP header; ip.hdrlength is the one field that is computed (hdrlength).
_IP = {
    "ip.version": _VERSION,
    "ip.dscp": Place(1, 1, 2, 6),
    "ip.ecn": Place(1, 1, 0, 2),
    "ip.length": _LENGTH,
    "ip.id": _word(4),
    "ip.frag-off": _FRAGMENT_OFFSET,
    "ip.ttl": _TTL,
    "ip.protocol": _PROTOCOL,
    "ip.checksum": _CHECKSUM,
    "ip.saddr": _SOURCE,
    "ip.daddr": _DESTINATION,
}

# From the start of the transport header.
_TRANSPORT = {
    "tcp.sport": _word(0),
    "tcp.dport": _word(2),
    "tcp.sequence": _long(4),
    "tcp.ackseq": _long(8),
    "tcp.doff": Place(12, 1, 4, 4),
    "tcp.reserved": Place(12, 1, 1, 3),
    "tcp.has-ns": Place(12, 1, 0, 1),
    "tcp.flags": Place(13, 1, 0, 8),
    "tcp.has-cwr": Place(13, 1, 7, 1),
    "tcp.has-ece": Place(13, 1, 6, 1),
    "tcp.has-urg": Place(13, 1, 5, 1),
    "tcp.has-ack": Place(13, 1, 4, 1),
    "tcp.has-psh": Place(13, 1, 3, 1),
    "tcp.has-rst": Place(13, 1, 2, 1),
    "tcp.has-syn": Place(13, 1, 1, 1),
    "tcp.has-fin": Place(13, 1, 0, 1),
    "tcp.window": _word(14),
    "tcp.checksum": _word(16),
    "tcp.urgptr": _word(18),
    "udp.sport": _word(0),
    "udp.dport": _word(2),
    "udp.length": _word(4),
    "udp.checksum": _word(6),
    "icmp.type": Place(0, 1, 0, 8),
    "icmp.code": Place(1, 1, 0, 8),
}


def version(packet: bytes) -> int:
    return _VERSION.read(packet)


def hdrlength(packet: bytes) -> int:
    """Octets of the IP header with its options: 0, 4 .. 60; below 20 is no header."""
    return 4 * _IHL.read(packet)


def length(packet: bytes) -> int:
    return _LENGTH.read(packet)


def flags(packet: bytes) -> int:
    """The three flag bits: reserved (4), don't-fragment (2), more-fragments (1)."""
    return _FLAGS.read(packet)


def fragment_offset(packet: bytes) -> int:
    """In units of 8 octets."""
    return _FRAGMENT_OFFSET.read(packet)


def ttl(packet: bytes) -> int:
    return _TTL.read(packet)


def protocol(packet: bytes) -> int:
    return _PROTOCOL.read(packet)


def source(packet: bytes) -> int:
    return _SOURCE.read(packet)


def destination(packet: bytes) -> int:
    return _DESTINATION.read(packet)


def is_fragment(packet: bytes) -> bool:
    """A piece that waits for others at its destination: flags exactly more-fragments, or an offset
    (docs/language.md 8.1, step 5)."""
    return flags(packet) == MORE_FRAGMENTS or fragment_offset(packet) != 0


def has_transport_header(packet: bytes) -> bool:
    """Whether `packet`, cut to its total length, is TCP, UDP or ICMP with its header there (docs/language.md 8.3)."""
    start, needed = hdrlength(packet), TRANSPORT_HEADER.get(protocol(packet))
    if needed is None or start < IPV4_HEADER or fragment_offset(packet) != 0:
        return False
    return len(packet) >= start + needed


def read_field(packet: bytes, name: str) -> int:
    """The value of an ip, tcp, udp or icmp field, in host order.

    Args:
        packet: an IPv4 packet; transport headers are looked for behind the real IP header length.
        name: as docs/language.md 7.1 spells it, in lower case.

    Raises:
        MalformedPacket: the packet ends before the field does.
        KeyError: no such packet field.

    >>> read_field(bytes.fromhex("4500001c000000004011" "0000" "0a000001" "0a00002d"), "ip.ttl")
    64
    """
    if name == "ip.hdrlength":
        return hdrlength(packet)
    if name in _IP:
        return _IP[name].read(packet)
    return _TRANSPORT[name].read(packet[hdrlength(packet) :])


def checksum(octets: bytes) -> int:
    """The Internet checksum of `octets` (RFC 1071), 0 when they hold their own right checksum.

    An odd last octet counts as the upper half of a word.
    """
    padded = octets + b"\0" * (len(octets) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def transport_checksum(packet: bytes) -> int:
    """The checksum of a TCP or UDP message and its pseudo-header (RFC 9293 3.1, RFC 768), 0 when it is right."""
    message = packet[hdrlength(packet) :]
    pseudo = packet[12:20] + bytes((0, protocol(packet))) + len(message).to_bytes(2, "big")
    return checksum(pseudo + message)


def decrement_ttl(packet: bytes) -> bytes:
    """`packet` with one hop less and its header checksum right; its TTL must be 1 at least."""
    start = hdrlength(packet)
    header = bytearray(packet[:start])
    header[8] -= 1
    header[10:12] = b"\0\0"
    header[10:12] = checksum(bytes(header)).to_bytes(2, "big")
    return bytes(header) + packet[start:]


def adjusted_checksum(before: int, removed: bytes, added: bytes) -> int:
    """The checksum of a text that had the checksum `before`, once the words `removed` in it have become `added`: RFC
    1624 equation 3. The result is what a full computation gives, and as wrong as `before` was.

    Args:
        removed, added: equally long, of an even number of octets, at an even place.

    The example of RFC 1624 section 4:

    >>> hex(adjusted_checksum(0xDD2F, bytes.fromhex("5555"), bytes.fromhex("3285")))
    '0x0'
    """
    total = before ^ 0xFFFF
    for at in range(0, len(removed), 2):
        total += int.from_bytes(removed[at : at + 2], "big") ^ 0xFFFF
        total += int.from_bytes(added[at : at + 2], "big")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def readdressed(packet: bytes, end: End, address: int, port: int | None) -> bytes:
    """`packet` with another address, and unless `port` is None another TCP or UDP port, at one end. Its IP checksum,
    and the TCP or UDP checksum, are adjusted; a UDP message without a checksum stays without.

    Args:
        packet: has its transport header; a `port` is for TCP and UDP only.
    """
    to_address, to_port = end.value
    start = hdrlength(packet)
    changed = bytearray(packet)
    old, new = packet[to_address : to_address + 4], address.to_bytes(4, "big")
    changed[to_address : to_address + 4] = new
    _adjust(changed, 10, old, new)
    if protocol(packet) not in _COVERING_CHECKSUM:
        return bytes(changed)
    if port is not None:
        at = start + to_port
        old, new = old + packet[at : at + 2], new + port.to_bytes(2, "big")
        changed[at : at + 2] = new[4:]
    at = start + _COVERING_CHECKSUM[protocol(packet)]
    if protocol(packet) == TCP:
        _adjust(changed, at, old, new)
    elif changed[at : at + 2] != b"\0\0":  # 0 says that there is no checksum (RFC 768)
        _adjust(changed, at, old, new)
        if changed[at : at + 2] == b"\0\0":
            changed[at : at + 2] = b"\xff\xff"
    return bytes(changed)


def _adjust(packet: bytearray, at: int, removed: bytes, added: bytes) -> None:
    before = int.from_bytes(packet[at : at + 2], "big")
    packet[at : at + 2] = adjusted_checksum(before, removed, added).to_bytes(2, "big")
