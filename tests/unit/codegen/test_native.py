"""The generated C++ in this process: it does what the interpreter does, and nothing it is given breaks it."""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from naclc.codegen import layout, parts
from naclc.codegen.decision_half import LONGEST_MESSAGE
from naclc.interpret.walk import evaluator as interpreter
from naclc.net.fields import FIELDS, NO_IFACE, State
from naclc.pipeline.evaluation import Evaluator, Facts, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook, Kind
from tests.native import native_evaluator
from tests.unit.decision.policies import Body, block, call, dnat, if_, in_, is_, log, pipeline_of, snat, syslog
from tests.unit.decision.random_policies import facts, pipelines

CONTEXTS = {"ip": "IP", "ct": "IP", "iface": "IP", "tcp": "TCP", "udp": "UDP", "icmp": "ICMP"}
PROTOCOLS = {"IP": 47, "TCP": 6, "UDP": 17, "ICMP": 1}


def one_function(body: Body) -> Pipeline:
    return pipeline_of({"f": ("IP", body)}, {Hook.INPUT: ["f"]})


def packet(protocol: int, data: bytes = bytes(range(0x51, 0x81)), options: int = 0) -> bytes:
    """An IPv4 packet of which no two neighbouring octets are alike, so that a field read elsewhere shows."""
    words = 5 + options
    head = bytes((0x40 | words, 0xB9)) + (words * 4 + len(data)).to_bytes(2, "big")
    head += bytes((0x12, 0x34, 0x40, 0x00, 0x3B, protocol, 0xC1, 0xD2, 10, 1, 2, 3, 192, 0, 2, 129))
    return head + bytes(range(0xC4, 0xC4 + 4 * options)) + data


def logs_of_all_fields() -> Pipeline:
    contexts: dict[str, list[str]] = {}
    for name in FIELDS:
        contexts.setdefault(CONTEXTS[name.split(".")[0]], []).append(name)
    body: list[Body] = [log(name, "=", name, "\n") for name in contexts.pop("IP")]  # type: ignore[list-item]
    body += [block(context, [log(name, "=", name, "\n") for name in names]) for context, names in contexts.items()]
    return one_function([*body, "drop"])


@pytest.fixture(scope="module")
def all_fields(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluator, Evaluator]:
    pipeline = logs_of_all_fields()
    return native_evaluator(pipeline, tmp_path_factory.mktemp("native")), interpreter(pipeline)


@pytest.mark.parametrize("options", [0, 1, 10])
@pytest.mark.parametrize("protocol", PROTOCOLS.values())
def test_every_field_is_read_where_the_interpreter_reads_it(
    all_fields: tuple[Evaluator, Evaluator], protocol: int, options: int
) -> None:
    generated, specified = all_fields
    given_facts = Facts(packet(protocol, options=options), State.ESTABLISHED, 1, NO_IFACE)
    assert generated("f", given_facts) == specified("f", given_facts)


@pytest.mark.parametrize("length", [0, 3, 7, 8, 19, 20])
@pytest.mark.parametrize("protocol", PROTOCOLS.values())
def test_a_short_transport_header_is_not_there(
    all_fields: tuple[Evaluator, Evaluator], protocol: int, length: int
) -> None:
    generated, specified = all_fields
    short = Facts(packet(protocol, bytes(range(0x51, 0x51 + length))), State.UNTRACKED, 0)
    assert generated("f", short) == specified("f", short)


@pytest.mark.parametrize("state", State)
def test_states_are_printed_by_name(all_fields: tuple[Evaluator, Evaluator], state: State) -> None:
    written = all_fields[0]("f", Facts(packet(47), state)).log
    assert f"={state.name.lower()}\n".encode() in written


@pytest.mark.parametrize(("number", "name"), [(0, b"outside"), (1, b"inside"), (2, b"?"), (NO_IFACE, b"?")], ids=str)
def test_ifaces_are_printed_by_name(all_fields: tuple[Evaluator, Evaluator], number: int, name: bytes) -> None:
    written = all_fields[0]("f", Facts(packet(47), State.NEW, number, NO_IFACE)).log
    assert b"\n" + name + b"=" + name + b"\n" in b"\n" + written


@pytest.mark.parametrize("count", [1, 3, 8, 9, 40])
def test_sets_of_every_size_hold_exactly_their_members(count: int, tmp_path: Path) -> None:
    leaves = [(address, address + 3) for address in range(0xFFFFFFFC, 0xFFFFFFFC - 16 * count, -16)]
    decide = native_evaluator(one_function([if_(in_("ip.saddr", *leaves), ["accept"]), "drop"]), tmp_path)
    for first, last in leaves:
        members = [address for address in (first - 1, first, last, last + 1) if address < 1 << 32]
        for address in members:
            head = packet(47)
            source = head[:12] + address.to_bytes(4, "big") + head[16:]
            expected = Verdict.ACCEPT if first <= address <= last else Verdict.DROP
            assert decide("f", Facts(source, State.NEW)).verdict is expected


def test_a_set_of_ports_over_the_whole_width(tmp_path: Path) -> None:
    ports = [(port, port) for port in range(1, 65536, 2)]
    decide = native_evaluator(
        one_function([block("UDP", [if_(in_("udp.dport", *ports), ["accept"])]), "drop"]), tmp_path
    )
    for port in (0, 1, 2, 32767, 32768, 65534, 65535):
        datagram = packet(17, b"\x12\x34" + port.to_bytes(2, "big") + bytes(4))
        assert decide("f", Facts(datagram, State.NEW)).verdict is (Verdict.ACCEPT if port % 2 else Verdict.DROP)


