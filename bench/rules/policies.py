"""Policies as people write them, of any size: flows first, sets with names, blocks of a protocol, nested zones.

office   departments with networks and services of their own, one `if` a department
blocked  a list of addresses that nobody talks to, then a few services
hosts    servers, each with its ports and with the networks that may use them
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bench.rules.traffic import Arrival, zipf
from bench.rulesets import TCP, UDP, Header
from naclc.net.fields import State

_IFACE = "Iface eth0 { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, input: rules }\n"
_START = "Filter::IP rules {\n  if (ct.state == established) { accept }\n"
_SERVICES = (22, 25, 53, 80, 110, 143, 443, 587, 993, 3306, 3389, 5432, 6379, 8080, 8443, 9090)


@dataclass(frozen=True, slots=True)
class Policy:
    """`new` makes the header of a new flow that the policy has something to say about."""

    text: str
    new: Callable[[Random], Header]


def office(count: int) -> Policy:
    random = Random(f"office {count}")
    networks = [f"10.{number >> 6 & 255}.{(number & 63) * 4}.0/22" for number in range(count)]
    zones = []
    for network in networks:
        tcp, udp = _ports(random, 4), _ports(random, 2)
        first = random.randrange(1024, 60000)
        zones.append(
            f"  if (ip.saddr in {network}) {{\n"
            f"    Filter::TCP {{\n      if (tcp.dport in [{tcp}, {first}-{first + 99}]) {{ accept }}\n"
            f"      if (tcp.dport == 23 or tcp.dport == 445) {{ drop }}\n    }}\n"
            f"    Filter::UDP {{ if (udp.dport in [{udp}] and ip.daddr in servers) {{ accept }} }}\n"
            f"    if (ip.daddr in printers) {{ accept }}\n    drop\n  }}\n"
        )
    sets = "servers: [ 10.255.0.0/24, 10.255.7.0/24 ]\nprinters: [ 10.254.0.1-10.254.0.99, 10.254.1.7 ]\n"

    def new(random: Random) -> Header:
        zone = random.randrange(count)
        source = 10 << 24 | (zone >> 6 & 255) << 16 | (zone & 63) << 10 | random.getrandbits(10)
        destination = random.choice((10 << 24 | 255 << 16, 10 << 24 | 254 << 16, 198 << 24)) | random.getrandbits(8)
        return _flow(random, source, destination)

    return Policy(f"{sets}{_IFACE}{_START}{''.join(zones)}  drop\n}}\n", new)


def blocked(count: int) -> Policy:
    random = Random(f"blocked {count}")
    addresses = sorted(random.sample(range(16 << 24, 190 << 24), count))
    listed = ",\n".join(f"  {_dotted(address)}" for address in addresses)
    rules = (
        "  if (ip.saddr in bad or ip.daddr in bad) { drop }\n"
        f"  Filter::TCP {{ if (tcp.dport in [{_ports(random, 6)}]) {{ accept }} }}\n"
        f"  Filter::UDP {{ if (udp.dport in [{_ports(random, 3)}]) {{ accept }} }}\n"
        "  Filter::ICMP { accept }\n  drop\n}\n"
    )

    def new(random: Random) -> Header:
        bad = random.choice(addresses)
        source = random.choice((bad, random.randrange(16 << 24, 190 << 24)))
        return _flow(random, source, 192 << 24 | 2 << 8 | 1)

    return Policy(f"bad: [\n{listed}\n]\n{_IFACE}{_START}{rules}", new)


def hosts(count: int) -> Policy:
    random = Random(f"hosts {count}")
    servers = sorted(random.sample(range(10 << 24, (10 << 24) + 16 * count), count))
    clients = [f"172.16.{number * 4}.0/22" for number in range(16)]
    rules = []
    for server in servers:
        users = ", ".join(sorted(set(random.choices(clients, k=3))))
        rules.append(
            f"    if (ip.daddr == {_dotted(server)}) {{\n"
            f"      if (tcp.dport in [{_ports(random, 3)}] and ip.saddr in [{users}]) {{ accept }}\n"
            f"      if (tcp.dport == 22 and ip.saddr in admins) {{ accept }}\n      drop\n    }}\n"
        )
    head = "admins: { day: 172.16.99.0/24, night: 172.16.1.1-172.16.1.9 }\n"

    def new(random: Random) -> Header:
        return _flow(random, 172 << 24 | 16 << 16 | random.randrange(1 << 14), random.choice(servers))

    return Policy(f"{head}{_IFACE}{_START}  Filter::TCP {{\n{''.join(rules)}  }}\n  drop\n}}\n", new)


POLICIES: dict[str, Callable[[int], Policy]] = {"office": office, "blocked": blocked, "hosts": hosts}
KINDS = ("new", "established", "mixed")


def trace(kind: str, policy: Policy, count: int, seed: int) -> list[Arrival]:
    """`count` packets without verdicts: of new flows, of established ones, or Zipf over flows of which nine in ten are
    established."""
    random = Random(f"{kind} {seed}")
    share = {"new": 0.0, "established": 1.0, "mixed": 0.9}[kind]
    flows = [Arrival(policy.new(random), _state(random.random() < share)) for _ in range(2048)]
    return zipf(flows, count, random) if kind == "mixed" else random.choices(flows, k=count)


def _state(established: bool) -> int:
    return (State.ESTABLISHED if established else State.NEW).value


def _flow(random: Random, source: int, destination: int) -> Header:
    port = random.choice(_SERVICES) if random.random() < 0.7 else random.randrange(65536)
    return Header(source, destination, random.randrange(1024, 65536), port, TCP if random.random() < 0.75 else UDP)


def _ports(random: Random, count: int) -> str:
    return ", ".join(map(str, sorted(random.sample(_SERVICES, count))))


def _dotted(address: int) -> str:
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
