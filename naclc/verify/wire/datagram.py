"""UDP datagrams in IPv4 packets, as far as the tester speaks it itself. References: RFC 768, RFC 791."""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack, unpack_from

_UDP = 17
_IP_HEADER, _UDP_HEADER = 20, 8  # octets


@dataclass(frozen=True, slots=True)
class Datagram:
    """Addresses and ports in host order."""

    source: int
    sport: int
    target: int
    dport: int
    payload: bytes


def parse_datagram(packet: bytes) -> Datagram | None:
    """None when `packet` is no whole UDP datagram in IPv4, or one of its checksums is wrong."""
    start = (packet[0] & 15) * 4 if packet else 0
    if len(packet) < start + _UDP_HEADER or start < _IP_HEADER or packet[0] >> 4 != 4 or packet[9] != _UDP:
        return None
    total, fragment = unpack_from("!H2xH", packet, 2)
    source, target = unpack_from("!II", packet, 12)
    sport, dport, length, checksum = unpack_from("!HHHH", packet, start)
    whole = not fragment & 0x3FFF and _UDP_HEADER <= length <= total - start and total <= len(packet)
    if not whole or _sum(packet[:start]) != 0xFFFF:
        return None
    message = packet[start : start + length]
    if checksum and _sum(_pseudo(source, target, length) + message) != 0xFFFF:
        return None
    return Datagram(source, sport, target, dport, message[_UDP_HEADER:])


def datagram(sent: Datagram) -> bytes:
    """The IPv4 packet that carries `sent`: TTL 64, both checksums right."""
    length = _UDP_HEADER + len(sent.payload)
    ports = pack("!HHH", sent.sport, sent.dport, length)
    checksum = ~_sum(_pseudo(sent.source, sent.target, length) + ports + bytes(2) + sent.payload) & 0xFFFF
    header = pack("!BBHHHBBHII", 0x45, 0, _IP_HEADER + length, 1, 0, 64, _UDP, 0, sent.source, sent.target)
    header = header[:10] + (~_sum(header) & 0xFFFF).to_bytes(2, "big") + header[12:]
    return header + ports + (checksum or 0xFFFF).to_bytes(2, "big") + sent.payload


def _pseudo(source: int, target: int, length: int) -> bytes:
    return pack("!IIBBH", source, target, 0, _UDP, length)


def _sum(octets: bytes) -> int:
    """The one's complement sum of 16-bit words (RFC 1071)."""
    padded = octets + bytes(len(octets) % 2)
    total: int = sum(unpack_from(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
