"""Octets as a life of the reference machine: a policy, then packets and waits, and what must hold for each.

octet 0                     which of the policies of tests/verdicts
op, then by op % 8
  7   seconds               time passes
  6   iface length octets   a packet of any octets
  else  iface protocol source destination sport dport flags   a packet made of these, then changed:
        op bits 3-4: so many times (offset, octet); bit 5: a fragment (one octet more); bit 6: its IP checksum
        is left as it is; bit 7: its transport checksum is
"""

from __future__ import annotations

import struct
from functools import cache

from naclc.decision import evaluate
from naclc.decision.build import build
from naclc.interpret import header
from naclc.interpret.events import Delivered, Dropped, Event, Held, Sent
from naclc.interpret.machine import Machine
from naclc.pipeline.pipeline import Pipeline
from tests.verdicts.tables import FOLDER, pipeline_of

POLICIES = (
    *("network", "nat", "masquerade", "tracking", "stateful", "untracked", "vlans", "fragments"),
    *("asymmetric", "blocks", "hooks", "local", "loop"),
)
MOST_STEPS = 48
PORTS = (1, 2, 22, 53, 80, 443, 1000, 2222, 5353, 6000, 8000, 8080, 49151, 61000, 65535, 0)
FOREIGN = (0xC0000209, 0x0A000005, 0xC6336409, 0x0A010909, 0x08080808, 0xFFFFFFFF, 0xE0000001, 0x7F000001, 0)
PROTOCOLS = (6, 17, 1, 6, 17, 1, 1, 47)
Change = tuple[int, bytes] | int  # (Iface number, packet), or seconds to wait


class Octets:
    """Reads octets one by one; 0 behind the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def octet(self) -> int:
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken.ljust(count, b"\0")


def check(data: bytes) -> None:
    octets = Octets(data)
    pipeline, machine, other = fresh(POLICIES[octets.octet() % len(POLICIES)])
    numbers = {iface.number for iface in pipeline.ifaces}
    for _ in range(MOST_STEPS):
        if not octets:
            return
        change = next_change(octets, pipeline)
        if isinstance(change, int):
            assert machine.wait(change) == other.wait(change)
            continue
        events = machine.receive(*change)
        assert events == other.receive(*change), "interpreter and decision graphs differ"
        assert any(isinstance(event, Sent | Delivered | Dropped | Held) for event in events), "lost"
        for event in events:
            if isinstance(event, Sent):
                assert event.iface in numbers
                check_sent(event.packet, change[1], events)


def check_sent(packet: bytes, received: bytes, events: tuple[Event, ...]) -> None:
    assert len(packet) >= header.IPV4_HEADER
    start = header.hdrlength(packet)
    assert header.version(packet) == 4
    assert header.IPV4_HEADER <= start <= header.length(packet) == len(packet)
    assert header.checksum(packet[:start]) == 0, "the IP checksum is wrong"
    assert header.ttl(packet) > 0
    own = any(isinstance(event, Delivered) for event in events)
    if own or sum_is_right(received[: header.length(received)]):
        assert sum_is_right(packet), "the transport checksum is wrong"


def sum_is_right(packet: bytes) -> bool:
    """Whether the transport checksum is; so it is where there is none to be seen."""
    protocol, message = header.protocol(packet), packet[header.hdrlength(packet) :]
    if header.flags(packet) & header.MORE_FRAGMENTS or not header.has_transport_header(packet):
        return True
    if protocol == 1:
        return header.checksum(message) == 0
    if protocol == 17 and message[6:8] == b"\0\0":
        return True
    return header.transport_checksum(packet) == 0


@cache
def compiled(policy: str) -> Pipeline:
    return pipeline_of(FOLDER / f"{policy}.nacl")


def fresh(policy: str) -> tuple[Pipeline, Machine, Machine]:
    """The policy, a machine that walks its rules, and one that walks its decision graphs."""
    pipeline = compiled(policy)
    return pipeline, Machine(pipeline), Machine(pipeline, evaluate.evaluator(build(pipeline), pipeline))


def next_change(octets: Octets, pipeline: Pipeline) -> Change:
    op = octets.octet()
    if op % 8 == 7:
        return octets.octet() + 1
    iface = pipeline.ifaces[octets.octet() % len(pipeline.ifaces)].number
    if op % 8 == 6:
        return iface, octets.take(octets.octet())
    packet = bytearray(whole(octets, pipeline))
    for _ in range(op >> 3 & 3):
        at, value = octets.take(2)
        packet[at % len(packet)] = value
    if op & 0x20:
        piece = octets.octet()
        packet[6:8] = ((piece & 0xE0) << 8 | piece & 0x1F).to_bytes(2, "big")
    start = min(max(4 * (packet[0] & 15), 20), len(packet))
    if not op & 0x80:
        put_transport_checksum(packet, start)
    if not op & 0x40:
        packet[10:12] = b"\0\0"
        packet[10:12] = header.checksum(bytes(packet[:start])).to_bytes(2, "big")
    return iface, bytes(packet)


def whole(octets: Octets, pipeline: Pipeline) -> bytes:
    addresses = [iface.address for iface in pipeline.ifaces if iface.address is not None]
    hosts = (*addresses, *(address + 4 for address in addresses), *FOREIGN)
    protocol = PROTOCOLS[octets.octet() % len(PROTOCOLS)]
    source, destination = (hosts[octet % len(hosts)] for octet in octets.take(2))
    sport, dport = (PORTS[octet % len(PORTS)] for octet in octets.take(2))
    kind = octets.octet()
    match protocol:
        case 6:
            message = struct.pack(">HHIIBBHHH", sport, dport, 7, 9, 0x50, kind, 1000, 0, 0)
        case 17:
            message = struct.pack(">HHHH", sport, dport, 16, 0)
        case 1:
            message = struct.pack(">BBHHH", kind % 20, 0, 0, sport, dport)
        case _:
            message = b""
    message += b"eight oc" if kind & 1 else bytes(range(48, 69))
    if protocol == 17:
        message = message[:4] + len(message).to_bytes(2, "big") + message[6:]
    return struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(message), 1, 0, 64, protocol, 0, source, destination) + message


def put_transport_checksum(packet: bytearray, start: int) -> None:
    place = {6: 16, 17: 6, 1: 2}.get(packet[9])
    if place is None or len(packet) < start + place + 2:
        return
    at = start + place
    packet[at : at + 2] = b"\0\0"
    right = header.checksum(bytes(packet[start:])) if packet[9] == 1 else header.transport_checksum(bytes(packet))
    packet[at : at + 2] = (right or 0xFFFF).to_bytes(2, "big")
