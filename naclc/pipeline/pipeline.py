"""The packet pipeline: which functions see a packet, in which order, and where it goes. Plain data.

Function bodies are the trees of naclc.semantics.model, untouched: the interpreter walks what the user wrote.
"""

from __future__ import annotations

from dataclasses import dataclass

from naclc.semantics.model import Function, Hook
from naclc.source import Span


@dataclass(frozen=True, slots=True)
class Iface:
    """An Iface of the machine. `tracks` and `forwards` as docs/language.md 8.1 defines them."""

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


@dataclass(frozen=True, slots=True)
class Pipeline:
    """`functions` holds those that are attached or called by one that is, callees before callers, so that a stage
    that goes through it in order knows what a call leads to. `statements` gives the place of each statement id."""

    ifaces: tuple[Iface, ...]
    router: Router | None
    functions: dict[str, Function]
    statements: dict[int, Span]
    untracked: str = "drop"  # or "filter": what happens to packets without an entry

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
