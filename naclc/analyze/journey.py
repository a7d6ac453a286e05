"""What happens to a packet, function by function and test by test, with all that was sent before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from naclc.analyze.near import Near, near_misses
from naclc.analyze.trace import Line, trace
from naclc.interpret.events import Event, Rewritten, Visit
from naclc.interpret.machine import Lease, Machine
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.depth import run_deep


@dataclass(frozen=True, slots=True)
class Stop:
    """One function that the packet came to."""

    visit: Visit
    lines: tuple[Line, ...]
    near: tuple[Near, ...]


@dataclass(frozen=True, slots=True)
class Journey:
    """`iface`: the number of the Iface on which `packet`, an IPv4 packet, arrived."""

    iface: int
    packet: bytes
    stops: tuple[Stop, ...]
    events: tuple[Event, ...]


class Guide:
    """A reference machine that tells the way of each packet. Starts with an empty connection table."""

    def __init__(self, pipeline: Pipeline, leases: Mapping[int, Lease] | None = None) -> None:
        self._pipeline = pipeline
        self._visits: list[Visit] = []
        self._machine = Machine(pipeline, leases=leases, watch=self._note)

    def send(self, iface: int, packet: bytes) -> Journey:
        """Let `packet` arrive on the Iface of number `iface`. Raises KeyError when there is none."""
        self._visits.clear()
        events = self._machine.receive(iface, packet)
        stops = run_deep(lambda: tuple(self._stop(visit) for visit in self._visits))
        return Journey(iface, packet, stops, events)

    def wait(self, seconds: int) -> None:
        """Let `seconds` of connection-tracking time pass."""
        self._machine.wait(seconds)

    def _note(self, seen: Visit | Rewritten) -> None:
        if isinstance(seen, Visit):
            self._visits.append(seen)

    def _stop(self, visit: Visit) -> Stop:
        lines = trace(self._pipeline, visit.function, visit.facts)
        return Stop(visit, tuple(lines), tuple(near_misses(self._pipeline, visit.function, visit.facts)))
