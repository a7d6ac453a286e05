"""Ports that masquerading picks: each machine picks its own (docs/language.md 8.6), so that the same flow is one thing
for the interpreter and another for the machine beside it.

    interpreter   10.0.0.5:7 ──▶ 192.0.2.1:49152      machine   10.0.0.5:7 ──▶ 192.0.2.1:51000
    learned       udp 192.0.2.1: 49152 here is 51000 there

A pair is learned from the first packet that differs in nothing else, and holds from then on: the same flow must keep
its port, and two flows must not share one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from naclc.interpret.translation import MASQUERADE_PORTS
from naclc.pipeline.pipeline import Pipeline
from naclc.verify.executor import Sent

_ICMP, _TCP, _UDP = 1, 6, 17
_CHECKSUM_AT = {_TCP: 16, _UDP: 6}
_QUOTING = (3, 4, 5, 11, 12)  # ICMP messages that hold the start of another packet


class _Place(NamedTuple):
    """A port of one of the machine's addresses."""

    protocol: int
    address: int
    port: int


class MasqueradePorts:
    """What the interpreter's port is on the other machine, for one session of both."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._hiding = {i.name: i.address for i in pipeline.ifaces if i.masquerade and i.address is not None}
        self._there: dict[_Place, int] = {}
        self._here: dict[_Place, int] = {}
        self._old: set[_Place] = set()  # pairs (by the interpreter's port) that time may have ended

    def time_passed(self) -> None:
        """Flows may be gone by now, and their ports be given to others."""
        self._old = set(self._there)

    def there(self, packet: bytes) -> bytes:
        """`packet`, which names the interpreter's ports, as the other machine has to see it."""
        return _renamed(packet, self._there) if self._there else packet

    def here(self, truth: Sequence[Sent], seen: Sequence[Sent]) -> tuple[Sent, ...]:
        """`seen` with the interpreter's ports, as far as `truth` shows or has shown what they are."""
        if not self._hiding:
            return tuple(seen)
        lacking = Counter(truth)
        result = []
        for sent in seen:
            renamed = replace(sent, packet=_renamed(sent.packet, self._here))
            if not lacking[renamed]:
                renamed = self._learned(sent, +lacking) or renamed
            lacking[renamed] -= 1
            result.append(renamed)
        return tuple(result)

    def _learned(self, sent: Sent, lacking: Iterable[Sent]) -> Sent | None:
        """`sent` as the packet of `lacking` that it is but for its port."""
        theirs = _source(sent, self._hiding)
        for truth in lacking:
            ours = _source(truth, self._hiding)
            if theirs is None or ours is None or truth.iface != sent.iface or ours[:2] != theirs[:2]:
                continue
            free = (ours not in self._there or ours in self._old) and self._is_free(theirs)
            if free and ours.port in MASQUERADE_PORTS:
                renamed = replace(sent, packet=_renamed(sent.packet, {theirs: ours.port}))
                if _same_but_id(renamed, truth):
                    self._pair(ours, theirs)
                    return renamed
        return None

    def _is_free(self, theirs: _Place) -> bool:
        holder = self._here.get(theirs)
        return holder is None or theirs._replace(port=holder) in self._old

    def _pair(self, ours: _Place, theirs: _Place) -> None:
        self._here.pop(ours._replace(port=self._there.pop(ours, 0)), None)
        self._there.pop(theirs._replace(port=self._here.pop(theirs, 0)), None)
        self._there[ours], self._here[theirs] = theirs.port, ours.port
        self._old.discard(ours)


def _same_but_id(one: Sent, other: Sent) -> bool:
    return one.next_hop in (other.next_hop, None) and one.packet == other.packet


def _source(sent: Sent, hiding: Mapping[str, int]) -> _Place | None:
    """Where a packet that may be masqueraded comes from; None: it is not."""
    packet = sent.packet
    start = _transport(packet)
    address = int.from_bytes(packet[12:16], "big")
    if start is None or packet[9] not in _CHECKSUM_AT or hiding.get(sent.iface) != address:
        return None
    return _Place(packet[9], address, int.from_bytes(packet[start : start + 2], "big"))


def _transport(packet: bytes) -> int | None:
    """Where the transport header begins; None when there is none, or too little of it."""
    if len(packet) < 20 or packet[0] >> 4 != 4 or int.from_bytes(packet[6:8], "big") & 0x1FFF:
        return None
    start = (packet[0] & 15) * 4
    return start if start >= 20 and len(packet) >= start + 8 else None


def _renamed(packet: bytes, ports: Mapping[_Place, int]) -> bytes:
    """`packet` with other ports, also in the packet that an ICMP error quotes; right checksums stay right, and wrong
    ones wrong."""
    octets = bytearray(packet)
    start = _transport(packet)
    if start is None:
        return packet
    if packet[9] == _ICMP and packet[start] in _QUOTING:
        quoted = start + 8
        inner = _transport(packet[quoted:])
        if inner is not None:
            _rename(octets, quoted, quoted + inner, ports, start + 2)
    else:
        _rename(octets, 0, start, ports, None)
    return bytes(octets)


def _rename(octets: bytearray, ip: int, transport: int, ports: Mapping[_Place, int], around: int | None) -> None:
    """Rename the ports of the packet at `ip`; `around` is the place of a checksum that covers all of it."""
    protocol = octets[ip + 9]
    if protocol not in _CHECKSUM_AT:
        return
    own = transport + _CHECKSUM_AT[protocol]
    for address_at, port_at in ((ip + 12, transport), (ip + 16, transport + 2)):
        address = int.from_bytes(octets[address_at : address_at + 4], "big")
        place = _Place(protocol, address, int.from_bytes(octets[port_at : port_at + 2], "big"))
        if place not in ports:
            continue
        before = bytes(octets)
        octets[port_at : port_at + 2] = ports[place].to_bytes(2, "big")
        if own + 2 <= len(octets) and before[own : own + 2] != b"\0\0":
            _update(octets, own, before, (port_at,), protocol == _UDP)
        if around is not None:
            _update(octets, around, before, (port_at, own), zero_is_none=False)


def _update(octets: bytearray, at: int, before: bytes, changed: tuple[int, ...], zero_is_none: bool) -> None:
    """The checksum at `at`, after the words at `changed` have changed (RFC 1624)."""
    total = ~int.from_bytes(before[at : at + 2], "big") & 0xFFFF
    for place in changed:
        if place + 2 <= len(before):
            total += ~int.from_bytes(before[place : place + 2], "big") & 0xFFFF
            total += int.from_bytes(octets[place : place + 2], "big")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    checksum = ~total & 0xFFFF
    octets[at : at + 2] = (checksum or (0xFFFF if zero_is_none else 0)).to_bytes(2, "big")
