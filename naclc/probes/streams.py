"""What is on its way through the machine, as sets of packets, and how it came to be what it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from naclc.pipeline.evaluation import Rewrite, RewriteKind
from naclc.pipeline.pipeline import Iface
from naclc.probes.sets import ICMP, TCP, UDP, Set, Space
from naclc.semantics.model import Hook

_CHECKSUMS = ("ip.checksum", "tcp.checksum", "udp.checksum")
_ACTS_AT = {
    RewriteKind.DNAT: frozenset((Hook.PREROUTING, Hook.OUTPUT)),
    RewriteKind.SNAT: frozenset((Hook.POSTROUTING, Hook.INPUT)),
}
_ENDS = {RewriteKind.DNAT: ("ip.daddr", "dport"), RewriteKind.SNAT: ("ip.saddr", "sport")}


class Maker(StrEnum):
    """How a packet comes to be where it is."""

    WIRE = "from the wire"
    ECHO = "as an echo reply"
    RESET = "as a TCP reset"
    UNREACHABLE = "as an ICMP port unreachable"
    UNKNOWN = "as an ICMP protocol unreachable"
    EXPIRED = "as an ICMP time exceeded"


@dataclass(frozen=True, slots=True, eq=False)
class Rewriting:
    """The `fields` of `before` were replaced, when their TTL had been decremented `hops` times."""

    fields: frozenset[str]
    before: Set
    hops: int


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A packet, or the request it answers, arrives on `iface`.

    `hops`: how often its TTL was decremented since. `rewritings`: what became of its addresses, the first first.
    `request`: for the machine's own packets, where what is answered came from; it was one of `asked`.
    """

    iface: Iface
    maker: Maker
    hops: int
    rewritings: tuple[Rewriting, ...] = ()
    request: Source | None = None
    asked: Set | None = None

    def further(self) -> Source:
        """After one more hop."""
        return replace(self, hops=self.hops + 1)

    def rewritten(self, fields: frozenset[str], before: Set) -> Source:
        return replace(self, rewritings=(*self.rewritings, Rewriting(fields, before, self.hops)))


Stream = list[tuple[Source, Set]]  # what is on its way from each source


class Stage(Enum):
    """Where on its way a packet of a flow is looked at: its addresses are not the same everywhere."""

    ARRIVED = "as it arrives"
    INSIDE = "behind prerouting, before postrouting"
    SENT = "as it leaves"


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """First packets of flows that are then confirmed, as they are at `stages`; the next packet of the other direction
    establishes the flow. `leaves`: they leave the machine again, which else is their destination."""

    source: Source
    packets: Set
    stages: frozenset[Stage]
    leaves: bool


def acts(rewrite: Rewrite, hook: Hook) -> bool:
    """Whether `rewrite` has an effect at `hook` (docs/language.md 8.5)."""
    return hook in _ACTS_AT[rewrite.kind]


def rewritten(space: Space, source: Source, packets: Set, rewrite: Rewrite) -> Stream:
    """What `packets` are after `rewrite`, protocol by protocol. A port form leaves ICMP alone."""
    address, port = _ENDS[rewrite.kind]
    stream: Stream = []
    for protocol, name in ((TCP, "tcp"), (UDP, "udp"), (ICMP, None)):
        ours = packets & space.headed_as(protocol)
        values: dict[str, int] = {address: rewrite.address} if rewrite.address is not None else {}
        if rewrite.port is not None:
            values |= {f"{name}.{port}": rewrite.port}
        if not ours.satisfiable():
            continue
        if name is None and rewrite.port is not None:
            stream.append((source, ours))
            continue
        after = space.without(ours, (*values, *_CHECKSUMS)) & space.fixed(values)
        stream.append((source.rewritten(frozenset(values), ours), after))
    return stream


def hidden(space: Space, source: Source, packets: Set, address: int | None) -> Stream:
    """What `packets` are after masquerading behind `address`; their ports are then anything."""
    fields = frozenset(("ip.saddr", "tcp.sport", "udp.sport"))
    if address is None or not packets.satisfiable():
        return []
    after = space.without(packets, (*fields, *_CHECKSUMS)) & space.equal("ip.saddr", address)
    return [(source.rewritten(fields, packets), after)]


def shown_again(space: Space, packets: Set) -> Set:
    """What replies are after their destination has been put back; it may be anybody."""
    return space.without(packets, ("ip.daddr", "tcp.dport", "udp.dport", *_CHECKSUMS))
