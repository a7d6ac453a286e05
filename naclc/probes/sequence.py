"""From a set of packets at a place to the frames that bring one of them there.

from the wire, new flow             P
from the wire, established, reply   Q P          Q opens the flow from the other side
from the wire, established, again   Q R P        R answers Q, and P is Q's direction again
the machine's own answer            the request
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from naclc.decision.evaluate import read
from naclc.decision.witness import NoSuchPacket, packet_from_assignment
from naclc.net.fields import FIELDS, NO_IFACE, State
from naclc.pipeline.evaluation import Facts
from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.probes.places import Confirmed, Maker, Places, Source
from naclc.probes.probe import ProbeStep
from naclc.probes.sets import FLOW, ICMP, TCP, UDP, Set, Space

_ECHO_REPLY, _ECHO_REQUEST = 0, 8
_SYN, _ACK = 2, 16
_DOCUMENTATION = (0xC6336409, 0xCB007109)  # 198.51.100.9, 203.0.113.9 (RFC 5737)


class Sequences:
    """Makes the candidates of one probe after the other; `serial` keeps their flows apart."""

    def __init__(self, pipeline: Pipeline, places: Places, space: Space) -> None:
        self._pipeline = pipeline
        self._places = places
        self._space = space
        self._out = {iface.number: iface for iface in pipeline.ifaces}

    def candidates(self, source: Source, packets: Set, serial: int) -> Iterator[tuple[ProbeStep, ...]]:
        """Sequences whose last packet, as it is at the place, may be one of `packets`."""
        if source.maker is not Maker.WIRE:
            yield from self._request(source, packets, serial)
            return
        space = self._space
        established = space.equal("ct.state", State.ESTABLISHED)
        single = self._packet(source, packets & ~established, serial)
        if single is not None:
            yield (ProbeStep(source.iface.name, single),)
        later = packets & established
        if later.satisfiable():
            flows = space.only(later, FLOW)
            for first in self._places.confirmed:
                yield from self._reply(source, later, first, first.packets & space.replies(flows), serial)
            for first in self._places.confirmed:
                yield from self._again(source, later, first, first.packets & flows, serial)

    def _reply(
        self, source: Source, packets: Set, first: Confirmed, openers: Set, serial: int
    ) -> Iterator[tuple[ProbeStep, ...]]:
        opener = self._packet(first.source, openers, serial)
        if opener is None:
            return
        flow = _swapped(_flow(opener))
        packet = self._packet(source, packets & self._space.fixed(flow), serial)
        if packet is not None:
            yield ProbeStep(first.source.iface.name, opener), ProbeStep(source.iface.name, packet)

    def _again(
        self, source: Source, packets: Set, first: Confirmed, openers: Set, serial: int
    ) -> Iterator[tuple[ProbeStep, ...]]:
        opener = self._packet(first.source, openers, serial)
        if opener is None:
            return
        flow = _flow(opener)
        packet = self._packet(source, packets & self._space.fixed(flow), serial)
        answer = _answer_to(opener, serial)
        for iface in self._pipeline.ifaces if packet is not None and answer is not None else ():
            if iface.tracks and packet is not None and answer is not None:
                opening = ProbeStep(first.source.iface.name, opener)
                yield opening, ProbeStep(iface.name, answer), ProbeStep(source.iface.name, packet)

    def _packet(self, source: Source, packets: Set, serial: int) -> bytes | None:
        """One of `packets`, as it arrives."""
        values = self._space.one(packets, self._wishes(source.iface, serial))
        if values is None:
            return None
        try:
            packet = packet_from_assignment(values)
        except NoSuchPacket:
            return None
        return _with_icmp_id(_earlier(packet, source.hops), serial)

    def _wishes(self, iface: Iface, serial: int) -> Iterator[tuple[str, int]]:
        """What packets that arrive on `iface` usually are."""
        yield "ip.ttl", 63
        yield "ip.saddr", _neighbour(iface)
        for target in self._targets(iface):
            yield "ip.daddr", target
        port = 20_000 + serial % 40_000
        yield from (("tcp.sport", port), ("udp.sport", port), ("tcp.flags", _SYN), ("icmp.type", _ECHO_REQUEST))
        yield from (("tcp.dport", 80), ("udp.dport", 53), ("ip.hdrlength", 20), ("tcp.doff", 5), ("icmp.code", 0))
        yield from (("ip.protocol", UDP), ("ip.dscp", 0), ("ip.ecn", 0), ("udp.checksum", 0), ("ip.length", 48))

    def _targets(self, iface: Iface) -> list[int]:
        """Destinations behind the other Ifaces, then behind this one, then the machine itself."""
        routes = self._pipeline.router.routes if self._pipeline.router else ()
        routed = [
            (route.iface == iface.number, _host_in(route.net, route.netmask, self._out[route.iface]))
            for route in routes
        ]
        own = [iface.address] if iface.address is not None else []
        return [address for _, address in sorted(routed, key=lambda pair: pair[0])] + own

    # --- requests for the machine's own answers ---

    def _request(self, source: Source, packets: Set, serial: int) -> Iterator[tuple[ProbeStep, ...]]:
        wishes = [("ip.daddr", _neighbour(source.iface)), ("tcp.dport", 20_000 + serial % 40_000), ("tcp.sport", 80)]
        values = self._space.one(packets, wishes)
        if values is None or "ip.saddr" not in values or "ip.daddr" not in values:
            return
        for request in _requests(source, values, serial):
            try:
                packet = packet_from_assignment(request)
            except NoSuchPacket:
                continue
            yield (ProbeStep(source.iface.name, _with_icmp_id(packet, serial)),)


def _requests(source: Source, answer: Mapping[str, int], serial: int) -> list[dict[str, int]]:
    """The requests that the machine answers with `answer`, as field values."""
    base = {"ip.saddr": answer["ip.daddr"], "ip.daddr": answer["ip.saddr"], "ip.dscp": answer.get("ip.dscp", 0)}
    match source.maker:
        case Maker.ECHO:
            return [base | {"ip.protocol": ICMP, "icmp.type": _ECHO_REQUEST, "icmp.code": 0}]
        case Maker.RESET:
            flags = _SYN if answer.get("tcp.flags", _ACK) & _ACK else _ACK
            ports = {"tcp.sport": answer.get("tcp.dport", 0), "tcp.dport": answer.get("tcp.sport", 0)}
            numbers = {"tcp.ackseq": answer.get("tcp.sequence", 0)}
            if "tcp.ackseq" in answer:
                numbers["tcp.sequence"] = (answer["tcp.ackseq"] - 1) & 0xFFFFFFFF
            return [base | ports | numbers | {"ip.protocol": TCP, "tcp.flags": flags}]
        case Maker.UNREACHABLE:
            return [base | {"ip.protocol": UDP, "udp.sport": 20_000 + serial % 40_000, "udp.dport": 33434}]
        case _:
            # What has no hops left when it arrives, and goes anywhere but here.
            probe = {"ip.protocol": UDP, "udp.sport": 20_000 + serial % 40_000, "udp.dport": 33434, "ip.ttl": 0}
            return [base | probe | {"ip.daddr": address} for address in _DOCUMENTATION]


def _flow(packet: bytes) -> dict[str, int]:
    """The addresses, protocol and ports of `packet`."""
    facts = Facts(packet, State.NEW, NO_IFACE, NO_IFACE)
    names = {TCP: "tcp", UDP: "udp"}
    kind = names.get(packet[9])
    wanted = [name for name in FLOW if name.startswith("ip.") or name.split(".")[0] == kind]
    return {name: read(FIELDS[name], facts) for name in wanted}


def _swapped(flow: Mapping[str, int]) -> dict[str, int]:
    partner = {"saddr": "daddr", "daddr": "saddr", "sport": "dport", "dport": "sport"}
    swapped: dict[str, int] = {}
    for field, value in flow.items():
        layer, _, name = field.partition(".")
        swapped[f"{layer}.{partner.get(name, name)}"] = value
    return swapped


def _answer_to(packet: bytes, serial: int) -> bytes | None:
    values = _swapped(_flow(packet)) | {"tcp.flags": _SYN | _ACK, "icmp.type": _ECHO_REPLY, "icmp.code": 0}
    kind = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}.get(packet[9])
    try:
        kept = {name: value for name, value in values.items() if name.startswith(("ip.", f"{kind}."))}
        return _with_icmp_id(packet_from_assignment(kept), serial)
    except NoSuchPacket:
        return None


def _earlier(packet: bytes, hops: int) -> bytes:
    """`packet` as it was `hops` routers before."""
    if not hops:
        return packet
    start = (packet[0] & 15) * 4
    header = packet[:8] + bytes((min(packet[8] + hops, 255), packet[9], 0, 0)) + packet[12:start]
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + packet[start:]


def _with_icmp_id(packet: bytes, serial: int) -> bytes:
    """An ICMP message gets `serial` as its identifier, which connection tracking uses as ports."""
    start = (packet[0] & 15) * 4
    body = packet[start:]
    if packet[9] != ICMP or len(body) < 8 or packet[6] & 0x1F or packet[7]:
        return packet
    body = body[:2] + bytes(2) + (serial & 0xFFFF).to_bytes(2, "big") + body[6:]
    return packet[:start] + body[:2] + checksum(body).to_bytes(2, "big") + body[4:]


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071); an odd last octet is padded with zero."""
    padded = octets + bytes(len(octets) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _neighbour(iface: Iface) -> int:
    """An address on the link of `iface` that is not its own."""
    if iface.address is None or iface.netmask is None:
        return _DOCUMENTATION[0]
    return _host_in(iface.address & iface.netmask, iface.netmask, iface)


def _host_in(net: int, netmask: int, iface: Iface) -> int:
    """The ninth host of a network, or the nearest before it, that is not the Iface's own address."""
    if not netmask:
        return _DOCUMENTATION[0]
    last = (net | ~netmask & 0xFFFFFFFF) - (1 if netmask < 0xFFFFFFFE else 0)
    host = min(net + 9, last)
    if host == iface.address:
        host = host - 1 if host - 1 > net else min(host + 1, last)
    return host
