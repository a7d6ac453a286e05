"""The connection table: docs/language.md 8.2, without stateful_tcp and without address translation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from naclc.interpret import header
from naclc.net.fields import State

SWEEP_INTERVAL = 10  # seconds; expired entries go at multiples of it


class Phase(Enum):
    UNCONFIRMED = "U"
    CONFIRMED = "N"
    ESTABLISHED = "E"


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
    """`expires` is in seconds of the table's clock."""

    first: Tuple
    second: Tuple
    phase: Phase
    expires: int


# Seconds by phase and protocol number.
Timeouts = Mapping[Phase, Mapping[int, int]]
DEFAULT_TIMEOUTS: Timeouts = {
    Phase.UNCONFIRMED: {header.TCP: 10, header.UDP: 10, header.ICMP: 10},
    Phase.CONFIRMED: {header.TCP: 30, header.UDP: 10, header.ICMP: 10},
    Phase.ESTABLISHED: {header.TCP: 300, header.UDP: 10, header.ICMP: 10},
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


def state_of(flow: Flow | None) -> State:
    """ct.state of a packet whose entry is `flow`."""
    if flow is None:
        return State.UNTRACKED
    return State.ESTABLISHED if flow.phase is Phase.ESTABLISHED else State.NEW


class FlowTable:
    """Flows by both their tuples, and a virtual clock in whole seconds that starts at 0.

    INVARIANT paired   a flow is found by its first and by its second tuple, or by neither.
    INVARIANT bounded  with a limit other than 0 there are never more tuples than that.
    """

    def __init__(self, limit: int = 0, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        self._limit = limit
        self._timeouts = timeouts
        self._flows: dict[Tuple, Flow] = {}
        self.now = 0

    def __len__(self) -> int:
        """Tuples in the table: two for each flow, one for a flow whose replies look like its first packet."""
        return len(self._flows)

    def track(self, packet: bytes) -> Flow | None:
        """TRACK: find or make the entry of `packet`, and renew it. None: the packet is untracked."""
        key = tuple_of(packet)
        if key is None:
            return None
        flow = self._flows.get(key)
        if flow is None:
            return self._add(key)
        if key == flow.second and flow.phase is Phase.CONFIRMED:
            flow.phase = Phase.ESTABLISHED
        # A renewed entry lives by `confirmed` even while it is unconfirmed.
        self._renew(flow, Phase.ESTABLISHED if flow.phase is Phase.ESTABLISHED else Phase.CONFIRMED)
        return flow

    def confirm(self, flow: Flow | None) -> None:
        """CONFIRM: an unconfirmed entry has got through."""
        if flow is not None and flow.phase is Phase.UNCONFIRMED:
            flow.phase = Phase.CONFIRMED
            self._renew(flow, Phase.CONFIRMED)

    def wait(self, seconds: int) -> None:
        """Let `seconds` pass, with a sweep at each multiple of SWEEP_INTERVAL on the way."""
        end = self.now + seconds
        last_sweep = end - end % SWEEP_INTERVAL
        if last_sweep > self.now:
            # Nothing is renewed in between, so the last sweep removes what all of them would.
            self._flows = {key: flow for key, flow in self._flows.items() if flow.expires > last_sweep}
        self.now = end

    def _add(self, key: Tuple) -> Flow | None:
        if self._limit and len(self._flows) + 2 > self._limit:
            return None
        flow = Flow(key, key.reversed(), Phase.UNCONFIRMED, 0)
        self._renew(flow, Phase.UNCONFIRMED)
        self._flows[flow.first] = self._flows[flow.second] = flow
        return flow

    def _renew(self, flow: Flow, phase: Phase) -> None:
        flow.expires = self.now + self._timeouts[phase][flow.first.protocol]
