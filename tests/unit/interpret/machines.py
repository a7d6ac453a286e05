"""Small pipelines made by hand, without parser or compiler.

             192.0.2.0/24 ──[ .1  outside(0) ]
198.51.100.0/24, gateway ──[ .1  aside(2)    ]   machine
              10.0.0.0/24 ──[ .1  inside(1)   ]── 10.0.0.2, behind it 10.1.0.0/16
"""

from __future__ import annotations

from naclc.pipeline.pipeline import Iface, Pipeline, Route, Router
from naclc.semantics.model import Accept, Condition, Drop, Function, Hook, If, Kind, Log, Protocol, Statement
from naclc.source import SourceFile, Span

SPAN = Span(SourceFile("by hand", ""), 0, 0)
OUTSIDE, INSIDE, ASIDE = 0, 1, 2
IFACE_HOOKS = (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING)


def address(dotted: str) -> int:
    return int.from_bytes(bytes(int(octet) for octet in dotted.split(".")), "big")


def dotted(number: int) -> str:
    return ".".join(str(octet) for octet in number.to_bytes(4, "big"))


def iface(
    number: int,
    name: str,
    own: str | None,
    netmask: str = "255.255.255.0",
    gateway: str | None = None,
    chains: dict[Hook, tuple[str, ...]] | None = None,
    *,
    forwards: bool = False,
) -> Iface:
    return Iface(
        name=name,
        number=number,
        nic=number,
        address=address(own) if own else None,
        netmask=address(netmask) if own else None,
        gateway=address(gateway) if gateway else None,
        dns=None,
        tracks=forwards or bool(chains),
        forwards=forwards,
        chains=dict.fromkeys(IFACE_HOOKS, ()) | (chains or {}),
    )


def route(prefix: str, out: int, nexthop: str | None = None, cost: int = 1) -> Route:
    net, length = prefix.split("/")
    mask = 0xFFFFFFFF << (32 - int(length)) & 0xFFFFFFFF
    return Route(address(net) & mask, mask, out, address(nexthop) if nexthop else None, cost)


ROUTES = (route("192.0.2.0/24", OUTSIDE), route("10.0.0.0/24", INSIDE), route("10.1.0.0/16", INSIDE, "10.0.0.2"))


def pipeline(
    *functions: Function,
    forward: tuple[str, ...] = (),
    outside: dict[Hook, tuple[str, ...]] | None = None,
    inside: dict[Hook, tuple[str, ...]] | None = None,
    aside: dict[Hook, tuple[str, ...]] | None = None,
    routes: tuple[Route, ...] = ROUTES,
    send_time_exceeded: bool = True,
    untracked: str = "drop",
) -> Pipeline:
    """The machine of the picture, with the chains that are given."""
    return Pipeline(
        ifaces=(
            iface(OUTSIDE, "outside", "192.0.2.1", chains=outside, forwards=True),
            iface(INSIDE, "inside", "10.0.0.1", chains=inside, forwards=True),
            iface(ASIDE, "aside", "198.51.100.1", gateway="198.51.100.254", chains=aside),
        ),
        router=Router(routes, forward, send_time_exceeded),
        functions={function.name: function for function in functions},
        statements={},
        untracked=untracked,
    )


def filter_of(name: str, *body: Statement) -> Function:
    return Function(Kind.FILTER, Protocol.IP, name, body, SPAN)


def accept(number: int = 1) -> Accept:
    return Accept(number, SPAN)


def drop(number: int = 2) -> Drop:
    return Drop(number, SPAN)


def log(*parts: object, number: int = 3) -> Log:
    return Log(parts, number, SPAN)  # type: ignore[arg-type]


def when(
    condition: Condition, then: tuple[Statement, ...], otherwise: tuple[Statement, ...] = (), number: int = 4
) -> If:
    return If(condition, then, otherwise, number, SPAN)
