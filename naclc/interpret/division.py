"""A packet that is longer than a frame holds leaves in fragments: docs/language.md 8.1 step (S6), RFC 791 3.2."""

from __future__ import annotations

from naclc.interpret import header

MTU = 1500  # octets of an IP packet, on every Iface
_DATA = MTU - header.IPV4_HEADER  # octets of data in a fragment but the last: a multiple of 8
_UNIT = 8  # octets: what an offset counts
_MORE_FRAGMENTS = 0x2000  # of the word that holds flags and offset


def pieces(packet: bytes) -> tuple[bytes, ...]:
    """`packet` as it is sent: itself when it fits or is not to be divided (don't-fragment, options, a fragment)."""
    if len(packet) <= MTU or header.hdrlength(packet) != header.IPV4_HEADER or packet[6:8] != bytes(2):
        return (packet,)
    start, data = packet[: header.IPV4_HEADER], packet[header.IPV4_HEADER :]
    return tuple(_piece(start, data, at) for at in range(0, len(data), _DATA))


def _piece(start: bytes, data: bytes, at: int) -> bytes:
    part = data[at : at + _DATA]
    length = (header.IPV4_HEADER + len(part)).to_bytes(2, "big")
    place = (at // _UNIT | (_MORE_FRAGMENTS if at + _DATA < len(data) else 0)).to_bytes(2, "big")
    bare = start[:2] + length + start[4:6] + place + start[8:10] + bytes(2) + start[12:]
    return bare[:10] + header.checksum(bare).to_bytes(2, "big") + bare[12:] + part
