"""The packet pipeline: which functions see a packet, in which order, and where it goes. Plain data.

Function bodies are the trees of naclc.semantics.model, untouched: the interpreter walks what the user wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from naclc.semantics.model import Config, EntryState, Function, Hook, Protocol, TimerData
from naclc.source import Span


class Translation(StrEnum):
    """What is done to a packet after the functions of a chain (docs/language.md 8.5)."""

    DEMASQUERADE = "demasquerade"
    MASQUERADE = "masquerade"
    UN_SNAT = "un-snat"
    UN_DNAT = "un-dnat"


@dataclass(frozen=True, slots=True)
class Iface:
    """An Iface of the machine. `tracks` and `forwards` as docs/language.md 8.1 defines them.

    Addresses, `vlan`, `config`, `dhcp_timeout` and the limits as in naclc.semantics.model.Iface. `has_nat`: a Nat hangs
    on one of its chains. `translations` holds the hooks that have any, in the order in which they are done.
    """

    name: str
    number: int
    nic: int | str
    address: int | None
    netmask: int | None
    gateway: int | None
    dns: int | None
    tracks: bool
    forwards: bool
    chains: dict[Hook, tuple[str, ...]]  # function names; every hook but forward, empty where nothing is attached
    vlan: int | None = None
    config: Config = Config.STATIC
    dhcp_timeout: int = 10
    masquerade: bool = False
    has_nat: bool = False
    translations: dict[Hook, tuple[Translation, ...]] = field(default_factory=dict)
    send_queue_limit: int | None = None
    buffer_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    net: int
    netmask: int
    iface: int  # Iface number
    nexthop: int | None
    cost: int


@dataclass(frozen=True, slots=True)
class Router:
    """`routes` are in order of preference: the first that matches wins (docs/language.md 8.4)."""

    routes: tuple[Route, ...]
    forward: tuple[str, ...]
    send_time_exceeded: bool


# Seconds an entry of the connection table lives, by its state: those of IncludeOS.
DEFAULT_TIMEOUTS: dict[tuple[EntryState, Protocol], int] = {
    (EntryState.UNCONFIRMED, Protocol.TCP): 10,
    (EntryState.UNCONFIRMED, Protocol.UDP): 10,
    (EntryState.UNCONFIRMED, Protocol.ICMP): 10,
    (EntryState.CONFIRMED, Protocol.TCP): 30,
    (EntryState.CONFIRMED, Protocol.UDP): 10,
    (EntryState.CONFIRMED, Protocol.ICMP): 10,
    (EntryState.ESTABLISHED, Protocol.TCP): 300,
    (EntryState.ESTABLISHED, Protocol.UDP): 10,
    (EntryState.ESTABLISHED, Protocol.ICMP): 10,
}


@dataclass(frozen=True, slots=True)
class Conntrack:
    """The settings of the connection table, with all defaults. `declared`: there is a Conntrack element.

    `limit` counts tuples, 0: as many as the machine has room for. `reserve` None: nothing is reserved.
    """

    declared: bool = False
    limit: int = 0
    reserve: int | None = None
    stateful_tcp: bool = False
    timeouts: dict[tuple[EntryState, Protocol], int] = field(default_factory=DEFAULT_TIMEOUTS.copy)


@dataclass(frozen=True, slots=True)
class Node:
    address: int
    port: int


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """TCP, round robin. The Ifaces are Iface numbers."""

    client_iface: int
    client_port: int
    wait_queue_limit: int
    session_limit: int
    server_iface: int
    nodes: tuple[Node, ...]
    active_check: bool


@dataclass(frozen=True, slots=True)
class SyslogServer:
    address: int
    port: int


@dataclass(frozen=True, slots=True)
class Timer:
    """First run after one second, then every `interval` seconds."""

    name: str
    interval: int
    data: tuple[TimerData, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """`functions` holds those that are attached or called by one that is, callees before callers, so that a stage
    that goes through it in order knows what a call leads to. `statements` gives the place of each statement id."""

    ifaces: tuple[Iface, ...]
    router: Router | None
    functions: dict[str, Function]
    statements: dict[int, Span]
    untracked: str = "drop"  # or "filter": what happens to packets without an entry
    conntrack: Conntrack = field(default_factory=Conntrack)
    syslog: SyslogServer | None = None  # None: messages go to the console
    load_balancer: LoadBalancer | None = None
    timers: tuple[Timer, ...] = ()

    def attached(self) -> dict[str, frozenset[tuple[Hook, int | None]]]:
        """Where each attached function hangs: (hook, Iface number), the number None for forward."""
        places: dict[str, set[tuple[Hook, int | None]]] = {}
        for iface in self.ifaces:
            for hook, names in iface.chains.items():
                for name in names:
                    places.setdefault(name, set()).add((hook, iface.number))
        for name in self.router.forward if self.router else ():
            places.setdefault(name, set()).add((Hook.FORWARD, None))
        return {name: frozenset(where) for name, where in places.items()}
