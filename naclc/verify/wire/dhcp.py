"""The tester as DHCP server: one client and one lease a network, for ever.

    DISCOVER ──▶ OFFER       REQUEST of what was offered ──▶ ACK       of anything else ──▶ NAK

Whatever else comes (RELEASE, DECLINE, INFORM, what is no DHCP at all) is counted and left without an answer; so is
everything beyond MOST_ANSWERS. What a client sends is read within its length and never trusted.

References: RFC 2131 (DHCP; 4.1 where an answer goes, 4.3 what a server does), RFC 2132 (options).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from struct import pack

from naclc.interpret.machine import Lease
from naclc.verify.wire.datagram import Datagram, datagram, parse_datagram

SERVER_PORT, CLIENT_PORT = 67, 68
MOST_ANSWERS = 1000

_BROADCAST = 0xFFFFFFFF
_COOKIE = b"\x63\x82\x53\x63"
_FIXED = 236  # octets of a message before the cookie
_FOR_EVER = b"\xff" * 4
_REQUESTED, _LEASE_TIME, _TYPE, _SERVER, _NETMASK, _ROUTER, _END, _PAD = 50, 51, 53, 54, 1, 3, 255, 0


class Kind(IntEnum):
    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


@dataclass(frozen=True, slots=True)
class _Message:
    kind: Kind
    transaction: bytes
    broadcast: bool  # the client wants the answer broadcast
    current: int  # ciaddr: the address that the client has already
    hardware: bytes  # chaddr, 16 octets
    options: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """`packet` goes to `mac`; from the server, `source`."""

    packet: bytes
    mac: bytes
    source: int


@dataclass(slots=True)
class Server:
    """Gives `lease` to whoever asks; `heard` counts what was asked, by kind."""

    lease: Lease
    heard: dict[Kind, int] = field(default_factory=dict)
    given: bool = False
    answers: int = 0

    @property
    def address(self) -> int:
        """The server's own: the router's, else the first host of the subnet that is not the client's."""
        if self.lease.router is not None:
            return self.lease.router
        first = (self.lease.address & self.lease.netmask) + 1
        return first if first != self.lease.address else first + 1

    def take(self, packet: bytes) -> Answer | None:
        """The answer to `packet` (an IPv4 packet), None for none."""
        asked = parse_datagram(packet)
        message = _parse(asked.payload) if asked is not None else None
        if asked is None or message is None:
            return None
        self.heard[message.kind] = self.heard.get(message.kind, 0) + 1
        reply = self._reply(message)
        if reply is None or self.answers >= MOST_ANSWERS:
            return None
        self.answers += 1
        self.given = self.given or reply is Kind.ACK
        return self._answer(message, reply)

    def _reply(self, message: _Message) -> Kind | None:
        if message.kind is Kind.DISCOVER:
            return Kind.OFFER
        server = message.options.get(_SERVER)
        if message.kind is not Kind.REQUEST or (server is not None and server != _octets(self.address)):
            return None
        wanted = message.options.get(_REQUESTED, _octets(message.current))
        return Kind.ACK if wanted == _octets(self.lease.address) else Kind.NAK

    def _answer(self, message: _Message, kind: Kind) -> Answer:
        given = 0 if kind is Kind.NAK else self.lease.address
        options = {_TYPE: bytes((kind,)), _SERVER: _octets(self.address)}
        if kind is not Kind.NAK:
            options |= {_LEASE_TIME: _FOR_EVER, _NETMASK: _octets(self.lease.netmask)}
            if self.lease.router is not None:
                options[_ROUTER] = _octets(self.lease.router)
        written = b"".join(bytes((number, len(value))) + value for number, value in options.items())
        head = bytes((2, 1, 6, 0)) + message.transaction + bytes(2) + (0x8000 * message.broadcast).to_bytes(2, "big")
        addresses = pack("!IIII", message.current, given, self.address, 0)
        body = head + addresses + message.hardware + bytes(_FIXED - 44) + _COOKIE + written + bytes((_END,))
        target = self._target(message, kind)
        mac = b"\xff" * 6 if target == _BROADCAST else message.hardware[:6]
        return Answer(datagram(Datagram(self.address, SERVER_PORT, target, CLIENT_PORT, body)), mac, self.address)

    def _target(self, message: _Message, kind: Kind) -> int:
        """RFC 2131 4.1."""
        if message.current and kind is not Kind.NAK:
            return message.current
        return _BROADCAST if message.broadcast or kind is Kind.NAK else self.lease.address

    def missing(self) -> str:
        """Why there is no lease yet, as far as a server can tell."""
        if not self.heard:
            return "the machine did not ask for one"
        asked = ", ".join(f"{count} {kind.name}" for kind, count in sorted(self.heard.items()))
        return f"it asked ({asked}) and was answered {self.answers} times"

    def advice(self) -> str:
        """Which of the policy's rules to look at when there is no lease."""
        if self.heard:
            return "the answers pass the policy's prerouting and input chains like other packets"
        return (
            "its questions (UDP from 0.0.0.0 port 68 to 255.255.255.255 port 67) pass the output and postrouting "
            "chains and, when a route names the Iface, forward: let them through there"
        )


def is_clients(packet: bytes) -> bool:
    """Whether `packet` is one that a DHCP client sends."""
    found = parse_datagram(packet)
    return found is not None and (found.sport, found.dport) == (CLIENT_PORT, SERVER_PORT)


def _parse(octets: bytes) -> _Message | None:
    if len(octets) < _FIXED + 4 or octets[:3] != b"\x01\x01\x06" or octets[_FIXED : _FIXED + 4] != _COOKIE:
        return None
    options = _options(octets[_FIXED + 4 :])
    kind = options.get(_TYPE, b"")
    if len(kind) != 1 or kind[0] not in Kind.__members__.values():
        return None
    current = int.from_bytes(octets[12:16], "big")
    return _Message(Kind(kind[0]), octets[4:8], bool(octets[10] & 0x80), current, octets[28:44], options)


def _options(octets: bytes) -> dict[int, bytes]:
    """The options up to the end, or to one that is cut short; of one that comes twice the first."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(octets) and octets[at] != _END:
        if octets[at] == _PAD:
            at += 1
            continue
        length = octets[at + 1] if at + 1 < len(octets) else 0xFFFF
        if at + 2 + length > len(octets):
            break
        found.setdefault(octets[at], octets[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def _octets(address: int) -> bytes:
    return address.to_bytes(4, "big")
