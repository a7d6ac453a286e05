"""Field decoding: packets by hand, values by hand from the figures of RFC 791, 9293, 768 and 792."""

from __future__ import annotations

import pytest

from naclc.interpret import header
from naclc.net.fields import FIELDS

# version 4, IHL 6; DSCP 46, ECN 1; length 44; id 0x1234; don't-fragment; TTL 63; TCP; checksum;
# 192.168.100.9 -> 10.0.0.5; options NOP NOP NOP EOL
IP_WITH_OPTIONS = bytes.fromhex("46b9 002c 1234 4000 3f06 f727 c0a86409 0a000005 01010100")
# 40000 -> 443; sequence; acknowledgment; offset 5, reserved 101, NS 1; CWR URG ACK SYN; window; checksum; urgent
TCP_SEGMENT = bytes.fromhex("9c40 01bb 01020304 0a0b0c0d 5b b2 7210 abcd 0007")
# version 4, IHL 5; DSCP 0, ECN 2; length 30; id 0xfffe; more-fragments, offset 0x1abc; TTL 255; UDP; checksum
IP_FRAGMENT = bytes.fromhex("4502 001e fffe 3abc ff11 0000 7f000001 ffffffff")
# 53 -> 65535; length 10; checksum; 2 octets
UDP_DATAGRAM = bytes.fromhex("0035 ffff 000a beef 0102")
IP_ICMP = bytes.fromhex("4500 001c 0000 0000 4001 0000 0a000001 0a00002d")
ICMP_MESSAGE = bytes.fromhex("0b 01 1234 5678 9abc")

TCP_PACKET = IP_WITH_OPTIONS + TCP_SEGMENT
UDP_PACKET = IP_FRAGMENT + UDP_DATAGRAM
ICMP_PACKET = IP_ICMP + ICMP_MESSAGE

TCP_VALUES = {
    "ip.version": 4,
    "ip.hdrlength": 24,
    "ip.dscp": 46,
    "ip.ecn": 1,
    "ip.length": 44,
    "ip.id": 0x1234,
    "ip.frag-off": 0,
    "ip.ttl": 63,
    "ip.protocol": 6,
    "ip.checksum": 0xF727,
    "ip.saddr": 0xC0A86409,
    "ip.daddr": 0x0A000005,
    "tcp.sport": 40000,
    "tcp.dport": 443,
    "tcp.sequence": 0x01020304,
    "tcp.ackseq": 0x0A0B0C0D,
    "tcp.doff": 5,
    "tcp.reserved": 0b101,
    "tcp.flags": 0xB2,
    "tcp.has-fin": 0,
    "tcp.has-syn": 1,
    "tcp.has-rst": 0,
    "tcp.has-psh": 0,
    "tcp.has-ack": 1,
    "tcp.has-urg": 1,
    "tcp.has-ece": 0,
    "tcp.has-cwr": 1,
    "tcp.has-ns": 1,
    "tcp.window": 29200,
    "tcp.checksum": 0xABCD,
    "tcp.urgptr": 7,
}
UDP_VALUES = {
    "ip.hdrlength": 20,
    "ip.dscp": 0,
    "ip.ecn": 2,
    "ip.length": 30,
    "ip.id": 0xFFFE,
    "ip.frag-off": 0x1ABC,
    "ip.ttl": 255,
    "ip.protocol": 17,
    "ip.checksum": 0,
    "ip.saddr": 0x7F000001,
    "ip.daddr": 0xFFFFFFFF,
    "udp.sport": 53,
    "udp.dport": 65535,
    "udp.length": 10,
    "udp.checksum": 0xBEEF,
}
ICMP_VALUES = {"ip.length": 28, "ip.protocol": 1, "icmp.type": 11, "icmp.code": 1}


@pytest.mark.parametrize(
    ("packet", "name", "value"),
    [
        pytest.param(packet, name, value, id=name)
        for packet, values in ((TCP_PACKET, TCP_VALUES), (UDP_PACKET, UDP_VALUES), (ICMP_PACKET, ICMP_VALUES))
        for name, value in values.items()
    ],
)
def test_field(packet: bytes, name: str, value: int) -> None:
    assert header.read_field(packet, name) == value


def test_every_packet_field_has_a_row_above() -> None:
    packet_fields = {name for name, field in FIELDS.items() if field.protocol not in ("ct", "iface")}
    assert packet_fields == TCP_VALUES.keys() | UDP_VALUES.keys() | ICMP_VALUES.keys()


@pytest.mark.parametrize(("bit", "name"), list(enumerate(["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"])))
def test_each_flag_is_its_own_bit(bit: int, name: str) -> None:
    packet = bytearray(TCP_PACKET)
    packet[24 + 13] = 1 << bit
    flags = {flag: header.read_field(bytes(packet), f"tcp.has-{flag}") for flag in ("fin", "syn", "rst", "psh", "ack")}
    flags |= {flag: header.read_field(bytes(packet), f"tcp.has-{flag}") for flag in ("urg", "ece", "cwr")}
    assert {flag for flag, value in flags.items() if value} == {name}
    assert header.read_field(bytes(packet), "tcp.flags") == 1 << bit


