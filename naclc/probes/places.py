"""Which packets get to which function: the path of docs/language.md 8.1, walked with sets instead of packets.

    arrival on I ─ PREROUTING of I ─┬─ local ─ INPUT of I ─ delivered ─ answers ─ OUTPUT of I ─┐
                                    └─ TTL − 1 ─ FORWARD ◀─────────────────────────────────────┤
                                                    └─ a route to O ─ POSTROUTING of O ◀───────┘

The sets may be too large (what depends on history, or on fields that a packet's own values decide): every probe made
from them is tried on the reference machine before it counts. Not followed: packets that come back by (S1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from naclc.net.fields import NO_IFACE, State
from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.probes.edges import Ways
from naclc.probes.reach import Reach, enter
from naclc.probes.sets import FLOW, ICMP, TCP, UDP, Set, Space
from naclc.semantics.model import Hook

_ALL_ONES = 0xFFFFFFFF
_MULTICAST = (0xE0000000, 0xF0000000)
_LOOPBACK = (127 << 24, 255 << 24)
MTU = 1500  # octets


class Maker(StrEnum):
    """How a packet comes to be where it is."""

    WIRE = "from the wire"
    ECHO = "as an echo reply"
    RESET = "as a TCP reset"
    UNREACHABLE = "as an ICMP port unreachable"
    EXPIRED = "as an ICMP time exceeded"


@dataclass(frozen=True, slots=True)
class Source:
    """A packet, or the request it answers, arrives on `iface`. `hops`: how often its TTL was decremented since."""

    iface: Iface
    maker: Maker
    hops: int


Stream = list[tuple[Source, Set]]  # what is on its way from each source


@dataclass(frozen=True, slots=True)
class Visit:
    """`reach` tells which of the packets of `stream` take each way of an attached function and of its callees."""

    stream: Stream
    reach: Reach


@dataclass(frozen=True, slots=True)
class Confirmed:
    """First packets that make a flow which is then confirmed: the next packet of the other direction establishes it."""

    source: Source
    packets: Set


class Places:
    """All visits of all attached functions, the nearest to the wire first.

    Raises:
        OverBudget, MemoryError: the policy is too large for the planner.
    """

    def __init__(self, pipeline: Pipeline, ways: Ways, space: Space) -> None:
        self._pipeline = pipeline
        self._ways = ways
        self._space = space
        self._router = pipeline.router
        self._outs = {iface.number: iface for iface in pipeline.ifaces}
        self.visits: list[Visit] = []
        self.confirmed: list[Confirmed] = []
        self._delivered: dict[int, Set] = {}
        self._routed = self._routes()
        self._forward([stream for iface in pipeline.ifaces for stream in self._arrive(iface)])
        self._forward([stream for iface in pipeline.ifaces for stream in self._answers(iface)])

    def valid(self) -> Set:
        """Packets that a function may be run on (docs/language.md 8.7), wherever it is."""
        space = self._space
        tracked = space.headed_as(ICMP) | space.headed_as(TCP) | space.headed_as(UDP)
        packets = tracked & space.one_of("ct.state", (State.NEW, State.ESTABLISHED)) & space.when("ip.frag-off", 0)
        if self._pipeline.untracked != "drop":
            packets = packets | (~space.headed & space.equal("ct.state", State.UNTRACKED))
        if space.tests("ip.hdrlength"):
            packets = packets & space.one_of("ip.hdrlength", range(20, 61, 4))
        return packets & space.when("ip.version", 4)

    def _lengths(self) -> Set:
        """Packets with room for their headers that a frame can carry."""
        space = self._space
        if not space.tests("ip.length"):
            return space.all
        result = space.none
        for start in range(20, 61, 4) if space.tests("ip.hdrlength") else (20,):
            segment = space.headed_as(TCP) & space.between("ip.length", start + 20, MTU)
            other = ~space.headed_as(TCP) & space.between("ip.length", start + 8, MTU)
            result = result | (space.when("ip.hdrlength", start) & (segment | other))
        return result

    # --- the way of a packet from the wire ---

    def _arrive(self, iface: Iface) -> Stream:
        """What arrives on `iface` and goes on to FORWARD."""
        space, source = self._space, Source(iface, Maker.WIRE, 0)
        packets = (
            self.valid() & self._lengths() & space.equal("iface.in", iface.number) & space.equal("iface.out", NO_IFACE)
        )
        packets = packets & ~space.network("ip.saddr", *_MULTICAST) & ~space.one_of("ip.saddr", _broadcasts(iface))
        if not iface.tracks:
            packets = packets & space.equal("ct.state", State.UNTRACKED)
        ((_, packets),) = self._chain(iface.chains.get(Hook.PREROUTING, ()), [(source, packets)])
        own = [iface.address] if iface.address is not None else []
        local = space.one_of("ip.daddr", [*own, *_broadcasts(iface)])
        delivered = packets & local & space.when("ip.frag-off", 0)
        self._confirm(iface, source, delivered)
        ((_, delivered),) = self._chain(iface.chains.get(Hook.INPUT, ()), [(source, delivered)])
        self._delivered[iface.number] = delivered
        if not iface.forwards:
            return []
        routed = space.decremented(packets & ~local & ~space.network("ip.daddr", *_MULTICAST))
        return [(Source(iface, Maker.WIRE, 1), routed)]

    def _forward(self, stream: Stream) -> None:
        space = self._space
        stream = self._chain(self._router.forward if self._router else (), stream)
        for number, routed in self._routed.items():
            there = [(source, packets & routed & ~space.equal("ip.ttl", 0)) for source, packets in stream]
            self._ship(self._outs[number], there)

    def _ship(self, out: Iface, stream: Stream) -> None:
        space = self._space
        elsewhere = ~space.network("ip.daddr", *_LOOPBACK)
        if out.address is not None:
            elsewhere = elsewhere & ~space.equal("ip.daddr", out.address)
        stream = [(source, packets & elsewhere) for source, packets in stream]
        for source, packets in stream:
            if source.maker is Maker.WIRE:
                self._confirm(out, source, packets)
        if out.chains.get(Hook.POSTROUTING):
            stream = [(source, self._between(packets, NO_IFACE, out.number)) for source, packets in stream]
            self._chain(out.chains[Hook.POSTROUTING], stream)

    def _between(self, packets: Set, iface_in: int, iface_out: int) -> Set:
        """`packets`, where the hook knows these two Ifaces."""
        space = self._space
        known = space.equal("iface.in", iface_in) & space.equal("iface.out", iface_out)
        return space.without(packets, ("iface.in", "iface.out")) & known

    def _confirm(self, iface: Iface, source: Source, packets: Set) -> None:
        first = packets & self._space.equal("ct.state", State.NEW)
        if iface.tracks and first.satisfiable():
            self.confirmed.append(Confirmed(source, first))

    def _chain(self, functions: Iterable[str], stream: Stream) -> Stream:
        """What the chain lets through, from each source."""
        for function in functions:
            if self._pipeline.untracked == "drop":
                tracked = ~self._space.equal("ct.state", State.UNTRACKED)
                stream = [(source, packets & tracked) for source, packets in stream]
            reach, everything = Reach(), self._space.none
            for _, packets in stream:
                everything = everything | packets
            accepted = enter(self._ways, self._space, function, everything, reach).accepted
            self.visits.append(Visit(stream, reach))
            stream = [(source, packets & accepted) for source, packets in stream]
        return stream

    def _routes(self) -> dict[int, Set]:
        """The packets that each Iface is the way out for, by its number."""
        space, result = self._space, dict[int, Set]()
        left = space.all
        routes = self._router.routes if self._router else ()
        for route in sorted(routes, key=lambda route: (-route.netmask, route.cost)):
            matching = left & space.network("ip.daddr", route.net, route.netmask)
            result[route.iface] = result.get(route.iface, space.none) | matching
            left = left & ~matching
        return result

    # --- the way of the machine's own packets ---

    def _answers(self, iface: Iface) -> Stream:
        """What the machine answers on `iface` and what of it goes on to FORWARD."""
        if iface.address is None:
            return []
        stream = [(Source(iface, maker, 0), answers) for maker, answers in self._made(iface, iface.address)]
        stream = self._chain(iface.chains.get(Hook.OUTPUT, ()), stream)
        if not iface.forwards:
            self._ship(iface, stream)
            return []
        return [(source, self._between(packets, iface.number, NO_IFACE)) for source, packets in stream]

    def _made(self, iface: Iface, own: int) -> list[tuple[Maker, Set]]:
        """The answers that the machine gives on `iface`."""
        space = self._space
        base = space.equal("ip.ttl", 64) & space.equal("ip.saddr", own) & space.headed
        base = base & space.equal("iface.in", NO_IFACE) & space.equal("iface.out", NO_IFACE)
        base = base & space.fixed({"ip.version": 4, "ip.hdrlength": 20, "ip.frag-off": 0, "ip.ecn": 0})
        asked = space.replies(space.only(self._delivered[iface.number] & space.equal("ip.daddr", own), FLOW)) & base
        udp = space.only(asked & space.equal("ip.protocol", UDP), ("ip.saddr", "ip.daddr")) & base
        reply = space.equal("ct.state", State.ESTABLISHED)
        error = space.equal("ct.state", State.NEW) & space.equal("ip.protocol", ICMP)
        resets = space.one_of("tcp.flags", (0x14, 0x04)) if space.tests("tcp.flags") else space.all
        made = [
            (Maker.ECHO, asked & reply & space.equal("ip.protocol", ICMP) & self._icmp(0, 0)),
            (Maker.RESET, asked & reply & space.equal("ip.protocol", TCP) & resets),
            (Maker.UNREACHABLE, udp & error & self._icmp(3, 3)),
        ]
        if self._router and self._router.send_time_exceeded and iface.forwards:
            made.append((Maker.EXPIRED, base & error & self._icmp(11, 0)))
        return made

    def _icmp(self, kind: int, code: int) -> Set:
        return self._space.when("icmp.type", kind) & self._space.when("icmp.code", code)


def _broadcasts(iface: Iface) -> list[int]:
    """255.255.255.255, and the Iface's own broadcast address where it has one (RFC 3021)."""
    if iface.address is None or iface.netmask is None or iface.netmask >= 0xFFFFFFFE:
        return [_ALL_ONES]
    return [_ALL_ONES, iface.address | ~iface.netmask & _ALL_ONES]
