"""Frames to a machine with two NICs and what came of them. Nothing is lost on the way; who stands still is noticed.

eth0  192.0.2.1/24   the world, by 192.0.2.254
eth1  10.0.0.1/16    hosts inside
"""

from __future__ import annotations

import select
import struct
import time
from collections.abc import Iterable

from naclc.interpret.header import checksum
from naclc.verify.wire.child import Child
from tests.soak.soak import MACS

WORLD, INSIDE = 0, 1
OWN = (bytes([192, 0, 2, 1]), bytes([10, 0, 0, 1]))
ASKERS = (bytes([192, 0, 2, 250]), bytes([10, 0, 0, 250]))
GATEWAY = bytes([192, 0, 2, 254])
NEIGHBOUR = bytes.fromhex("02aa00000009")
STEP = 32  # frames until the machine must have answered
PATIENCE = 30.0  # seconds for that
ARP, IP4 = b"\x08\x06", b"\x08\x00"


def octets(address: str) -> bytes:
    return bytes(map(int, address.split(".")))


def packet(
    source: bytes, target: bytes, protocol: int, data: bytes, *, identification: int = 0, piece: int = 0
) -> bytes:
    """An IPv4 packet with a right header checksum; `piece`: flags and fragment offset."""
    start = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), identification, piece, 64, protocol, 0)
    head = start + source + target
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + data


def udp(source: bytes, sport: int, target: bytes, dport: int) -> bytes:
    """A datagram without checksum."""
    return packet(source, target, 17, struct.pack(">HHHH", sport, dport, 12, 0) + b"data")


def tcp(source: bytes, sport: int, target: bytes, dport: int, flags: int) -> bytes:
    """A segment with a checksum that nobody looks at who forwards it."""
    return packet(source, target, 6, struct.pack(">HHIIBBHHH", sport, dport, 1, 1, 0x50, flags, 1024, 0, 0))


def ports(forwarded: bytes) -> tuple[int, int]:
    return struct.unpack_from(">HH", forwarded, 20)


class Wires:
    """Our ends. Hosts that are `known` answer by ARP; all packets that come out are kept until they are taken."""

    def __init__(self, machine: Child) -> None:
        self._wires = machine.nics
        self._asked: list[tuple[int, bytes]] = []
        self._answered: set[int] = set()
        self._came: list[tuple[int, bytes]] = []
        self.known = {GATEWAY, octets("10.0.0.4")}

    def exchange(self, packets: Iterable[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Send packets, each to a NIC of the machine; the packets that came out, and by which NIC."""
        for number, (nic, content) in enumerate(packets, 1):
            self._send(nic, bytes.fromhex(MACS[nic].replace(":", "")) + NEIGHBOUR + IP4 + content)
            if number % STEP == 0:
                self._settle()
        self._settle()
        came, self._came = self._came, []
        return came

    def _settle(self) -> None:
        """Both addresses are asked for; when they were answered, all that was sent before is on its way, and when they
        were answered once more it is here, whatever wire it leaves by."""
        while True:
            self._ask_for_both()
            self._ask_for_both()
            if not self._asked:
                return
            for nic, request in self._asked:
                self._send(nic, _arp(2, request[6:12], request[38:42], request[6:12], request[28:32]))
            self._asked = []

    def _ask_for_both(self) -> None:
        self._answered.clear()
        end = time.monotonic() + PATIENCE
        for nic in (WORLD, INSIDE):
            self._send(nic, _arp(1, b"\xff" * 6, ASKERS[nic], bytes(6), OWN[nic]))
        while len(self._answered) < 2:
            assert time.monotonic() < end, "the machine does not answer"
            self._read(0.2)

    def _send(self, nic: int, frame: bytes) -> None:
        frame = frame.ljust(60, b"\0")
        while True:
            self._read(0)
            try:
                self._wires[nic].send(frame)
            except BlockingIOError:
                self._read(0.01)
            else:
                return

    def _read(self, patience: float) -> None:
        for wire in select.select(self._wires, [], [], patience)[0]:
            nic = self._wires.index(wire)
            while True:
                try:
                    self._look(nic, wire.recv(2048))
                except BlockingIOError:
                    break

    def _look(self, nic: int, frame: bytes) -> None:
        if frame[12:14] == IP4:
            self._came.append((nic, frame[14 : 14 + int.from_bytes(frame[16:18], "big")]))
        elif frame[21] == 1 and frame[38:42] in self.known:
            self._asked.append((nic, frame))
        elif frame[21] == 2 and frame[38:42] == ASKERS[nic]:
            self._answered.add(nic)


def _arp(operation: int, to: bytes, sender: bytes, target_mac: bytes, target: bytes) -> bytes:
    head = struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation)
    return to + NEIGHBOUR + ARP + head + NEIGHBOUR + sender + target_mac + target
