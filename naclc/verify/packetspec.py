"""Packets as a tests file writes them: which keys there are, what they may hold, and the values found.

A spec is a set of named values, in no wire format: naclc.verify.packets makes packets of it and compares packets
with it. Keys of a transport carry its name in front: `tcp.dport`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from naclc.net.constants import FLAGS

Value = int | bytes | bool


class Shape(StrEnum):
    """How a value is written."""

    ADDRESS = "an IPv4 address"
    NUMBER = "a number"
    BOOL = "true or false"
    HEX = "octets in hexadecimal"
    PROTOCOL = "a protocol number or name"
    PORT = "a port number or name"
    ICMP_TYPE = "an ICMP type number or name"
    FLAGS = "a list of TCP flags"


@dataclass(frozen=True, slots=True)
class Key:
    """`largest`: the largest number allowed; for HEX the most octets."""

    shape: Shape
    largest: int = 0


IP_KEYS: dict[str, Key] = {
    "src": Key(Shape.ADDRESS),
    "dst": Key(Shape.ADDRESS),
    "ttl": Key(Shape.NUMBER, 255),
    "id": Key(Shape.NUMBER, 0xFFFF),
    "dscp": Key(Shape.NUMBER, 63),
    "ecn": Key(Shape.NUMBER, 3),
    "frag-off": Key(Shape.NUMBER, 0x1FFF),
    "more-fragments": Key(Shape.BOOL),
    "dont-fragment": Key(Shape.BOOL),
    "options": Key(Shape.HEX, 40),
    "length": Key(Shape.NUMBER, 0xFFFF),
    "checksum": Key(Shape.NUMBER, 0xFFFF),
    "transport-checksum": Key(Shape.NUMBER, 0xFFFF),
    "protocol": Key(Shape.PROTOCOL, 255),
    "payload": Key(Shape.HEX, 1480),
}

TRANSPORT_KEYS: dict[str, dict[str, Key]] = {
    "tcp": {
        "sport": Key(Shape.PORT, 0xFFFF),
        "dport": Key(Shape.PORT, 0xFFFF),
        "flags": Key(Shape.FLAGS, 0x1FF),
        "sequence": Key(Shape.NUMBER, 0xFFFFFFFF),
        "ackseq": Key(Shape.NUMBER, 0xFFFFFFFF),
        "window": Key(Shape.NUMBER, 0xFFFF),
        "doff": Key(Shape.NUMBER, 15),
        "reserved": Key(Shape.NUMBER, 7),
        "urgptr": Key(Shape.NUMBER, 0xFFFF),
    },
    "udp": {
        "sport": Key(Shape.PORT, 0xFFFF),
        "dport": Key(Shape.PORT, 0xFFFF),
    },
    "icmp": {
        "type": Key(Shape.ICMP_TYPE, 255),
        "code": Key(Shape.NUMBER, 255),
        "id": Key(Shape.NUMBER, 0xFFFF),
        "seq": Key(Shape.NUMBER, 0xFFFF),
    },
}

TRANSPORT_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}


@dataclass(frozen=True, slots=True)
class PacketSpec:
    """`transport` is "tcp", "udp", "icmp" or None; `values` holds what was written, by key.

    Numbers are in host order, addresses as integers, `options` and `payload` as octets. With `raw` the packet is
    those octets and there is nothing else.
    """

    transport: str | None = None
    values: dict[str, Value] = field(default_factory=dict)
    raw: bytes | None = None

    def number(self, key: str, otherwise: int) -> int:
        """The number under `key`, or `otherwise` when it was not written."""
        value = self.values.get(key, otherwise)
        return int(value) if not isinstance(value, bytes) else otherwise

    def octets(self, key: str) -> bytes:
        value = self.values.get(key, b"")
        return value if isinstance(value, bytes) else b""


def flag_names(flags: int) -> str:
    """`syn,ack`; `none` when no flag is set."""
    return ",".join(name for name, bit in FLAGS.items() if flags & bit) or "none"
