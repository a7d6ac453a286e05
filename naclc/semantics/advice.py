"""What cures a value of the wrong kind: the help of errors about keys, comparisons and sets.

Every example is good as it stands: whoever writes it in the place of what was refused has a policy without this error.
"""

from __future__ import annotations

import re

from naclc.net.fields import Field, FieldType
from naclc.semantics.scope import Scope
from naclc.semantics.values import ElementKind, Sort, Value

_POOL = "[{ address: 10.0.0.2, port: 80 }]"
_SERVERS = f"{{ iface: eth1, algorithm: round_robin, pool: {_POOL} }}"
# A value for each key of a typed element, whichever it is.
_OF_KEY = {
    "index": "0",
    "vlan": "10",
    "config": "dhcp",
    "address": "192.0.2.1",
    "netmask": "255.255.255.0",
    "gateway": "192.0.2.254",
    "dns": "192.0.2.53",
    "net": "10.0.0.0",
    "host": "10.0.0.1",
    "nexthop": "192.0.2.254",
    "untracked": "drop",
    "timeout": "{ established: { tcp: 300 } }",
    "established": "{ tcp: 300 }",
    "confirmed": "{ tcp: 30 }",
    "unconfirmed": "{ tcp: 10 }",
    "layer": "tcp",
    "clients": "{ iface: eth0, port: 80 }",
    "servers": _SERVERS,
    "algorithm": "round_robin",
    "pool": _POOL,
    "port": "514",
    "data": "[cpu, memory]",
}
_BOOLS = frozenset({"masquerade", "send_time_exceeded", "stateful_tcp", "active_check"})
_CHAINS = frozenset({"prerouting", "input", "output", "postrouting", "forward"})

_OF_FIELD = {
    FieldType.NUM: "{} == 1",
    FieldType.PORT: "{} == 443",
    FieldType.PROTO: "{} == udp",
    FieldType.ICMP_TYPE: "{} == echo-request",
    FieldType.FLAGS: "{} == syn",
    FieldType.ADDR: "{} == 192.0.2.1",
    FieldType.STATE: "{} == established",
    FieldType.BOOL: "{} == true",
}
_SET_OF_FIELD = {
    FieldType.NUM: "{} in [1, 2]",
    FieldType.PORT: "{} in [80, 443]",
    FieldType.PROTO: "{} in [tcp, udp]",
    FieldType.ICMP_TYPE: "{} in [echo-request, echo-reply]",
    FieldType.FLAGS: "{} in [syn, ack]",
    FieldType.ADDR: "{} in [192.0.2.1, 198.51.100.0/24]",
    FieldType.STATE: "{} in [new, established]",
}
# The fields that a kind of value is there for.
_PARTNERS = {
    Sort.PORT: "`tcp.dport` or `udp.dport`",
    Sort.PROTO: "`ip.protocol`",
    Sort.ICMP: "`icmp.type`",
    Sort.FLAG: "`tcp.flags`",
    Sort.STATE: "`ct.state`",
    Sort.ADDR: "`ip.saddr` or `ip.daddr`",
    Sort.CIDR: "`ip.saddr` or `ip.daddr`",
    Sort.ADDR_RANGE: "`ip.saddr` or `ip.daddr`",
    Sort.IFACE: "`iface.in` or `iface.out`",
}


def example(scope: Scope, key: str) -> str:
    """`key: value` as a typed element may have it; names are those of the policy where it has some."""
    if key in _CHAINS:
        return f"{key}: {_first(scope, ElementKind.FUNCTION, 'inbound')}"
    if key == "iface":
        return f"iface: {_first(scope, ElementKind.IFACE, 'eth0')}"
    return f"{key}: {'true' if key in _BOOLS else _OF_KEY.get(key, '10')}"