def test_log_text_arrives_as_it_was_written(tmp_path: Path) -> None:
    text = 'back\\slash "quoted" 100 % ??/ \t é € \x01 1\x002\u202e\n'
    decide = native_evaluator(one_function([log(text), "drop"]), tmp_path)
    assert decide("f", Facts(packet(47), State.NEW)).log == text.encode()


def test_a_log_longer_than_any_buffer_is_whole(tmp_path: Path) -> None:
    pipeline = one_function([*(log(f"{number} " + "x" * 100, "ip.saddr") for number in range(200)), "drop"])
    long = Facts(packet(47), State.NEW)
    decision = native_evaluator(pipeline, tmp_path)("f", long)
    assert len(decision.log) > 20_000
    assert decision == interpreter(pipeline)("f", long)


def test_a_called_function_ends_its_caller_or_does_not(tmp_path: Path) -> None:
    callee = [if_(is_("tcp.dport", "==", 22), ["accept"]), log("not ssh\n")]
    pipeline = pipeline_of({"g": ("TCP", callee), "f": ("IP", [call("g"), "drop"])}, {Hook.INPUT: ["f"]})
    decide = native_evaluator(pipeline, tmp_path)
    for port in (21, 22):
        segment = Facts(packet(6, b"\0\1" + port.to_bytes(2, "big") + bytes(16)), State.NEW)
        assert decide("f", segment) == interpreter(pipeline)("f", segment)
        assert decide("g", segment) == interpreter(pipeline)("g", segment)


REWRITES = [(None, 1), (None, 65535), ("0.0.0.1", None), ("255.255.255.255", None), ("10.1.2.3", 80)]


def test_rewrites_come_back_whole(tmp_path: Path) -> None:
    ways = [
        if_(is_("ip.ttl", "==", ttl), [make(*to)]) for ttl, (make, to) in enumerate(product([dnat, snat], REWRITES))
    ]
    pipeline = pipeline_of({"g": ("IP", ways), "f": ("IP", [call("g"), log("on")])}, kind=Kind.NAT)
    decide, specified = native_evaluator(pipeline, tmp_path), interpreter(pipeline)
    for ttl in range(len(ways) + 1):
        head = packet(47)
        each = Facts(head[:8] + bytes((ttl,)) + head[9:], State.NEW)
        decision = decide("f", each)
        assert decision == specified("f", each)
        assert (decision.rewrite is None) == (ttl == len(ways))


def test_messages_are_apart_from_each_other_and_from_the_log(tmp_path: Path) -> None:
    body = [log("a"), syslog(0, ""), syslog(7, "%m %s ", "ip.saddr", "é\n"), log("b"), syslog(3, "x" * 700), "drop"]
    pipeline = one_function(body)
    decision = native_evaluator(pipeline, tmp_path)("f", Facts(packet(47), State.NEW))
    assert decision == interpreter(pipeline)("f", Facts(packet(47), State.NEW))
    assert decision.log == b"ab"
    assert [severity for severity, _ in decision.syslog] == [0, 7, 3]


def test_messages_longer_than_any_buffer_are_cut(tmp_path: Path) -> None:
    pipeline = one_function([syslog(5, "y" * 5000, "ip.saddr"), log("z" * 5000), syslog(6, "end"), "drop"])
    decision = native_evaluator(pipeline, tmp_path)("f", Facts(packet(47), State.NEW))
    assert decision.syslog == ((5, b"y" * LONGEST_MESSAGE), (6, b"end"))
    assert decision.log == b"z" * 5000


def test_a_function_of_another_protocol_ends_at_once(tmp_path: Path) -> None:
    decide = native_evaluator(pipeline_of({"g": ("TCP", ["accept"])}, {Hook.INPUT: ["g"]}), tmp_path)
    assert decide("g", Facts(packet(17), State.NEW)).verdict is Verdict.END
    assert decide("g", Facts(packet(6)[:30], State.NEW)).verdict is Verdict.END


def test_a_function_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        native_evaluator(one_function(["drop"]), tmp_path)("nobody", Facts(packet(6), State.NEW))


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would compile for minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(pipelines(), st.lists(facts(), min_size=40, max_size=40))
def test_random_policies_do_what_the_interpreter_does(pipeline: Pipeline, packets: list[Facts]) -> None:
    with tempfile.TemporaryDirectory() as work:
        decide = native_evaluator(pipeline, Path(work))
        for each in packets:
            for function in pipeline.functions:
                assert decide(function, each) == interpreter(pipeline)(function, each)


@pytest.mark.parametrize("part", [2, 1_000_000], ids=["many parts", "one part"])
def test_parts_and_deep_nesting_change_no_decision(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_PART", part)
    monkeypatch.setattr(layout, "_DEEPEST", 2)
    ways: Body = ["accept"]
    for level in range(8):
        then = [log(f"in {level} "), *ways]
        ways = [if_(is_("ip.ttl", "<", 60 - level), then, [log(f"out {level} ")]), log(f"after {level} ")]
    pipeline = one_function([*ways, "drop"])
    decide, specified = native_evaluator(pipeline, tmp_path), interpreter(pipeline)
    for ttl in range(48, 64):
        head = packet(47)
        each = Facts(head[:8] + bytes((ttl,)) + head[9:], State.NEW)
        assert decide("f", each) == specified("f", each)
