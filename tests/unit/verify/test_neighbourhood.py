"""The tester as the hosts around a machine: tags, leases, syslog messages."""

from __future__ import annotations

import pytest

from naclc.interpret.machine import Lease
from naclc.verify.leases import leased, without_lease
from naclc.verify.neighbours import EVERYBODY, Neighbours
from naclc.verify.nics import Link, Wiring
from naclc.verify.packets import build, inet
from naclc.verify.packetspec import PacketSpec
from naclc.verify.syslog import Message, in_datagram, on_console, visible
from naclc.verify.wire import console, dhcp, frames
from naclc.verify.wire.datagram import Datagram, datagram, parse_datagram
from naclc.verify.wire.neighbourhood import Neighbourhood

from .conftest import pipeline_of

POLICY = """\
Iface wan dhcp
wan.index: 0
wan.input: taken
Iface red { index: 1, vlan: 10, address: 10.0.10.1, netmask: 255.255.255.0 }
Iface lan { index: 2, config: dhcp-with-fallback, address: 10.0.0.1, netmask: 255.255.255.0, dhcp_timeout: 7 }
Iface own { index: 1, address: 10.0.1.1, netmask: 255.255.255.0 }
Syslog collector { address: 192.0.2.9, port: 514 }
Filter::IP taken { accept }
"""
LEASE = Lease(0xC0000207, 0xFFFFFF00, 0xC00002FE)
PIPELINE = leased(pipeline_of(POLICY), {"wan": LEASE})
MAC = bytes.fromhex("020000000000")


class Wire:
    """A neighbourhood and what it put on the wires."""

    def __init__(self, neighbours: Neighbours = EVERYBODY) -> None:
        self.frames: list[tuple[int, bytes]] = []
        transmit = lambda nic, frame: self.frames.append((nic, frame))  # noqa: E731
        self.hosts = Neighbourhood(PIPELINE, neighbours, {"wan": LEASE}, transmit)


def request(kind: int, options: bytes = b"", *, flags: int = 0x8000, ciaddr: int = 0, source: int = 0) -> bytes:
    """The packet of a DHCP client, made by hand."""
    head = bytes((1, 1, 6, 0)) + b"ABCD" + bytes(2) + flags.to_bytes(2, "big") + ciaddr.to_bytes(4, "big") + bytes(12)
    body = head + MAC + bytes(202) + b"\x63\x82\x53\x63" + bytes((53, 1, kind)) + options + b"\xff"
    return datagram(Datagram(source, 68, 0xFFFFFFFF, 67, body))


def requested(address: int) -> bytes:
    return bytes((50, 4)) + address.to_bytes(4, "big")


def answer_to(packet: bytes, server: dhcp.Server | None = None) -> dict[str, object]:
    """What scapy reads in the answer."""
    from scapy.layers.dhcp import BOOTP

    answer = (server or dhcp.Server(LEASE)).take(packet)
    if answer is None:
        return {}
    ip = inet().IP(answer.packet)
    again = inet().IP(answer.packet)
    del again.chksum, again.payload.chksum
    assert bytes(again) == answer.packet
    options = {option[0]: option[1] for option in BOOTP(bytes(ip.payload.payload)).payload.options if len(option) == 2}
    return {"dst": ip.dst, "mac": answer.mac, "yiaddr": ip[BOOTP].yiaddr, "xid": ip[BOOTP].xid, **options}


def test_a_discover_is_offered_the_lease_for_ever() -> None:
    offer = answer_to(request(1))
    assert (offer["dst"], offer["mac"], offer["yiaddr"]) == ("255.255.255.255", b"\xff" * 6, "192.0.2.7")
    assert (offer["message-type"], offer["lease_time"], offer["subnet_mask"]) == (2, 0xFFFFFFFF, "255.255.255.0")
    assert (offer["router"], offer["server_id"], offer["xid"]) == ("192.0.2.254", "192.0.2.254", 0x41424344)


# why | request | kind of the answer, None for none | where it goes
REQUESTS = [
    ("what was offered", request(3, requested(0xC0000207)), 5, "255.255.255.255"),
    ("to the client alone", request(3, requested(0xC0000207), flags=0), 5, "192.0.2.7"),
    ("of another address", request(3, requested(0xC0000208)), 6, "255.255.255.255"),
    ("renewed", request(3, ciaddr=0xC0000207, source=0xC0000207), 5, "192.0.2.7"),
    ("of another server", request(3, requested(0xC0000207) + bytes((54, 4, 1, 2, 3, 4))), None, ""),
    ("declined", request(4, requested(0xC0000207)), None, ""),
    ("released", request(7), None, ""),
    ("of no known kind", request(99), None, ""),
    ("options that are cut short", request(3, bytes((50, 200, 1))), 6, "255.255.255.255"),
]  # fmt: skip


