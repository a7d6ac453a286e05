"""The packets of a capture file."""

from __future__ import annotations

_ETHERNET, _RAW = 1, (12, 101, 228)  # link types of the pcap formats
_VLAN, _IPV4 = 0x8100, 0x0800


class Unreadable(Exception):
    """The file cannot be read as a capture; says why."""


def ipv4_packets(path: str) -> list[bytes]:
    """The IPv4 packets in a pcap or pcapng file, in its order, link header (a VLAN tag too) and padding cut off.

    Frames of other protocols are passed over.

    Raises:
        Unreadable: no such file, no capture, or frames that are not Ethernet.
    """
    from scapy.error import Scapy_Exception
    from scapy.utils import RawPcapReader

    try:
        with RawPcapReader(path) as reader:
            if getattr(reader, "linktype", _ETHERNET) not in (_ETHERNET, *_RAW):
                raise Unreadable(f"its link type {reader.linktype} is neither Ethernet nor raw IP")
            carried = [_carried(frame, getattr(reader, "linktype", _ETHERNET)) for frame, _ in reader]
    except (OSError, Scapy_Exception, EOFError, ValueError) as problem:
        raise Unreadable(getattr(problem, "strerror", None) or str(problem)) from problem
    return [packet for packet in carried if packet is not None]


def _carried(frame: bytes, linktype: int) -> bytes | None:
    """The IPv4 packet of a frame, None when it is another protocol's."""
    at = 0
    if linktype == _ETHERNET:
        at = 14
        if int.from_bytes(frame[12:14], "big") == _VLAN:
            at = 18
        if int.from_bytes(frame[at - 2 : at], "big") != _IPV4:
            return None
    packet = frame[at:]
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    return packet[: max(20, int.from_bytes(packet[2:4], "big"))]
