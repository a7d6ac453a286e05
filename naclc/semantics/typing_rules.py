"""Which values may be compared with which (docs/language.md section 4, the table of legal comparisons)."""

from __future__ import annotations

import operator
from collections.abc import Callable

from naclc.net.fields import FieldType
from naclc.semantics.values import Sort

EQUAL = frozenset({"==", "!="})
ORDER = EQUAL | {"<", "<=", ">", ">="}
MIRROR = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

EVALUATE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_NAMES = {FieldType.PORT: Sort.PORT, FieldType.PROTO: Sort.PROTO, FieldType.ICMP_TYPE: Sort.ICMP}

# (left side, right side) -> operators
_LEGAL: dict[tuple[FieldType, Sort], frozenset[str]] = {
    (FieldType.NUM, Sort.INT): ORDER | {"in"},
    (FieldType.FLAGS, Sort.INT): EQUAL | {"in"},
    (FieldType.FLAGS, Sort.FLAG): EQUAL | {"in"},
    (FieldType.STATE, Sort.STATE): EQUAL | {"in"},
    (FieldType.ADDR, Sort.ADDR): ORDER | {"in"},
    (FieldType.BOOL, Sort.BOOL): EQUAL,
    (FieldType.IFACE, Sort.IFACE): EQUAL | {"in"},
    (FieldType.NUM, Sort.INT_RANGE): frozenset({"in"}),
    (FieldType.ADDR, Sort.ADDR_RANGE): frozenset({"in"}),
    (FieldType.ADDR, Sort.CIDR): frozenset({"in"}),
}
for _type, _name in _NAMES.items():
    _LEGAL[_type, Sort.INT] = ORDER | {"in"}
    _LEGAL[_type, _name] = ORDER | {"in"}
    _LEGAL[_type, Sort.INT_RANGE] = frozenset({"in"})

_SAME_FIELD = {
    FieldType.FLAGS: EQUAL,
    FieldType.STATE: EQUAL,
    FieldType.BOOL: EQUAL,
    FieldType.IFACE: EQUAL,
}

# A constant on the left side is read like a field of this type.
_LIKE = {
    Sort.INT: FieldType.NUM,
    Sort.PORT: FieldType.PORT,
    Sort.PROTO: FieldType.PROTO,
    Sort.ICMP: FieldType.ICMP_TYPE,
    Sort.FLAG: FieldType.FLAGS,
    Sort.STATE: FieldType.STATE,
    Sort.ADDR: FieldType.ADDR,
    Sort.BOOL: FieldType.BOOL,
    Sort.IFACE: FieldType.IFACE,
}

_WANTED = {
    FieldType.NUM: "a number",
    FieldType.PORT: "a number or a port name",
    FieldType.PROTO: "a number or a protocol name",
    FieldType.ICMP_TYPE: "a number or an ICMP type name",
    FieldType.FLAGS: "a number or a TCP flag name",
    FieldType.ADDR: "an address",
    FieldType.STATE: "a connection state",
    FieldType.BOOL: "true or false",
    FieldType.IFACE: "the name of an Iface",
}

NONE: frozenset[str] = frozenset()


def with_constant(field: FieldType, constant: Sort) -> frozenset[str]:
    """The operators between a field (left) and a constant or a leaf of a set (right); `in` stands for leaves."""
    return _LEGAL.get((field, constant), NONE)


def between_fields(left: FieldType, right: FieldType) -> frozenset[str]:
    return _SAME_FIELD.get(left, ORDER) if left is right else NONE


def between_constants(left: Sort, right: Sort) -> frozenset[str]:
    """As the table says in either direction; `in` for a leaf on the right."""
    forth = with_constant(_LIKE[left], right) if left in _LIKE else NONE
    back = with_constant(_LIKE[right], left) if right in _LIKE else NONE
    return forth | back


def wanted(field: FieldType) -> str:
    """What may stand beside a field of this type, for messages."""
    return _WANTED[field]