def for_key(scope: Scope, key: str, value: Value) -> str:
    """What cures `value`, which `key` does not take."""
    if key in _CHAINS and not any(scope.names(ElementKind.FUNCTION)):
        return f"declare a function, as in `Filter::IP inbound {{ drop }}`, and write `{key}: inbound`"
    shown = example(scope, key)
    if value.sort is Sort.STRING and _alike(shown.removeprefix(f"{key}: "), value.text):
        return f"write `{key}: {value.text}`, without quotes"
    quotes = ", without quotes" if value.sort is Sort.STRING else ""
    return f"as in `{shown}`{quotes}"


def for_field(scope: Scope, field: Field, value: Value, *, in_set: bool = False) -> str:
    """What cures a comparison of `field` with `value`."""
    if value.sort in _PARTNERS and field.type is not FieldType.BOOL:
        name = f"`{value.span.text}`" if value.sort is not Sort.ADDR_RANGE else "it"
        return f"{name} is compared with {_PARTNERS[value.sort]}"
    if field.type is FieldType.IFACE:
        name = _first(scope, ElementKind.IFACE, "eth0")
        return f"as in `{field.name} in [{name}]`" if in_set else f"as in `{field.name} == {name}`"
    forms = _SET_OF_FIELD if in_set and field.type in _SET_OF_FIELD else _OF_FIELD
    if value.sort is Sort.STRING and not in_set and _alike(forms[field.type].split()[-1], value.text):
        return f"write `{value.text}`, without quotes"
    quotes = ", without quotes" if value.sort is Sort.STRING else ""
    return f"as in `{forms[field.type].format(field.name)}`{quotes}"


def _alike(one: str, other: str) -> bool:
    """Whether both are numbers, addresses, or `true` and `false`."""
    forms = (r"0|[1-9][0-9]{0,9}", r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})", r"true|false")
    return any(re.fullmatch(form, one) and re.fullmatch(form, other) for form in forms)


def as_condition(value: Value) -> str:
    """What cures a value that stands where a condition is wanted."""
    text = value.span.text
    if value.sort is Sort.FUNCTION:
        return f"call it as a statement of its own: `{text}`"
    if value.sort is Sort.IFACE:
        return f"compare an Iface field with it, as in `iface.in == {text}`"
    if value.sort in (Sort.LIST, Sort.OBJECT, Sort.INT_RANGE, Sort.CIDR, Sort.ADDR_RANGE):
        return "test whether a field is in it, as in `tcp.dport in [80, 443]` or `ip.saddr in 198.51.100.0/24`"
    if value.sort in _PARTNERS:
        return f"compare {_PARTNERS[value.sort]} with it"
    return "compare a packet field with it, as in `ip.ttl == 64`"


def not_a_value(value: Value) -> str:
    """What cures an element in the place of a value."""
    if value.sort is Sort.FUNCTION:
        return "a function is called as a statement of its own, or attached to a chain"
    return f"use a member of it that is a plain value, or a constant, instead of `{value.span.text}`"


def not_a_set(field: Field | None, value: Value) -> str:
    """What cures an element in the place of a set, of which `field` is to be a member."""
    name = value.span.text
    if value.sort is Sort.IFACE and (field is None or field.type is FieldType.ADDR):
        return f"write its address, `[{name}.address]`, or its subnet, as in `192.0.2.0/24`"
    if value.sort is Sort.IFACE and field is not None and field.type is FieldType.IFACE:
        return f"write a list, as in `{field.name} in [{name}]`"
    return "write the values themselves, as in `[80, 443]`, or the name of a constant that has them"


def no_set(value: Value) -> str:
    """What cures a single value behind `in`."""
    if value.sort is Sort.STRING and re.fullmatch(r"[0-9][0-9., /-]*", value.text):
        return "sets are written without quotes, as in `80-90`, `[80, 443]` or `192.0.2.0/24`"
    return "use `==`"


def _first(scope: Scope, kind: ElementKind, otherwise: str) -> str:
    return next(iter(scope.names(kind)), otherwise)