@pytest.mark.parametrize(("packet", "kind", "target"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS])
def test_requests(packet: bytes, kind: int | None, target: str) -> None:
    answer = answer_to(packet)
    assert (answer.get("message-type"), answer.get("dst", "")) == (kind, target)


def test_a_server_tells_what_it_was_asked_and_stops_some_time() -> None:
    server = dhcp.Server(LEASE)
    assert server.missing() == "the machine did not ask for one"
    assert server.advice().startswith("its questions (UDP from 0.0.0.0 port 68")
    answers = [server.take(request(1)) for _ in range(dhcp.MOST_ANSWERS + 5)]
    assert sum(answer is not None for answer in answers) == dhcp.MOST_ANSWERS
    assert server.missing().startswith("it asked (1005 DISCOVER)") and not server.given
    assert dhcp.Server(Lease(0x0A000001, 0xFFFFFF00, None)).address == 0x0A000002


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_a_message_that_is_cut_short_is_no_exception(cut: int) -> None:
    whole = parse_datagram(request(3, requested(0xC0000207)))
    assert whole is not None
    dhcp.Server(LEASE).take(datagram(Datagram(0, 68, 0xFFFFFFFF, 67, whole.payload[:cut])))
    dhcp.Server(LEASE).take(request(3)[:cut])


def test_the_machine_gets_its_lease_on_the_wire() -> None:
    wire = Wire()
    wire.hosts.take(0, frames.ipv4_frame(b"\xff" * 6, MAC, request(1)))
    wire.hosts.take(0, frames.ipv4_frame(b"\xff" * 6, MAC, request(3, requested(LEASE.address))))
    wire.hosts.take(2, frames.ipv4_frame(b"\xff" * 6, MAC, request(1)))
    assert [nic for nic, _ in wire.frames] == [0, 0]  # nobody gives `lan` a lease
    assert wire.hosts.servers[Link(0)].given and wire.hosts.seen.sent == []


def test_dhcp_of_others_is_a_packet_like_any_other() -> None:
    wire = Wire()
    packet = request(1, source=0x0A000009)
    wire.hosts.take(0, frames.ipv4_frame(frames.neighbour_mac(0x0A000001), MAC, packet))
    assert [sent.packet for sent in wire.hosts.seen.sent] == [packet] and wire.frames == []


def test_frames_of_a_vlan_are_tagged_both_ways() -> None:
    wire, packet = Wire(), build(PacketSpec("udp", {"src": 0x0A000A09, "dst": 0x0A000A01, "udp.dport": 53}))
    wire.hosts.ipv4(Link(1, 10), packet)
    wire.hosts.ipv4(Link(1), packet)
    tagged, plain = (frame for _, frame in wire.frames)
    assert tagged[12:16] == b"\x81\x00\x00\x0a" and plain[12:14] == b"\x08\x00"
    assert frames.untagged(tagged) == (10, plain) and frames.untagged(plain) == (None, plain)
    for frame in (tagged, plain, tagged[:12] + b"\x81\x00\x00\x63" + tagged[16:]):
        wire.hosts.take(1, frame)
    assert [sent.iface for sent in wire.hosts.seen.sent] == ["red", "own", "#1.99"]


def test_arp_is_asked_and_answered_in_its_vlan() -> None:
    wire = Wire()
    wire.hosts.ask([Link(1), Link(1, 10)])
    asked = [frames.untagged(frame) for _, frame in wire.frames]
    assert [vlan for vlan, _ in asked] == [None, 10]
    questions = [frames.parse_arp(frame) for _, frame in asked]
    assert [question.target for question in questions if question] == [0x0A000101, 0x0A000A01]
    assert questions[1] is not None
    reply = frames.arp_reply(questions[1].sender_mac, MAC, 0x0A000A01, 0)
    wire.hosts.take(1, reply)
    assert wire.hosts.unanswered == (Link(1, 10),)  # that was for the other one
    wire.hosts.take(1, frames.tagged(reply, 10))
    assert wire.hosts.unanswered == ()
    wire.frames.clear()
    wire.hosts.take(1, frames.tagged(frames.arp_request(MAC, 0x0A000A01, 0x0A000A09), 10))
    (answer,) = wire.frames
    assert frames.untagged(answer[1])[0] == 10 and wire.hosts.seen.answered == 1


