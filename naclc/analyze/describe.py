"""A set of packets in words: what each field of theirs can hold, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from naclc.decision.intervals import Intervals
from naclc.decision.notation import interval
from naclc.decision.symbolic import Symbols
from naclc.net.fields import FIELDS, Field, FieldType

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

_MOST = 6  # intervals of a field that are written out
_ALWAYS = {"ip.protocol", "ip.saddr", "ip.daddr", "ct.state"}
_SHORT_LIVED = 8  # hops: a TTL that nobody tests is told of packets that have fewer left only
_NEVER = {"ip.version", "ip.hdrlength", "iface.in", "iface.out"}  # go without saying, or are said elsewhere


class Words:
    """Says what packets are among `base`, which go without saying, by the fields that `tested` holds and the most
    usual ones."""

    def __init__(self, base: BDDFunction, tested: Iterable[Field], symbols: Symbols) -> None:
        self._symbols = symbols
        asked = {field.name for field in tested}
        self._ttl_counts = "ip.ttl" in asked
        names = (_ALWAYS | {"ip.ttl"} | asked) - _NEVER
        self._fields = [f for f in FIELDS.values() if f.name in names and f.flag_bit is None and symbols.has(f)]
        self._base = {field.name: symbols.values(base, field, _MOST) for field in self._fields}

    def of(self, packets: BDDFunction) -> tuple[str, ...]:
        """`ip.saddr 10.0.0.0/24`, `tcp.dport 22, 80..90`, `ip.daddr not 192.0.2.1`: for each field that `packets` hold
        other values of than `base`.

        The words say what each field can hold by itself: all of `packets` are among those so described, and others may
        be.
        """
        words = []
        for field in self._fields:
            found = self._symbols.values(packets, field, 2 * _MOST)
            if found is None:
                words.append(f"{field.name} some")
            elif field.name == "ip.ttl" and not self._ttl_counts and found[-1][1] >= _SHORT_LIVED:
                continue
            elif found != self._base[field.name]:
                words.append(f"{field.name} {_written(field, found)}")
        return tuple(words)


def _written(field: Field, found: Intervals) -> str:
    listed = _listed(field, found)
    other = _listed(field, _complement(found, field.width))
    if len(other) < len(listed) and len(other) <= _MOST and field.type is not FieldType.STATE:
        return f"not {', '.join(other)}"
    return ", ".join(listed) if len(listed) <= _MOST else "some"


def _complement(found: Intervals, width: int) -> Intervals:
    starts = [0, *(last + 1 for _, last in found)]
    ends = [*(first - 1 for first, _ in found), (1 << width) - 1]
    return tuple((first, last) for first, last in zip(starts, ends, strict=True) if first <= last)


def _listed(field: Field, found: Intervals) -> list[str]:
    if field.type in (FieldType.STATE, FieldType.PROTO):
        short = [value for first, last in found for value in range(first, min(last, first + 2) + 1)]
        if len(short) == sum(last - first + 1 for first, last in found):
            return [interval(field, value, value) for value in short]
    return [part for first, last in found for part in _networks(field, first, last)]


def _networks(field: Field, first: int, last: int) -> list[str]:
    """An interval of addresses as CIDRs where two will do."""
    parts: list[tuple[int, int]] = []
    at = first
    while field.type is FieldType.ADDR and at <= last and len(parts) <= 2:
        size = min(at & -at or 1 << 32, 1 << (last - at + 1).bit_length() - 1)
        parts.append((at, at + size - 1))
        at += size
    if not parts or len(parts) > 2:
        return [interval(field, first, last)]
    return [interval(field, *part) for part in parts]
