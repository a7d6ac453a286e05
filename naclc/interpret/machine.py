"""The reference machine: what happens to a packet that arrives, step by step as docs/language.md 8.1 has it.

    receive ──▶ arrival ──local──▶ delivery ──answer──▶ departure
                   │                                      │
                   └────────────▶ route ◀─────────────────┤
                                    └────▶ ship ◀─────────┘ ──▶ Sent
                    arrival ◀──(S1)─────────┘

The link layer is not modelled: a Sent names its next hop. Not here yet: address translation, stateful TCP, VLANs,
DHCP and reassembly; a fragment for the machine itself is dropped.
"""

from __future__ import annotations

from naclc.interpret import answers, header, walk
from naclc.interpret.events import Decided, Delivered, Dropped, Event, Logged, Reason, Sent
from naclc.interpret.flows import DEFAULT_TIMEOUTS, Flow, FlowTable, Timeouts, state_of
from naclc.net.fields import NO_IFACE, State
from naclc.pipeline.evaluation import NO_STATEMENT, Evaluator, Facts, Verdict
from naclc.pipeline.pipeline import Iface, Pipeline, Route
from naclc.semantics.model import Hook

BROADCAST = 0xFFFFFFFF
_DROPPED_BY = {hook: Reason(hook.value) for hook in Hook}


class _Transit:
    """A packet on its way through the machine: the Iface it arrived on or was made by, and its entry in the
    connection table."""

    __slots__ = ("flow", "origin", "packet")

    def __init__(self, packet: bytes, origin: Iface) -> None:
        self.packet = packet
        self.origin = origin
        self.flow: Flow | None = None


class Machine:
    """One machine from its fresh state on: an empty connection table, its clock at 0.

    `evaluate` decides in place of the interpreter's walk; the path is the same. `limit` is the most tuples that the
    connection table holds, 0 for no limit; `timeouts` are in seconds.

    A packet is never an exception: whatever octets are received, the machine sends, delivers or drops.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        evaluate: Evaluator | None = None,
        *,
        limit: int = 0,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        self._ifaces = {iface.number: iface for iface in pipeline.ifaces}
        self._router = pipeline.router
        self._untracked = pipeline.untracked
        self._evaluate = walk.evaluator(pipeline) if evaluate is None else evaluate
        self._flows = FlowTable(limit, timeouts)
        self._identification = 0
        self._events: list[Event] = []

    def receive(self, iface: int, packet: bytes) -> tuple[Event, ...]:
        """Let `packet`, what a frame carried from its IPv4 header on (link padding and all), arrive on an Iface.

        Returns all it led to, in order. Raises KeyError when there is no Iface of that number.
        """
        self._events = []
        self._arrive(_Transit(packet, self._ifaces[iface]))
        return tuple(self._events)

    def wait(self, seconds: int) -> None:
        """Let `seconds` of connection-tracking time pass."""
        self._flows.wait(seconds)

    def _arrive(self, transit: _Transit) -> None:
        iface = transit.origin
        fault = arrival_fault(transit.packet, iface)
        if fault:
            return self._drop(transit, fault)
        transit.packet = transit.packet[: header.length(transit.packet)]
        self._track(iface, transit)
        if not self._pass(iface, Hook.PREROUTING, transit, iface_in=iface.number):
            return None
        destination = header.destination(transit.packet)
        if destination in (iface.address, broadcast_of(iface), BROADCAST):
            return self._deliver(transit)
        if is_multicast(destination):
            return self._drop(transit, Reason.MULTICAST)
        if not iface.forwards:
            return self._drop(transit, Reason.NOT_FORWARDING)
        return self._route(transit)

    def _deliver(self, transit: _Transit) -> None:
        iface = transit.origin
        if header.is_fragment(transit.packet):
            return self._drop(transit, Reason.REASSEMBLY_UNSUPPORTED)
        self._confirm(iface, transit)
        if not self._pass(iface, Hook.INPUT, transit, iface_in=iface.number):
            return None
        self._events.append(Delivered(iface.number))
        broadcast = header.destination(transit.packet) != iface.address
        try:
            reply = answers.answer(transit.packet, iface.address or 0, self._identification, broadcast)
        except answers.BadTransport as fault:
            return self._drop(transit, fault.reason)
        return self._depart(iface, reply)

    def _depart(self, iface: Iface, packet: bytes | None) -> None:
        """The machine's own `packet`, if it has one to send, leaves from `iface`."""
        if packet is None:
            return None
        self._identification = (self._identification + 1) % 2**16
        transit = _Transit(packet, iface)
        if header.source(packet) != iface.address:
            return self._drop(transit, Reason.BAD_SOURCE)
        self._track(iface, transit)
        if not self._pass(iface, Hook.OUTPUT, transit):
            return None
        if iface.forwards:
            return self._route(transit)
        return self._ship(iface, transit, None)

    def _route(self, transit: _Transit) -> None:
        iface = transit.origin
        if header.ttl(transit.packet) == 0:
            return self._expire(transit)
        if header.source(transit.packet) != iface.address:
            transit.packet = header.decrement_ttl(transit.packet)
        if not self._pass(iface, Hook.FORWARD, transit, iface_in=iface.number):
            return None
        if header.ttl(transit.packet) == 0:
            return self._drop(transit, Reason.TTL_EXPIRED)
        destination = header.destination(transit.packet)
        route = self._look_up(destination)
        if route is None:
            return self._drop(transit, Reason.NO_ROUTE)
        out = self._ifaces[route.iface]
        return self._ship(out, transit, destination if on_link(destination, out) else route.nexthop)

    def _expire(self, transit: _Transit) -> None:
        iface, packet = transit.origin, transit.packet
        self._drop(transit, Reason.TTL_EXPIRED)
        assert self._router is not None
        if self._router.send_time_exceeded and not is_multicast(header.destination(packet)):
            self._depart(iface, answers.time_exceeded(packet, iface.address or 0, self._identification))

    def _look_up(self, destination: int) -> Route | None:
        assert self._router is not None
        matching = (route for route in self._router.routes if destination & route.netmask == route.net & route.netmask)
        return min(matching, key=lambda route: (-route.netmask, route.cost), default=None)

    def _ship(self, out: Iface, transit: _Transit, hop: int | None) -> None:
        destination = header.destination(transit.packet)
        if destination == out.address:
            return self._arrive(_Transit(header.decrement_ttl(transit.packet), out))
        if header.ttl(transit.packet) == 0:
            return self._drop(transit, Reason.TTL_EXPIRED)
        if destination >> 24 == 127:
            return self._drop(transit, Reason.LOOPBACK_ADDRESS)
        self._confirm(out, transit)
        if not self._pass(out, Hook.POSTROUTING, transit, iface_out=out.number):
            return None
        if hop is None:
            hop = gateway_of(header.destination(transit.packet), out)
        if hop is None:
            return self._drop(transit, Reason.NO_NEXT_HOP)
        self._events.append(Sent(out.number, transit.packet, hop))
        return None

    def _pass(
        self, iface: Iface, hook: Hook, transit: _Transit, iface_in: int = NO_IFACE, iface_out: int = NO_IFACE
    ) -> bool:
        """Run the chain of `hook`; whether the packet got through."""
        for function in self._chain(iface, hook):
            state = state_of(transit.flow)
            if state is State.UNTRACKED and self._untracked == "drop":
                self._drop(transit, Reason.UNTRACKED)
                return False
            decision = self._evaluate(function, Facts(transit.packet, state, iface_in, iface_out))
            if decision.log:
                self._events.append(Logged(decision.log))
            if decision.statement != NO_STATEMENT:
                self._events.append(Decided(function, decision.statement))
            if decision.verdict is not Verdict.ACCEPT:
                self._drop(transit, _DROPPED_BY[hook] if decision.verdict is Verdict.DROP else Reason.NO_VERDICT)
                return False
        return True

    def _chain(self, iface: Iface, hook: Hook) -> tuple[str, ...]:
        if hook is Hook.FORWARD:
            return self._router.forward if self._router else ()
        return iface.chains.get(hook, ())

    def _track(self, iface: Iface, transit: _Transit) -> None:
        if iface.tracks:
            transit.flow = self._flows.track(transit.packet)

    def _confirm(self, iface: Iface, transit: _Transit) -> None:
        if iface.tracks:
            self._flows.confirm(transit.flow)

    def _drop(self, transit: _Transit, reason: Reason) -> None:
        self._events.append(Dropped(transit.origin.number, reason))


