"""Packets from specs, and back; replies."""

from __future__ import annotations

import pytest

from naclc.verify.packets import build, differences, fields, reply, summary
from naclc.verify.packetspec import PacketSpec, Value

ENDS: dict[str, Value] = {"src": 0xC0000209, "dst": 0x0A000005}


def test_defaults() -> None:
    found = fields(build(PacketSpec("tcp", {**ENDS, "tcp.dport": 80})))
    wanted = {
        "ttl": 64,
        "id": 1,
        "dont-fragment": False,
        "tcp.sport": 40000,
        "tcp.dport": 80,
        "tcp.flags": 2,
        "tcp.doff": 5,
        "payload": b"",
        "length": 40,
    }
    assert {key: found[key] for key in wanted} == wanted


def test_icmp_defaults() -> None:
    found = fields(build(PacketSpec("icmp", {**ENDS, "icmp.type": 13})))
    assert [found[f"icmp.{key}"] for key in ("type", "code", "id", "seq")] == [13, 0, 1, 1]


SPECS = [
    PacketSpec("tcp", {**ENDS, "tcp.dport": 80, "tcp.flags": 0x1FF, "tcp.reserved": 7, "tcp.sequence": 2**32 - 1}),
    PacketSpec("tcp", {**ENDS, "tcp.dport": 1, "tcp.doff": 15, "tcp.window": 7, "tcp.urgptr": 8, "tcp.ackseq": 9}),
    PacketSpec("udp", {**ENDS, "udp.dport": 53, "dscp": 63, "ecn": 3, "ttl": 0, "id": 65535}),
    PacketSpec("udp", {**ENDS, "udp.dport": 53, "options": bytes.fromhex("94040000"), "transport-checksum": 0}),
    PacketSpec("icmp", {**ENDS, "icmp.type": 8, "icmp.code": 9, "icmp.id": 7, "icmp.seq": 3, "payload": b"xyz"}),
    PacketSpec(None, {**ENDS, "protocol": 47, "payload": b"\x01\x02"}),
    PacketSpec("udp", {**ENDS, "udp.dport": 53, "length": 999, "checksum": 1, "more-fragments": True}),
    PacketSpec(None, {**ENDS, "protocol": 17, "frag-off": 8191, "dont-fragment": True, "payload": bytes(8)}),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: summary(build(spec)))
def test_what_was_built_has_what_was_written(spec: PacketSpec) -> None:
    assert differences(spec, build(spec)) == []


def test_names_each_difference() -> None:
    packet = build(PacketSpec("udp", {**ENDS, "udp.dport": 53}))
    wanted = PacketSpec("tcp", {"src": 1, "ttl": 64, "tcp.dport": 53})
    assert differences(wanted, packet) == ["src", "tcp.dport", "protocol"]


def test_raw_octets_are_sent_as_they_are() -> None:
    assert build(PacketSpec(raw=b"\x45\x00")) == b"\x45\x00"
    assert fields(b"\x45\x00") == {}
    assert "no IPv4 packet" in summary(b"\x45\x00")


def test_checksums_are_right() -> None:
    packet = build(PacketSpec("tcp", {**ENDS, "tcp.dport": 80, "payload": b"abc", "options": b"\x01\x01\x01"}))
    assert packet[0] == 0x46
    assert _sum(packet[:24]) == 0xFFFF
    pseudo = packet[12:20] + b"\x00\x06" + (len(packet) - 24).to_bytes(2, "big")
    assert _sum(pseudo + packet[24:]) == 0xFFFF


def _sum(octets: bytes) -> int:
    octets += bytes(len(octets) % 2)
    total = sum(int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_reply_to_tcp() -> None:
    values = {**ENDS, "ttl": 63, "tcp.sport": 5, "tcp.dport": 80, "tcp.sequence": 100, "payload": b"abc"}
    found = fields(reply(build(PacketSpec("tcp", values)), PacketSpec("tcp", {"tcp.flags": 18})) or b"")
    wanted = {"src": ENDS["dst"], "dst": ENDS["src"], "ttl": 64, "tcp.sport": 80, "tcp.dport": 5, "tcp.flags": 18}
    assert {key: found[key] for key in wanted} == wanted
    assert found["tcp.ackseq"] == 104
    assert found["payload"] == b""


def test_reply_to_an_echo_request() -> None:
    echo = PacketSpec("icmp", {**ENDS, "icmp.type": 8, "icmp.id": 7, "icmp.seq": 3, "payload": b"xyz"})
    found = fields(reply(build(echo), PacketSpec()) or b"")
    assert (found["icmp.type"], found["icmp.id"], found["icmp.seq"], found["payload"]) == (0, 7, 3, b"xyz")


def test_reply_of_another_protocol_than_was_asked() -> None:
    udp = build(PacketSpec("udp", {**ENDS, "udp.dport": 53}))
    changes = PacketSpec("icmp", {"icmp.type": 3, "icmp.code": 3})
    found = fields(reply(udp, changes) or b"")
    assert (found["protocol"], found["icmp.type"], found["src"]) == (1, 3, ENDS["dst"])


def test_reply_to_no_packet_is_none() -> None:
    assert reply(b"\x45", PacketSpec()) is None
