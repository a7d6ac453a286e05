"""What runs a policy: five executors behind one face.

interpreter  the reference interpreter                     decision  its pipeline, the decision graphs in the functions
native       its pipeline, the generated C++ in them        process   the whole service as a process
vm           the whole service as a booted machine
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet that left the machine. `packet` is the IPv4 packet, link header and padding cut off."""

    iface: str
    packet: bytes


@dataclass(frozen=True, slots=True)
class Observation:
    """What one packet led to. None: this executor cannot see it.

    `delivered` names the Ifaces where a packet reached the machine itself, once per packet. `decided` holds the
    statement ids of the verdicts in the order they fell. `dropped` gives the reasons of drops, as named by the
    executor.
    """

    sent: tuple[Sent, ...]
    delivered: tuple[str, ...] | None
    log: str | None
    decided: tuple[int, ...] | None
    dropped: tuple[str, ...] = ()


class Session(Protocol):
    """One machine from its fresh state on."""

    def send(self, iface: str, packet: bytes) -> Observation:
        """Let `packet` (an IPv4 packet) arrive on `iface` and return all it led to."""
        ...

    def wait(self, seconds: int) -> None:
        """Let `seconds` of connection-tracking time pass."""
        ...


class Executor(Protocol):
    """`name` is interpreter, decision, native, process, vm-virtio or vm-vmxnet3."""

    @property
    def name(self) -> str: ...

    def session(self) -> AbstractContextManager[Session]:
        """A fresh machine; leaving the context ends it whatever happened."""
        ...
