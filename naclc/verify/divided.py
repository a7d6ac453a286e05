"""Fragments that left in one step, put together: who judges an answer sees the packet, not its pieces."""

from __future__ import annotations

from dataclasses import replace

from naclc.interpret import header
from naclc.interpret.reassembly import Reassembly
from naclc.verify.executor import Sent


def joined(sent: tuple[Sent, ...]) -> tuple[Sent, ...]:
    """`sent` with a packet in the place of its first piece, with its Iface and next hop, where all its pieces are
    there; other fragments stay what they are."""
    whole: dict[tuple[str, bytes], bytes] = {}
    tables: dict[str, Reassembly] = {}
    for one in sent:
        if _is_piece(one.packet):
            datagram = tables.setdefault(one.iface, Reassembly()).take(0, one.packet, 0)
            if isinstance(datagram, bytes):
                whole[one.iface, _identity(one.packet)] = _with_checksum(datagram)
    found: list[Sent] = []
    for one in sent:
        key = (one.iface, _identity(one.packet)) if _is_piece(one.packet) else None
        if key not in whole:
            found.append(one)
        elif header.fragment_offset(one.packet) == 0:
            found.append(replace(one, packet=whole[key]))
    return tuple(found)


def _is_piece(packet: bytes) -> bool:
    return len(packet) >= header.IPV4_HEADER and header.is_fragment(packet)


def _identity(packet: bytes) -> bytes:
    """Identification, protocol, source and destination: what the pieces of a packet share."""
    return packet[4:6] + packet[9:10] + packet[12:20]


def _with_checksum(packet: bytes) -> bytes:
    check = header.checksum(packet[: header.IPV4_HEADER])
    return packet[:10] + check.to_bytes(2, "big") + packet[12:]
