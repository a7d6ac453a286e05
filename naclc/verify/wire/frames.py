"""Ethernet II, VLAN tags and ARP, as much as a tester needs.

References: RFC 894 (IPv4 in Ethernet), RFC 826 (ARP), RFC 5227 (ARP probe: a request whose sender address is 0.0.0.0,
from which nobody learns), IEEE 802.1Q (tags).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

ETHERNET_HEADER = 14  # octets
SHORTEST_FRAME = 60  # octets without the checksum, and without a tag
TYPE_IPV4, TYPE_ARP = 0x0800, 0x0806
_TAG = b"\x81\x00"
_ADDRESSES = 12  # octets in front of a tag
BROADCAST_MAC = b"\xff" * 6

_ARP_START = b"\x00\x01\x08\x00\x06\x04"  # Ethernet, IPv4, and the lengths of their addresses
_REQUEST, _REPLY = 1, 2


@dataclass(frozen=True, slots=True)
class Arp:
    """`request` or reply. MAC addresses as 6 octets, IPv4 addresses as host-order integers."""

    request: bool
    sender_mac: bytes
    sender: int
    target_mac: bytes
    target: int


def mac_octets(mac: str) -> bytes:
    """b"\\x02..." for "02:..."."""
    return bytes.fromhex(mac.replace(":", ""))


def neighbour_mac(address: int) -> bytes:
    """The MAC address of the tester in the role of the neighbour `address`."""
    return b"\x06\x00" + address.to_bytes(4, "big")


def neighbour_of(mac: bytes) -> int | None:
    """The neighbour a frame for `mac` goes to, 255.255.255.255 for a broadcast; None: nobody here has that address."""
    if mac == BROADCAST_MAC:
        return 0xFFFFFFFF
    return int.from_bytes(mac[2:], "big") if mac[:2] == b"\x06\x00" else None


def ipv4_frame(destination: bytes, source: bytes, packet: bytes) -> bytes:
    return _padded(destination + source + TYPE_IPV4.to_bytes(2, "big") + packet)


def arp_request(source: bytes, sender: int, target: int) -> bytes:
    return _arp(BROADCAST_MAC, _REQUEST, source, sender, bytes(6), target)


def arp_reply(destination: bytes, source: bytes, sender: int, target: int) -> bytes:
    return _arp(destination, _REPLY, source, sender, destination, target)


def _arp(destination: bytes, operation: int, source: bytes, sender: int, target_mac: bytes, target: int) -> bytes:
    addresses = source + sender.to_bytes(4, "big") + target_mac + target.to_bytes(4, "big")
    ethernet = destination + source + TYPE_ARP.to_bytes(2, "big")
    return _padded(ethernet + _ARP_START + operation.to_bytes(2, "big") + addresses)


def _padded(frame: bytes) -> bytes:
    return frame.ljust(SHORTEST_FRAME, b"\0")


def tagged(frame: bytes, vlan: int | None) -> bytes:
    """`frame` with the tag of a VLAN, 0..4095; None: as it is."""
    if vlan is None:
        return frame
    return frame[:_ADDRESSES] + _TAG + vlan.to_bytes(2, "big") + frame[_ADDRESSES:]


def untagged(frame: bytes) -> tuple[int | None, bytes]:
    """The VLAN that `frame` is tagged with, None for none, and the frame without its tag."""
    if frame[_ADDRESSES : _ADDRESSES + 2] != _TAG or len(frame) < ETHERNET_HEADER + 4:
        return None, frame
    return int.from_bytes(frame[14:16], "big") & 0xFFF, frame[:_ADDRESSES] + frame[16:]


def parse_arp(frame: bytes) -> Arp | None:
    """None when `frame` is no ARP request or reply about IPv4."""
    if len(frame) < 42 or frame[12:20] != TYPE_ARP.to_bytes(2, "big") + _ARP_START:
        return None
    operation, sender_mac, sender, target_mac, target = struct.unpack_from("!H6sI6sI", frame, 20)
    if operation not in (_REQUEST, _REPLY):
        return None
    return Arp(operation == _REQUEST, sender_mac, sender, target_mac, target)


def parse_ipv4(frame: bytes) -> bytes | None:
    """The IPv4 packet in `frame`, padding cut off where its total length can be believed; None: something else."""
    if len(frame) < ETHERNET_HEADER + 20 or frame[12:14] != TYPE_IPV4.to_bytes(2, "big"):
        return None
    packet = frame[ETHERNET_HEADER:]
    length = int.from_bytes(packet[2:4], "big")
    return packet[:length] if 20 <= length <= len(packet) else packet
