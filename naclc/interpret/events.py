"""What a packet led to, event by event, in order; and the names of the reasons for which packets are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from naclc.pipeline.evaluation import Decision, Facts
from naclc.pipeline.pipeline import Translation
from naclc.semantics.model import Hook


class Reason(StrEnum):
    """Every way in which the machine drops a packet, with the step of docs/language.md 8.1 that does.

    The skeleton OS counts drops under the same names, but where the generated code drops for itself the drop counts
    for its chain: `untracked`, `no-verdict`, and `ttl-expired` at the end of FORWARD.
    """

    TRUNCATED = "truncated"  # arrival: fewer octets than an IP header has
    BAD_VERSION = "bad-version"  # arrival: not IPv4
    BAD_HEADER_LENGTH = "bad-header-length"  # arrival: an IHL below 5, or more than there are octets
    BAD_TOTAL_LENGTH = "bad-total-length"  # arrival: below the header length, or more than there are octets
    BAD_CHECKSUM = "bad-checksum"  # arrival: header checksum
    BAD_SOURCE = "bad-source"  # arrival: multicast or broadcast source; departure: a source not the Iface's own
    UNTRACKED = "untracked"  # a chain: a packet without an entry meets a Filter under `untracked: drop`
    PREROUTING = "prerouting"  # a Filter of that chain dropped it
    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    POSTROUTING = "postrouting"
    NO_VERDICT = "no-verdict"  # a chain: a Filter ended without a verdict
    MULTICAST = "multicast"  # step (4): a multicast destination is neither local nor forwarded
    NOT_FORWARDING = "not-forwarding"  # step (4): not local, and no route names the Iface
    FRAGMENT_MALFORMED = "fragment-malformed"  # step (5): no data, or not a multiple of 8 octets before the last
    FRAGMENT_TOO_LONG = "fragment-too-long"  # step (5): it reaches past the longest datagram; all of it goes
    FRAGMENT_OVERLAP = "fragment-overlap"  # step (5): two fragments disagree about an octet's place; all of it goes
    FRAGMENT_TIMEOUT = "fragment-timeout"  # step (5): the rest of the datagram did not come in time
    REASSEMBLY_FULL = "reassembly-full"  # step (5): the oldest unfinished datagram made room for another
    NAT_COLLISION = "nat-collision"  # dnat, snat, masquerade: the translated flow looks like another one
    PORTS_EXHAUSTED = "ports-exhausted"  # masquerade: no port is left
    NO_ADDRESS = "no-address"  # masquerade: the Iface has no address
    TTL_EXPIRED = "ttl-expired"  # ROUTE and SHIP: no hops left
    NO_ROUTE = "no-route"  # ROUTE: no route matches
    LOOPBACK_ADDRESS = "loopback-address"  # SHIP: destination 127.x
    NO_NEXT_HOP = "no-next-hop"  # SHIP: not on the link, and no gateway
    # Step (8): delivered, and then not answered.
    ICMP_MALFORMED = "icmp-malformed"  # shorter than its header
    ICMP_BAD_CHECKSUM = "icmp-bad-checksum"
    UDP_MALFORMED = "udp-malformed"  # shorter than its header, or a length that cannot be
    UDP_BAD_CHECKSUM = "udp-bad-checksum"
    TCP_MALFORMED = "tcp-malformed"  # shorter than its header, or a data offset that cannot be
    TCP_BAD_CHECKSUM = "tcp-bad-checksum"


@dataclass(frozen=True, slots=True)
class Sent:
    """`packet` leaves on the Iface of number `iface` for the neighbour `next_hop`.

    `next_hop` is a host-order address, 255.255.255.255 to broadcast. Whether there is such a neighbour is for the
    caller to say.
    """

    iface: int
    packet: bytes
    next_hop: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """A packet reached the machine itself on the Iface of number `iface`, through its input chain."""

    iface: int


@dataclass(frozen=True, slots=True)
class Held:
    """A fragment for the machine itself waits on the Iface of number `iface` for the rest of its datagram."""

    iface: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """A packet ended, or the fragments of a datagram that waited together. `iface` is the number of the Iface that
    received or originated it, wherever it ended."""

    iface: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Logged:
    """What one run of one function wrote to the console, in UTF-8; never empty."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Syslogged:
    """One message of a syslog statement, in UTF-8, that came to the console or left for the Syslog server; `severity`
    is 0 (emerg) .. 7 (debug)."""

    severity: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Decided:
    """The Accept, Drop, Dnat or Snat `statement` ended the attached function `function`."""

    function: str
    statement: int


Event = Sent | Delivered | Held | Dropped | Logged | Syslogged | Decided


@dataclass(frozen=True, slots=True)
class Visit:
    """One run of the attached function `function`, for those who watch: what it saw and what it decided.

    `iface` is the number of the Iface whose chain it hangs on; at the forward hook that of the Iface that received or
    originated the packet.
    """

    hook: Hook
    iface: int
    function: str
    facts: Facts
    decision: Decision


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A packet's address or port was changed at `hook` of the Iface of number `iface`, for those who watch: by the Dnat
    or Snat of that statement id, or by that step of the chain."""

    hook: Hook
    iface: int
    by: int | Translation
