"""The connection table: docs/language.md 8.2, and how it finds translated packets (8.5).

A flow is found by `first` and `second`, and by either of them the other way round: so look the packets of a
translated flow on the inside of the translation. Without translation these are the same two.

              outside                     inside
    original  first                       second reversed
    reply     first reversed              second
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from naclc.interpret import header, tcp_states
from naclc.interpret.tcp_states import TcpState
from naclc.net.fields import PROTOCOL_NUMBERS, State
from naclc.pipeline.pipeline import Conntrack
from naclc.semantics.model import EntryState

SWEEP_INTERVAL = 10  # seconds; expired entries go at multiples of it


class Phase(Enum):
    UNCONFIRMED = "U"
    CONFIRMED = "N"
    ESTABLISHED = "E"


class Direction(Enum):
    ORIGINAL = "original"  # as the packet that made the entry
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address, and a TCP or UDP port or the 16 bits at offset 4 of an ICMP message."""

    address: int
    port: int


@dataclass(frozen=True, slots=True)
class Tuple:
    protocol: int
    source: Endpoint
    destination: Endpoint

    def reversed(self) -> Tuple:
        return Tuple(self.protocol, self.destination, self.source)


@dataclass(slots=True)
class Flow:
    """`first` is of the packet that made the entry, `second` of the replies that are expected. `expires` is in seconds
    of the table's clock. `tcp` is None unless stateful_tcp follows it. `masquerade`: the number of the Iface behind
    which it hides, and the port it has there."""

    first: Tuple
    second: Tuple
    phase: Phase
    expires: int
    tcp: TcpState | None = None
    masquerade: tuple[int, int] | None = None


# Seconds by phase and protocol number.
Timeouts = Mapping[Phase, Mapping[int, int]]
DEFAULT_TIMEOUTS: Timeouts = {
    Phase.UNCONFIRMED: {header.TCP: 10, header.UDP: 10, header.ICMP: 10},
    Phase.CONFIRMED: {header.TCP: 30, header.UDP: 10, header.ICMP: 10},
    Phase.ESTABLISHED: {header.TCP: 300, header.UDP: 10, header.ICMP: 10},
}


def timeouts_of(conntrack: Conntrack) -> Timeouts:
    """The timeouts that a policy sets."""
    phases = {
        Phase.UNCONFIRMED: EntryState.UNCONFIRMED,
        Phase.CONFIRMED: EntryState.CONFIRMED,
        Phase.ESTABLISHED: EntryState.ESTABLISHED,
    }
    return {
        phase: {PROTOCOL_NUMBERS[protocol]: s for (at, protocol), s in conntrack.timeouts.items() if at is state}
        for phase, state in phases.items()
    }


def tuple_of(packet: bytes) -> Tuple | None:
    """What the table knows `packet` by; None when it has no transport header (docs/language.md 8.3)."""
    if not header.has_transport_header(packet):
        return None
    at = header.hdrlength(packet)
    number = header.protocol(packet)
    if number == header.ICMP:
        ports = (int.from_bytes(packet[at + 4 : at + 6], "big"),) * 2
    else:
        ports = (int.from_bytes(packet[at : at + 2], "big"), int.from_bytes(packet[at + 2 : at + 4], "big"))
    return Tuple(number, Endpoint(header.source(packet), ports[0]), Endpoint(header.destination(packet), ports[1]))


def direction_of(flow: Flow, key: Tuple) -> Direction:
    """Which way a packet goes that looks like `key`, by which `flow` was found."""
    if key == flow.first or (key != flow.second and key == flow.second.reversed()):
        return Direction.ORIGINAL
    return Direction.REPLY


def state_of(flow: Flow | None) -> State:
    """ct.state of a packet whose entry is `flow`."""
    if flow is None:
        return State.UNTRACKED
    return State.ESTABLISHED if flow.phase is Phase.ESTABLISHED else State.NEW


