"""Packets from values of fields: read back by the interpreter's own table and judged by scapy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP

from naclc.decision.evaluate import read
from naclc.decision.witness import TRANSPORT, NoSuchPacket, facts_from_assignment, packet_from_assignment
from naclc.interpret import header
from naclc.interpret.walk import value_of
from naclc.net.fields import FIELDS, PROTOCOL_NUMBERS, State
from tests.unit.decision.random_policies import values

_FREE = ("ip.dscp", "ip.ecn", "ip.id", "ip.ttl", "ip.saddr", "ip.daddr", "ip.checksum")
_OF = {
    protocol: [field.name for field in FIELDS.values() if field.protocol == protocol]
    for protocol in ("tcp", "udp", "icmp")
}
_EXCLUDED = ("tcp.flags", "tcp.doff", "udp.length")  # has-flags are drawn; a doff below 5, a false length are invalid


@st.composite
def assignments(draw: st.DrawFn) -> dict[str, int]:
    protocol = draw(st.sampled_from(("tcp", "udp", "icmp")))
    names = [name for name in (*_FREE, *_OF[protocol]) if name not in _EXCLUDED]
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=6))
    wanted = {name: draw(values(FIELDS[name].width)) for name in chosen}
    wanted |= {"ip.protocol": PROTOCOL_NUMBERS[protocol.upper()], "ip.hdrlength": draw(st.sampled_from((20, 24, 60)))}
    if draw(st.booleans()):
        wanted["ip.length"] = draw(st.sampled_from((80, 81, 84, 1500, 65535)))
    return wanted


@given(assignments())
def test_a_packet_has_the_values_that_are_wanted(assignment: dict[str, int]) -> None:
    facts = facts_from_assignment(assignment)
    assert {name: value_of(FIELDS[name], facts) for name in assignment} == assignment
    assert {name: read(FIELDS[name], facts) for name in assignment} == assignment
    assert header.has_transport_header(facts.packet)
    assert header.length(facts.packet) == len(facts.packet)


@given(assignments())
def test_checksums_are_right_where_they_can_be(assignment: dict[str, int]) -> None:
    packet = packet_from_assignment(assignment)
    if not {"ip.checksum", "ip.id"} <= assignment.keys():
        assert header.checksum(packet[: assignment["ip.hdrlength"]]) == 0
    if header.protocol(packet) == header.ICMP:
        assert header.checksum(packet[assignment["ip.hdrlength"] :]) == 0
    elif _some_word_is_free(assignment, packet):
        assert header.transport_checksum(packet) == 0


def _some_word_is_free(assignment: dict[str, int], packet: bytes) -> bool:
    if assignment.get("udp.checksum", 1) == 0:
        return False
    room = len(packet) - assignment["ip.hdrlength"]
    words = ("tcp.sport", "tcp.sequence", "tcp.ackseq", "tcp.window", "tcp.urgptr")
    udp = header.protocol(packet) == header.UDP
    needed = ("udp.sport", "udp.dport") if udp else words
    return room >= (10 if udp else 22) or not set(needed) <= assignment.keys()


def test_a_wanted_checksum_is_made_right_in_a_field() -> None:
    packet = packet_from_assignment({"ip.length": 40, "tcp.checksum": 0x1234})
    assert len(packet) == 40
    assert header.transport_checksum(packet) == 0


@pytest.mark.parametrize("layer", [TCP, UDP, ICMP])
def test_scapy_makes_the_same_packet(layer: type) -> None:
    packet = packet_from_assignment({"ip.protocol": PROTOCOL_NUMBERS[layer.__name__], "ip.ttl": 7})
    parsed = IP(packet)
    assert layer in parsed
    for part in (parsed, parsed[layer]):
        del part.chksum
    assert bytes(parsed) == packet


def test_a_named_field_says_the_protocol() -> None:
    assert packet_from_assignment({"icmp.type": 3})[9] == 1


def test_flags_one_by_one() -> None:
    assert packet_from_assignment({"tcp.has-ack": 1, "tcp.has-syn": 0, "tcp.has-ns": 1})[32:34] == b"\x51\x10"


def test_a_data_offset_brings_options() -> None:
    packet = packet_from_assignment({"tcp.doff": 8})
    assert len(packet) == 20 + 32
    assert header.transport_checksum(packet) == 0


@pytest.mark.parametrize("protocol", [1, 6, 17])
def test_a_transport_header_that_is_not_there(protocol: int) -> None:
    packet = packet_from_assignment({"ip.protocol": protocol, TRANSPORT: 0})
    assert not header.has_transport_header(packet)
    assert header.fragment_offset(packet) == 0


def test_a_later_fragment() -> None:
    packet = packet_from_assignment({"ip.frag-off": 185})
    assert (header.fragment_offset(packet), len(packet)) == (185, 28)


def test_a_packet_of_another_protocol() -> None:
    assert packet_from_assignment({"ip.protocol": 47, "ip.length": 33})[9] == 47


def test_state_and_ifaces() -> None:
    facts = facts_from_assignment({"ct.state": 1, "iface.in": 3})
    assert (facts.state, facts.iface_in, facts.iface_out) == (State.ESTABLISHED, 3, 0xFFFF)


@pytest.mark.parametrize(
    "assignment",
    [
        {"ip.length": 19},
        {"ip.length": 27},
        {"ip.protocol": 6, "ip.length": 39},
        {"ip.hdrlength": 21},
        {"ip.hdrlength": 16},
        {"ip.hdrlength": 60, "ip.length": 59},
        {"ip.frag-off": 1, TRANSPORT: 1},
        {"ip.protocol": 17, "ip.length": 28, TRANSPORT: 0},
        {"ct.state": 5},
        {"ip.ttl": 256},
    ],
)
def test_values_that_exclude_each_other(assignment: dict[str, int]) -> None:
    with pytest.raises(NoSuchPacket):
        facts_from_assignment(assignment)
