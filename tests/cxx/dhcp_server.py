"""A DHCP server at the other end of a machine's wire, and the datagrams it is made of."""

from __future__ import annotations

import select
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import NamedTuple

SERVER_MAC = bytes.fromhex("0200000000bb")
_COOKIE = bytes.fromhex("63825363")
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6


class Datagram(NamedTuple):
    """A UDP datagram as it travels; addresses in dotted form."""

    source: str
    sport: int
    destination: str
    dport: int
    data: bytes


def checksum(octets: bytes) -> int:
    padded = octets + bytes(len(octets) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def read_datagram(frame: bytes) -> Datagram | None:
    """The UDP datagram in an Ethernet frame, None when it holds none; both checksums must be right."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return None
    packet = frame[14 : 14 + int.from_bytes(frame[16:18])]
    header, udp = packet[:20], packet[20:]
    assert checksum(header) == 0
    assert udp[6:8] != b"\0\0" and checksum(packet[12:20] + struct.pack("!HH", 17, len(udp)) + udp) == 0
    sport, dport, length = struct.unpack("!HHH", udp[:6])
    assert length == len(udp)
    return Datagram(socket.inet_ntoa(packet[12:16]), sport, socket.inet_ntoa(packet[16:20]), dport, udp[8:])


def frame_of(datagram: Datagram, to: bytes = b"\xff" * 6) -> bytes:
    udp = struct.pack("!HHHH", datagram.sport, datagram.dport, 8 + len(datagram.data), 0) + datagram.data
    addresses = socket.inet_aton(datagram.source) + socket.inet_aton(datagram.destination)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0) + addresses
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return (to + SERVER_MAC + b"\x08\x00" + header + udp).ljust(60, b"\0")


def options_of(message: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 240
    while message[at] != 255:
        code, length = message[at], message[at + 1] if message[at] else 0
        if code:
            found[code] = message[at + 2 : at + 2 + length]
        at += 2 + length if code else 1
    return found


@dataclass
class Server:
    """Answers DISCOVER and REQUEST as long as it is `up`; keeps what it heard."""

    wire: socket.socket
    address: str = "10.0.0.9"
    netmask: str = "255.255.255.0"
    router: str = "10.0.0.254"
    lease: int = 3600
    up: bool = True
    heard: list[tuple[int, Datagram]] = field(default_factory=list)
    others: list[Datagram] = field(default_factory=list)

    def serve(self, seconds: float, until: int | None = None) -> None:
        """Take part for `seconds`, or until a DHCP message of type `until` was answered."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.wire], [], [], left)[0]:
                return
            frame = self.wire.recv(4096)
            if frame[12:14] == b"\x08\x06":
                self._answer_arp(frame)
                continue
            datagram = read_datagram(frame)
            if datagram is None:
                continue
            if datagram.dport != 67:
                self.others.append(datagram)
                continue
            if self._take(datagram) == until:
                return

    def _answer_arp(self, frame: bytes) -> None:
        asked = frame[38:42]
        if frame[20:22] != b"\0\1" or asked == frame[28:32]:  # an announcement asks for nothing
            return
        reply = frame[14:20] + b"\0\2" + SERVER_MAC + asked + frame[22:32]
        self.wire.send((frame[6:12] + SERVER_MAC + b"\x08\x06" + reply).ljust(60, b"\0"))

    def _take(self, datagram: Datagram) -> int:
        kind = options_of(datagram.data)[53][0]
        self.heard.append((kind, datagram))
        if self.up:
            self.answer(datagram.data, OFFER if kind == DISCOVER else ACK)
        return kind

    def answer(self, request: bytes, kind: int) -> None:
        body = bytearray(240)
        body[:4] = bytes([2, 1, 6, 0])
        body[4:8], body[28:34], body[236:240] = request[4:8], request[28:34], _COOKIE
        body[16:20] = socket.inet_aton(self.address)
        options = bytes([53, 1, kind, 54, 4]) + socket.inet_aton("10.0.0.5")
        options += bytes([1, 4]) + socket.inet_aton(self.netmask) + bytes([3, 4]) + socket.inet_aton(self.router)
        options += bytes([51, 4]) + struct.pack("!I", self.lease) + b"\xff"
        self.wire.send(frame_of(Datagram("10.0.0.5", 67, "255.255.255.255", 68, bytes(body) + options)))
