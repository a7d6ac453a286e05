"""The typed model: every name bound, every value checked and in one unit. Made by naclc.semantics alone.

Addresses are host-order integers. Function bodies are trees as the user wrote them; constants are resolved to
numbers, sets to their leaves in written order. Statements carry `id`, unique in a program and increasing in source
order: the name by which later stages say which statement decided.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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


class Config(StrEnum):
    """How an Iface gets its address."""

    STATIC = "static"
    DHCP = "dhcp"
    DHCP_WITH_FALLBACK = "dhcp-with-fallback"


class EntryState(StrEnum):
    """The state of an entry of the connection table, as the timeouts name it (docs/language.md 8.2: U, N, E)."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    ESTABLISHED = "established"


class Untracked(StrEnum):
    """What happens to packets without an entry in the connection table."""

    DROP = "drop"
    FILTER = "filter"


class TimerData(StrEnum):
    """What a Timer prints, in the order in which it prints it."""

    TIMESTAMP = "timestamp"
    STATS = "stats"
    MEMORY = "memory"
    CPU = "cpu"
    LB = "lb"
    STACK_SAMPLING = "stack-sampling"
    TIMERS = "timers"


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


@dataclass(frozen=True, slots=True)
class Syslog:
    """Send one message made of the parts; `severity` is 0 (emerg) .. 7 (debug), RFC 5424 6.2.1."""

    severity: int
    parts: tuple[str | Field, ...]
    id: int
    span: Span


@dataclass(frozen=True, slots=True)
class Dnat:
    """Rewrite the destination and end the function. One of `address` and `port` is given, or both; None: kept."""

    address: int | None
    port: int | None
    id: int
    span: Span


@dataclass(frozen=True, slots=True)
class Snat:
    """As Dnat, with the source."""

    address: int | None
    port: int | None
    id: int
    span: Span


Statement = If | Block | Call | Accept | Drop | Log | Syslog | Dnat | Snat


@dataclass(frozen=True, slots=True)
class Function:
    """A Filter holds no Dnat and no Snat, a Nat no Accept and no Drop, and each calls its own kind only."""

    kind: Kind
    protocol: Protocol
    name: str
    body: tuple[Statement, ...]
    span: Span  # of the name
    type_span: Span | None = None  # of the word Filter or Nat


# --- typed elements ---

DEFAULT_DHCP_TIMEOUT = 10  # seconds


@dataclass(frozen=True, slots=True)
class Attachment:
    """A function in a chain, and where the user put it there."""

    function: str
    span: Span


@dataclass(frozen=True, slots=True)
class Iface:
    """`number` counts the Ifaces in source order from 0 and is the value of iface.in and iface.out.

    `nic` is a NIC number or a MAC address in the form aa:bb:cc:dd:ee:ff (lower case); with `vlan` (1 .. 4094) the Iface
    is that VLAN on the NIC. `address`, `netmask` are both given or both None: with Config.STATIC None means that the
    Iface is configured elsewhere, with DHCP they are None, with DHCP_WITH_FALLBACK they are the fallback. `gateway`,
    `dns` are None when not given or 0.0.0.0. `dhcp_timeout` is in seconds. The limits are None when not written, 0 for
    unlimited. `keys` says where each key is written, by its lower-case name.
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
    vlan: int | None = None
    config: Config = Config.STATIC
    dhcp_timeout: int = DEFAULT_DHCP_TIMEOUT
    masquerade: bool = False
    send_queue_limit: int | None = None
    buffer_limit: int | None = None
    keys: dict[str, Span] = field(default_factory=dict)


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
class Conntrack:
    """`limit` 0: none of its own. `timeouts` holds what was written, in seconds; its protocols are TCP, UDP and ICMP.
    `reserve` None: not written."""

    name: str
    limit: int
    reserve: int | None
    stateful_tcp: bool
    timeouts: dict[tuple[EntryState, Protocol], int]
    untracked: Untracked
    span: Span


@dataclass(frozen=True, slots=True)
class Node:
    """A server behind the load balancer."""

    address: int
    port: int
    span: Span


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """TCP connections to `client_port` on `client_iface`, spread round robin over `nodes`, which are reached by
    `server_iface`. The limits are 1 at least."""

    name: str
    client_iface: str
    client_port: int
    wait_queue_limit: int
    session_limit: int
    server_iface: str
    nodes: tuple[Node, ...]  # source order, one at least
    active_check: bool
    span: Span


@dataclass(frozen=True, slots=True)
class SyslogServer:
    """The Syslog element: where messages go, by UDP."""

    name: str
    address: int
    port: int
    span: Span


@dataclass(frozen=True, slots=True)
class Timer:
    """`interval` is in seconds. `data` is in the order of TimerData, each word once, one at least."""

    name: str
    interval: int
    data: tuple[TimerData, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Configuration:
    ifaces: tuple[Iface, ...]
    gateway: Gateway | None
    functions: tuple[Function, ...]  # all top-level functions, source order
    span: Span
    conntrack: Conntrack | None = None
    load_balancer: LoadBalancer | None = None
    syslog: SyslogServer | None = None
    timers: tuple[Timer, ...] = ()  # source order
