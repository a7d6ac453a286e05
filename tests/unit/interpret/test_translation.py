"""Address translation: docs/language.md 8.5. The whole of its table is in tests/verdicts; here are the checksums, what
needs many flows, and what must hold for all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Raw

from naclc.interpret import header
from naclc.interpret.events import Dropped, Event, Reason, Sent, Syslogged
from naclc.interpret.flows import Tuple, tuple_of
from naclc.interpret.header import End
from naclc.interpret.machine import Lease, Machine
from naclc.interpret.walk import evaluator
from naclc.net.fields import State
from naclc.pipeline.evaluation import Facts, Rewrite, RewriteKind, Verdict
from naclc.pipeline.pipeline import Pipeline
from tests.unit.interpret.machines import INSIDE, OUTSIDE, address, dotted
from tests.unit.interpret.programs import network, program

# --- checksums, by hand ---

# 4500+001c+4011+c000+0209+0a00+0005 = 1513b -> 513c, complement aec3.
# UDP: c000+0209+0a00+0005+0011+0008 + 03e8+0035+0008 = d04c, complement 2fb3.
QUESTION = bytes.fromhex("4500001c 00000000 4011aec3 c0000209 0a000005 03e80035 00082fb3".replace(" ", ""))


def test_the_example_is_right() -> None:
    assert bytes(IP(src="192.0.2.9", dst="10.0.0.5", id=0) / UDP(sport=1000, dport=53)) == QUESTION


def test_a_new_source_in_ip_and_udp() -> None:
    """0209 -> 0201 takes 8 off the sums, 03e8 -> 1b59 adds 1771: ~(513c-8) = aecb, ~(d04c-8+1771) = 184a."""
    expected = "4500001c 00000000 4011aecb c0000201 0a000005 1b590035 0008184a"
    translated = header.readdressed(QUESTION, End.SOURCE, address("192.0.2.1"), 7001)
    assert translated.hex() == expected.replace(" ", "")


def test_a_new_destination_in_ip_and_udp() -> None:
    """0a00 0005 -> 0a01 0007 adds 3, 0035 -> 14e9 adds 14b4: ~(513c+3) = aec0, ~(d04c+3+14b4) = 1afc."""
    expected = "4500001c 00000000 4011aec0 c0000209 0a010007 03e814e9 00081afc"
    translated = header.readdressed(QUESTION, End.DESTINATION, address("10.1.0.7"), 5353)
    assert translated.hex() == expected.replace(" ", "")


def test_a_udp_checksum_that_comes_to_zero_is_sent_as_all_ones() -> None:
    """d04c + 2fb3 = ffff: the port 03e8 + 2fb3 = 339b makes the complement 0."""
    translated = header.readdressed(QUESTION, End.SOURCE, address("192.0.2.9"), 0x339B)
    assert translated[26:28] == b"\xff\xff"


def test_udp_without_a_checksum_stays_without() -> None:
    silent = QUESTION[:26] + bytes(2)
    assert header.readdressed(silent, End.SOURCE, address("192.0.2.1"), 7001)[26:28] == bytes(2)


def test_icmp_does_not_cover_addresses() -> None:
    ping = bytes(IP(src="192.0.2.9", dst="10.0.0.5") / ICMP())
    translated = header.readdressed(ping, End.SOURCE, address("192.0.2.1"), None)
    assert translated[20:] == ping[20:]
    assert translated == bytes(IP(src="192.0.2.1", dst="10.0.0.5") / ICMP())


addresses = st.integers(0, 2**32 - 1)
ports = st.integers(0, 2**16 - 1)


@given(
    st.sampled_from(End),
    st.sampled_from([TCP(flags="PA", seq=7), UDP()]),
    st.tuples(addresses, addresses, addresses),
    st.tuples(ports, ports, st.none() | ports),
    st.binary(max_size=9),
    st.sampled_from([b"", b"\1" * 4, b"\1" * 40]),
)
def test_adjusted_checksums_are_those_of_a_full_computation(
    end: End,
    message: TCP | UDP,
    where: tuple[int, int, int],
    numbers: tuple[int, int, int | None],
    data: bytes,
    options: bytes,
) -> None:
    source, destination, new = where
    sport, dport, port = numbers

    def built(src: int, dst: int, sport: int, dport: int) -> bytes:
        layer = message.copy()
        layer.sport, layer.dport = sport, dport
        return bytes(IP(src=dotted(src), dst=dotted(dst), options=options) / layer / Raw(data))

    before = built(source, destination, sport, dport)
    at_source = end is End.SOURCE
    expected = (
        built(new, destination, sport if port is None else port, dport)
        if at_source
        else built(source, new, sport, dport if port is None else port)
    )
    assert header.readdressed(before, end, new, port) == expected


@given(st.binary(min_size=4, max_size=40).filter(lambda text: len(text) % 2 == 0), st.binary(min_size=2, max_size=2))
def test_rfc_1624_agrees_with_rfc_1071(text: bytes, word: bytes) -> None:
    if any(text[2:]):  # a sum of nothing has two checksums
        adjusted = header.adjusted_checksum(header.checksum(text), text[:2], word)
        assert adjusted == header.checksum(word + text[2:])


# --- the walk of a Nat ---


def decision_of(body: str, packet: bytes, state: State = State.NEW, subtype: str = "IP") -> object:
    pipeline = network(f"Nat::{subtype} n {{ {body} }}", outside="prerouting: n")
    return evaluator(pipeline)("n", Facts(packet, state))


@pytest.mark.parametrize(
    ("action", "rewrite"),
    [
        ("dnat(10.0.0.7)", Rewrite(RewriteKind.DNAT, 0x0A000007, None)),
        ("dnat(80)", Rewrite(RewriteKind.DNAT, None, 80)),
        ("dnat(10.0.0.7, 80)", Rewrite(RewriteKind.DNAT, 0x0A000007, 80)),
        ("snat(10.0.0.7)", Rewrite(RewriteKind.SNAT, 0x0A000007, None)),
        ("snat(http)", Rewrite(RewriteKind.SNAT, None, 80)),
        ("snat(10.0.0.7, 80)", Rewrite(RewriteKind.SNAT, 0x0A000007, 80)),
    ],
)
def test_a_rewrite_ends_the_function(action: str, rewrite: Rewrite) -> None:
    decision = decision_of(f'log("a") {action} log("b")', QUESTION)
    assert (decision.verdict, decision.rewrite, decision.log) == (Verdict.END, rewrite, b"a")  # type: ignore[attr-defined]
    assert decision.statement >= 0  # type: ignore[attr-defined]


def test_a_nat_of_another_protocol_does_nothing() -> None:
    decision = decision_of('log("a") dnat(80)', QUESTION, subtype="TCP")
    assert (decision.rewrite, decision.log, decision.statement) == (None, b"", -1)  # type: ignore[attr-defined]


def test_a_called_function_that_sends_messages_is_run_again() -> None:
    """Only what was silent is not walked twice."""
    text = 'Nat::IP n { m m() } Nat::IP m { syslog(err, "x", ip.ttl) }'
    decision = evaluator(network(text, outside="prerouting: n"))("n", Facts(QUESTION, State.NEW))
    assert decision.syslog == ((3, b"x64"), (3, b"x64"))


def test_messages_are_events() -> None:
    pipeline = network('Filter::IP f { syslog(debug, ip.saddr) log("l") accept }', outside="prerouting: f")
    events = Machine(pipeline).receive(OUTSIDE, QUESTION)
    assert Syslogged(7, b"192.0.2.9") in events


# --- masquerading ---

OFFICE = network(outside="masquerade: true")


def packet(found: Tuple) -> bytes:
    """A packet that looks like that."""
    ip = IP(src=dotted(found.source.address), dst=dotted(found.destination.address))
    if found.protocol == header.ICMP:
        return bytes(ip / ICMP(id=found.source.port))
    layer = TCP if found.protocol == header.TCP else UDP
    return bytes(ip / layer(sport=found.source.port, dport=found.destination.port))


def udp(host: int, port: int) -> bytes:
    return bytes(IP(src=f"10.0.0.{host}", dst="198.51.100.9") / UDP(sport=port, dport=53))


def only(events: tuple[Event, ...]) -> Event:
    (event,) = events
    return event


def test_no_port_is_left() -> None:
    machine = Machine(OFFICE, masquerade_ports=range(5000, 5002))
    outcomes = [only(machine.receive(INSIDE, udp(5, port))) for port in (1, 2, 3, 1)]
    assert [type(event) for event in outcomes] == [Sent, Sent, Dropped, Sent]
    assert outcomes[2] == Dropped(INSIDE, Reason.PORTS_EXHAUSTED)
    machine.wait(20)
    assert isinstance(only(machine.receive(INSIDE, udp(5, 3))), Sent)


def test_a_port_that_a_flow_of_the_machine_uses_is_passed_over() -> None:
    """A sender on the outside Iface has port 5000 of the own address towards the same server."""
    machine = Machine(OFFICE, masquerade_ports=range(5000, 5002))
    own = bytes(IP(src="198.51.100.9", dst="192.0.2.1") / UDP(sport=53, dport=5000))
    machine.receive(OUTSIDE, own)
    sent = only(machine.receive(INSIDE, udp(5, 1)))
    assert isinstance(sent, Sent)
    assert IP(sent.packet)[UDP].sport == 5001


def test_a_lease_is_what_masquerading_hides_behind() -> None:
    text = """
    Iface outside { index: 0, config: dhcp, masquerade: true }
    Iface inside { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
    Gateway g { a: { net: 0.0.0.0, netmask: 0.0.0.0, iface: outside }, b: { host: 10.0.0.5, iface: inside } }
    """
    machine = Machine(program(text), leases={OUTSIDE: Lease(address("203.0.113.7"), 0xFFFFFF00, None)})
    assert only(machine.receive(INSIDE, udp(5, 1))) == Dropped(INSIDE, Reason.NO_NEXT_HOP)
    given_router = Lease(address("203.0.113.7"), 0xFFFFFF00, address("203.0.113.1"))
    sent = only(Machine(program(text), leases={OUTSIDE: given_router}).receive(INSIDE, udp(5, 1)))
    assert isinstance(sent, Sent)
    assert (IP(sent.packet).src, sent.next_hop) == ("203.0.113.7", address("203.0.113.1"))
    assert only(Machine(program(text)).receive(INSIDE, udp(5, 1))) == Dropped(INSIDE, Reason.NO_ADDRESS)


flows_of_hosts = st.lists(
    st.tuples(
        st.integers(2, 6),
        st.integers(1, 3),
        st.sampled_from(["198.51.100.9", "198.51.100.8"]),
        st.sampled_from([TCP, UDP]),
        st.sampled_from([0, 0, 0, 9, 20]),
    ),
    min_size=1,
    max_size=20,
)


@given(flows_of_hosts)
def test_masquerade_ports_never_collide_and_replies_find_their_host(flows: list[tuple]) -> None:  # type: ignore[type-arg]
    machine = Machine(OFFICE)
    now = 0
    seen: dict[Tuple, tuple[Tuple, int]] = {}  # as it looks outside: as it looks inside, and when last
    for host, port, server, layer, wait in flows:
        machine.wait(wait)
        now += wait
        inner = bytes(IP(src=f"10.0.0.{host}", dst=server) / layer(sport=port, dport=80))
        sent = only(machine.receive(INSIDE, inner))
        assert isinstance(sent, Sent)
        before, after = tuple_of(inner), tuple_of(sent.packet)
        assert before is not None and after is not None
        assert after.source.address == address("192.0.2.1")
        holder, last = seen.get(after, (before, now))
        assert holder == before or now - last >= 10, "a port was given away while its entry lived"
        seen[after] = before, now
        reply = only(machine.receive(OUTSIDE, packet(after.reversed())))
        assert isinstance(reply, Sent)
        assert tuple_of(reply.packet) == before.reversed()


# --- there and back ---

ports_or_none = st.none() | st.integers(1, 65535)


def argument(host: int | None, port: int | None) -> str:
    values = ([] if host is None else [f"10.0.0.{host}"]) + ([] if port is None else [str(port)])
    return ", ".join(values) or "10.0.0.2"


def rewriting(dnat: str, snat: str, again: str | None) -> Pipeline:
    twice = "" if again is None else f"Nat::IP more {{ dnat({again}) }}"
    names = "first" if again is None else "[first, more]"
    text = f"Nat::IP first {{ dnat({dnat}) }} Nat::IP last {{ snat({snat}) }} {twice}"
    return network(text, outside=f"prerouting: {names}", inside="postrouting: last")


@given(
    st.builds(argument, st.integers(2, 250), ports_or_none),
    st.builds(argument, st.sampled_from([1, 252, 253]), ports_or_none),  # never the address that dnat sends it to
    st.none() | st.builds(argument, st.none() | st.integers(2, 250), ports_or_none),
    st.sampled_from([header.TCP, header.UDP, header.ICMP]),
    st.integers(2, 250),
    st.tuples(st.integers(1, 65535), st.integers(1, 65535)),
)
def test_a_translated_flow_comes_back_as_it_went(
    dnat: str, snat: str, again: str | None, protocol: int, client: int, used: tuple[int, int]
) -> None:
    """Whatever one dnat, or two, and an snat make of a packet: the reply that its receiver sends reaches the client as
    the reply to what the client sent."""
    machine = Machine(rewriting(dnat, snat, again))
    ip = IP(src=f"192.0.2.{client}", dst="10.0.0.251")
    layer = {header.TCP: TCP, header.UDP: UDP}.get(protocol)
    question = bytes(ip / (layer(sport=used[0], dport=used[1]) if layer else ICMP(id=used[0])))
    for _ in range(2):
        (sent,) = [event for event in machine.receive(OUTSIDE, question) if isinstance(event, Sent)]
        asked, seen = tuple_of(question), tuple_of(sent.packet)
        assert asked is not None and seen is not None
        (answer,) = [event for event in machine.receive(INSIDE, packet(seen.reversed())) if isinstance(event, Sent)]
        assert answer.iface == OUTSIDE
        assert tuple_of(answer.packet) == asked.reversed()
        again_right = IP(answer.packet)
        del again_right.chksum, again_right.payload.chksum
        assert bytes(again_right) == answer.packet


def test_a_rewrite_of_one_end_keeps_what_is_expected_at_the_other() -> None:
    """The second packet matches the dnat only; replies to the first one's new source still find the client."""
    rules = "Nat::UDP to { dnat(10.0.0.5) } Nat::UDP from { if (ip.ttl == 63) { snat(10.0.0.7) } }"
    machine = Machine(network(rules, outside="prerouting: to", inside="postrouting: from"))
    seen = []
    for ttl in (64, 50):
        question = bytes(IP(src="192.0.2.9", dst="192.0.2.1", ttl=ttl) / UDP(sport=7, dport=53))
        sent = only(tuple(event for event in machine.receive(OUTSIDE, question) if isinstance(event, Sent)))
        assert isinstance(sent, Sent)
        seen.append((IP(sent.packet).src, IP(sent.packet).dst))
    assert seen == [("10.0.0.7", "10.0.0.5"), ("192.0.2.9", "10.0.0.5")]
    reply = bytes(IP(src="10.0.0.5", dst="10.0.0.7") / UDP(sport=53, dport=7))
    (answer,) = [event for event in machine.receive(INSIDE, reply) if isinstance(event, Sent)]
    assert (IP(answer.packet).src, IP(answer.packet).dst) == ("192.0.2.1", "192.0.2.9")


def test_a_flow_that_leaves_by_another_iface_gets_a_port_there() -> None:
    text = """
    Iface outside { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, masquerade: true }
    Iface inside { index: 1, address: 10.0.0.1, netmask: 255.255.255.0, prerouting: move }
    Iface dmz { index: 2, address: 172.16.0.1, netmask: 255.255.255.0, masquerade: true }
    Gateway g {
      a: { net: 198.51.100.0, netmask: 255.255.255.0, iface: outside, nexthop: 192.0.2.254 },
      b: { net: 172.16.0.0, netmask: 255.255.255.0, iface: dmz },
      c: { net: 10.0.0.0, netmask: 255.255.255.0, iface: inside }
    }
    Nat::UDP move { if (ip.ttl == 9) { dnat(172.16.0.5) } }
    """
    machine = Machine(program(text), masquerade_ports=range(5000, 5009))
    seen = []
    for host, ttl in ((5, 64), (6, 9), (6, 64), (6, 9)):
        question = bytes(IP(src=f"10.0.0.{host}", dst="198.51.100.9", ttl=ttl) / UDP(sport=7, dport=53))
        sent = [event for event in machine.receive(INSIDE, question) if isinstance(event, Sent)]
        seen += [(IP(event.packet).src, IP(event.packet)[UDP].sport) for event in sent]
    assert seen == [("192.0.2.1", 5000), ("172.16.0.1", 5000), ("192.0.2.1", 5001), ("172.16.0.1", 5000)]
