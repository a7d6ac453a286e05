"""Random policies of four Ifaces on two NICs, two of them VLANs, and random flows for them.

Translation in any direction, masquerading, filters, and a connection table with any settings; first packets and
answers, repetitions, fragments in any order, and ICMP errors that quote packets.
"""

from __future__ import annotations

import random
import socket
from typing import NamedTuple

from naclc.interpret import header
from tests.cxx.test_nat_agrees import ACK, FIN, RST, SYN, address, packet
from tests.cxx.test_net_agrees import with_checksum


class Link(NamedTuple):
    """An Iface: 10.0.`net`.1/24 on that NIC; VLAN 0 is untagged."""

    name: str
    nic: int
    vlan: int
    net: int


LINKS = (Link("a", 0, 0, 0), Link("b", 1, 0, 1), Link("v", 1, 10, 2), Link("w", 0, 20, 3))
TRAFFIC_ID = b"\x12\x34"  # ip.id of what is no fragment
_HOSTS = [f"10.0.{net}.{host}" for net in range(4) for host in (2, 3)]
_OWN = [f"10.0.{net}.1" for net in range(4)]
_OTHERS = ["10.9.3.4", "8.8.8.8", "10.0.0.255", "10.0.2.255", "255.255.255.255", "224.0.0.1", "127.0.0.1", "0.0.0.0"]
_PORTS = (7, 20, 25, 53, 80, 49152, 49153)
_HOOKS = ("prerouting", "input", "output", "postrouting")
_TIMEOUTS = "timeout: { unconfirmed: { udp: 3, icmp: 4 }, confirmed: { udp: 25 }, established: { udp: 41, icmp: 30 } }"


def policy(dice: random.Random) -> str:
    functions: list[str] = []
    ifaces = "".join(_iface(dice, link, functions) for link in LINKS)
    forward = ""
    if dice.random() < 0.6:
        functions.append(_filter(dice, "between"))
        forward = "forward: between,"
    routes = "".join(f"r{link.name}: {{ net: 10.0.{link.net}.0, netmask: 255.255.255.0, iface: {link.name} }},\n"
                     for link in LINKS if link.name != dice.choice(("", "", "v", "w")))  # fmt: skip
    gateway = f"""Gateway router {{ {forward} send_time_exceeded: {dice.choice(("true", "false"))}, {routes}
  far: {{ net: 10.9.0.0, netmask: 255.255.0.0, iface: b, nexthop: 10.0.1.9 }},
  any: {{ net: 0.0.0.0, netmask: 0.0.0.0, iface: a, nexthop: {dice.choice(("10.0.0.9", "0.0.0.0"))} }} }}\n"""
    settings = [f"limit: {dice.choice((0, 0, 24, 60, 61, 400))}"]
    settings += [text for text in ("stateful_tcp: true", "untracked: filter", _TIMEOUTS) if dice.random() < 0.5]
    return ifaces + gateway + f"Conntrack table {{ {', '.join(settings)} }}\n" + "".join(functions)


def _iface(dice: random.Random, link: Link, functions: list[str]) -> str:
    keys = [f"index: {link.nic}", f"address: 10.0.{link.net}.1", "netmask: 255.255.255.0"]
    keys += [f"vlan: {link.vlan}"] if link.vlan else []
    keys += ["masquerade: true"] if dice.random() < 0.3 else []
    for hook in _HOOKS:
        chain = []
        while dice.random() < 0.35:
            chain.append(f"f{len(functions)}")
            functions.append((_nat if dice.random() < 0.7 else _filter)(dice, chain[-1]))
        keys += [f"{hook}: [{', '.join(chain)}]"] if chain else []
    return f"Iface {link.name} {{ {', '.join(keys)} }}\n"


def _filter(dice: random.Random, name: str) -> str:
    shown = '" ", ct.state, " ", ip.saddr, ">", ip.daddr, " ", ip.ttl, "\\n"'
    drops = f"if ({_condition(dice, 'IP')} and {_condition(dice, 'IP')}) {{ drop }}"
    return f'Filter::IP {name} {{ log("{name}", {shown}) {drops} accept }}\n'


def _nat(dice: random.Random, name: str) -> str:
    body = ""
    for _ in range(dice.randrange(1, 4)):
        protocol = dice.choice(("IP", "TCP", "UDP", "TCP", "UDP", "ICMP"))
        place, port = dice.choice([*_HOSTS, *_HOSTS, *_OWN, "10.0.0.77", "8.8.8.8"]), dice.choice(_PORTS)
        form = dice.choice((f"{place}", f"{place}, {port}", f"{port}")) if protocol in ("TCP", "UDP") else place
        rule = f"if ({_condition(dice, protocol)}) {{ {dice.choice(('dnat', 'snat'))}({form}) }}"
        body += rule if protocol == "IP" else f"Nat::{protocol} {{ {rule} }}"
    return f"Nat::IP {name} {{ {body} }}\n"


