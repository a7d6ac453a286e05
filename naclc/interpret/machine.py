"""The reference machine: what happens to a packet that arrives, step by step as docs/language.md 8.1 has it.

    receive ──▶ arrival ──local──▶ delivery ──answer──▶ departure
                   │                                      │
                   └────────────▶ route ◀─────────────────┤
                                    └────▶ ship ◀─────────┘ ──▶ Sent
                    arrival ◀──(S1)─────────┘

The link layer is not modelled: a Sent names its next hop, and a VLAN is an Iface like any other. Nor are the datagrams
that carry leases. Those that carry syslog messages are, as far as the policy has to do with them: they depart from NIC
0 like any packet of the machine, and are told as Syslogged when they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from naclc.interpret import answers, division, header, reports, walk
from naclc.interpret.events import (
    Decided,
    Delivered,
    Dropped,
    Event,
    Held,
    Logged,
    Reason,
    Rewritten,
    Sent,
    Syslogged,
    Visit,
)
from naclc.interpret.flows import FlowTable, Timeouts, state_of, timeouts_of
from naclc.interpret.reassembly import Reassembly
from naclc.interpret.transit import Transit
from naclc.interpret.translation import MASQUERADE_PORTS, Translator
from naclc.net.fields import NO_IFACE, State
from naclc.pipeline.evaluation import NO_STATEMENT, Decision, Evaluator, Facts, Verdict
from naclc.pipeline.pipeline import Iface, Pipeline, Route, Translation
from naclc.semantics.model import Config, Hook, Kind

BROADCAST = 0xFFFFFFFF
_DROPPED_BY = {hook: Reason(hook.value) for hook in Hook}


class Lease(NamedTuple):
    """What a DHCP server gave an Iface; host order, `router` None for none."""

    address: int
    netmask: int
    router: int | None


class Machine:
    """One machine from its fresh state on: an empty connection table, its clock at 0.

    `evaluate` decides in place of the interpreter's walk; the path is the same. `limit` (tuples, 0 for none) and
    `timeouts` (seconds) take the place of the policy's. `leases`, by Iface number, is what DHCP gave; an Iface with
    DHCP that is not in it has its fallback, or no address. `masquerade_ports` are those that masquerading picks from.
    `watch` is told of every run of a function and of every rewritten packet.

    A packet is never an exception: whatever octets are received, the machine sends, delivers or drops.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        evaluate: Evaluator | None = None,
        *,
        limit: int | None = None,
        timeouts: Timeouts | None = None,
        leases: Mapping[int, Lease] | None = None,
        masquerade_ports: Sequence[int] = MASQUERADE_PORTS,
        watch: Callable[[Visit | Rewritten], None] | None = None,
    ) -> None:
        self._ifaces = {iface.number: _leased(iface, leases or {}) for iface in pipeline.ifaces}
        self._router = pipeline.router
        self._untracked = pipeline.untracked
        self._nats = {name for name, function in pipeline.functions.items() if function.kind is Kind.NAT}
        self._evaluate = walk.evaluator(pipeline) if evaluate is None else evaluate
        settings = pipeline.conntrack
        self._flows = FlowTable(
            settings.limit if limit is None else limit,
            timeouts_of(settings) if timeouts is None else timeouts,
            stateful_tcp=settings.stateful_tcp,
        )
        own = frozenset(iface.address for iface in self._ifaces.values() if iface.address is not None)
        self._translator = Translator(self._flows, own, self._untracked, masquerade_ports)
        self._reassembly = Reassembly()
        self._watch = watch
        self._server = pipeline.syslog
        self._reporter = reports.reporter(self._ifaces.values())
        self._reporting = False
        self._identification = 0
        self._events: list[Event] = []

    def receive(self, iface: int, packet: bytes) -> tuple[Event, ...]:
        """Let `packet`, what a frame carried from its IPv4 header on (link padding and all), arrive on an Iface.

        Returns all it led to, in order. Raises KeyError when there is no Iface of that number.
        """
        self._events = []
        self._arrive(Transit(packet, self._ifaces[iface]))
        return tuple(self._events)

    def wait(self, seconds: int) -> tuple[Event, ...]:
        """Let `seconds` pass for the connection table and for fragments that wait. Returns what that led to."""
        self._flows.wait(seconds)
        self._translator.release()
        late = self._reassembly.expire(self._flows.now)
        return tuple(Dropped(iface, Reason.FRAGMENT_TIMEOUT) for iface in late)

    def _arrive(self, transit: Transit) -> None:
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

    def _deliver(self, transit: Transit) -> None:
        iface = transit.origin
        if header.is_fragment(transit.packet) and not self._reassemble(transit):
            return None
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

    def _reassemble(self, transit: Transit) -> bool:
        """Step (5): put the whole datagram in the place of its last fragment; whether it is whole."""
        iface = transit.origin
        taken = self._reassembly.take(iface.number, transit.packet, self._flows.now)
        match taken:
            case Reason():
                self._drop(transit, taken)
            case None:
                self._events.append(Held(iface.number))
                given_up = self._reassembly.overflow()
                if given_up is not None:
                    self._events.append(Dropped(given_up, Reason.REASSEMBLY_FULL))
            case whole:
                transit.packet, transit.flow, transit.direction = whole, None, None
                self._track(iface, transit)
                return True
        return False

    def _depart(self, iface: Iface, packet: bytes | None) -> None:
        """The machine's own `packet`, if it has one to send, leaves from `iface`."""
        if packet is None:
            return None
        self._identification = (self._identification + 1) % 2**16
        transit = Transit(packet, iface)
        if header.source(packet) != iface.address:
            return self._drop(transit, Reason.BAD_SOURCE)
        self._track(iface, transit)
        if not self._pass(iface, Hook.OUTPUT, transit):
            return None
        if iface.forwards:
            return self._route(transit)
        return self._ship(iface, transit, None)

    def _route(self, transit: Transit) -> None:
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

    def _expire(self, transit: Transit) -> None:
        iface, packet = transit.origin, transit.packet
        self._drop(transit, Reason.TTL_EXPIRED)
        assert self._router is not None
        if self._router.send_time_exceeded and not is_multicast(header.destination(packet)):
            self._depart(iface, answers.time_exceeded(packet, iface.address or 0, self._identification))

    def _look_up(self, destination: int) -> Route | None:
        assert self._router is not None
        matching = (route for route in self._router.routes if destination & route.netmask == route.net & route.netmask)
        return min(matching, key=lambda route: (-route.netmask, route.cost), default=None)

    def _ship(self, out: Iface, transit: Transit, hop: int | None) -> None:
        destination = header.destination(transit.packet)
        if destination == out.address:
            shorter = header.decrement_ttl(transit.packet)
            return self._arrive(Transit(shorter, out, transit.flow, transit.direction))
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
        self._events += (Sent(out.number, piece, hop) for piece in division.pieces(transit.packet))
        return None

    def _pass(
        self, iface: Iface, hook: Hook, transit: Transit, iface_in: int = NO_IFACE, iface_out: int = NO_IFACE
    ) -> bool:
        """Run the chain of `hook`; whether the packet got through."""
        for function in self._chain(iface, hook):
            fault = self._run(function, iface, hook, transit, iface_in, iface_out)
            if fault is not None:
                self._drop(transit, fault)
                return False
        for translation in iface.translations.get(hook, ()):
            before = transit.packet
            fault = self._translator.step(translation, iface, transit)
            if fault is not None:
                self._drop(transit, fault)
                return False
            self._tell_rewritten(iface, hook, translation, before, transit.packet)
        return True

    def _run(
        self, function: str, iface: Iface, hook: Hook, transit: Transit, iface_in: int, iface_out: int
    ) -> Reason | None:
        """Run one function of a chain; why it drops the packet, None when it does not."""
        state = state_of(transit.flow)
        if state is State.UNTRACKED:
            if self._untracked == "drop":
                return Reason.UNTRACKED
            if function in self._nats:
                return None
        facts = Facts(transit.packet, state, iface_in, iface_out)
        decision = self._evaluate(function, facts)
        if self._watch is not None:
            self._watch(Visit(hook, iface.number, function, facts, decision))
        self._report(function, decision)
        if function in self._nats:
            before = transit.packet
            fault = self._translator.rewrite(decision.rewrite, hook, transit) if decision.rewrite else None
            self._tell_rewritten(iface, hook, decision.statement, before, transit.packet)
            return fault
        if decision.verdict is Verdict.ACCEPT:
            return None
        return _DROPPED_BY[hook] if decision.verdict is Verdict.DROP else Reason.NO_VERDICT

    def _tell_rewritten(self, iface: Iface, hook: Hook, by: int | Translation, before: bytes, after: bytes) -> None:
        if self._watch is not None and before != after:
            self._watch(Rewritten(hook, iface.number, by))

    def _report(self, function: str, decision: Decision) -> None:
        if decision.log:
            self._events.append(Logged(decision.log))
        for severity, text in decision.syslog:
            self._tell(Syslogged(severity, text))
        if decision.statement != NO_STATEMENT:
            self._events.append(Decided(function, decision.statement))

    def _tell(self, message: Syslogged) -> None:
        """To the console, or by a datagram to the server. A message because of a packet that carries another one goes
        nowhere."""
        if self._server is None:
            self._events.append(message)
            return
        if self._reporting or self._reporter is None:
            return
        before, watch = self._events, self._watch
        self._events, self._watch, self._reporting = [], None, True
        self._depart(self._reporter, reports.datagram(message, self._reporter, self._server, self._identification))
        during, self._events = self._events, before
        self._watch, self._reporting = watch, False
        if any(isinstance(event, Sent) for event in during):
            self._events.append(message)
        self._events += (event for event in during if isinstance(event, Logged | Dropped))

    def _chain(self, iface: Iface, hook: Hook) -> tuple[str, ...]:
        if hook is Hook.FORWARD:
            return self._router.forward if self._router else ()
        return iface.chains.get(hook, ())

    def _track(self, iface: Iface, transit: Transit) -> None:
        """TRACK; a packet that comes back by (S1) keeps the entry that it has."""
        if not iface.tracks:
            return
        if transit.flow is not None and transit.direction is not None:
            self._flows.follow(transit.flow, transit.direction, transit.packet)
            return
        transit.flow, transit.direction = self._flows.sight(transit.packet)

    def _confirm(self, iface: Iface, transit: Transit) -> None:
        if iface.tracks:
            self._flows.confirm(transit.flow)

    def _drop(self, transit: Transit, reason: Reason) -> None:
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


def _leased(iface: Iface, leases: Mapping[int, Lease]) -> Iface:
    """`iface` with the address that it has at run time."""
    if iface.config is Config.STATIC or iface.number not in leases:
        return iface
    lease = Lease(*leases[iface.number])
    return replace(iface, address=lease.address, netmask=lease.netmask, gateway=lease.router)


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
