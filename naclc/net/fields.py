"""The packet fields a policy can name: width and type, and nothing about where they lie.

Where a field lies in a header is decided three times, on purpose apart: by the interpreter, by the C++ that is
generated, and by scapy in the probes. A slip in one of them is caught by the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class FieldType(StrEnum):
    """docs/language.md section 4, "Field types"."""

    NUM = "Num"
    PORT = "Port"
    PROTO = "Proto"
    ICMP_TYPE = "IcmpType"
    FLAGS = "Flags"
    ADDR = "Addr"
    STATE = "State"
    BOOL = "Bool"
    IFACE = "If"


class State(IntEnum):
    """Values of ct.state; the numbers are ours and appear in generated code."""

    NEW = 0
    ESTABLISHED = 1
    RELATED = 2
    INVALID = 3
    UNTRACKED = 4


# An Iface that no element declares, or one the hook does not know, as a value of iface.in and iface.out.
NO_IFACE = 0xFFFF


@dataclass(frozen=True, slots=True)
class Field:
    """`name` is the canonical, lower-case spelling; values are host-order unsigned integers below 2**width.

    `protocol` is "ip", "tcp", "udp", "icmp", "ct" or "iface". `flag_bit` is set for the has-flags that are bits of
    tcp.flags (fin = 0 .. cwr = 7): they must agree with it.
    """

    name: str
    width: int
    type: FieldType
    protocol: str
    flag_bit: int | None = None

    def __repr__(self) -> str:
        return self.name


_NUMBERS = {
    "ip.version": 4,
    "ip.hdrlength": 6,
    "ip.dscp": 6,
    "ip.ecn": 2,
    "ip.length": 16,
    "ip.id": 16,
    "ip.frag-off": 13,
    "ip.ttl": 8,
    "ip.checksum": 16,
    "tcp.sequence": 32,
    "tcp.ackseq": 32,
    "tcp.doff": 4,
    "tcp.reserved": 3,
    "tcp.window": 16,
    "tcp.checksum": 16,
    "tcp.urgptr": 16,
    "udp.length": 16,
    "udp.checksum": 16,
    "icmp.code": 8,
}
_OTHERS = {
    "ip.protocol": (8, FieldType.PROTO),
    "ip.saddr": (32, FieldType.ADDR),
    "ip.daddr": (32, FieldType.ADDR),
    "tcp.sport": (16, FieldType.PORT),
    "tcp.dport": (16, FieldType.PORT),
    "udp.sport": (16, FieldType.PORT),
    "udp.dport": (16, FieldType.PORT),
    "tcp.flags": (8, FieldType.FLAGS),
    "icmp.type": (8, FieldType.ICMP_TYPE),
    "ct.state": (3, FieldType.STATE),
    "iface.in": (16, FieldType.IFACE),
    "iface.out": (16, FieldType.IFACE),
}
_FLAG_NAMES = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns")


def _table() -> dict[str, Field]:
    fields = [Field(name, width, FieldType.NUM, name.split(".")[0]) for name, width in _NUMBERS.items()]
    fields += [Field(name, width, kind, name.split(".")[0]) for name, (width, kind) in _OTHERS.items()]
    fields += [
        Field(f"tcp.has-{flag}", 1, FieldType.BOOL, "tcp", bit if bit < 8 else None)
        for bit, flag in enumerate(_FLAG_NAMES)
    ]
    return {field.name: field for field in fields}


FIELDS: dict[str, Field] = _table()

# IANA protocol numbers of the contexts a function can have.
PROTOCOL_NUMBERS = {"ICMP": 1, "TCP": 6, "UDP": 17}