def _condition(dice: random.Random, protocol: str) -> str:
    choices = [
        f"ip.daddr == {dice.choice(_OWN)}",
        f"ip.saddr == {dice.choice(_HOSTS)}",
        f"ip.{dice.choice(('daddr', 'saddr'))} in 10.0.{dice.randrange(4)}.0/24",
        f"ct.state == {dice.choice(('new', 'established'))}",
        f"ip.ttl < {dice.choice((2, 3, 4, 65))}",
        f"ip.dscp == {dice.choice((5, 8, 9))}",
    ]
    if protocol in ("TCP", "UDP"):
        compared = f"{dice.choice(('==', '<=', '>='))} {dice.choice(_PORTS)}"
        choices += [f"{protocol.lower()}.{dice.choice(('sport', 'dport'))} {compared}"] * 4
    return dice.choice(choices)


class Flows:
    """Packets for one Iface after the other, of flows that it has seen begin."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._came: list[tuple[int, bytes]] = []
        self._left: list[tuple[int, bytes]] = []
        self._pieces: list[tuple[int, bytes]] = []

    def left(self, iface: int, octets: bytes) -> None:
        if header.has_transport_header(octets):
            self._left = [*self._left[-60:], (iface, octets)]

    def next(self, iface: int) -> bytes:
        waiting = [place for place, (at, _) in enumerate(self._pieces) if at == iface]
        if waiting and self._dice.random() < 0.7:
            return self._pieces.pop(waiting[0])[1]
        octets = self._whole(iface)
        self._came = [*self._came[-60:], (iface, octets)]
        if len(octets) > 1500 or (len(octets) > 36 and self._dice.random() < 0.08):
            first, *rest = fragments(self._dice, octets)
            self._pieces += [(iface, piece) for piece in rest]
            return first
        return octets

    def _whole(self, iface: int) -> bytes:
        known = [octets for at, octets in self._left if at == iface]
        before = [octets for at, octets in self._came if at == iface and len(octets) <= 1500]
        throw = self._dice.random()
        if known and throw < 0.45:
            return (self._answer if throw > 0.05 else quoting)(self._dice.choice(known))
        return self._dice.choice(before) if before and throw < 0.65 else self._first(iface)

    def _first(self, iface: int) -> bytes:
        dice = self._dice
        near = _HOSTS[2 * iface : 2 * iface + 2]
        source = dice.choice([*near * 8, dice.choice(_OWN), dice.choice(_OTHERS), dice.choice(_HOSTS)])
        to = dice.choice([*[_OWN[iface]] * 3, *_OWN, *_HOSTS, "10.0.0.77", dice.choice(_OTHERS), "8.8.8.8"])
        if to == source:  # which way such a flow goes cannot be told (docs/runtime-stack.md)
            return self._first(iface)
        if dice.random() < 0.04:
            return ping(source, to, bytes(dice.choice((100, 1400, 2000, 4000))))
        protocol = dice.choice((header.TCP, header.TCP, header.UDP, header.UDP, header.ICMP))
        flags = dice.choice((SYN, SYN, SYN, SYN, ACK, SYN | ACK, FIN | ACK, RST, SYN | FIN))
        ends = (address(source), dice.choice(_PORTS), address(to), dice.choice(_PORTS))
        return packet(dice, protocol, ends, flags)

    def _answer(self, octets: bytes) -> bytes:
        protocol, at = header.protocol(octets), header.hdrlength(octets)
        sport, dport = (int.from_bytes(octets[at + n : at + n + 2], "big") for n in (0, 2))
        if protocol == header.ICMP:
            sport = dport = int.from_bytes(octets[at + 4 : at + 6], "big")
        ends = (header.destination(octets), dport, header.source(octets), sport)
        flags = self._dice.choice((SYN | ACK, SYN | ACK, ACK, ACK, FIN | ACK, RST, FIN, SYN))
        return packet(self._dice, protocol, ends, flags)


def _icmp(source: bytes, to: bytes, message: bytes) -> bytes:
    message = message[:2] + header.checksum(message).to_bytes(2, "big") + message[4:]
    start = b"\x45\0" + (20 + len(message)).to_bytes(2, "big") + TRAFFIC_ID + b"\0\0\x40\x01\0\0"
    return with_checksum(start + source + to + message)


def ping(source: str, to: str, data: bytes) -> bytes:
    return _icmp(socket.inet_aton(source), socket.inet_aton(to), b"\x08\0\0\0\0\x07\0\x01" + data)


def quoting(octets: bytes) -> bytes:
    """An ICMP error about a packet, from where that went."""
    quote = octets[: header.hdrlength(octets) + 8]
    return _icmp(octets[16:20], octets[12:16], b"\x03\x01\0\0\0\0\0\0" + quote)


def fragments(dice: random.Random, whole: bytes) -> list[bytes]:
    """`whole` in pieces of at most 1500 octets, some of which may overlap, in any order; itself if it has options."""
    if whole[0] != 0x45:
        return [whole]
    data, found, at = whole[20:], [], 0
    start = whole[:2], dice.randrange(0x8000, 0x8020).to_bytes(2, "big"), whole[8:20]
    while at < len(data):
        part = data[at : at + 8 * dice.randrange(1, 2 + min(len(data) // 12, 180))]
        more = 0x2000 if at + len(part) < len(data) else 0
        place = (at // 8 | more).to_bytes(2, "big")
        found.append(with_checksum(start[0] + (20 + len(part)).to_bytes(2, "big") + start[1] + place + start[2] + part))
        at += len(part) - (8 if dice.random() < 0.02 and len(part) > 8 else 0)
    if dice.random() < 0.4:
        dice.shuffle(found)
    return found
