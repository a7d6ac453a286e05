"""Whatever octets arrive, the machine sends, delivers or drops: no exception, no packet without an end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Raw

from naclc.interpret import header
from naclc.interpret.events import Delivered, Dropped, Held, Sent
from naclc.interpret.machine import Machine
from naclc.net.fields import FIELDS
from naclc.semantics.model import Block, Hook, Protocol
from tests.unit.interpret.machines import ASIDE, INSIDE, OUTSIDE, SPAN, accept, filter_of, log, pipeline
from tests.unit.interpret.programs import network

EVERY_FIELD = filter_of(
    "every_field",
    log(*(field for field in FIELDS.values() if field.protocol in ("ip", "ct", "iface"))),
    *(
        Block(protocol, (log(*(field for field in FIELDS.values() if field.protocol == protocol.lower())),), 9, SPAN)
        for protocol in (Protocol.TCP, Protocol.UDP, Protocol.ICMP)
    ),
    accept(),
)
HOOKS = dict.fromkeys((Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING), ("every_field",))
NETWORK = pipeline(EVERY_FIELD, forward=("every_field",), outside=HOOKS, inside=HOOKS, aside=HOOKS, untracked="filter")
SEEDS = [
    bytes(IP(src="192.0.2.9", dst=dst, options=options) / message)
    for dst in ("192.0.2.1", "10.0.0.5", "10.0.0.1", "192.0.2.255")
    for options in (b"", b"\1" * 40)
    for message in (TCP(flags="S"), UDP(), ICMP(), Raw(bytes(9)))
]
ifaces = st.sampled_from([OUTSIDE, INSIDE, ASIDE])


def with_right_checksum(packet: bytes) -> bytes:
    """So that damage gets past the first gate."""
    if len(packet) < 20 or not 20 <= header.hdrlength(packet) <= len(packet):
        return packet
    start = header.hdrlength(packet)
    bare = packet[:10] + bytes(2) + packet[12:start]
    return bare[:10] + header.checksum(bare).to_bytes(2, "big") + bare[12:] + packet[start:]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    packet = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        packet[draw(st.integers(0, len(packet) - 1))] = draw(st.integers(0, 255))
    cut = bytes(packet[: draw(st.integers(0, len(packet)))]) if draw(st.booleans()) else bytes(packet)
    return with_right_checksum(cut) if draw(st.booleans()) else cut


def check(iface: int, packet: bytes) -> None:
    events = Machine(NETWORK).receive(iface, packet)
    assert any(isinstance(event, Sent | Delivered | Held | Dropped) for event in events)
    for event in events:
        if isinstance(event, Sent):
            assert header.length(event.packet) == len(event.packet)
            assert header.checksum(event.packet[: header.hdrlength(event.packet)]) == 0
            assert header.ttl(event.packet) > 0


@given(ifaces, st.binary(max_size=100))
def test_random_octets(iface: int, packet: bytes) -> None:
    check(iface, packet)


@given(ifaces, st.binary(min_size=20, max_size=100))
def test_random_octets_with_a_right_checksum(iface: int, tail: bytes) -> None:
    check(iface, with_right_checksum(b"\x45\x00\x00" + bytes((len(tail),)) + tail[4:]))


@given(ifaces, damaged())
def test_damaged_packets(iface: int, packet: bytes) -> None:
    check(iface, packet)


@given(st.sampled_from(SEEDS), st.data())
def test_every_truncation_is_dropped(packet: bytes, data: st.DataObject) -> None:
    cut = packet[: data.draw(st.integers(0, len(packet) - 1))]
    (event,) = Machine(NETWORK).receive(OUTSIDE, cut)
    assert isinstance(event, Dropped)


# --- with state and translation ---

TRANSLATING = network(
    """
    Conntrack c { limit: 12, untracked: filter, stateful_tcp: true }
    Nat::IP into { if (ip.ttl < 64) { dnat(10.0.0.5) } Nat::UDP { dnat(10.0.0.1, 7) } dnat(10.0.0.6) }
    Nat::IP out { Nat::TCP { snat(7) } snat(10.0.0.7) }
    Nat::IP own { dnat(192.0.2.8) }
    """,
    outside="masquerade: true, prerouting: into, input: out, output: own",
    inside="masquerade: true, prerouting: into, postrouting: out",
)
steps = st.tuples(st.sampled_from([OUTSIDE, INSIDE]), damaged(), st.sampled_from([0, 0, 1, 10]))


@given(st.lists(steps, max_size=12))
def test_a_translating_machine_keeps_its_table_in_order(packets: list[tuple[int, bytes, int]]) -> None:
    machine = Machine(TRANSLATING, masquerade_ports=range(5000, 5003))
    table = machine._flows
    for iface, packet, seconds in packets:
        machine.wait(seconds)
        events = machine.receive(iface, packet)
        assert any(isinstance(event, Sent | Delivered | Held | Dropped) for event in events)
        assert len(table) <= 12
        flows = list(table._flows.values())
        for flow in flows:
            for key in (flow.first, flow.second, flow.first.reversed(), flow.second.reversed()):
                assert table._find(key) is flow
        assert all(flow in table for flow in table._translated.values())
        held = [(flow.first.protocol, flow.masquerade) for flow in {id(flow): flow for flow in flows}.values()]
        ports = [place for place in held if place[1] is not None]
        assert len(ports) == len(set(ports))
