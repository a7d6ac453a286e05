"""What runs a policy: five executors behind one face.

interpreter  the reference interpreter                     decision  its pipeline, the decision graphs in the functions
native       its pipeline, the generated C++ in them        process   the whole service as a process
vm           the whole service as a booted machine
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from naclc.diagnostics import Diagnostic
from naclc.verify.syslog import Message


class MachineFailure(Exception):
    """The machine itself failed: it is missing, died, panicked or does not answer. Says so in a diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet that left the machine. `packet` is the IPv4 packet, link header and padding cut off.

    `next_hop` is the neighbour it was handed to, 255.255.255.255 for a broadcast; None when that cannot be told.
    """

    iface: str
    packet: bytes
    next_hop: int | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What one packet led to. None: this executor cannot see it.

    `delivered` names the Ifaces where a packet reached the machine itself, once per packet. `log` is what `log` wrote,
    `syslog` the messages of `syslog`, wherever they went: the datagrams to a syslog server are not among `sent`.
    `decided` holds the statement ids of the verdicts in the order they fell. `dropped` gives the reasons of drops, as
    named by the executor.
    """

    sent: tuple[Sent, ...]
    delivered: tuple[str, ...] | None
    log: str | None
    decided: tuple[int, ...] | None
    dropped: tuple[str, ...] = ()
    syslog: tuple[Message, ...] | None = ()


class Session(Protocol):
    """One machine from its fresh state on. Its methods raise MachineFailure when the machine fails."""

    def send(self, port: str, packet: bytes) -> Observation:
        """Let `packet` (an IPv4 packet) arrive on `port` and return all it led to.

        `port` is the name of an Iface, `#N` for NIC number N or `#N.V` for VLAN V on it, which may have no Iface.
        """
        ...

    def wait(self, seconds: int) -> None:
        """Let `seconds` of connection-tracking time pass."""
        ...


class Executor(Protocol):
    """`name` is interpreter, decision, native, process, vm-virtio, vm-vmxnet3 or vm-mixed."""

    @property
    def name(self) -> str: ...

    @property
    def real_time(self) -> bool:
        """Whether the machine's clock runs by itself, so that entries expire while packets are sent."""
        ...

    def prepare(self, sessions: int) -> None:
        """`sessions` sessions are about to be opened: start what may be started ahead."""
        ...

    def session(self, label: str) -> AbstractContextManager[Session]:
        """A fresh machine; leaving the context ends it whatever happened. `label` names what is kept of it.

        Entering raises MachineFailure when the machine does not start.
        """
        ...

    def close(self) -> None:
        """End whatever was started ahead. May be called twice."""
        ...