def test_ns_and_reserved_bits_do_not_touch_their_neighbours() -> None:
    packet = bytearray(TCP_PACKET)
    packet[24 + 12] = 0x51
    assert header.read_field(bytes(packet), "tcp.has-ns") == 1
    assert header.read_field(bytes(packet), "tcp.reserved") == 0
    assert header.read_field(bytes(packet), "tcp.flags") == 0xB2
    packet[24 + 12] = 0xFE
    assert header.read_field(bytes(packet), "tcp.has-ns") == 0
    assert header.read_field(bytes(packet), "tcp.reserved") == 7
    assert header.read_field(bytes(packet), "tcp.doff") == 15


@pytest.mark.parametrize(
    ("first_octet", "there"),
    [(0x40 + ihl, ihl in range(5, 11)) for ihl in range(16)],
    ids=[f"IHL {ihl}" for ihl in range(16)],
)
def test_transport_header_lies_behind_the_real_ip_header(first_octet: int, there: bool) -> None:
    """60 octets in all: behind an IP header of 40 or fewer there is room for the 20 of TCP."""
    packet = bytes((first_octet,)) + TCP_PACKET[1:] + bytes(16)
    assert len(packet) == 60
    assert header.has_transport_header(packet) is there


@pytest.mark.parametrize(
    ("protocol", "octets", "there"),
    [(6, 19, False), (6, 20, True), (17, 7, False), (17, 8, True), (1, 7, False), (1, 8, True), (47, 40, False)],
)
def test_transport_header_needs_its_octets(protocol: int, octets: int, there: bool) -> None:
    packet = IP_ICMP[:9] + bytes((protocol,)) + IP_ICMP[10:] + bytes(octets)
    assert header.has_transport_header(packet) is there


def test_a_first_fragment_has_its_transport_header_and_a_later_one_has_none() -> None:
    first = IP_ICMP[:6] + bytes.fromhex("2000") + IP_ICMP[8:] + ICMP_MESSAGE
    later = IP_ICMP[:6] + bytes.fromhex("0001") + IP_ICMP[8:] + ICMP_MESSAGE
    assert header.has_transport_header(first)
    assert not header.has_transport_header(later)


@pytest.mark.parametrize(
    ("flags_and_offset", "fragment"),
    [
        pytest.param("0000", False, id="whole"),
        pytest.param("4000", False, id="don't fragment"),
        pytest.param("2000", True, id="more fragments"),
        pytest.param("6000", False, id="more fragments and don't fragment"),
        pytest.param("a000", False, id="more fragments and the reserved bit"),
        pytest.param("0001", True, id="an offset"),
        pytest.param("6001", True, id="an offset whatever the flags"),
    ],
)
def test_fragment(flags_and_offset: str, fragment: bool) -> None:
    packet = IP_ICMP[:6] + bytes.fromhex(flags_and_offset) + IP_ICMP[8:]
    assert header.is_fragment(packet) is fragment


@pytest.mark.parametrize("name", ["ip.daddr", "tcp.sport", "udp.checksum"])
def test_a_field_past_the_end_is_malformed(name: str) -> None:
    with pytest.raises(header.MalformedPacket):
        header.read_field(IP_ICMP[:19], name)


def test_checksum_of_rfc_1071() -> None:
    """The example of section 3: the sum of these is ddf2."""
    assert header.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2 ^ 0xFFFF


def test_checksum_pads_an_odd_last_octet_below() -> None:
    assert header.checksum(b"\x12") == 0x1200 ^ 0xFFFF


def test_checksum_over_a_right_header_is_zero() -> None:
    assert header.checksum(IP_WITH_OPTIONS) == 0


def test_decrement_ttl_changes_ttl_and_checksum_only() -> None:
    """One less in the upper half of a word is 0x0100 more in the checksum."""
    assert header.decrement_ttl(TCP_PACKET) == bytes.fromhex(
        "46b9 002c 1234 4000 3e06 f827 c0a86409 0a000005 01010100"
    ) + (TCP_SEGMENT)


def test_transport_checksum_covers_the_pseudo_header() -> None:
    """10.0.0.1 -> 10.0.0.2, UDP 1 -> 2, length 9, one octet 0x41: the words 0a00 0001 0a00 0002 0011 0009 0001 0002
    0009 4100 add up to 5529, so the checksum is aad6."""
    packet = bytes.fromhex("4500 001d 0000 0000 4011 0000 0a000001 0a000002  0001 0002 0009 aad6 41")
    assert header.transport_checksum(packet) == 0