class FlowTable:
    """Flows by their tuples, and a virtual clock in whole seconds that starts at 0.

    INVARIANT paired   a flow is found by its first, its second and both of them reversed, or by none.
    INVARIANT apart    no two flows share one of these.
    INVARIANT bounded  with a limit other than 0 no flow is added that makes more tuples than that.
    """

    def __init__(self, limit: int = 0, timeouts: Timeouts = DEFAULT_TIMEOUTS, *, stateful_tcp: bool = False) -> None:
        self._limit = limit
        self._timeouts = timeouts
        self._stateful_tcp = stateful_tcp
        self._flows: dict[Tuple, Flow] = {}
        self._translated: dict[Tuple, Flow] = {}  # by the reversed tuples that are no tuples of the flow
        self.now = 0

    def __len__(self) -> int:
        """Tuples in the table: two for each flow, one for a flow whose replies look like its first packet."""
        return len(self._flows)

    def __contains__(self, flow: Flow) -> bool:
        return self._flows.get(flow.first) is flow

    def track(self, packet: bytes) -> Flow | None:
        """TRACK: find or make the entry of `packet`, and renew it. None: the packet is untracked."""
        return self.sight(packet)[0]

    def sight(self, packet: bytes) -> tuple[Flow | None, Direction | None]:
        """TRACK, which also tells the direction of `packet`; both None when it is untracked."""
        key = tuple_of(packet)
        if key is None:
            return None, None
        flow = self._find(key)
        if flow is None:
            flow = self._add(key, packet)
            return flow, None if flow is None else Direction.ORIGINAL
        direction = direction_of(flow, key)
        self._follow(flow, direction, key, packet)
        return flow, direction

    def follow(self, flow: Flow, direction: Direction, packet: bytes) -> None:
        """TRACK of a packet that is known to belong to `flow`."""
        self._follow(flow, direction, tuple_of(packet), packet)

    def _follow(self, flow: Flow, direction: Direction, key: Tuple | None, packet: bytes) -> None:
        if flow.tcp is not None:
            flags = header.read_field(packet, "tcp.flags")
            following = tcp_states.following(flow.tcp, flags, reply=direction is Direction.REPLY)
            if following is TcpState.SYN_RECV and flow.phase is Phase.UNCONFIRMED:
                return  # nobody got the SYN that this answers: it was dropped, and the answer is forged
            before, flow.tcp = flow.tcp, following
            if before is TcpState.SYN_SENT and flow.tcp is TcpState.SYN_RECV:
                flow.phase = Phase.ESTABLISHED
        elif flow.phase is Phase.CONFIRMED and key == flow.second:
            flow.phase = Phase.ESTABLISHED
        # A renewed entry lives by `confirmed` even while it is unconfirmed.
        self._renew(flow, Phase.ESTABLISHED if flow.phase is Phase.ESTABLISHED else Phase.CONFIRMED)

    def confirm(self, flow: Flow | None) -> None:
        """CONFIRM: an unconfirmed entry has got through."""
        if flow is not None and flow.phase is Phase.UNCONFIRMED:
            flow.phase = Phase.CONFIRMED
            self._renew(flow, Phase.CONFIRMED)

    def expect(self, flow: Flow, second: Tuple) -> bool:
        """Let the replies to `flow` be `second` from now on. False, and nothing changes, when packets of another flow
        look like that, from one side of the translation or the other."""
        holder = self._find(second)  # who has it has it reversed, too
        if holder is not None and holder is not flow:
            return False
        self._forget(flow)
        flow.second = second
        self._enter(flow)
        return True

    def wait(self, seconds: int) -> None:
        """Let `seconds` pass, with a sweep at each multiple of SWEEP_INTERVAL on the way."""
        end = self.now + seconds
        last_sweep = end - end % SWEEP_INTERVAL
        if last_sweep > self.now:
            # Nothing is renewed in between, so the last sweep removes what all of them would.
            self._flows = {key: flow for key, flow in self._flows.items() if flow.expires > last_sweep}
            self._translated = {key: flow for key, flow in self._translated.items() if flow.expires > last_sweep}
        self.now = end

    def _find(self, key: Tuple) -> Flow | None:
        flow = self._flows.get(key)
        return self._translated.get(key) if flow is None else flow

    def _add(self, key: Tuple, packet: bytes) -> Flow | None:
        if self._limit and len(self._flows) + 2 > self._limit:
            return None
        flow = Flow(key, key.reversed(), Phase.UNCONFIRMED, 0)
        if self._stateful_tcp and key.protocol == header.TCP:
            if not tcp_states.opens(header.read_field(packet, "tcp.flags")):
                return None
            flow.tcp = TcpState.SYN_SENT
        self._renew(flow, Phase.UNCONFIRMED)
        self._enter(flow)
        return flow

    def _enter(self, flow: Flow) -> None:
        self._flows[flow.first] = self._flows[flow.second] = flow
        for key in (flow.first.reversed(), flow.second.reversed()):
            if key not in self._flows:
                self._translated[key] = flow

    def _forget(self, flow: Flow) -> None:
        for key in (flow.first, flow.second):
            self._flows.pop(key, None)
            self._translated.pop(key.reversed(), None)

    def _renew(self, flow: Flow, phase: Phase) -> None:
        seconds = self._timeouts[phase][flow.first.protocol] if flow.tcp is None else tcp_states.TIMEOUTS[flow.tcp]
        flow.expires = self.now + seconds
