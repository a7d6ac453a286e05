"""Fragments for the machine itself become datagrams: docs/language.md 8.1 step (5).

    fragment ─▶ take ─▶ Waiting by (Iface, source, destination, protocol, id) ─▶ the whole datagram, or a Reason

Memory is bounded: DATAGRAMS unfinished ones of 65,515 octets at most. References: RFC 791 3.2 (reassembly), RFC 1858
and RFC 5722 (why what overlaps is thrown away as a whole).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from naclc.interpret import header
from naclc.interpret.events import Reason

DATAGRAMS = 16  # that may be unfinished at a time
TIMEOUT = 30  # seconds from the first fragment that came
_LONGEST = 0xFFFF - header.IPV4_HEADER  # octets of data in a datagram without options
_UNIT = 8  # octets


class _Key(NamedTuple):
    """What the fragments of one datagram have in common."""

    iface: int
    source: int
    destination: int
    protocol: int
    identification: int


@dataclass(slots=True)
class _Waiting:
    """The pieces of one datagram by their place in its data; no two share an octet.

    `start` is when the first one came; `end` the length of the data, once the last piece has told it; `first` the
    packet with offset 0.
    """

    start: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    end: int | None = None
    first: bytes | None = None

    def fits(self, at: int, data: bytes, more: bool) -> bool:
        """Whether data at `at`, followed by `more` or not, contradicts no piece."""
        end = at + len(data)
        if self.end is not None and (end > self.end or not more):
            return False
        reach = max((place + len(piece) for place, piece in self.pieces.items()), default=0)
        if not more and reach > end:
            return False
        return all(place >= end or place + len(piece) <= at for place, piece in self.pieces.items())

    def complete(self) -> bool:
        return self.first is not None and sum(map(len, self.pieces.values())) == self.end


class Reassembly:
    """The unfinished datagrams of one machine, the oldest first."""

    def __init__(self, datagrams: int = DATAGRAMS) -> None:
        self._most = datagrams
        self._waiting: dict[_Key, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, iface: int, fragment: bytes, now: int) -> bytes | Reason | None:
        """Keep `fragment`, a packet cut to its total length that arrived on Iface number `iface`.

        Returns:
            The datagram that it made whole: a header of 20 octets, offset 0, no flags, checksum 0, everything else as
            in the fragment with offset 0. None: the rest is waited for. A Reason: the fragment is dropped, and for
            FRAGMENT_OVERLAP and FRAGMENT_TOO_LONG all that came of its datagram.
        """
        at, data = header.fragment_offset(fragment) * _UNIT, fragment[header.hdrlength(fragment) :]
        more = bool(header.flags(fragment) & header.MORE_FRAGMENTS)
        if not data or (more and len(data) % _UNIT):
            return Reason.FRAGMENT_MALFORMED
        key = _key(iface, fragment)
        if at + len(data) > _LONGEST:
            self._waiting.pop(key, None)
            return Reason.FRAGMENT_TOO_LONG
        waiting = self._waiting.setdefault(key, _Waiting(now))
        if waiting.pieces.get(at) == data and more is (at + len(data) != waiting.end):
            return None  # it came twice
        if not waiting.fits(at, data, more):
            del self._waiting[key]
            return Reason.FRAGMENT_OVERLAP
        waiting.pieces[at] = data
        if not more:
            waiting.end = at + len(data)
        if at == 0:
            waiting.first = fragment
        return self._finish(key, waiting)

    def overflow(self) -> int | None:
        """Give up a datagram when there is one too many: the oldest of the source that has the most, so that who floods
        loses his own. Returns the Iface number of the one given up."""
        if len(self._waiting) <= self._most:
            return None
        from_source = Counter(key.source for key in self._waiting)
        victim = max(self._waiting, key=lambda key: from_source[key.source])  # of several the first, the oldest
        del self._waiting[victim]
        return victim.iface

    def expire(self, now: int) -> tuple[int, ...]:
        """Give up what has waited too long; the Iface numbers of the datagrams given up, oldest first."""
        late = [key for key, waiting in self._waiting.items() if now - waiting.start >= TIMEOUT]
        for key in late:
            del self._waiting[key]
        return tuple(key.iface for key in late)

    def _finish(self, key: _Key, waiting: _Waiting) -> bytes | None:
        if not waiting.complete():
            return None
        del self._waiting[key]
        assert waiting.first is not None
        data = b"".join(piece for _, piece in sorted(waiting.pieces.items()))
        return _datagram(waiting.first, data)


def _key(iface: int, fragment: bytes) -> _Key:
    return _Key(
        iface,
        header.source(fragment),
        header.destination(fragment),
        header.protocol(fragment),
        header.read_field(fragment, "ip.id"),
    )


def _datagram(first: bytes, data: bytes) -> bytes:
    length = (header.IPV4_HEADER + len(data)).to_bytes(2, "big")
    return b"\x45" + first[1:2] + length + first[4:6] + bytes(2) + first[8:10] + bytes(2) + first[12:20] + data
