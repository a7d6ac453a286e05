"""Single packets of a probe: from values of fields to octets, and from one packet to the one that answers it.

References: RFC 792 (ICMP), RFC 9293 3.5 (how TCP opens a connection).
"""

from __future__ import annotations

from collections.abc import Mapping

from naclc.decision.evaluate import read
from naclc.decision.witness import DEFAULTS, NoSuchPacket, packet_from_assignment
from naclc.interpret import header
from naclc.interpret.flows import tuple_of
from naclc.interpret.header import ICMP, TCP, UDP, End
from naclc.net.fields import FIELDS, NO_IFACE, State
from naclc.pipeline.evaluation import Facts

FLOW = ("ip.protocol", "ip.saddr", "ip.daddr", "tcp.sport", "tcp.dport", "udp.sport", "udp.dport")
ECHO_REPLY, ECHO_REQUEST = 0, 8
FIN, SYN, RST, ACK = 1, 2, 4, 16
_KINDS = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}
_PARTNER = {"saddr": "daddr", "daddr": "saddr", "sport": "dport", "dport": "sport"}


def frame(values: Mapping[str, int], hops: int, identifier: int) -> bytes | None:
    """The packet that has `values` after `hops` routers, as it is before them. None: there is none.

    `identifier`: what an ICMP message has in the place where connection tracking looks for ports.
    """
    try:
        return with_icmp_id(_earlier(packet_from_assignment(values), hops), identifier)
    except NoSuchPacket:
        return None


def flow_of(packet: bytes) -> dict[str, int]:
    """The addresses, protocol and ports of `packet`."""
    facts = Facts(packet, State.NEW, NO_IFACE, NO_IFACE)
    kind = _KINDS.get(packet[9]) if header.has_transport_header(packet) else None
    wanted = [name for name in FLOW if name.startswith("ip.") or name.split(".")[0] == kind]
    return {name: read(FIELDS[name], facts) for name in wanted}


def flow_in(values: Mapping[str, int]) -> dict[str, int]:
    """The addresses, protocol and ports of a packet of `values`."""
    protocol = values.get("ip.protocol", DEFAULTS["ip.protocol"])
    kind = _KINDS.get(protocol)
    wanted = [name for name in FLOW if name.startswith("ip.") or name.split(".")[0] == kind]
    return {name: values.get(name, DEFAULTS[name]) for name in wanted} | {"ip.protocol": protocol}


def swapped(flow: Mapping[str, int]) -> dict[str, int]:
    """`flow` in the other direction."""
    turned: dict[str, int] = {}
    for field, value in flow.items():
        layer, _, name = field.partition(".")
        turned[f"{layer}.{_PARTNER.get(name, name)}"] = value
    return turned


def answer_to(packet: bytes) -> bytes | None:
    """What the receiver of `packet` would send back: a TCP segment with SYN and ACK, an echo reply, a datagram."""
    values = swapped(flow_of(packet)) | {"tcp.flags": SYN | ACK, "icmp.type": ECHO_REPLY, "icmp.code": 0}
    kind = _KINDS.get(packet[9])
    kept = {name: value for name, value in values.items() if name.startswith(("ip.", f"{kind}."))}
    return frame(kept, 0, icmp_id(packet) or 0)


def acknowledged(packet: bytes) -> bytes | None:
    """The next packet of the flow and direction of `packet`: a TCP segment with ACK alone."""
    kind = _KINDS.get(packet[9])
    values = flow_of(packet) | ({"tcp.flags": ACK} if kind == "tcp" else {})
    return frame(values, 0, icmp_id(packet) or 0)


def redirected(packet: bytes, to: bytes) -> bytes:
    """`packet`, a reply, sent to where `to` came from. The port of masquerading is each machine's own choice."""
    place = tuple_of(to)
    if place is None or not header.has_transport_header(packet) or header.protocol(packet) != place.protocol:
        return packet
    port = None if place.protocol == ICMP else place.source.port
    return header.readdressed(packet, End.DESTINATION, place.source.address, port)


def icmp_id(packet: bytes) -> int | None:
    """The 16 bits at offset 4 of an ICMP message; None for other packets."""
    if header.protocol(packet) != ICMP or not header.has_transport_header(packet):
        return None
    start = header.hdrlength(packet)
    return int.from_bytes(packet[start + 4 : start + 6], "big")


def with_icmp_id(packet: bytes, identifier: int) -> bytes:
    """An ICMP message gets `identifier`, which connection tracking uses as ports."""
    if icmp_id(packet) is None:
        return packet
    start = header.hdrlength(packet)
    body = packet[start:]
    body = body[:2] + bytes(2) + (identifier & 0xFFFF).to_bytes(2, "big") + body[6:]
    return packet[:start] + body[:2] + header.checksum(body).to_bytes(2, "big") + body[4:]


def _earlier(packet: bytes, hops: int) -> bytes:
    """`packet` as it was `hops` routers before."""
    if not hops:
        return packet
    start = header.hdrlength(packet)
    head = packet[:8] + bytes((min(packet[8] + hops, 255), packet[9], 0, 0)) + packet[12:start]
    return head[:10] + header.checksum(head).to_bytes(2, "big") + head[12:] + packet[start:]
