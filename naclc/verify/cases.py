"""What a tests file says, as values: tests, their steps, and what each step expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from naclc.interpret.machine import Lease
from naclc.semantics.model import Condition, Protocol
from naclc.source import Span
from naclc.verify.packetspec import PacketSpec


class Outcome(StrEnum):
    DROP = "drop"
    LOCAL = "local"
    OUT = "out"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Expect:
    """`iface` is where the packet leaves (OUT) or the answer does (ANSWER and LOCAL; None: the receiving Iface).

    `packet` holds the fields to compare with what leaves. `answer`, for LOCAL: True when an answer was asked for,
    False when there must be none, None when it does not matter. `rule` is (file name, line) of the statement that
    decided.
    """

    outcome: Outcome
    iface: str | None = None
    packet: PacketSpec | None = None
    answer: bool | None = None
    log: str | None = None
    rule: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class SendStep:
    """A packet arrives on `port` (naclc.verify.nics.Wiring)."""

    port: str
    packet: PacketSpec
    expect: Expect | None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class ReplyStep:
    """The answer to what step number `to` (from 1) was seen to lead to, changed as `changes` says."""

    port: str
    to: int
    changes: PacketSpec
    expect: Expect | None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class WaitStep:
    seconds: int
    span: Span | None = None


Step = SendStep | ReplyStep | WaitStep


@dataclass(frozen=True, slots=True)
class Case:
    """One written test. `todo`: why it is expected to fail, None for a test that must pass."""

    name: str
    steps: tuple[Step, ...]
    todo: str | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """`never`: no packet of `protocol` for which `condition` holds has `verdict` (accept, drop, out or local); else all
    of them have. `where` is the condition as it was written."""

    name: str
    never: bool
    where: str
    verdict: str
    condition: Condition
    protocol: Protocol
    todo: str | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Cidr:
    address: int
    netmask: int

    def __contains__(self, address: int) -> bool:
        return address & self.netmask == self.address & self.netmask


@dataclass(frozen=True, slots=True)
class TestsFile:
    """`neighbours`: who answers ARP, by Iface; None: every on-link address does. `leases`: what DHCP gives an Iface.
    `assertions` are about all packets."""

    cases: tuple[Case, ...]
    neighbours: dict[str, tuple[Cidr, ...]] | None = None
    leases: Mapping[str, Lease] = field(default_factory=dict)
    assertions: tuple[Assertion, ...] = ()