def arrival_fault(received: bytes, iface: Iface) -> Reason | None:
    """Why `received` is dropped as soon as it arrives on `iface`: step (1), link padding not yet cut off."""
    if len(received) < header.IPV4_HEADER:
        return Reason.TRUNCATED
    if header.version(received) != 4:
        return Reason.BAD_VERSION
    start, length = header.hdrlength(received), header.length(received)
    if start < header.IPV4_HEADER or start > len(received):
        return Reason.BAD_HEADER_LENGTH
    if length < start or length > len(received):
        return Reason.BAD_TOTAL_LENGTH
    if header.checksum(received[:start]):
        return Reason.BAD_CHECKSUM
    source = header.source(received)
    if is_multicast(source) or source in (BROADCAST, broadcast_of(iface)):
        return Reason.BAD_SOURCE
    return None


def is_multicast(address: int) -> bool:
    return address >> 28 == 0b1110


def broadcast_of(iface: Iface) -> int | None:
    """The broadcast address of the Iface's own subnet; a /31 and a /32 have none (RFC 3021)."""
    if iface.address is None or iface.netmask is None or iface.netmask >= 0xFFFFFFFE:
        return None
    return iface.address | iface.netmask ^ 0xFFFFFFFF


def on_link(address: int, iface: Iface) -> bool:
    """Whether `address` is in the subnet of `iface`."""
    if iface.address is None or iface.netmask is None:
        return False
    return address & iface.netmask == iface.address & iface.netmask


def gateway_of(destination: int, out: Iface) -> int | None:
    """The next hop of a packet that no route gave one, step (S5)."""
    if destination == BROADCAST:
        return BROADCAST
    return destination if on_link(destination, out) else out.gateway
