"""Which packets get to which function: the path of docs/language.md 8.1, walked with sets instead of packets.

    arrival on I ─ PREROUTING of I ─┬─ local ─ INPUT of I ─ delivered ─ answers ─ OUTPUT of I ─┐
                     ▲              └─ TTL − 1 ─ FORWARD ◀─────────────────────────────────────┤
                     └──(S1)──────────────────────────┴─ a route to O ─ POSTROUTING of O ◀─────┘

The sets may be too large (what depends on history, or on fields that a packet's own values decide): every probe made
from them is tried on the reference machine before it counts. Packets come back by (S1) once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from naclc.net.fields import NO_IFACE, State
from naclc.pipeline.pipeline import Iface, Pipeline, Translation
from naclc.probes.edges import REWRITE, Way, Ways, step_way
from naclc.probes.frames import FLOW
from naclc.probes.passage import Passages, Taking
from naclc.probes.sets import ICMP, TCP, UDP, Set, Space
from naclc.probes.streams import Maker, Opening, Source, Stage, Stream, acts, hidden, rewritten, shown_again
from naclc.semantics import model
from naclc.semantics.model import Hook, Kind

_ALL_ONES = 0xFFFFFFFF
_MULTICAST = (0xE0000000, 0xF0000000)
_LOOPBACK = (127 << 24, 255 << 24)
MTU = 1500  # octets


@dataclass(frozen=True, slots=True)
class Visit:
    """`taking` tells which of the packets of `stream` take each way of an attached function and of its callees, or of
    an added step; `rewrites` which of them are rewritten. `iface`: whose chain it is, None for the router's."""

    hook: Hook
    iface: Iface | None
    stream: Stream
    taking: Taking
    rewrites: dict[Way, Set]

    def packets(self, way: Way) -> Set | None:
        """Those that take `way`."""
        return (self.rewrites if way[1] == REWRITE else self.taking).get(way)


