"""Connection tracking: docs/language.md 8.2 and 8.3."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet, Raw

from naclc.interpret.events import Logged, Sent
from naclc.interpret.flows import FlowTable, Phase, state_of, tuple_of
from naclc.interpret.machine import Machine
from naclc.net.fields import FIELDS, State
from naclc.semantics.model import Hook
from tests.unit.interpret.machines import INSIDE, OUTSIDE, accept, filter_of, log, pipeline

A, B = "192.0.2.9", "10.0.0.5"


def udp(src: str, sport: int, dst: str, dport: int) -> bytes:
    return bytes(IP(src=src, dst=dst) / UDP(sport=sport, dport=dport))


def tcp(src: str, sport: int, dst: str, dport: int, flags: str = "S") -> bytes:
    return bytes(IP(src=src, dst=dst) / TCP(sport=sport, dport=dport, flags=flags))


def ping(src: str, dst: str, kind: int, number: int) -> bytes:
    return bytes(IP(src=src, dst=dst) / ICMP(type=kind, id=number))


def confirmed(table: FlowTable, packet: bytes) -> State:
    """The state that `packet` has when it comes and gets through."""
    flow = table.track(packet)
    state = state_of(flow)
    table.confirm(flow)
    return state


# --- states ---


def test_a_first_packet_makes_an_unconfirmed_entry_that_counts_as_new() -> None:
    flow = FlowTable().track(udp(A, 1, B, 2))
    assert flow is not None
    assert flow.phase is Phase.UNCONFIRMED
    assert state_of(flow) is State.NEW


def test_a_confirmed_entry_is_established_by_its_first_reply() -> None:
    table = FlowTable()
    states = [confirmed(table, packet) for packet in (udp(A, 1, B, 2), udp(A, 1, B, 2), udp(B, 2, A, 1))]
    assert states == [State.NEW, State.NEW, State.ESTABLISHED]
    assert confirmed(table, udp(A, 1, B, 2)) is State.ESTABLISHED


def test_a_reply_to_an_unconfirmed_entry_does_not_establish_it() -> None:
    table = FlowTable()
    table.track(udp(A, 1, B, 2))
    assert state_of(table.track(udp(B, 2, A, 1))) is State.NEW


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(udp(B, 2, A, 3), id="another port of the asker"),
        pytest.param(udp(B, 3, A, 1), id="another port of the asked"),
        pytest.param(udp("10.0.0.6", 2, A, 1), id="another host"),
        pytest.param(tcp(B, 2, A, 1), id="another protocol"),
    ],
)
def test_a_stranger_is_a_flow_of_its_own(stranger: bytes) -> None:
    table = FlowTable()
    confirmed(table, udp(A, 1, B, 2))
    assert confirmed(table, stranger) is State.NEW
    assert len(table) == 4


def test_echo_is_told_apart_by_its_identifier() -> None:
    table = FlowTable()
    confirmed(table, ping(A, B, 8, 7))
    assert confirmed(table, ping(B, A, 0, 8)) is State.NEW
    assert confirmed(table, ping(B, A, 0, 7)) is State.ESTABLISHED


def test_a_flow_whose_replies_look_like_its_first_packet() -> None:
    """Both tuples are one: each further packet is original and reply at once."""
    table = FlowTable()
    assert [confirmed(table, ping(A, A, 8, 7)) for _ in range(2)] == [State.NEW, State.ESTABLISHED]
    assert len(table) == 1


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(IP(proto=47) / Raw(bytes(40)), id="another protocol"),
        pytest.param(IP(frag=1) / UDP(), id="a later fragment"),
        pytest.param(IP(proto=17) / Raw(bytes(7)), id="a short UDP header"),
        pytest.param(IP(proto=6) / Raw(bytes(19)), id="a short TCP header"),
        pytest.param(IP(proto=1) / Raw(bytes(7)), id="a short ICMP header"),
    ],
)
def test_what_is_never_tracked(packet: Packet) -> None:
    table = FlowTable()
    assert tuple_of(bytes(packet)) is None
    assert state_of(table.track(bytes(packet))) is State.UNTRACKED
    assert len(table) == 0


def test_a_first_fragment_is_tracked() -> None:
    assert tuple_of(bytes(IP(flags="MF") / UDP())) is not None


def test_ports_are_found_behind_options() -> None:
    plain, with_options = IP(src=A, dst=B) / UDP(sport=1, dport=2), IP(src=A, dst=B, options=b"\1" * 4) / UDP()
    with_options[UDP].sport, with_options[UDP].dport = 1, 2
    assert tuple_of(bytes(plain)) == tuple_of(bytes(with_options))


# --- limit ---


def test_a_flow_that_does_not_fit_gets_no_entry() -> None:
    table = FlowTable(limit=5)
    states = [confirmed(table, udp(A, port, B, 2)) for port in (1, 2, 3)]
    assert states == [State.NEW, State.NEW, State.UNTRACKED]
    assert confirmed(table, udp(B, 2, A, 1)) is State.ESTABLISHED


def test_a_limit_of_one_holds_nothing_and_a_limit_of_two_one_flow() -> None:
    assert confirmed(FlowTable(limit=1), udp(A, 1, B, 2)) is State.UNTRACKED
    assert confirmed(FlowTable(limit=2), udp(A, 1, B, 2)) is State.NEW


# --- time ---


def after(first: list[bytes], seconds: int, packet: bytes, *, confirm: bool = True) -> State:
    table = FlowTable()
    for each in first:
        flow = table.track(each)
        if confirm:
            table.confirm(flow)
    table.wait(seconds)
    return state_of(table.track(packet))


@pytest.mark.parametrize(
    ("conversation", "timeout"),
    [
        pytest.param([tcp(A, 1, B, 2)], 30, id="tcp, confirmed"),
        pytest.param([udp(A, 1, B, 2)], 10, id="udp, confirmed"),
        pytest.param([ping(A, B, 8, 1)], 10, id="icmp, confirmed"),
        pytest.param([tcp(A, 1, B, 2), tcp(B, 2, A, 1)], 300, id="tcp, established"),
        pytest.param([udp(A, 1, B, 2), udp(B, 2, A, 1)], 10, id="udp, established"),
        pytest.param([ping(A, B, 8, 1), ping(B, A, 0, 1)], 10, id="icmp, established"),
    ],
)
def test_default_timeouts(conversation: list[bytes], timeout: int) -> None:
    table = FlowTable()
    for packet in conversation:
        confirmed(table, packet)
    table.wait(timeout - 1)
    assert len(table) == 2
    table.wait(1)
    assert len(table) == 0


def test_an_unconfirmed_tcp_entry_lives_ten_seconds_and_a_renewed_one_thirty() -> None:
    table = FlowTable()
    table.track(tcp(A, 1, B, 2))
    table.wait(10)
    assert len(table) == 0
    table.track(tcp(A, 1, B, 2))
    table.track(tcp(A, 1, B, 2))
    table.wait(20)
    assert len(table) == 2


def test_expired_entries_are_found_until_the_sweep() -> None:
    """Made at 3, expired at 13, swept at 20."""
    table = FlowTable()
    table.wait(3)
    confirmed(table, udp(A, 1, B, 2))
    table.wait(16)
    assert confirmed(table, udp(B, 2, A, 1)) is State.ESTABLISHED
    table.wait(9)
    assert len(table) == 2
    table.wait(2)
    assert len(table) == 0


def test_sweeps_fall_on_multiples_of_ten_seconds() -> None:
    table = FlowTable()
    table.wait(9)
    confirmed(table, udp(A, 1, B, 2))
    sizes = []
    for _ in range(12):
        table.wait(1)
        sizes.append(len(table))
    assert sizes == [2] * 10 + [0] * 2


def test_a_packet_renews_its_entry() -> None:
    table = FlowTable()
    for _ in range(5):
        confirmed(table, udp(A, 1, B, 2))
        table.wait(9)
    assert len(table) == 2


def test_one_long_wait_is_as_good_as_many_short_ones() -> None:
    short, long = FlowTable(), FlowTable()
    for table in (short, long):
        table.wait(7)
        confirmed(table, tcp(A, 1, B, 2))
    for _ in range(33):
        short.wait(1)
    long.wait(33)
    assert (short.now, len(short)) == (long.now, len(long)) == (40, 0)


# --- in the machine ---

STATE = filter_of("state", log(FIELDS["ct.state"], ";"), accept())


def test_each_hook_sees_the_entry_and_the_input_of_an_answer_is_established() -> None:
    hooks = dict.fromkeys((Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING), ("state",))
    machine = Machine(pipeline(STATE, outside=hooks, forward=("state",)))
    events = machine.receive(OUTSIDE, ping(A, "192.0.2.1", 8, 1))
    assert [event.text for event in events if isinstance(event, Logged)] == [
        b"new;",  # prerouting
        b"new;",  # input
        b"established;",  # output of the answer
        b"established;",  # forward
        b"established;",  # postrouting
    ]


def test_the_machine_forgets_as_its_clock_goes() -> None:
    machine = Machine(pipeline(STATE, forward=("state",)))
    texts = []
    for seconds, iface, packet in (
        (0, OUTSIDE, udp(A, 1, B, 2)),
        (9, INSIDE, udp(B, 2, A, 1)),
        (20, INSIDE, udp(B, 2, A, 1)),
    ):
        machine.wait(seconds)
        texts += [event.text for event in machine.receive(iface, packet) if isinstance(event, Logged)]
    assert texts == [b"new;", b"established;", b"new;"]


def test_a_packet_dropped_in_forward_leaves_its_entry_unconfirmed() -> None:
    """So the other side's first packet is not an established reply."""
    machine = Machine(pipeline(STATE, filter_of("none"), forward=("state", "none")))
    machine.receive(OUTSIDE, udp(A, 1, B, 2))
    (logged, *_) = machine.receive(INSIDE, udp(B, 2, A, 1))
    assert logged == Logged(b"new;")


def test_a_full_table_drops_at_filters_only() -> None:
    machine = Machine(pipeline(STATE, outside={Hook.PREROUTING: ("state",)}), limit=2)
    first = machine.receive(OUTSIDE, udp(A, 1, B, 2))
    second = machine.receive(OUTSIDE, udp(A, 3, B, 2))
    from_inside = machine.receive(INSIDE, udp(B, 9, A, 9))
    assert [isinstance(events[-1], Sent) for events in (first, second, from_inside)] == [True, False, True]
