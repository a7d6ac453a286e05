"""Sets of 5-tuple rules to measure with: from a seeded generator, or read from files in ClassBench's format.

    rules = generate("acl", 10_000, seed=1)        or   read(Path("some.gz"))
    policy = nacl(rules)                           a NaCl policy with one `if` a rule, first match wins
    packets = headers(rules, 1000, seed=2)         packets that hit rules, uniformly

The families have the traits that ClassBench describes (Taylor and Turner, ClassBench: A Packet Classification
Benchmark, 2005): acl has specific pairs of hosts and nets and wildcard source ports; fw has many wildcard addresses
and port ranges; ipc lies between them. Addresses come from a few networks, in which rules of different lengths nest.
The same family, count and seed give the same rules.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from random import Random
from typing import TypeVar

FAMILIES = ("acl", "fw", "ipc")
T = TypeVar("T")
Ports = tuple[int, int]
ANY_PORT: Ports = (0, 65535)
TCP, UDP, ICMP = 6, 17, 1
_EPHEMERAL: Ports = (1024, 65535)
_PRIVILEGED: Ports = (0, 1023)
_SERVICES = (
    20,
    21,
    22,
    23,
    25,
    53,
    69,
    80,
    110,
    111,
    123,
    135,
    139,
    143,
    161,
    179,
    389,
    443,
    445,
    514,
    993,
    1433,
    1521,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """Prefixes as (address, length 0 .. 32), host bits zero; ports as (first, last), both included; `protocol` is an
    IANA number, None for any. Only TCP and UDP rules have ports other than ANY_PORT."""

    source: tuple[int, int]
    destination: tuple[int, int]
    source_ports: Ports
    destination_ports: Ports
    protocol: int | None
    accept: bool

    @property
    def has_ports(self) -> bool:
        return self.source_ports != ANY_PORT or self.destination_ports != ANY_PORT


@dataclass(frozen=True, slots=True)
class Header:
    """What a packet is classified by. Ports are 0 where the protocol has none."""

    source: int
    destination: int
    source_port: int
    destination_port: int
    protocol: int


@dataclass(frozen=True, slots=True)
class _Family:
    """Weights: prefix lengths of sources and destinations, kinds of ports, protocols."""

    source: dict[int, int]
    destination: dict[int, int]
    source_ports: dict[str, int]
    destination_ports: dict[str, int]
    protocols: dict[int | None, int]
    ephemeral_services: int  # how many services besides the well-known ones


_FAMILIES = {
    "acl": _Family(
        {32: 70, 24: 8, 30: 8, 28: 6, 16: 5, 0: 3},
        {32: 68, 24: 16, 30: 4, 22: 6, 16: 4, 0: 2},
        {"any": 100},
        {"any": 28, "one": 55, "range": 12, "high": 5},
        {TCP: 82, None: 9, ICMP: 4, UDP: 5},
        60,
    ),
    "fw": _Family(
        {0: 45, 32: 32, 28: 8, 24: 10, 21: 5},
        {0: 27, 32: 52, 28: 9, 24: 8, 21: 4},
        {"any": 72, "one": 14, "high": 12, "low": 2},
        {"any": 30, "one": 54, "high": 9, "range": 7},
        {TCP: 58, UDP: 31, 47: 5, ICMP: 4, None: 2},
        20,
    ),
    "ipc": _Family(
        {32: 38, 24: 28, 26: 10, 23: 8, 16: 8, 0: 8},
        {32: 42, 24: 28, 26: 9, 25: 6, 16: 9, 0: 6},
        {"any": 80, "one": 15, "high": 5},
        {"any": 50, "one": 36, "high": 8, "range": 6},
        {UDP: 40, None: 28, TCP: 29, ICMP: 2, 50: 1},
        30,
    ),
}


def generate(family: str, count: int, seed: int) -> tuple[Rule, ...]:
    """`count` different rules of a family of FAMILIES, the more specific ones first, as people and tools write them."""
    traits, random = _FAMILIES[family], Random(f"{family} {count} {seed}")
    networks = _networks(random, max(4, round(count**0.5)))
    services = [*_SERVICES, *(random.randrange(1024, 40000) for _ in range(traits.ephemeral_services))]
    rules: dict[object, Rule] = {}
    while len(rules) < count:
        rule = _rule(traits, networks, services, random)
        rules.setdefault(
            (rule.source, rule.destination, rule.source_ports, rule.destination_ports, rule.protocol), rule
        )
    return tuple(sorted(rules.values(), key=lambda rule: _generality(rule) + random.random() * 24))


def _networks(random: Random, count: int) -> list[int]:
    """Bases of /16 networks with a skew: the first ones are used most."""
    return [random.randrange(1, 224) << 24 | random.randrange(256) << 16 for _ in range(count)]


def _rule(traits: _Family, networks: Sequence[int], services: Sequence[int], random: Random) -> Rule:
    protocol = _chosen(traits.protocols, random)
    source_ports = destination_ports = ANY_PORT
    if protocol in (TCP, UDP):
        source_ports = _ports(_chosen(traits.source_ports, random), services, random)
        destination_ports = _ports(_chosen(traits.destination_ports, random), services, random)
    return Rule(
        _prefix(_chosen(traits.source, random), networks, random),
        _prefix(_chosen(traits.destination, random), networks, random),
        source_ports,
        destination_ports,
        protocol,
        random.random() < 0.7,
    )


def _chosen(weights: dict[T, int], random: Random) -> T:
    return random.choices(list(weights), list(weights.values()))[0]


def _prefix(length: int, networks: Sequence[int], random: Random) -> tuple[int, int]:
    """Subnets and hosts of a network are few, so that rules meet again and nest."""
    if length == 0:
        return 0, 0
    network = networks[int(len(networks) * random.random() ** 2)]
    address = network | int(8 * random.random() ** 3) * 37 % 256 << 8 | int(256 * random.random() ** 3)
    return address & _mask(length), length


def _mask(length: int) -> int:
    return 0xFFFFFFFF << (32 - length) & 0xFFFFFFFF


def _ports(kind: str, services: Sequence[int], random: Random) -> Ports:
    service = services[int(len(services) * random.random() ** 1.5)]
    match kind:
        case "one":
            return service, service
        case "range":
            return service, min(65535, service + (1, 3, 9, 99, 999)[service % 5])
        case "high":
            return _EPHEMERAL
        case "low":
            return _PRIVILEGED
        case _:
            return ANY_PORT


def _generality(rule: Rule) -> float:
    """Free bits, roughly."""
    ports = sum((last - first + 1).bit_length() / 2 for first, last in (rule.source_ports, rule.destination_ports))
    return 64 - rule.source[1] - rule.destination[1] + ports + (4 if rule.protocol is None else 0)


_LINE = re.compile(
    r"@(?P<source>[\d./]+)\s+(?P<destination>[\d./]+)\s+(\d+) : (\d+)\s+(\d+) : (\d+)\s+0x(..)/0x(..)(\s|$)",
    re.IGNORECASE,
)


def read(path: Path) -> tuple[Rule, ...]:
    """The rules of a file in ClassBench's format, gzipped or not, with verdicts of ours: the format has none.

    Raises:
        ValueError: a line that is no rule, or a protocol mask other than 0x00 and 0xff.
    """
    octets = path.read_bytes()
    text = (gzip.decompress(octets) if octets[:2] == b"\x1f\x8b" else octets).decode("ascii")
    return tuple(
        _read_line(line, number) for number, line in enumerate(filter(None, map(str.strip, text.splitlines())))
    )


def _read_line(line: str, number: int) -> Rule:
    found = _LINE.match(line)
    if found is None or found[8].lower() not in ("ff", "00"):
        raise ValueError(f"rule {number}: not in ClassBench's format: {line!r}")
    protocol = int(found[7], 16) if found[8] != "00" else None
    source_ports, destination_ports = (int(found[3]), int(found[4])), (int(found[5]), int(found[6]))
    source, destination = _read_prefix(found["source"]), _read_prefix(found["destination"])
    return Rule(source, destination, source_ports, destination_ports, protocol, number % 2 == 0)


def _read_prefix(text: str) -> tuple[int, int]:
    address, length = text.split("/")
    value = 0
    for octet in address.split("."):
        value = value << 8 | int(octet)
    return value & _mask(int(length)), int(length)


def nacl(rules: Iterable[Rule]) -> str:
    """A policy that decides by `rules` in their order and drops what none matches; every packet is looked at, tracked
    or not. Neighbours that need the ports of one protocol share a block. A rule about ports of any protocol is one for
    TCP and one for UDP."""
    head = "Iface eth0 { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, input: rules }\n"
    lines = [head + "Conntrack flows { untracked: filter }\n\nFilter::IP rules {"]
    written = [pair for rule in rules for pair in _contexts(rule)]
    for context, group in groupby(written, key=lambda pair: pair[0]):
        if context is None:
            lines += [f"  {_if(rule, None)}" for _, rule in group]
        else:
            lines += [f"  Filter::{context.upper()} {{", *(f"    {_if(rule, context)}" for _, rule in group), "  }"]
    return "\n".join([*lines, "  drop", "}", ""])


def _contexts(rule: Rule) -> list[tuple[str | None, Rule]]:
    if not rule.has_ports:
        return [(None, rule)]
    names = {TCP: ["tcp"], UDP: ["udp"], None: ["tcp", "udp"]}[rule.protocol]
    return [(name, rule) for name in names]


def _if(rule: Rule, context: str | None) -> str:
    tests = [_in_prefix("ip.saddr", rule.source), _in_prefix("ip.daddr", rule.destination)]
    if context is None:
        tests.append(None if rule.protocol is None else f"ip.protocol == {rule.protocol}")
    else:
        tests += [
            _in_ports(f"{context}.sport", rule.source_ports),
            _in_ports(f"{context}.dport", rule.destination_ports),
        ]
    condition = " and ".join(test for test in tests if test) or "ip.ttl in 0-255"
    return f"if ({condition}) {{ {'accept' if rule.accept else 'drop'} }}"


def _in_prefix(field: str, prefix: tuple[int, int]) -> str | None:
    address, length = prefix
    dotted = ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
    if length == 0:
        return None
    return f"{field} == {dotted}" if length == 32 else f"{field} in {dotted}/{length}"


def _in_ports(field: str, ports: Ports) -> str | None:
    first, last = ports
    if ports == ANY_PORT:
        return None
    return f"{field} == {first}" if first == last else f"{field} in {first}-{last}"


def headers(rules: Sequence[Rule], count: int, seed: int) -> list[Header]:
    """Packets inside rules that are drawn uniformly; an earlier rule may take them."""
    random = Random(seed)
    return [_inside(random.choice(rules), random) for _ in range(count)]


def _inside(rule: Rule, random: Random) -> Header:
    protocol = rule.protocol if rule.protocol is not None else random.choice((TCP, UDP))
    ports = (rule.source_ports, rule.destination_ports) if protocol in (TCP, UDP) else ((0, 0), (0, 0))
    source, destination = (
        address | random.getrandbits(32) & ~_mask(length) & 0xFFFFFFFF
        for address, length in (rule.source, rule.destination)
    )
    return Header(source, destination, random.randint(*ports[0]), random.randint(*ports[1]), protocol)


def first_match(rules: Sequence[Rule], header: Header) -> int | None:
    """The number of the first rule that takes a packet."""
    return next((number for number, rule in enumerate(rules) if _takes(rule, header)), None)


def _takes(rule: Rule, header: Header) -> bool:
    if rule.protocol not in (None, header.protocol) or (rule.has_ports and header.protocol not in (TCP, UDP)):
        return False
    if (header.source ^ rule.source[0]) & _mask(rule.source[1]) or (header.destination ^ rule.destination[0]) & _mask(
        rule.destination[1]
    ):
        return False
    ports = ((rule.source_ports, header.source_port), (rule.destination_ports, header.destination_port))
    return all(first <= port <= last for (first, last), port in ports)