class Places:
    """All visits of all attached functions, the nearest to the wire first.

    With `filters` False, the way as it would be if no function dropped anything.

    Raises:
        OverBudget, MemoryError: the policy is too large for the planner.
    """

    def __init__(
        self, pipeline: Pipeline, ways: Ways, space: Space, passages: Passages, *, filters: bool = True
    ) -> None:
        self._pipeline = pipeline
        self._ways = ways
        self._space = space
        self._passages = passages
        self._filters = filters
        self._router = pipeline.router
        self._outs = {iface.number: iface for iface in pipeline.ifaces}
        self._own = space.one_of("ip.saddr", [iface.address for iface in pipeline.ifaces if iface.address is not None])
        self._original = space.equal("ct.state", State.NEW) | space.equal("ct.state", State.ESTABLISHED)
        self.visits: list[Visit] = []
        self.openings: list[Opening] = []
        self._delivered: dict[int, Stream] = {}
        self._hopless: dict[int, Stream] = {}
        self._returning: list[tuple[Iface, Stream]] = []
        self._routed = self._routes()
        self._walk()

    def _walk(self) -> None:
        self._forward([item for iface in self._pipeline.ifaces for item in self._arrive(iface, self._from_wire(iface))])
        returning, self._returning = self._returning, []
        for iface, stream in returning:
            self._arrive(iface, stream)
        self._forward([item for iface in self._pipeline.ifaces for item in self._answers(iface)])

    def valid(self) -> Set:
        """Packets that a function may be run on (docs/language.md 8.7), wherever it is."""
        space = self._space
        tracked = space.headed & space.one_of("ip.protocol", (ICMP, TCP, UDP))
        packets = tracked & self._original & space.when("ip.frag-off", 0)
        if self._pipeline.untracked != "drop":
            without = ~space.headed
            if self._pipeline.conntrack.stateful_tcp:  # a segment outside of a known connection
                without = without | space.headed_as(TCP)
            packets = packets | (without & space.equal("ct.state", State.UNTRACKED))
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

    def _from_wire(self, iface: Iface) -> Stream:
        space = self._space
        packets = self.valid() & self._lengths() & ~space.network("ip.saddr", *_MULTICAST)
        if not iface.tracks:
            packets = packets & space.equal("ct.state", State.UNTRACKED)
        return [(Source(iface, Maker.WIRE, 0), packets)]

    def _arrive(self, iface: Iface, stream: Stream) -> Stream:
        """What of `stream`, which arrives on `iface`, goes on to FORWARD."""
        space = self._space
        fit = ~space.one_of("ip.saddr", _broadcasts(iface))
        stream = [(source, packets & fit) for source, packets in self._between(stream, iface.number, NO_IFACE)]
        stream = self._hook(iface, Hook.PREROUTING, stream)
        local = space.one_of("ip.daddr", [*([iface.address] if iface.address is not None else []), *_broadcasts(iface)])
        whole = space.when("ip.frag-off", 0)
        delivered = [(source, packets & local & whole) for source, packets in stream]
        self._open(iface, delivered, {Stage.INSIDE}, leaves=False)
        delivered = self._hook(iface, Hook.INPUT, delivered)
        self._delivered[iface.number] = self._delivered.get(iface.number, []) + delivered
        if not iface.forwards:
            return []
        away = ~local & ~space.network("ip.daddr", *_MULTICAST)
        hopless = [(source, packets & away & space.equal("ip.ttl", 0)) for source, packets in stream]
        self._hopless[iface.number] = self._hopless.get(iface.number, []) + hopless
        return [(source.further(), space.decremented(packets & away)) for source, packets in stream]

    def _forward(self, stream: Stream) -> None:
        space = self._space
        stream = self._chain(Hook.FORWARD, None, self._router.forward if self._router else (), stream)
        for number, routed in self._routed.items():
            there = [(source, packets & routed & ~space.equal("ip.ttl", 0)) for source, packets in stream]
            self._ship(self._outs[number], there)

    def _ship(self, out: Iface, stream: Stream) -> None:
        space = self._space
        elsewhere = ~space.network("ip.daddr", *_LOOPBACK)
        if out.address is not None:
            own = space.equal("ip.daddr", out.address)
            back = [(source.further(), space.decremented(packets & own)) for source, packets in stream]
            self._returning.append((out, [item for item in back if item[1].satisfiable()]))
            elsewhere = elsewhere & ~own
        stream = [(source, packets & elsewhere) for source, packets in stream]
        self._open(out, stream, {Stage.INSIDE}, leaves=True)
        if out.chains.get(Hook.POSTROUTING) or out.translations.get(Hook.POSTROUTING):
            stream = self._hook(out, Hook.POSTROUTING, self._between(stream, NO_IFACE, out.number))
        self._open(out, stream, {Stage.SENT}, leaves=True)

    def _between(self, stream: Stream, iface_in: int, iface_out: int) -> Stream:
        """`stream`, where the hook knows these two Ifaces."""
        space = self._space
        known = space.equal("iface.in", iface_in) & space.equal("iface.out", iface_out)
        return [(source, space.without(packets, ("iface.in", "iface.out")) & known) for source, packets in stream]

    def _open(self, iface: Iface, stream: Stream, stages: set[Stage], *, leaves: bool) -> None:
        if not iface.tracks:
            return
        for source, packets in stream:
            first = packets & self._space.equal("ct.state", State.NEW)
            if not first.satisfiable():
                continue
            if Stage.INSIDE in stages and source.rewritings:
                start = source.rewritings[0]
                early = replace(source, hops=start.hops, rewritings=())
                fresh = start.before & self._space.equal("ct.state", State.NEW)
                self.openings.append(Opening(early, fresh, frozenset((Stage.ARRIVED,)), leaves))
            elif Stage.INSIDE in stages:
                stages = stages | {Stage.ARRIVED}
            self.openings.append(Opening(source, first, frozenset(stages), leaves))

    def _hook(self, iface: Iface, hook: Hook, stream: Stream) -> Stream:
        stream = self._chain(hook, iface, iface.chains.get(hook, ()), stream)
        for step in iface.translations.get(hook, ()):
            stream = self._step(iface, hook, step, stream)
        return stream

    def _step(self, iface: Iface, hook: Hook, step: Translation, stream: Stream) -> Stream:
        space = self._space
        acting = space.equal("ct.state", State.ESTABLISHED)
        if step is Translation.MASQUERADE:
            acting = self._original & ~self._own
            if self._pipeline.untracked == "drop":
                stream = [(source, packets & self._original) for source, packets in stream]
        self.visits.append(Visit(hook, iface, stream, {step_way(iface.name, hook, step): acting}, {}))
        after: Stream = []
        for source, packets in stream:
            if step is Translation.MASQUERADE and source.maker is Maker.WIRE:
                first = acting & space.equal("ct.state", State.NEW)
                after += [(source, packets & ~first), *hidden(space, source, packets & acting, iface.address)]
            elif step in (Translation.DEMASQUERADE, Translation.UN_SNAT):
                after.append((source, packets | shown_again(space, packets & acting)))
            else:
                after.append((source, packets))
        return after

    def _chain(self, hook: Hook, iface: Iface | None, functions: Iterable[str], stream: Stream) -> Stream:
        """What the chain lets through, from each source."""
        for function in functions:
            is_nat = self._pipeline.functions[function].kind is Kind.NAT
            ours = ~self._space.equal("ct.state", State.UNTRACKED)
            past: Stream = []
            if self._pipeline.untracked == "drop":
                stream = [(source, packets & ours) for source, packets in stream]
            elif not is_nat:
                ours = self._space.all
            if self._ways.protocols[function] is not model.Protocol.IP:
                ours = ours & self._space.symbols.guard(self._ways.protocols[function])
            if ours != self._space.all:
                past = [(source, packets & ~ours) for source, packets in stream]
                stream = [(source, packets & ours) for source, packets in stream]
            stream = [(source, packets) for source, packets in stream if packets.satisfiable()]
            stream = self._through(hook, iface, function, is_nat, stream) + [
                item for item in past if item[1].satisfiable()
            ]
        return stream

    def _through(self, hook: Hook, iface: Iface | None, function: str, is_nat: bool, stream: Stream) -> Stream:
        everything = self._space.none
        for _, packets in stream:
            everything = everything | packets
        taking, through = self._passages.of(function, everything)
        rewrites: dict[Way, Set] = {}
        for leaf, packets in through.rewriting:
            if leaf.rewrite is not None and acts(leaf.rewrite, hook):
                way = self._ways.rewrite(leaf.statement)
                rewrites[way] = rewrites.get(way, self._space.none) | packets & self._original
        self.visits.append(Visit(hook, iface, stream, taking, rewrites))
        if not is_nat:
            return stream if not self._filters else [(source, packets & through.accepted) for source, packets in stream]
        after = [(source, packets & through.ended) for source, packets in stream]
        reply = self._space.equal("ct.state", State.ESTABLISHED)
        for leaf, packets in through.rewriting:
            assert leaf.rewrite is not None
            for source, ours in stream:
                if not acts(leaf.rewrite, hook):
                    after.append((source, ours & packets))
                    continue
                after += rewritten(self._space, source, ours & packets, leaf.rewrite)
                after.append((source, ours & packets & reply))
        return [(source, packets) for source, packets in after if packets.satisfiable()]

    def _routes(self) -> dict[int, Set]:
        """The packets that each Iface is the way out for, by its number."""
        space, result = self._space, dict[int, Set]()
        left = space.all
        for route in self._router.routes if self._router else ():
            matching = left & space.network("ip.daddr", route.net, route.netmask)
            result[route.iface] = result.get(route.iface, space.none) | matching
            left = left & ~matching
        return result

    # --- the way of the machine's own packets ---

    def _answers(self, iface: Iface) -> Stream:
        """What the machine answers on `iface` and what of it goes on to FORWARD."""
        if iface.address is None:
            return []
        own = iface.address
        stream = [item for request in self._delivered[iface.number] for item in self._made(iface, own, *request)]
        if self._router and self._router.send_time_exceeded:
            stream += [self._expired(iface, own, *request) for request in self._hopless.get(iface.number, [])]
        stream = self._hook(iface, Hook.OUTPUT, [item for item in stream if item[1].satisfiable()])
        if not iface.forwards:
            self._ship(iface, stream)
            return []
        return self._between(stream, iface.number, NO_IFACE)

    def _made(self, iface: Iface, own: int, request: Source, delivered: Set) -> Stream:
        """The answers that the machine gives on `iface` to what was delivered there."""
        space, base = self._space, self._base(own)
        delivered = delivered & space.equal("ip.daddr", own)
        if not delivered.satisfiable():
            return []
        asked = space.replies(space.only(delivered, FLOW)) & base
        udp = space.only(asked & space.equal("ip.protocol", UDP), ("ip.saddr", "ip.daddr")) & base
        others = ~space.one_of("ip.protocol", (ICMP, TCP, UDP))
        strange = space.only(space.replies(delivered & others), ("ip.saddr", "ip.daddr")) & base
        reply = space.equal("ct.state", State.ESTABLISHED)
        error = space.equal("ct.state", State.NEW) & space.equal("ip.protocol", ICMP)
        resets = space.one_of("tcp.flags", (0x14, 0x04)) if space.tests("tcp.flags") else space.all
        made = [
            (Maker.ECHO, asked & reply & space.equal("ip.protocol", ICMP) & self._icmp(0, 0)),
            (Maker.RESET, asked & reply & space.equal("ip.protocol", TCP) & resets),
            (Maker.UNREACHABLE, udp & error & self._icmp(3, 3)),
            (Maker.UNKNOWN, strange & error & self._icmp(3, 2)),
        ]
        return [(Source(iface, maker, 0, request=request, asked=delivered), packets) for maker, packets in made]

    def _expired(self, iface: Iface, own: int, request: Source, hopless: Set) -> tuple[Source, Set]:
        """What the machine says on `iface` of packets that have no hops left."""
        space = self._space
        error = space.equal("ct.state", State.NEW) & space.equal("ip.protocol", ICMP) & self._icmp(11, 0)
        told = space.replies(space.only(hopless, ("ip.saddr",))) & ~space.network("ip.daddr", *_LOOPBACK)
        return Source(iface, Maker.EXPIRED, 0, request=request, asked=hopless), self._base(own) & told & error

    def _base(self, own: int) -> Set:
        """What all packets of the machine's own have."""
        space = self._space
        base = space.equal("ip.ttl", 64) & space.equal("ip.saddr", own) & space.headed
        base = base & space.equal("iface.in", NO_IFACE) & space.equal("iface.out", NO_IFACE)
        return (
            base & self._lengths() & space.fixed({"ip.version": 4, "ip.hdrlength": 20, "ip.frag-off": 0, "ip.ecn": 0})
        )

    def _icmp(self, kind: int, code: int) -> Set:
        return self._space.fixed({"icmp.type": kind, "icmp.code": code})


def _broadcasts(iface: Iface) -> list[int]:
    """255.255.255.255, and the Iface's own broadcast address where it has one (RFC 3021)."""
    if iface.address is None or iface.netmask is None or iface.netmask >= 0xFFFFFFFE:
        return [_ALL_ONES]
    return [_ALL_ONES, iface.address | ~iface.netmask & _ALL_ONES]