def test_syslog_datagrams_are_messages_and_not_packets_that_left() -> None:
    wire = Wire()
    said = b"<134>1 - 192.0.2.7 service 1 UDPOUT - refused 10.0.0.9"
    wire.hosts.take(0, frames.ipv4_frame(b"\x06" * 6, MAC, datagram(Datagram(0xC0000207, 5, 0xC0000209, 514, said))))
    assert wire.hosts.seen.messages == [Message(6, b"refused 10.0.0.9")] and wire.hosts.seen.sent == []
    for other in (
        Datagram(0xC0000207, 5, 0xC0000209, 515, said),  # another port
        Datagram(0x0A000009, 5, 0xC0000209, 514, said),  # somebody else's
        Datagram(0xC0000207, 5, 0xC0000209, 514, b"refused"),  # no message
    ):
        wire.hosts.take(0, frames.ipv4_frame(b"\x06" * 6, MAC, datagram(other)))
    assert len(wire.hosts.seen.sent) == 3 and len(wire.hosts.seen.messages) == 1


def test_the_syslog_server_answers_whoever_is_listed() -> None:
    nobody = Neighbours({"wan": ()})
    assert not nobody.answers(PIPELINE.ifaces[0], 0xC0000209)
    listed = nobody.with_syslog(PIPELINE)
    assert listed.answers(PIPELINE.ifaces[0], 0xC0000209) and not listed.answers(PIPELINE.ifaces[0], 0xC000020A)


@pytest.mark.parametrize(
    ("text", "rest", "messages"),
    [
        (b"plain\n", b"plain\n", ()),
        (b"a <134> <USER.INFO> 2026-01-01T00:00:00.000Z service: hello\nb", b"a b", (Message(6, b"hello"),)),
        (b"<69> <USER.NOTICE> - service: x\n", b"", (Message(5, b"x"),)),
        (b"<131> \x1b[31m<user.err> \x1b[0m2026-01-01T00:00:00.000Z service: a: b\r\n", b"", (Message(3, b"a: b"),)),
        (b"<999> <user.err> x: y\n", b"<999> <user.err> x: y\n", ()),
    ],
)
def test_messages_on_the_console(text: bytes, rest: bytes, messages: tuple[Message, ...]) -> None:
    assert on_console(text) == (rest, messages)


def test_a_message_is_compared_as_machines_send_it() -> None:
    assert visible(Message(1, b"100%m\0")) == visible(visible(Message(1, b"100%m\0"))) == Message(1, b"100% m ")
    assert len(visible(Message(1, b"x" * 5000)).text) == 1400
    assert in_datagram(b"<13>1 - - - - - -") == Message(5, b"") and in_datagram(b"<13>1 x") is None


def test_places() -> None:
    wiring = Wiring.of(PIPELINE)
    assert (wiring.link("red"), wiring.link("#1.10"), wiring.link("#1")) == (Link(1, 10), Link(1, 10), Link(1))
    found = [wiring.receiver(port) for port in ("#1", "#1.0", "#1.10", "#1.11", "#0", "#2")]
    assert [iface.name if iface else None for iface in found] == ["own", "own", "red", None, "wan", "lan"]
    assert wiring.name(Link(1, 11)) == "#1.11" and wiring.name(Link(1, 0)) == "own"
    assert [iface.name for iface in without_lease(PIPELINE, {"wan": LEASE})] == ["lan"]
    assert (console.link_of("eth1.10"), console.link_of("eth0"), console.link_of("machine")) == (
        Link(1, 10),
        Link(0),
        None,
    )


def test_what_timers_print_is_not_what_a_step_logs() -> None:
    text = (
        b"refused memory in use: 12 KiB\nby 2026-01-01T00:00:00Z\nus\nCPU: 3 %\ntimers: 2 active, 3 existing, 1 free\n"
    )
    assert console.without_timers(text) == b"refused by us\n"


@pytest.mark.parametrize("octets", [0, 1, 8, 1400])
def test_datagrams_are_as_scapy_makes_them(octets: int) -> None:
    made = datagram(Datagram(0xC0000209, 40000, 0x0A000001, 53, b"x" * octets))
    ip = inet().IP(src="192.0.2.9", dst="10.0.0.1") / inet().UDP(sport=40000, dport=53) / (b"x" * octets)
    assert made == bytes(ip)
    parsed = parse_datagram(made)
    assert parsed is not None and parsed.payload == b"x" * octets
    for at in range(20, len(made), 97):
        wrong = bytearray(made)
        wrong[at] ^= 1
        assert parse_datagram(bytes(wrong)) is None
