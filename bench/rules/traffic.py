"""Packets in the order in which they arrive, and the files that race.cpp reads.

uniform  each packet inside a rule that is drawn at random
zipf     flows inside such rules, of which the k-th most frequent has a share of 1/k
misses   random addresses and ports: they get past all rules but the widest
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import TypeVar

from bench.rulesets import TCP, UDP, Header, Rule, headers

T = TypeVar("T")
KINDS = ("uniform", "zipf", "misses")
UNKNOWN = 2  # in place of a verdict: what the reference says
_FLOWS = 4096
_SLOT = struct.Struct("<56sHBB4x")
_RULE = struct.Struct("<10I")
_ANY_PROTOCOL = 256


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet, the ct.state of its flow as a number, and its verdict: 0 drop, 1 accept, UNKNOWN."""

    header: Header
    state: int
    verdict: int = UNKNOWN


def trace(kind: str, rules: Sequence[Rule], count: int, seed: int, state: int) -> list[Arrival]:
    """`count` packets of a kind of KINDS for `rules`; the same arguments give the same packets."""
    random = Random(f"{kind} {seed}")
    if kind == "uniform":
        chosen = headers(rules, count, seed)
    elif kind == "zipf":
        chosen = zipf(headers(rules, min(_FLOWS, count), seed), count, random)
    else:
        chosen = [_anything(random) for _ in range(count)]
    return [Arrival(header, state) for header in chosen]


def zipf(flows: Sequence[T], count: int, random: Random) -> list[T]:
    """`count` draws, in which the k-th of `flows` has a share of 1/k."""
    return random.choices(flows, cum_weights=list(accumulate(1 / rank for rank in range(1, len(flows) + 1))), k=count)


def _anything(random: Random) -> Header:
    ports = random.randrange(65536), random.randrange(65536)
    return Header(random.getrandbits(32), random.getrandbits(32), *ports, random.choice((TCP, UDP)))


def octets(header: Header) -> bytes:
    """The packet: an IPv4 header of 20 octets, and a TCP header or the first 8 octets of UDP and others."""
    transport = struct.pack(">HH", header.source_port, header.destination_port)
    transport += struct.pack(">IIBBHHH", 1, 0, 5 << 4, 0x10, 1024, 0, 0) if header.protocol == TCP else bytes(4)
    length = 20 + len(transport)
    addresses = header.source, header.destination
    return struct.pack(">BBHHHBBHII", 0x45, 0, length, 1, 0, 64, header.protocol, 0, *addresses) + transport


def trace_file(arrivals: Iterable[Arrival]) -> bytes:
    """An array of Slot (contender.hpp)."""
    packets = ((octets(arrival.header), arrival) for arrival in arrivals)
    return b"".join(_SLOT.pack(packet, len(packet), each.state, each.verdict) for packet, each in packets)


def rules_file(rules: Iterable[Rule]) -> bytes:
    """An array of Rule (contender.hpp)."""
    return b"".join(
        _RULE.pack(
            *rule.source,
            *rule.destination,
            *rule.source_ports,
            *rule.destination_ports,
            _ANY_PROTOCOL if rule.protocol is None else rule.protocol,
            rule.accept,
        )
        for rule in rules
    )
