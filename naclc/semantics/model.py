"""The typed model: every name bound, every value checked and in one unit. Made by naclc.semantics alone.

Addresses are host-order integers. Function bodies are trees as the user wrote them; constants are resolved to
numbers, sets to their leaves in written order. Statements carry `id`, unique in a program and increasing in source
order: the name by which later stages say which statement decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from naclc.net.fields import Field
from naclc.source import Span


class Hook(StrEnum):
    PREROUTING = "prerouting"
    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    POSTROUTING = "postrouting"


class Protocol(StrEnum):
    """The subtype of a function: which packets it is about."""

    IP = "IP"
    TCP = "TCP"
    UDP = "UDP"
    ICMP = "ICMP"


class Kind(StrEnum):
    FILTER = "Filter"
    NAT = "Nat"


# --- conditions ---


@dataclass(frozen=True, slots=True)
class Single:
    value: int
    span: Span


@dataclass(frozen=True, slots=True)
class Between:
    """first .. last, both included; first <= last."""

    first: int
    last: int
    span: Span


@dataclass(frozen=True, slots=True)
class Network:
    """The addresses that equal `address` in the first `prefix` bits; host bits of `address` as written."""

    address: int
    prefix: int
    span: Span


Leaf = Single | Between | Network


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against a number, `operator` one of == != < <= > >=. The field stands on the left: a test written the
    other way round is mirrored. A bare Bool field is `== 1`. `value` fits the field's width."""

    field: Field
    operator: str
    value: int
    span: Span


@dataclass(frozen=True, slots=True)
class CompareFields:
    left: Field
    operator: str
    right: Field
    span: Span


@dataclass(frozen=True, slots=True)
class InSet:
    """True when one leaf matches; one leaf at least."""

    field: Field
    leaves: tuple[Leaf, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Literal:
    """A condition the compiler could evaluate: literals, named constants, constant comparisons."""

    value: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    operand: Condition
    span: Span


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Condition, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Condition, ...]
    span: Span


Condition = Compare | CompareFields | InSet | Literal | Not | And | Or


# --- statements ---


@dataclass(frozen=True, slots=True)
class If:
    condition: Condition
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]  # empty: no else branch
    id: int
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """A function written inside another one: run where it stands, for packets of its protocol that have their
    transport header. Protocol.IP inside any context runs for all."""

    protocol: Protocol
    body: tuple[Statement, ...]
    id: int
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """Run the top-level function `function`, under the same guard as a Block of its protocol."""

    function: str
    id: int
    span: Span


@dataclass(frozen=True, slots=True)
class Accept:
    id: int
    span: Span


@dataclass(frozen=True, slots=True)
class Drop:
    id: int
    span: Span


@dataclass(frozen=True, slots=True)
class Log:
    """Write the parts one after the other to the console: text as it is, fields as docs/language.md 6.2 says."""

    parts: tuple[str | Field, ...]
    id: int
    span: Span


Statement = If | Block | Call | Accept | Drop | Log


@dataclass(frozen=True, slots=True)
class Function:
    kind: Kind
    protocol: Protocol
    name: str
    body: tuple[Statement, ...]
    span: Span  # of the name


# --- typed elements ---


@dataclass(frozen=True, slots=True)
class Attachment:
    """A function in a chain, and where the user put it there."""

    function: str
    span: Span


@dataclass(frozen=True, slots=True)
class Iface:
    """`number` counts the Ifaces in source order from 0 and is the value of iface.in and iface.out.

    `nic` is a NIC number or a MAC address in the form aa:bb:cc:dd:ee:ff (lower case). `address`, `netmask` are both
    given or both None; `gateway`, `dns` are None when not given or 0.0.0.0.
    """

    name: str
    number: int
    nic: int | str
    address: int | None
    netmask: int | None
    gateway: int | None
    dns: int | None
    chains: dict[Hook, tuple[Attachment, ...]]  # only hooks whose key was written; a written chain may be empty
    span: Span


@dataclass(frozen=True, slots=True)
class Route:
    """`net` is masked with `netmask` (a contiguous mask as a number). `nexthop` None: none."""

    net: int
    netmask: int
    iface: str
    nexthop: int | None
    cost: int
    span: Span


@dataclass(frozen=True, slots=True)
class Gateway:
    name: str
    routes: tuple[Route, ...]  # source order
    forward: tuple[Attachment, ...] | None  # None: key not written
    send_time_exceeded: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Configuration:
    ifaces: tuple[Iface, ...]
    gateway: Gateway | None
    functions: tuple[Function, ...]  # all top-level functions, source order
    span: Span
