"""How values of fields are written for people: addresses dotted, known numbers by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from naclc.net.fields import NO_IFACE, Field, FieldType, State

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp"}
_STATES = {state.value: state.name.lower() for state in State}


def value(field: Field, number: int, ifaces: Mapping[int, str] = MappingProxyType({})) -> str:
    """`ifaces` gives the names of Ifaces by number.

    >>> from naclc.net.fields import FIELDS
    >>> value(FIELDS["ip.saddr"], 0x0A00002D), value(FIELDS["tcp.dport"], 443)
    ('10.0.0.45', '443')
    """
    match field.type:
        case FieldType.ADDR:
            return ".".join(str(octet) for octet in number.to_bytes(4, "big"))
        case FieldType.BOOL:
            return "true" if number else "false"
        case FieldType.PROTO:
            return _PROTOCOLS.get(number, str(number))
        case FieldType.STATE:
            return _STATES.get(number, str(number))
        case FieldType.FLAGS:
            return f"0x{number:02x}"
        case FieldType.IFACE:
            return ifaces.get(number, "?" if number == NO_IFACE else f"#{number}")
        case _:
            return str(number)


def interval(field: Field, first: int, last: int, ifaces: Mapping[int, str] = MappingProxyType({})) -> str:
    """One value, a CIDR where an interval of addresses is one, else both ends."""
    if first == last:
        return value(field, first, ifaces)
    size = last - first + 1
    if field.type is FieldType.ADDR and size & (size - 1) == 0 and first % size == 0:
        return f"{value(field, first)}/{32 - size.bit_length() + 1}"
    return f"{value(field, first, ifaces)}..{value(field, last, ifaces)}"
