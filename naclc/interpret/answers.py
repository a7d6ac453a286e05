"""The packets that the machine itself sends in answer to one that was delivered or ran out of hops.

Each is a whole IPv4 packet of 20 header octets, TTL 64, don't-fragment clear. References: RFC 792 (ICMP),
RFC 1122 3.2.2 (when an ICMP error must not be sent), RFC 9293 3.10.7.1 (segments to a closed port).
"""

from __future__ import annotations

from naclc.interpret import header
from naclc.interpret.events import Reason

_ECHO_REPLY, _ECHO_REQUEST = 0, 8
_DESTINATION_UNREACHABLE, _TIME_EXCEEDED = 3, 11
_ICMP_ERRORS = {3, 4, 5, 11, 12}  # unreachable, source quench, redirect, time exceeded, parameter problem
_PROTOCOL_UNREACHABLE, _PORT_UNREACHABLE = 2, 3  # codes of destination unreachable
_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_TTL = 64
_QUOTED = 8  # octets of the message that an ICMP error quotes after the IP header


class BadTransport(ValueError):
    """A message that its receiver must discard."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def answer(packet: bytes, own: int, identification: int, broadcast: bool) -> bytes | None:
    """What the machine answers to `packet`, delivered to it; it listens to no port.

    Args:
        packet: a whole datagram, cut to its total length.
        own: source address of an answer, host order.
        identification: ip.id of an answer, 0 .. 65535.
        broadcast: whether `packet` was sent to a broadcast address, where only echo requests are answered.

    Raises:
        BadTransport: the message must be discarded.
    """
    match header.protocol(packet):
        case header.ICMP:
            return _echo_reply(packet, own, identification)
        case header.UDP:
            _check_udp(packet)
            code = _PORT_UNREACHABLE
        case header.TCP:
            _check_tcp(packet)
            if broadcast or header.read_field(packet, "tcp.has-rst"):
                return None
            return _reset(packet, own, identification)
        case _:
            code = _PROTOCOL_UNREACHABLE
    if broadcast or not _is_one_host(header.source(packet)):
        return None
    return _error(_DESTINATION_UNREACHABLE, code, packet, own, identification)


def time_exceeded(packet: bytes, own: int, identification: int) -> bytes | None:
    """The ICMP error about `packet`, which has no hops left. None: about such a packet none is sent, as it is itself
    an ICMP error, not the first fragment, or its source is not one host. Broadcast and multicast destinations are for
    the caller to except."""
    message = packet[header.hdrlength(packet) :]
    if header.fragment_offset(packet) != 0 or not _is_one_host(header.source(packet)):
        return None
    if header.protocol(packet) == header.ICMP and (not message or message[0] in _ICMP_ERRORS):
        return None
    return _error(_TIME_EXCEEDED, 0, packet, own, identification)


def _is_one_host(address: int) -> bool:
    """Neither 0.x, 127.x, multicast nor above (RFC 1122 3.2.1.3 and 3.2.2)."""
    return 0 < address >> 24 < 224 and address >> 24 != 127


def _echo_reply(packet: bytes, own: int, identification: int) -> bytes | None:
    message = packet[header.hdrlength(packet) :]
    if len(message) < header.TRANSPORT_HEADER[header.ICMP]:
        raise BadTransport(Reason.ICMP_MALFORMED)
    if header.checksum(message):
        raise BadTransport(Reason.ICMP_BAD_CHECKSUM)
    if message[0] != _ECHO_REQUEST:
        return None
    reply = _with_checksum(bytes((_ECHO_REPLY, 0, 0, 0)) + message[4:])
    return ipv4(header.ICMP, own, header.source(packet), reply, identification, header.read_field(packet, "ip.dscp"))


def _error(kind: int, code: int, about: bytes, own: int, identification: int) -> bytes:
    quote = about[: header.hdrlength(about) + _QUOTED]
    message = _with_checksum(bytes((kind, code)) + bytes(6) + quote)
    return ipv4(header.ICMP, own, header.source(about), message, identification)


def _with_checksum(icmp: bytes) -> bytes:
    return icmp[:2] + header.checksum(icmp).to_bytes(2, "big") + icmp[4:]


def _check_udp(packet: bytes) -> None:
    start = header.hdrlength(packet)
    if len(packet) < start + header.TRANSPORT_HEADER[header.UDP]:
        raise BadTransport(Reason.UDP_MALFORMED)
    length = header.read_field(packet, "udp.length")
    if not header.TRANSPORT_HEADER[header.UDP] <= length <= len(packet) - start:
        raise BadTransport(Reason.UDP_MALFORMED)
    if header.read_field(packet, "udp.checksum") and header.transport_checksum(packet[: start + length]):
        raise BadTransport(Reason.UDP_BAD_CHECKSUM)


def _check_tcp(packet: bytes) -> None:
    room = len(packet) - header.hdrlength(packet)
    if room < header.TRANSPORT_HEADER[header.TCP]:
        raise BadTransport(Reason.TCP_MALFORMED)
    if not header.TRANSPORT_HEADER[header.TCP] <= 4 * header.read_field(packet, "tcp.doff") <= room:
        raise BadTransport(Reason.TCP_MALFORMED)
    if header.transport_checksum(packet):
        raise BadTransport(Reason.TCP_BAD_CHECKSUM)


def _reset(packet: bytes, own: int, identification: int) -> bytes:
    flags = header.read_field(packet, "tcp.flags")
    if flags & _ACK:
        sequence, acknowledged, reset_flags = header.read_field(packet, "tcp.ackseq"), 0, _RST
    else:
        data = len(packet) - header.hdrlength(packet) - 4 * header.read_field(packet, "tcp.doff")
        occupied = data + bool(flags & _SYN) + bool(flags & _FIN)  # of the sequence space
        sequence, acknowledged = 0, (header.read_field(packet, "tcp.sequence") + occupied) % 2**32
        reset_flags = _RST | _ACK
    segment = (
        header.read_field(packet, "tcp.dport").to_bytes(2, "big")
        + header.read_field(packet, "tcp.sport").to_bytes(2, "big")
        + sequence.to_bytes(4, "big")
        + acknowledged.to_bytes(4, "big")
        + bytes((5 << 4, reset_flags))
        + bytes(6)  # window, checksum, urgent pointer
    )
    bare = ipv4(header.TCP, own, header.source(packet), segment, identification)
    return bare[:36] + header.transport_checksum(bare).to_bytes(2, "big") + bare[38:]


def ipv4(protocol: int, source: int, destination: int, message: bytes, identification: int, dscp: int = 0) -> bytes:
    length = header.IPV4_HEADER + len(message)
    bare = (
        bytes((0x45, dscp << 2))
        + length.to_bytes(2, "big")
        + identification.to_bytes(2, "big")
        + bytes((0, 0, _TTL, protocol, 0, 0))
        + source.to_bytes(4, "big")
        + destination.to_bytes(4, "big")
    )
    return bare[:10] + header.checksum(bare).to_bytes(2, "big") + bare[12:] + message
