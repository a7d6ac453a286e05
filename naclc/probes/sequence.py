"""From a set of packets at a place to the frames that bring one of them there: one, or up to four.

P          a new flow, or no flow           O P        the reply, or O's direction again
O R P      after R has answered O           O R A P    after O's side has answered, too
request    for the machine's own answers

O and P are chosen from the sets, as they are at a place; the frames are what they were on arrival. R answers the frame
that O became on the wire, with the addresses and the port that translation gave it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from naclc.interpret.events import Sent
from naclc.net.fields import State
from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.probes import frames
from naclc.probes.frames import ACK, ECHO_REQUEST, FLOW, SYN, flow_in, flow_of, swapped
from naclc.probes.places import Places
from naclc.probes.probe import ProbeStep
from naclc.probes.sets import ICMP, TCP, UDP, Set, Space
from naclc.probes.streams import Maker, Opening, Source, Stage
from naclc.semantics.model import Hook

_DOCUMENTATION = (0xC6336409, 0xCB007109)  # 198.51.100.9, 203.0.113.9 (RFC 5737)
_GRE = 47
_HOW = ("iface.in", "iface.out", "ct.state")  # of a packet, but not in it
_NOT_ON_THE_WIRE = (*_HOW, "ip.checksum", "tcp.checksum", "udp.checksum")
_SPREAD = 64  # hosts of a network that the flows of a policy with address translation have
_CHOICES = 8  # destinations that are wished for, and sources

Steps = tuple[ProbeStep, ...]
Run = Callable[[Steps], tuple[Sent, ...]]


class Sequences:
    """Makes the candidates of one probe after the other; `serial` keeps their flows apart.

    `run` tells what the last of some steps makes a fresh reference machine send.
    """

    def __init__(self, pipeline: Pipeline, places: Places, space: Space, run: Run) -> None:
        self._pipeline = pipeline
        self._openings = sorted(places.openings, key=lambda opening: not opening.source.rewritings)
        self._space = space
        self._run = run
        self._usual: dict[tuple[int, int], list[tuple[str, int]]] = {}
        self._undone: frozenset[str] = frozenset()
        self._out = {iface.number: iface for iface in pipeline.ifaces}
        self._names = {iface.number: iface.name for iface in pipeline.ifaces}
        self._translates = any(iface.translations for iface in pipeline.ifaces)

    def candidates(
        self, hook: Hook, source: Source, packets: Set, serial: int, undone: frozenset[str] = frozenset()
    ) -> Iterator[Steps]:
        """Sequences whose last packet, as it is at `hook`, may be one of `packets`.

        `undone`: only those count whose flow had one of these fields rewritten.
        """
        space = self._space
        self._undone = undone
        if source.maker is not Maker.WIRE:
            for request in self._requests(source, packets, serial):
                yield (ProbeStep(source.iface.name, request),)
            return
        established = space.equal("ct.state", State.ESTABLISHED)
        single = self._packet(source, packets & ~established, serial)
        if single is not None:
            yield (ProbeStep(source.iface.name, single),)
        later = packets & established
        if later.satisfiable():
            yield from self._in_flow(hook, source, later, serial)
        if single is not None and self._pipeline.conntrack.stateful_tcp:
            unanswered = packets & space.equal("ct.state", State.NEW) & space.equal("ip.protocol", TCP)
            yield from self._in_flow(hook, source, unanswered, serial)

    def _in_flow(self, hook: Hook, source: Source, packets: Set, serial: int) -> Iterator[Steps]:
        """`packets` as later ones of a flow; of each opening first the sequence that most likely does it."""
        space = self._space
        flows = space.only(packets, FLOW)
        turned = space.replies(flows)
        attempts: list[Iterator[Steps]] = []
        for stage in (Stage.SENT, Stage.INSIDE) if hook is Hook.PREROUTING else (Stage.INSIDE,):
            for opening in self._openings:
                if stage in opening.stages and self._fits(opening):
                    attempts.append(self._reply(source, packets, opening, opening.packets & turned, serial))
        stage = Stage.ARRIVED if hook is Hook.PREROUTING else Stage.INSIDE
        for opening in self._openings:
            if stage in opening.stages and opening.source.maker is Maker.WIRE and self._fits(opening):
                attempts.append(self._again(source, packets, opening, opening.packets & flows, serial))
        while attempts:
            going = []
            for attempt in attempts:
                steps = next(attempt, None)
                if steps is not None:
                    yield steps
                    going.append(attempt)
            attempts = going

    def _fits(self, opening: Opening) -> bool:
        """Whether what is to be undone was done to the flows of `opening`."""
        return not self._undone or any(self._undone & each.fields for each in opening.source.rewritings)

    def _reply(self, source: Source, packets: Set, opening: Opening, openers: Set, serial: int) -> Iterator[Steps]:
        opened = self._opened(opening, openers, serial)
        if opened is None:
            return
        seen, opener = opened
        values = self._one(packets & self._space.fixed(swapped(flow_in(seen))), source.iface, serial)
        if values is None:
            return
        sent = self._run((opener,))
        if opening.leaves and not sent:
            return
        out = sent[0].packet if sent and (opening.leaves or opening.source.maker is not Maker.WIRE) else None
        back = swapped(flow_of(out) if out is not None else flow_of(opener.packet))
        identifier = frames.icmp_id(out or opener.packet)
        packet = frames.frame(_arriving(values, back), source.hops, serial if identifier is None else identifier)
        if packet is None:
            return
        last = ProbeStep(source.iface.name, packet, 0 if out is not None else None)
        yield opener, last
        for step in self._answers(opening, opener, sent):
            yield opener, step, last

    def _again(self, source: Source, packets: Set, opening: Opening, openers: Set, serial: int) -> Iterator[Steps]:
        opened = self._opened(opening, openers, serial)
        if opened is None:
            return
        seen, opener = opened
        values = self._one(packets & self._space.fixed(flow_in(seen)), source.iface, serial)
        packet = None
        if values is not None:
            packet = frames.frame(_arriving(values, flow_of(opener.packet)), source.hops, serial)
        if packet is None:
            return
        last = ProbeStep(source.iface.name, packet)
        sent = self._run((opener,))
        if opening.leaves and not sent:
            return
        yield opener, last
        then = frames.acknowledged(opener.packet)
        for step in self._answers(opening, opener, sent):
            yield opener, step, last
            if then is not None:
                yield opener, step, ProbeStep(opener.iface, then), last

    def _answers(self, opening: Opening, opener: ProbeStep, sent: tuple[Sent, ...]) -> Iterator[ProbeStep]:
        """What the other end may answer to `opener`, which made the machine send `sent`."""
        if opening.leaves and sent:
            answer = frames.answer_to(sent[0].packet)
            if answer is not None:
                yield ProbeStep(self._names[sent[0].iface], answer, 0)
            return
        answer = frames.answer_to(opener.packet)
        for iface in self._pipeline.ifaces if answer is not None else ():
            if iface.tracks and answer is not None:
                yield ProbeStep(iface.name, answer)

    def _opened(self, opening: Opening, openers: Set, serial: int) -> tuple[dict[str, int], ProbeStep] | None:
        """One of `openers`, as it is at the stage of `opening`, and the frame that it was; or the one it answers."""
        source = opening.source
        seen = self._one(openers, source.iface, serial)
        if seen is None:
            return None
        if source.maker is not Maker.WIRE:
            request = next(self._requests(source, openers, serial), None)
            return (seen, ProbeStep(source.iface.name, request)) if request is not None else None
        packet = self._arrived(source, seen, serial)
        return (seen, ProbeStep(source.iface.name, packet)) if packet is not None else None

    def _packet(self, source: Source, packets: Set, serial: int) -> bytes | None:
        """One of `packets`, as it arrives."""
        values = self._one(packets, source.iface, serial)
        return None if values is None else self._arrived(source, values, serial)

    def _arrived(self, source: Source, values: Mapping[str, int], serial: int) -> bytes | None:
        """A packet that has `values` after all that happened to it since it arrived, as it was then."""
        before = self._before(source, values, serial)
        return None if before is None else frames.frame(before[0], before[1], serial)

    def _before(self, source: Source, values: Mapping[str, int], serial: int) -> tuple[Mapping[str, int], int] | None:
        """`values` as they were before the first rewriting, and the hops since then."""
        hops = source.hops
        for rewriting in reversed(source.rewritings):
            kept = {n: v for n, v in values.items() if n not in rewriting.fields and n not in _NOT_ON_THE_WIRE}
            if "ip.ttl" in kept:
                kept["ip.ttl"] = min(255, kept["ip.ttl"] + hops - rewriting.hops)
            known = self._space.fixed({name: value for name, value in kept.items() if self._space.known(name)})
            found = self._one(rewriting.before & known, source.iface, serial)
            if found is None:
                return None
            values, hops = kept | found, rewriting.hops
        return values, hops

    def _one(self, packets: Set, iface: Iface, serial: int) -> dict[str, int] | None:
        """One of `packets` that arrive on `iface`, with ports of its own."""
        port = 20_000 + serial % 40_000
        return self._space.one(packets, self._wishes(iface, serial), (("tcp.sport", port), ("udp.sport", port)))

    # --- requests for the machine's own answers ---

    def _requests(self, source: Source, packets: Set, serial: int) -> Iterator[bytes]:
        wishes = [("ip.daddr", _neighbour(source.iface)), ("tcp.dport", 20_000 + serial % 40_000), ("tcp.sport", 80)]
        seen = self._space.one(packets, wishes)
        made = self._before(source, seen, serial) if seen is not None else None
        if made is None or source.request is None or source.asked is None or "ip.daddr" not in made[0]:
            return
        for request in _requests(source, made[0], serial):
            asked = source.asked & self._space.fixed({n: v for n, v in request.items() if self._space.known(n)})
            first = asked & ~self._space.equal("ct.state", State.ESTABLISHED)
            found = self._one(first if first.satisfiable() else asked, source.request.iface, serial)
            was = self._before(source.request, request | found, serial) if found is not None else None
            packet = frames.frame(was[0], was[1], serial) if was is not None else None
            if packet is not None:
                yield packet

    # --- what packets usually are ---

    def _wishes(self, iface: Iface, serial: int) -> list[tuple[str, int]]:
        """What packets that arrive on `iface` usually are."""
        spread = serial % _SPREAD if self._translates else 0
        if (iface.number, spread) not in self._usual:
            self._usual[iface.number, spread] = list(self._usually(iface, spread))
        return self._usual[iface.number, spread]

    def _usually(self, iface: Iface, spread: int) -> Iterator[tuple[str, int]]:
        targets = self._targets(iface, spread)[:_CHOICES]
        yield "ip.ttl", 63
        yield from (("ip.saddr", _neighbour(iface, spread)), *(("ip.daddr", target) for target in targets))
        yield from (("ip.saddr", target) for target in targets)
        yield from (("ip.protocol", UDP), ("ip.protocol", TCP), ("tcp.flags", SYN), ("icmp.type", ECHO_REQUEST))
        yield from (("tcp.dport", 80), ("udp.dport", 53), ("ip.hdrlength", 20), ("tcp.doff", 5), ("icmp.code", 0))
        yield from (("ip.dscp", 0), ("ip.ecn", 0), ("udp.checksum", 0), ("ip.length", 48))

    def _targets(self, iface: Iface, spread: int) -> list[int]:
        """Destinations behind the other Ifaces, then behind this one, then the machine itself."""
        routes = self._pipeline.router.routes if self._pipeline.router else ()
        routed = [
            (route.iface == iface.number, _host_in(route.net, route.netmask, self._out[route.iface], spread))
            for route in routes
        ]
        own = [iface.address] if iface.address is not None else []
        return [address for _, address in sorted(routed, key=lambda pair: pair[0])] + own


def _arriving(values: Mapping[str, int], flow: Mapping[str, int]) -> dict[str, int]:
    """`values` in the flow that the packet has on the wire."""
    gone = _HOW if flow_in(values) == flow else _NOT_ON_THE_WIRE
    return {name: value for name, value in values.items() if name not in FLOW and name not in gone} | dict(flow)


def _requests(source: Source, answer: Mapping[str, int], serial: int) -> list[dict[str, int]]:
    """The requests that the machine answers with `answer`, as field values."""
    base = {"ip.saddr": answer["ip.daddr"], "ip.dscp": answer.get("ip.dscp", 0)}
    if "ip.saddr" in answer and source.maker is not Maker.EXPIRED:
        base["ip.daddr"] = answer["ip.saddr"]
    datagram = {"ip.protocol": UDP, "udp.sport": 20_000 + serial % 40_000, "udp.dport": 33434}
    match source.maker:
        case Maker.ECHO:
            return [base | {"ip.protocol": ICMP, "icmp.type": ECHO_REQUEST, "icmp.code": 0}]
        case Maker.RESET:
            flags = SYN if answer.get("tcp.flags", ACK) & ACK else ACK
            ports = {"tcp.sport": answer.get("tcp.dport", 0), "tcp.dport": answer.get("tcp.sport", 0)}
            numbers = {"tcp.ackseq": answer.get("tcp.sequence", 0)}
            if "tcp.ackseq" in answer:
                numbers["tcp.sequence"] = (answer["tcp.ackseq"] - 1) & 0xFFFFFFFF
            return [base | ports | numbers | {"ip.protocol": TCP, "tcp.flags": flags}]
        case Maker.UNREACHABLE:
            return [base | datagram]
        case Maker.UNKNOWN:
            return [base | {"ip.protocol": _GRE}]
        case _:
            return [base]


def _neighbour(iface: Iface, spread: int = 0) -> int:
    """An address on the link of `iface` that is not its own."""
    if iface.address is None or iface.netmask is None:
        return _DOCUMENTATION[0]
    return _host_in(iface.address & iface.netmask, iface.netmask, iface, spread)


def _host_in(net: int, netmask: int, iface: Iface, spread: int = 0) -> int:
    """The ninth host of a network and `spread` further, or the nearest before it, that is not the Iface's own."""
    if not netmask:
        return _DOCUMENTATION[0] + spread
    last = (net | ~netmask & 0xFFFFFFFF) - (1 if netmask < 0xFFFFFFFE else 0)
    host = min(net + 9 + spread, last)
    if host == iface.address:
        host = host - 1 if host - 1 > net else min(host + 1, last)
    return host
