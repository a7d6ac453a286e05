"""What other firewalls call what NaCl has: no spelling is near, but everybody knows what is meant."""

from __future__ import annotations

_ACTIONS = {
    **dict.fromkeys(("allow", "pass", "permit"), "write `accept`"),
    **dict.fromkeys(("block", "deny", "discard"), "write `drop`"),
    "reject": "write `drop`: nobody is told about it",
    **dict.fromkeys(("dnat_to", "redirect"), "write `dnat(address, port)` in a Nat"),
    "masquerade": "write `masquerade: true` in the Iface by which packets leave",
    "return": "leave it out: a function that ends without a verdict goes on where it was called",
}
_VALUES = {
    **dict.fromkeys(("enable", "enabled", "on", "yes"), "write `true`"),
    **dict.fromkeys(("disable", "disabled", "no", "off"), "write `false`"),
    **dict.fromkeys(("all", "any", "anywhere"), "leave the test out: without it every packet is meant"),
    "ping": "write `echo-request`",
    "pong": "write `echo-reply`",
}
_FIELDS = {
    **dict.fromkeys(("ip.dst", "ip.dest", "ip.destination"), "write `ip.daddr`"),
    **dict.fromkeys(("ip.src", "ip.source"), "write `ip.saddr`"),
    "ip.proto": "write `ip.protocol`",
    "tcp.port": "write `tcp.sport` or `tcp.dport`",
    "udp.port": "write `udp.sport` or `udp.dport`",
}


def of_action(name: str) -> str | None:
    """What cures `name` in the place of an action; None when nothing is known about it."""
    return _ACTIONS.get(name.lower())


def of_value(name: str) -> str | None:
    """What cures `name` in the place of a value."""
    return _VALUES.get(name.lower())


def of_field(name: str) -> str | None:
    """What cures `name` in the place of a packet field."""
    return _FIELDS.get(name.lower())
