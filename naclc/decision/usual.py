"""Of many packets one that looks like what people see every day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from naclc.decision.symbolic import Symbols
from naclc.decision.witness import DEFAULTS
from naclc.net.fields import FIELDS

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction


def usual(packets: BDDFunction, symbols: Symbols) -> BDDFunction:
    """Some of `packets`, which are not none: with usual values in as many fields as can be, and room for headers."""
    values = {FIELDS[name]: value for name, value in DEFAULTS.items() if symbols.has(FIELDS[name])}
    living = symbols.member(FIELDS["ip.ttl"], ((1, 255),))
    wishes = [
        symbols.transport,
        symbols.guard("TCP"),
        living,
        *(symbols.member(field, _one(values[field])) for field in values),
    ]
    length = FIELDS["ip.length"]
    if symbols.has(length):
        wishes = [symbols.member(length, ((84, 1500),)), symbols.member(length, ((84, 0xFFFF),)), *wishes]
    for wish in wishes:
        if (packets & wish).satisfiable():
            packets = packets & wish
    return packets


def _one(value: int) -> tuple[tuple[int, int], ...]:
    return ((value, value),)
