"""The path of a packet, step by step as docs/language.md 8.1 has it. Packets are built and read by scapy."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror
from scapy.packet import Packet, Raw

from naclc.interpret.events import Decided, Delivered, Dropped, Event, Held, Logged, Reason, Sent
from naclc.interpret.machine import Machine, gateway_of
from naclc.net.fields import FIELDS
from naclc.pipeline.evaluation import Facts
from naclc.semantics.model import Hook
from tests.unit.interpret.machines import (
    ASIDE,
    INSIDE,
    OUTSIDE,
    ROUTES,
    accept,
    address,
    drop,
    filter_of,
    iface,
    log,
    pipeline,
    route,
)

LOG_STATE = filter_of("log_state", log(FIELDS["ct.state"], " ", FIELDS["ip.ttl"], ";"), accept())
PASS = filter_of("pass", accept())
BLOCK = filter_of("block", drop())
PAYLOAD = Raw(b"twelve bytes")


def udp(src: str, dst: str, **ip: object) -> Packet:
    return IP(src=src, dst=dst, **ip) / UDP(sport=1000, dport=53) / PAYLOAD


def fresh(packet: Packet, **machine: object) -> list[Event]:
    return list(Machine(pipeline(**machine)).receive(OUTSIDE, bytes(packet)))  # type: ignore[arg-type]


def sent(events: list[Event]) -> list[tuple[int, Packet, int]]:
    return [(event.iface, IP(event.packet), event.next_hop) for event in events if isinstance(event, Sent)]


def checksums_are_right(packet: Packet) -> bool:
    """Whether scapy would have written the same checksums."""
    again = IP(bytes(packet))
    for layer in (IP, ICMP, TCP, UDP):
        if layer in again:
            del again[layer].chksum
    return bytes(again) == bytes(packet)


# --- arrival ---


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        pytest.param(b"", Reason.TRUNCATED, id="nothing at all"),
        pytest.param(bytes(udp("192.0.2.9", "10.0.0.5"))[:19], Reason.TRUNCATED, id="cut in the header"),
        pytest.param(bytes(udp("192.0.2.9", "10.0.0.5"))[:30], Reason.BAD_TOTAL_LENGTH, id="cut in the data"),
        pytest.param(bytes(udp("192.0.2.9", "10.0.0.5", version=6)), Reason.BAD_VERSION, id="version 6"),
        pytest.param(bytes(udp("192.0.2.9", "10.0.0.5", version=0)), Reason.BAD_VERSION, id="version 0"),
        pytest.param(bytes(udp("192.0.2.9", "10.0.0.5", ihl=4)), Reason.BAD_HEADER_LENGTH, id="IHL 4"),
        pytest.param(bytes(udp("192.0.2.9", "10.0.0.5", ihl=15)), Reason.BAD_HEADER_LENGTH, id="IHL past the end"),
        pytest.param(bytes(udp("192.0.2.9", "10.0.0.5", len=19)), Reason.BAD_TOTAL_LENGTH, id="length below header"),
        pytest.param(bytes(udp("192.0.2.9", "10.0.0.5", len=41)), Reason.BAD_TOTAL_LENGTH, id="length one too many"),
        pytest.param(bytes(udp("192.0.2.9", "10.0.0.5", chksum=1)), Reason.BAD_CHECKSUM, id="checksum"),
        pytest.param(bytes(udp("224.0.0.1", "10.0.0.5")), Reason.BAD_SOURCE, id="source multicast, first"),
        pytest.param(bytes(udp("239.255.255.255", "10.0.0.5")), Reason.BAD_SOURCE, id="source multicast, last"),
        pytest.param(bytes(udp("255.255.255.255", "10.0.0.5")), Reason.BAD_SOURCE, id="source broadcast"),
        pytest.param(bytes(udp("192.0.2.255", "10.0.0.5")), Reason.BAD_SOURCE, id="source subnet broadcast"),
    ],
)
def test_what_is_dropped_on_arrival(packet: bytes, reason: Reason) -> None:
    assert Machine(pipeline()).receive(OUTSIDE, packet) == (Dropped(OUTSIDE, reason),)


@pytest.mark.parametrize("source", ["223.255.255.255", "240.0.0.0", "10.0.0.255", "192.0.2.254"])
def test_sources_that_may_arrive(source: str) -> None:
    assert [out for out, _, _ in sent(fresh(udp(source, "10.0.0.5")))] == [INSIDE]


def test_link_padding_is_cut_off() -> None:
    packet = bytes(IP(src="192.0.2.9", dst="10.0.0.5") / UDP(sport=1, dport=2))
    (event,) = Machine(pipeline()).receive(OUTSIDE, packet + bytes(18))
    assert isinstance(event, Sent)
    assert len(event.packet) == len(packet)


def test_a_31_has_no_broadcast_address() -> None:
    ends = pipeline()
    pair = iface(OUTSIDE, "outside", "192.0.2.0", "255.255.255.254", forwards=True)
    machine = Machine(type(ends)((pair, *ends.ifaces[1:]), ends.router, {}, {}))
    assert [type(event) for event in machine.receive(OUTSIDE, bytes(udp("192.0.2.1", "10.0.0.5")))] == [Sent]


def test_prerouting_drops_before_anything_else_is_looked_at() -> None:
    machine = Machine(pipeline(BLOCK, outside={Hook.PREROUTING: ("block",)}))
    events = machine.receive(OUTSIDE, bytes(udp("192.0.2.9", "192.0.2.1")))
    assert events == (Decided("block", 2), Dropped(OUTSIDE, Reason.PREROUTING))


@pytest.mark.parametrize("destination", ["192.0.2.1", "192.0.2.255", "255.255.255.255"])
def test_what_is_local(destination: str) -> None:
    assert Delivered(OUTSIDE) in fresh(udp("192.0.2.9", destination))


def test_the_address_of_another_iface_is_routed_and_arrives_there_with_one_hop_less_twice() -> None:
    machine = Machine(pipeline(LOG_STATE, outside={Hook.INPUT: ("log_state",)}, inside={Hook.INPUT: ("log_state",)}))
    events = machine.receive(OUTSIDE, bytes(udp("192.0.2.9", "10.0.0.1", ttl=64)))
    assert events[:3] == (Logged(b"new 62;"), Decided("log_state", 1), Delivered(INSIDE))


def test_the_last_hop_is_enough_for_another_own_address() -> None:
    assert Delivered(INSIDE) in fresh(udp("192.0.2.9", "10.0.0.1", ttl=2))
    assert fresh(udp("192.0.2.9", "10.0.0.1", ttl=1)) == [Dropped(OUTSIDE, Reason.TTL_EXPIRED)]


@pytest.mark.parametrize("destination", ["224.0.0.1", "239.1.2.3"])
def test_multicast_is_neither_local_nor_forwarded(destination: str) -> None:
    default = (*ROUTES, route("0.0.0.0/0", INSIDE, "10.0.0.2"))
    assert fresh(udp("192.0.2.9", destination), routes=default) == [Dropped(OUTSIDE, Reason.MULTICAST)]


def test_an_iface_that_no_route_names_does_not_forward() -> None:
    events = Machine(pipeline()).receive(ASIDE, bytes(udp("198.51.100.9", "10.0.0.5")))
    assert events == (Dropped(ASIDE, Reason.NOT_FORWARDING),)


# --- delivery ---


@pytest.mark.parametrize(("flags", "offset", "waits"), [("MF", 0, True), (0, 1, True), ("MF+DF", 0, False)])
def test_a_local_fragment_waits(flags: object, offset: int, waits: bool) -> None:
    fragment = IP(src="192.0.2.9", dst="192.0.2.1", flags=flags, frag=offset) / UDP(dport=53) / Raw(bytes(8))
    assert (fresh(fragment) == [Held(OUTSIDE)]) is waits


def test_echo_request_is_answered() -> None:
    request = IP(src="192.0.2.9", dst="192.0.2.1", tos=0xB9, ttl=1, flags="DF") / ICMP(id=7, seq=3) / PAYLOAD
    delivered, answer = fresh(request)
    ((out, reply, hop),) = sent([answer])
    assert delivered == Delivered(OUTSIDE)
    assert (out, hop) == (OUTSIDE, address("192.0.2.9"))
    assert (reply.src, reply.dst, reply.ttl, reply.flags, reply.tos) == ("192.0.2.1", "192.0.2.9", 64, 0, 0xB8)
    assert (reply[ICMP].type, reply[ICMP].code, reply[ICMP].id, reply[ICMP].seq) == (0, 0, 7, 3)
    assert bytes(reply[ICMP].payload) == b"twelve bytes"
    assert checksums_are_right(reply)


@pytest.mark.parametrize("destination", ["192.0.2.255", "255.255.255.255"])
def test_echo_to_a_broadcast_address_is_answered_from_the_own_address(destination: str) -> None:
    ((_, reply, _),) = sent(fresh(IP(src="192.0.2.9", dst=destination) / ICMP()))
    assert (reply.src, reply[ICMP].type) == ("192.0.2.1", 0)


def test_other_icmp_is_delivered_and_not_answered() -> None:
    assert fresh(IP(src="192.0.2.9", dst="192.0.2.1") / ICMP(type=13)) == [Delivered(OUTSIDE)]


def test_udp_without_listener_is_port_unreachable() -> None:
    request = udp("192.0.2.9", "192.0.2.1")
    ((_, reply, _),) = sent(fresh(request))
    assert (reply.src, reply.dst, reply[ICMP].type, reply[ICMP].code) == ("192.0.2.1", "192.0.2.9", 3, 3)
    assert bytes(reply[IPerror]) == bytes(request)[:28]
    assert checksums_are_right(reply)


def test_an_icmp_error_quotes_ip_options_and_eight_octets() -> None:
    request = IP(src="192.0.2.9", dst="192.0.2.1", options=b"\1\1\1\0") / UDP(dport=53) / PAYLOAD
    ((_, reply, _),) = sent(fresh(request))
    assert bytes(reply[ICMP].payload) == bytes(request)[:32]


def test_other_protocols_are_protocol_unreachable() -> None:
    ((_, reply, _),) = sent(fresh(IP(src="192.0.2.9", dst="192.0.2.1", proto=47) / PAYLOAD))
    assert (reply[ICMP].type, reply[ICMP].code) == (3, 2)


def test_syn_without_listener_is_reset_and_acknowledged() -> None:
    segment = IP(src="192.0.2.9", dst="192.0.2.1") / TCP(sport=40000, dport=22, flags="S", seq=0xFFFFFFFF) / PAYLOAD
    ((_, reply, _),) = sent(fresh(segment))
    assert (reply[TCP].sport, reply[TCP].dport, str(reply[TCP].flags)) == (22, 40000, "RA")
    assert (reply[TCP].seq, reply[TCP].ack) == (0, 12)
    assert checksums_are_right(reply)


@pytest.mark.parametrize(("flags", "acknowledged"), [("", 5), ("S", 6), ("F", 6), ("SF", 7), ("PU", 5)])
def test_syn_and_fin_take_a_sequence_number_each(flags: str, acknowledged: int) -> None:
    segment = IP(src="192.0.2.9", dst="192.0.2.1") / TCP(flags=flags, seq=5)
    ((_, reply, _),) = sent(fresh(segment))
    assert reply[TCP].ack == acknowledged


def test_a_segment_with_ack_is_reset_at_the_number_it_acknowledges() -> None:
    segment = IP(src="192.0.2.9", dst="192.0.2.1") / TCP(sport=1, dport=2, flags="FA", seq=5, ack=0xDEADBEEF)
    ((_, reply, _),) = sent(fresh(segment))
    assert (str(reply[TCP].flags), reply[TCP].seq, reply[TCP].ack) == ("R", 0xDEADBEEF, 0)


def test_a_reset_is_not_answered() -> None:
    assert fresh(IP(src="192.0.2.9", dst="192.0.2.1") / TCP(flags="RA")) == [Delivered(OUTSIDE)]


@pytest.mark.parametrize(
    "message",
    [UDP(dport=53), TCP(flags="S"), Raw(b"protocol 47")],
    ids=["udp", "tcp", "other"],
)
def test_only_echo_requests_to_a_broadcast_address_are_answered(message: Packet) -> None:
    packet = IP(src="192.0.2.9", dst="192.0.2.255") / message
    if Raw in packet:
        packet.proto = 47
    assert fresh(packet) == [Delivered(OUTSIDE)]


@pytest.mark.parametrize("source", ["0.0.0.0", "127.0.0.1", "240.0.0.1"])
def test_no_icmp_error_to_a_source_that_is_not_one_host(source: str) -> None:
    assert fresh(udp(source, "192.0.2.1")) == [Delivered(OUTSIDE)]
    assert fresh(udp(source, "10.0.0.5", ttl=0)) == [Dropped(OUTSIDE, Reason.TTL_EXPIRED)]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param(IP(proto=1) / Raw(bytes(7)), Reason.ICMP_MALFORMED, id="short icmp"),
        pytest.param(IP() / ICMP(chksum=1), Reason.ICMP_BAD_CHECKSUM, id="icmp checksum"),
        pytest.param(IP(proto=17) / Raw(bytes(7)), Reason.UDP_MALFORMED, id="short udp"),
        pytest.param(IP() / UDP(len=7), Reason.UDP_MALFORMED, id="udp length below its header"),
        pytest.param(IP() / UDP(len=9), Reason.UDP_MALFORMED, id="udp length past the end"),
        pytest.param(IP() / UDP(chksum=1), Reason.UDP_BAD_CHECKSUM, id="udp checksum"),
        pytest.param(IP(proto=6) / Raw(bytes(19)), Reason.TCP_MALFORMED, id="short tcp"),
        pytest.param(IP() / TCP(dataofs=4), Reason.TCP_MALFORMED, id="tcp offset below its header"),
        pytest.param(IP() / TCP(dataofs=6), Reason.TCP_MALFORMED, id="tcp offset past the end"),
        pytest.param(IP() / TCP(chksum=1), Reason.TCP_BAD_CHECKSUM, id="tcp checksum"),
    ],
)
def test_a_malformed_message_is_delivered_and_not_answered(message: Packet, reason: Reason) -> None:
    message.src, message.dst = "192.0.2.9", "192.0.2.1"
    assert fresh(message) == [Delivered(OUTSIDE), Dropped(OUTSIDE, reason)]


def test_udp_without_a_checksum_is_answered() -> None:
    ((_, reply, _),) = sent(fresh(IP(src="192.0.2.9", dst="192.0.2.1") / UDP(chksum=0)))
    assert reply[ICMP].type == 3


def test_octets_behind_a_udp_datagram_do_not_count() -> None:
    datagram = bytes(IP(src="192.0.2.9", dst="192.0.2.1") / UDP(dport=53) / PAYLOAD)[20:]
    ((_, reply, _),) = sent(fresh(IP(src="192.0.2.9", dst="192.0.2.1", proto=17) / Raw(datagram + b"behind")))
    assert reply[ICMP].code == 3


def test_input_drops_before_delivery() -> None:
    machine = Machine(pipeline(BLOCK, outside={Hook.INPUT: ("block",)}))
    events = machine.receive(OUTSIDE, bytes(udp("192.0.2.9", "192.0.2.1")))
    assert events == (Decided("block", 2), Dropped(OUTSIDE, Reason.INPUT))


# --- departure ---


def test_output_sees_the_answer_and_knows_no_iface() -> None:
    where = filter_of("where", log(FIELDS["iface.in"], FIELDS["iface.out"], FIELDS["ct.state"]), drop())
    machine = Machine(pipeline(where, outside={Hook.OUTPUT: ("where",)}))
    events = machine.receive(OUTSIDE, bytes(IP(src="192.0.2.9", dst="192.0.2.1") / ICMP()))
    assert events == (
        Delivered(OUTSIDE),
        Logged(b"??established"),
        Decided("where", 2),
        Dropped(OUTSIDE, Reason.OUTPUT),
    )


def test_an_answer_is_routed_where_routes_name_the_iface_and_its_hops_are_not_counted() -> None:
    where = filter_of("where", log(FIELDS["iface.in"], " ", FIELDS["ip.ttl"]), accept())
    machine = Machine(pipeline(where, forward=("where",)))
    events = machine.receive(OUTSIDE, bytes(IP(src="10.1.0.9", dst="192.0.2.1") / ICMP()))
    assert events[:3] == (Delivered(OUTSIDE), Logged(b"outside 64"), Decided("where", 1))
    ((out, reply, hop),) = sent(list(events))
    assert (out, reply.ttl, hop) == (INSIDE, 64, address("10.0.0.2"))


@pytest.mark.parametrize(("source", "hop"), [("198.51.100.9", "198.51.100.9"), ("203.0.113.9", "198.51.100.254")])
def test_an_answer_where_nothing_is_forwarded_goes_to_the_link_or_its_gateway(source: str, hop: str) -> None:
    events = Machine(pipeline()).receive(ASIDE, bytes(IP(src=source, dst="198.51.100.1") / ICMP()))
    ((out, _, next_hop),) = sent(list(events))
    assert (out, next_hop) == (ASIDE, address(hop))


def test_an_answer_without_route_or_gateway_is_dropped() -> None:
    assert fresh(IP(src="203.0.113.9", dst="192.0.2.1") / ICMP()) == [
        Delivered(OUTSIDE),
        Dropped(OUTSIDE, Reason.NO_ROUTE),
    ]
    bare = pipeline()
    lonely = type(bare)((iface(OUTSIDE, "outside", "192.0.2.1"),), None, {}, {})
    events = Machine(lonely).receive(OUTSIDE, bytes(IP(src="203.0.113.9", dst="192.0.2.1") / ICMP()))
    assert events == (Delivered(OUTSIDE), Dropped(OUTSIDE, Reason.NO_NEXT_HOP))


def test_an_iface_without_address_answers_nothing() -> None:
    nameless = type(pipeline())((iface(OUTSIDE, "outside", None),), None, {}, {})
    events = Machine(nameless).receive(OUTSIDE, bytes(IP(src="203.0.113.9", dst="255.255.255.255") / ICMP()))
    assert events == (Delivered(OUTSIDE), Dropped(OUTSIDE, Reason.BAD_SOURCE))


def test_a_ping_to_oneself_ends() -> None:
    assert fresh(IP(src="192.0.2.1", dst="192.0.2.1") / ICMP()) == [Delivered(OUTSIDE), Delivered(OUTSIDE)]


# --- ROUTE ---


def test_a_forwarded_packet_has_one_hop_less_and_a_right_checksum() -> None:
    packet = udp("192.0.2.9", "10.0.0.5", ttl=64, options=b"\1\1\1\0")
    ((out, forwarded, hop),) = sent(fresh(packet))
    assert (out, forwarded.ttl, hop) == (INSIDE, 63, address("10.0.0.5"))
    assert checksums_are_right(forwarded)
    assert bytes(forwarded)[12:] == bytes(packet)[12:]


def test_no_hops_left_on_arrival_is_time_exceeded() -> None:
    packet = udp("192.0.2.9", "10.0.0.5", ttl=0)
    events = fresh(packet)
    assert events[0] == Dropped(OUTSIDE, Reason.TTL_EXPIRED)
    ((out, reply, _),) = sent(events)
    assert (out, reply.src, reply.dst) == (OUTSIDE, "192.0.2.1", "192.0.2.9")
    assert (reply[ICMP].type, reply[ICMP].code) == (11, 0)
    assert bytes(reply[IPerror]) == bytes(packet)[:28]


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(IP(ttl=0, frag=1) / PAYLOAD, id="a later fragment"),
        pytest.param(IP(ttl=0) / ICMP(type=3), id="destination unreachable"),
        pytest.param(IP(ttl=0) / ICMP(type=4), id="source quench"),
        pytest.param(IP(ttl=0) / ICMP(type=5), id="redirect"),
        pytest.param(IP(ttl=0) / ICMP(type=11), id="time exceeded"),
        pytest.param(IP(ttl=0) / ICMP(type=12), id="parameter problem"),
        pytest.param(IP(ttl=0, proto=1), id="icmp without a type"),
    ],
)
def test_no_time_exceeded_about(packet: Packet) -> None:
    packet.src, packet.dst = "192.0.2.9", "10.0.0.5"
    assert fresh(packet) == [Dropped(OUTSIDE, Reason.TTL_EXPIRED)]


def test_no_time_exceeded_when_switched_off() -> None:
    assert fresh(udp("192.0.2.9", "10.0.0.5", ttl=0), send_time_exceeded=False) == [
        Dropped(OUTSIDE, Reason.TTL_EXPIRED)
    ]


def test_the_last_hop_is_seen_by_forward_and_then_dropped_silently() -> None:
    machine = Machine(pipeline(LOG_STATE, forward=("log_state",)))
    events = machine.receive(OUTSIDE, bytes(udp("192.0.2.9", "10.0.0.5", ttl=1)))
    assert events == (Logged(b"new 0;"), Decided("log_state", 1), Dropped(OUTSIDE, Reason.TTL_EXPIRED))


def test_a_source_that_is_the_own_address_keeps_its_hops() -> None:
    ((_, forwarded, _),) = sent(fresh(udp("192.0.2.1", "10.0.0.5", ttl=9)))
    assert forwarded.ttl == 9


def test_forward_drops() -> None:
    machine = Machine(pipeline(BLOCK, forward=("block",)))
    events = machine.receive(OUTSIDE, bytes(udp("192.0.2.9", "10.0.0.5")))
    assert events == (Decided("block", 2), Dropped(OUTSIDE, Reason.FORWARD))


def test_no_route() -> None:
    assert fresh(udp("192.0.2.9", "203.0.113.1")) == [Dropped(OUTSIDE, Reason.NO_ROUTE)]


@pytest.mark.parametrize(
    ("destination", "hop"),
    [
        pytest.param("10.0.0.5", "10.0.0.5", id="in the subnet: itself, whatever the route says"),
        pytest.param("10.1.2.3", "10.0.0.2", id="behind a router: the route's"),
        pytest.param("10.0.0.255", "10.0.0.255", id="the broadcast address of the subnet: itself"),
    ],
)
def test_next_hop(destination: str, hop: str) -> None:
    routes = (route("10.0.0.0/24", INSIDE, "10.0.0.77"), route("10.1.0.0/16", INSIDE, "10.0.0.2"))
    ((_, _, next_hop),) = sent(fresh(udp("192.0.2.9", destination), routes=routes))
    assert next_hop == address(hop)


def test_a_route_without_next_hop_falls_back_on_the_gateway() -> None:
    routes = (route("0.0.0.0/0", ASIDE), *ROUTES)
    ((out, _, next_hop),) = sent(fresh(udp("192.0.2.9", "203.0.113.1"), routes=routes))
    assert (out, next_hop) == (ASIDE, address("198.51.100.254"))


@pytest.mark.parametrize(
    ("routes", "out"),
    [
        pytest.param([("10.0.0.0/8", ASIDE, 0), ("10.0.0.0/24", INSIDE, 9)], INSIDE, id="longest prefix, not cost"),
        pytest.param([("10.0.0.0/24", ASIDE, 2), ("10.0.0.0/24", INSIDE, 1)], INSIDE, id="then the lower cost"),
        pytest.param([("10.0.0.0/24", INSIDE, 1), ("10.0.0.0/24", ASIDE, 1)], INSIDE, id="then the first"),
        pytest.param([("0.0.0.0/0", ASIDE, 1), ("10.0.0.5/32", INSIDE, 1)], INSIDE, id="a host among all"),
        pytest.param([("0.0.0.0/0", INSIDE, 1), ("10.0.0.4/32", ASIDE, 1)], INSIDE, id="a host that is another one"),
    ],
)
def test_which_route_wins(routes: list[tuple[str, int, int]], out: int) -> None:
    table = tuple(route(prefix, number, "10.0.0.2", cost) for prefix, number, cost in routes)
    assert [number for number, _, _ in sent(fresh(udp("192.0.2.9", "10.0.0.5"), routes=table))] == [out]


# --- SHIP ---


def test_loopback_addresses_are_never_sent() -> None:
    routes = (*ROUTES, route("0.0.0.0/0", INSIDE, "10.0.0.2"))
    for destination in ("127.0.0.1", "127.255.255.255"):
        assert fresh(udp("192.0.2.9", destination), routes=routes) == [Dropped(OUTSIDE, Reason.LOOPBACK_ADDRESS)]
    assert [out for out, _, _ in sent(fresh(udp("192.0.2.9", "128.0.0.1"), routes=routes))] == [INSIDE]


def test_no_next_hop() -> None:
    routes = (route("203.0.113.0/24", INSIDE),)
    assert fresh(udp("192.0.2.9", "203.0.113.1"), routes=routes) == [Dropped(OUTSIDE, Reason.NO_NEXT_HOP)]


@pytest.mark.parametrize(
    ("destination", "hop"),
    [
        ("255.255.255.255", "255.255.255.255"),
        ("198.51.100.9", "198.51.100.9"),
        ("198.51.100.255", "198.51.100.255"),
        ("198.51.101.0", "198.51.100.254"),
    ],
)
def test_the_next_hop_that_no_route_gave(destination: str, hop: str) -> None:
    assert gateway_of(address(destination), pipeline().ifaces[ASIDE]) == address(hop)


def test_postrouting_knows_the_iface_it_leaves_by_and_may_drop() -> None:
    where = filter_of("where", log(FIELDS["iface.in"], FIELDS["iface.out"], FIELDS["ip.ttl"]), drop())
    machine = Machine(pipeline(where, inside={Hook.POSTROUTING: ("where",)}))
    events = machine.receive(OUTSIDE, bytes(udp("192.0.2.9", "10.0.0.5")))
    assert events == (Logged(b"?inside63"), Decided("where", 2), Dropped(OUTSIDE, Reason.POSTROUTING))


# --- chains ---


def test_accept_goes_on_to_the_next_function_and_drop_ends_all() -> None:
    machine = Machine(pipeline(PASS, BLOCK, LOG_STATE, forward=("pass", "block", "log_state")))
    events = machine.receive(OUTSIDE, bytes(udp("192.0.2.9", "10.0.0.5")))
    assert events == (Decided("pass", 1), Decided("block", 2), Dropped(OUTSIDE, Reason.FORWARD))


def test_a_filter_without_a_verdict_drops() -> None:
    machine = Machine(pipeline(filter_of("nothing"), forward=("nothing",)))
    events = machine.receive(OUTSIDE, bytes(udp("192.0.2.9", "10.0.0.5")))
    assert events == (Dropped(OUTSIDE, Reason.NO_VERDICT),)


def test_hooks_run_in_order() -> None:
    names = {
        "a": (Hook.PREROUTING, OUTSIDE),
        "b": (Hook.INPUT, INSIDE),
        "c": (Hook.OUTPUT, INSIDE),
        "d": (Hook.POSTROUTING, OUTSIDE),
    }
    functions = [filter_of(name, accept(number)) for number, name in enumerate([*names, "f"])]
    machine = Machine(
        pipeline(
            *functions,
            forward=("f",),
            outside={Hook.PREROUTING: ("a",), Hook.POSTROUTING: ("d",)},
            inside={Hook.INPUT: ("b",), Hook.OUTPUT: ("c",)},
        )
    )
    events = machine.receive(OUTSIDE, bytes(IP(src="192.0.2.9", dst="10.0.0.1") / ICMP()))
    assert [event.function for event in events if isinstance(event, Decided)] == ["a", "f", "b", "c", "f", "d"]


def test_untracked_packets_are_dropped_by_a_filter_before_its_first_statement() -> None:
    packet = bytes(IP(src="192.0.2.9", dst="10.0.0.5", proto=47) / PAYLOAD)
    dropping = Machine(pipeline(LOG_STATE, forward=("log_state",)))
    assert dropping.receive(OUTSIDE, packet) == (Dropped(OUTSIDE, Reason.UNTRACKED),)
    filtering = Machine(pipeline(LOG_STATE, forward=("log_state",), untracked="filter"))
    assert filtering.receive(OUTSIDE, packet)[0] == Logged(b"untracked 63;")


def test_untracked_packets_pass_where_there_is_no_filter() -> None:
    assert [out for out, _, _ in sent(fresh(IP(src="192.0.2.9", dst="10.0.0.5", proto=47) / PAYLOAD))] == [INSIDE]


def test_another_evaluator_decides_in_place_of_the_walk() -> None:
    seen: list[tuple[str, Facts]] = []
    walk = Machine(pipeline(PASS, forward=("pass",)))._evaluate

    def spy(function: str, facts: Facts):  # type: ignore[no-untyped-def]
        seen.append((function, facts))
        return walk(function, facts)

    machine = Machine(pipeline(PASS, forward=("pass",)), spy)
    machine.receive(OUTSIDE, bytes(udp("192.0.2.9", "10.0.0.5")))
    assert [(function, facts.iface_in) for function, facts in seen] == [("pass", OUTSIDE)]


def test_an_unknown_iface_is_the_callers_mistake() -> None:
    with pytest.raises(KeyError):
        Machine(pipeline()).receive(7, b"")


def test_answers_have_ids_of_their_own() -> None:
    machine = Machine(pipeline())
    ping = bytes(IP(src="192.0.2.9", dst="192.0.2.1") / ICMP())
    ids = [sent(list(machine.receive(OUTSIDE, ping)))[0][1].id for _ in range(3)]
    assert len(set(ids)) == 3


def test_an_icmp_error_about_an_icmp_error_is_never_made() -> None:
    error = IP(src="192.0.2.9", dst="192.0.2.1") / ICMP(type=3, code=3) / IPerror(bytes(udp("192.0.2.1", "192.0.2.9")))
    assert fresh(error) == [Delivered(OUTSIDE)]
