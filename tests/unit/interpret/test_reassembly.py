"""Fragments for the machine itself: docs/language.md 8.1 (5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP, defragment, fragment
from scapy.packet import Raw

from naclc.interpret import division, header
from naclc.interpret.events import Delivered, Dropped, Held, Reason, Sent
from naclc.interpret.machine import Machine
from naclc.interpret.reassembly import DATAGRAMS, TIMEOUT, Reassembly
from tests.unit.interpret.machines import INSIDE, OUTSIDE, pipeline
from tests.unit.interpret.programs import network


def piece(at: int, data: bytes, *, more: bool, **ip: object) -> bytes:
    """`at` in octets."""
    fields: dict[str, Any] = {"src": "192.0.2.9", "dst": "192.0.2.1", "proto": 47, "id": 5, **ip}
    return bytes(IP(frag=at // 8, flags="MF" if more else 0, **fields) / Raw(data))


def test_the_datagram_has_the_header_of_its_first_fragment_without_options() -> None:
    table = Reassembly()
    assert table.take(0, piece(8, b"the end", more=False, ttl=9, tos=4), 0) is None
    whole = table.take(0, piece(0, b"at first", more=True, ttl=60, tos=8, options=b"\1" * 8), 0)
    assert isinstance(whole, bytes)
    found = IP(whole)
    assert (found.ihl, found.len, found.ttl, found.tos, found.frag, found.flags, found.chksum) == (
        5,
        35,
        60,
        8,
        0,
        0,
        0,
    )
    assert (found.src, found.dst, found.proto, found.id) == ("192.0.2.9", "192.0.2.1", 47, 5)
    assert bytes(found.payload) == b"at firstthe end"
    assert len(table) == 0


def test_each_iface_has_its_own() -> None:
    table = Reassembly()
    table.take(0, piece(0, bytes(8), more=True), 0)
    assert table.take(1, piece(8, bytes(8), more=False), 0) is None
    assert len(table) == 2


def test_an_overlap_takes_all_of_it_away() -> None:
    table = Reassembly()
    table.take(0, piece(0, bytes(16), more=True), 0)
    assert table.take(0, piece(8, bytes(16), more=False), 0) is Reason.FRAGMENT_OVERLAP
    assert len(table) == 0


def test_too_long_takes_all_of_it_away() -> None:
    table = Reassembly()
    table.take(0, piece(0, bytes(16), more=True), 0)
    assert table.take(0, piece(65528, bytes(8), more=False), 0) is Reason.FRAGMENT_TOO_LONG
    assert len(table) == 0


def test_what_cannot_be_leaves_the_rest_alone() -> None:
    table = Reassembly()
    table.take(0, piece(0, bytes(8), more=True), 0)
    assert table.take(0, piece(8, b"", more=False), 0) is Reason.FRAGMENT_MALFORMED
    assert isinstance(table.take(0, piece(8, b"x", more=False), 0), bytes)


def test_the_longest_datagram() -> None:
    table = Reassembly()
    for at in range(0, 65512, 8184):
        data = bytes(min(8184, 65512 - at))
        assert table.take(0, piece(at, data, more=True), 0) is None
    whole = table.take(0, piece(65512, b"end", more=False), 0)
    assert isinstance(whole, bytes)
    assert len(whole) == 65535


def test_time_runs_from_the_first_that_came() -> None:
    table = Reassembly()
    table.take(0, piece(0, bytes(8), more=True), 3)
    table.take(0, piece(8, bytes(8), more=True), 20)
    table.take(1, piece(0, bytes(8), more=True), 20)
    assert table.expire(3 + TIMEOUT - 1) == ()
    assert table.expire(3 + TIMEOUT) == (0,)
    assert len(table) == 1


def test_memory_is_bounded() -> None:
    machine = Machine(pipeline())
    events = [machine.receive(OUTSIDE, piece(0, bytes(8), more=True, id=number)) for number in range(DATAGRAMS + 1)]
    assert all(each == (Held(OUTSIDE),) for each in events[:-1])
    assert events[-1] == (Held(OUTSIDE), Dropped(OUTSIDE, Reason.REASSEMBLY_FULL))
    assert machine.receive(OUTSIDE, piece(8, bytes(8), more=False, id=0))[0] == Held(OUTSIDE)
    assert Delivered(OUTSIDE) in machine.receive(OUTSIDE, piece(8, bytes(8), more=False, id=DATAGRAMS))


def test_who_floods_loses_his_own() -> None:
    table = Reassembly()
    for source in ("192.0.2.3", "192.0.2.4"):
        table.take(7, piece(0, bytes(8), more=True, src=source), 0)
    given_up = []
    for number in range(100):
        table.take(0, piece(0, bytes(8), more=True, id=number), 0)
        given_up.append(table.overflow())
    assert given_up == [None] * (DATAGRAMS - 2) + [0] * (100 - DATAGRAMS + 2)
    for source in ("192.0.2.3", "192.0.2.4"):
        assert isinstance(table.take(7, piece(8, bytes(8), more=False, src=source), 0), bytes)


def test_the_machine_gives_up_in_time() -> None:
    machine = Machine(pipeline())
    machine.receive(OUTSIDE, piece(0, bytes(8), more=True))
    assert machine.wait(TIMEOUT - 1) == ()
    assert machine.wait(1) == (Dropped(OUTSIDE, Reason.FRAGMENT_TIMEOUT),)


def test_a_large_echo_is_answered() -> None:
    machine = Machine(pipeline())
    data = bytes(range(256)) * 8
    fragments = fragment(IP(src="192.0.2.9", dst="192.0.2.1", id=9) / ICMP(id=4, seq=2) / Raw(data), fragsize=512)
    events = [event for each in reversed(fragments) for event in machine.receive(OUTSIDE, bytes(each))]
    pieces = [IP(event.packet) for event in events if isinstance(event, Sent)]
    assert [(len(each), each.frag, each.flags) for each in pieces] == [(1500, 0, "MF"), (596, 185, 0)]
    assert all(header.checksum(bytes(each)[:20]) == 0 for each in pieces)
    (reply,) = defragment(pieces)
    assert (reply[ICMP].type, reply[ICMP].id, bytes(reply[ICMP].payload)) == (0, 4, data)


@pytest.mark.parametrize("fields", [{"flags": "DF"}, {"flags": "MF"}, {"options": b"\1" * 4}])
def test_what_is_not_to_be_divided_stays_whole(fields: dict[str, Any]) -> None:
    packet = bytes(IP(src="192.0.2.9", dst="192.0.2.1", **fields) / Raw(bytes(2000)))
    assert division.pieces(packet) == (packet,)
    assert len(division.pieces(bytes(IP(src="192.0.2.9", dst="192.0.2.1") / Raw(bytes(1481))))) == 2
    assert len(division.pieces(bytes(IP(src="192.0.2.9", dst="192.0.2.1") / Raw(bytes(1480))))) == 1


def test_a_datagram_of_a_translated_flow_has_its_entry() -> None:
    """A port of the own address is forwarded to another one: the whole datagram, as it is now, belongs to the entry
    that its first fragment made."""
    text = "Nat::UDP move { if (udp.dport == 53) { dnat(5353) } } Filter::IP in_ { log(ct.state) accept }"
    text += "Conntrack c { untracked: filter }"
    machine = Machine(network(text, outside="prerouting: move, input: in_"))
    parts = fragment(IP(src="192.0.2.9", dst="192.0.2.1", id=9) / UDP(sport=7, dport=53, chksum=0) / Raw(bytes(64)), 32)
    events = [event for each in parts for event in machine.receive(OUTSIDE, bytes(each))]
    assert Delivered(OUTSIDE) in events
    assert len(machine._flows) == 4  # the datagram's, and that of the ICMP error about it


def test_forwarded_fragments_go_their_way() -> None:
    machine = Machine(pipeline())
    (event,) = machine.receive(OUTSIDE, piece(0, bytes(8), more=True, dst="10.0.0.5"))
    assert isinstance(event, Sent)
    assert event.iface == INSIDE


@st.composite
def splits(draw: st.DrawFn) -> tuple[bytes, list[bytes], list[bytes]]:
    """Data, its fragments in some order, and some of those that are not the last to come again."""
    data = draw(st.binary(min_size=9, max_size=200))
    cuts = sorted(draw(st.sets(st.integers(1, (len(data) - 1) // 8), min_size=1)))
    ends = [8 * cut for cut in cuts] + [len(data)]
    starts = [0, *ends[:-1]]
    fragments = [piece(a, data[a:b], more=b != len(data)) for a, b in zip(starts, ends, strict=True)]
    order = draw(st.permutations(fragments))
    return data, order, draw(st.lists(st.sampled_from(order[:-1]), max_size=3)) if len(order) > 1 else []


@given(splits())
def test_any_split_in_any_order_gives_the_datagram(split: tuple[bytes, list[bytes], list[bytes]]) -> None:
    data, order, again = split
    table = Reassembly()
    for each in [*order[:-1], *again]:
        assert table.take(0, each, 0) is None
    whole = table.take(0, order[-1], 0)
    assert isinstance(whole, bytes)
    assert whole[20:] == data
    assert len(table) == 0
