"""Executors inside this process: the reference machine, with one or another evaluator in its chains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from naclc.interpret.events import Decided, Delivered, Dropped, Event, Logged, Syslogged
from naclc.interpret.events import Sent as Leaves
from naclc.interpret.machine import Machine
from naclc.pipeline.evaluation import Evaluator
from naclc.pipeline.pipeline import Pipeline
from naclc.verify.executor import Observation, Sent, Session
from naclc.verify.neighbours import EVERYBODY, Neighbours
from naclc.verify.nics import Wiring
from naclc.verify.syslog import Message

_SHORTEST = 46  # octets that the shortest Ethernet frame carries: every executor sees packets padded to that


class InsideExecutor:
    """`pipeline` is the policy at run time (naclc.verify.leases). `evaluate` decides in place of the interpreter's own
    walk; None for that walk."""

    real_time = False

    def __init__(
        self, name: str, pipeline: Pipeline, evaluate: Evaluator | None = None, neighbours: Neighbours = EVERYBODY
    ) -> None:
        self.name = name
        self._pipeline = pipeline
        self._evaluate = evaluate
        self._neighbours = neighbours

    def prepare(self, sessions: int) -> None:
        pass

    def session(self, label: str) -> AbstractContextManager[Session]:
        return self._session()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        yield MachineSession(self._pipeline, Machine(self._pipeline, self._evaluate), self._neighbours)

    def close(self) -> None:
        pass


class MachineSession:
    """A reference machine on wires whose neighbours answer or do not."""

    def __init__(self, pipeline: Pipeline, machine: Machine, neighbours: Neighbours) -> None:
        self._ifaces = {iface.number: iface for iface in pipeline.ifaces}
        self._wiring = Wiring.of(pipeline)
        self._machine = machine
        self._neighbours = neighbours

    def send(self, port: str, packet: bytes) -> Observation:
        iface = self._wiring.receiver(port)
        if iface is None:
            return Observation((), (), "", (), ("no-iface",))
        return self._observation(self._machine.receive(iface.number, packet.ljust(_SHORTEST, b"\0")))

    def wait(self, seconds: int) -> None:
        self._machine.wait(seconds)

    def _observation(self, events: tuple[Event, ...]) -> Observation:
        sent, lost = [], []
        for event in events:
            if isinstance(event, Leaves):
                out = self._ifaces[event.iface]
                if self._neighbours.answers(out, event.next_hop):
                    sent.append(Sent(out.name, event.packet, self._neighbours.reached(out, event.next_hop)))
                else:
                    lost.append("neighbour-silent")
        return Observation(
            sent=tuple(sent),
            delivered=tuple(self._ifaces[event.iface].name for event in events if isinstance(event, Delivered)),
            log=b"".join(event.text for event in events if isinstance(event, Logged)).decode("utf-8", "replace"),
            decided=tuple(event.statement for event in events if isinstance(event, Decided)),
            dropped=(*(event.reason.value for event in events if isinstance(event, Dropped)), *lost),
            syslog=tuple(Message(event.severity, event.text) for event in events if isinstance(event, Syslogged)),
        )
