"""How a function is run: statements, conditions, guards, calls, and what log writes (docs/language.md 6 and 4)."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet, Raw

from naclc.interpret.walk import evaluator, holds
from naclc.net.fields import FIELDS, NO_IFACE, State
from naclc.pipeline.evaluation import NO_STATEMENT, Decision, Facts, Verdict
from naclc.semantics.model import (
    And,
    Between,
    Block,
    Call,
    Compare,
    CompareFields,
    Condition,
    Function,
    InSet,
    Kind,
    Leaf,
    Literal,
    Network,
    Not,
    Or,
    Protocol,
    Single,
    Statement,
)
from tests.unit.interpret.machines import SPAN, accept, address, drop, filter_of, log, pipeline, when

TRUE, FALSE = Literal(True, SPAN), Literal(False, SPAN)
PACKET = bytes(IP(src="192.0.2.9", dst="10.0.0.5", ttl=64) / UDP(sport=1000, dport=53))
FACTS = Facts(PACKET, State.NEW, iface_in=1)


def run(*body: Statement, facts: Facts = FACTS, others: tuple[Function, ...] = ()) -> Decision:
    return evaluator(pipeline(filter_of("f", *body), *others))("f", facts)


def function(name: str, protocol: Protocol, *body: Statement) -> Function:
    return Function(Kind.FILTER, protocol, name, body, SPAN)


# --- statements ---


def test_the_first_verdict_decides_and_names_its_statement() -> None:
    assert run(accept(7), drop(8)) == Decision(Verdict.ACCEPT, 7)
    assert run(drop(8), accept(7)) == Decision(Verdict.DROP, 8)


def test_the_end_is_no_verdict() -> None:
    assert run() == Decision(Verdict.END, NO_STATEMENT)
    assert run(log("x")) == Decision(Verdict.END, NO_STATEMENT, b"x")


def test_logs_add_up_in_order_until_the_verdict() -> None:
    assert run(log("a"), when(TRUE, (log("b"),)), log("c"), drop(), log("d")).log == b"abc"


def test_if_and_else() -> None:
    assert run(when(TRUE, (accept(1),), (accept(2),))).statement == 1
    assert run(when(FALSE, (accept(1),), (accept(2),))).statement == 2
    assert run(when(FALSE, (accept(1),)), accept(3)).statement == 3


def test_a_branch_goes_on_after_the_if() -> None:
    assert run(when(TRUE, (log("then"),), (log("else"),)), accept(5)) == Decision(Verdict.ACCEPT, 5, b"then")


def packet_of(kind: str) -> Packet:
    return {
        "tcp": IP() / TCP(),
        "udp": IP() / UDP(),
        "icmp": IP() / ICMP(),
        "other": IP(proto=47) / Raw(bytes(40)),
        "udp fragment": IP(frag=1) / UDP(),
        "first udp fragment": IP(flags="MF") / UDP(),
        "short udp": IP(proto=17) / Raw(bytes(7)),
        "udp with options": IP(options=b"\1" * 40) / UDP(),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "entered"),
    [
        ("tcp", "TCP"),
        ("udp", "UDP"),
        ("icmp", "ICMP"),
        ("other", ""),
        ("udp fragment", ""),
        ("first udp fragment", "UDP"),
        ("short udp", ""),
        ("udp with options", "UDP"),
    ],
)
def test_a_protocol_block_runs_for_its_protocol_with_a_transport_header(kind: str, entered: str) -> None:
    facts = Facts(bytes(packet_of(kind)), State.NEW)
    protocols = (Protocol.TCP, Protocol.UDP, Protocol.ICMP)
    blocks = [Block(protocol, (log(protocol.value),), 9, SPAN) for protocol in protocols]
    calls = [Call(protocol.value, 9, SPAN) for protocol in protocols]
    called = tuple(function(protocol.value, protocol, log(protocol.value)) for protocol in protocols)
    assert run(*blocks, facts=facts).log == entered.encode()
    assert run(*calls, facts=facts, others=called).log == entered.encode()


def test_an_ip_block_runs_for_everything() -> None:
    fragment = Facts(bytes(packet_of("udp fragment")), State.UNTRACKED)
    assert run(Block(Protocol.IP, (accept(1),), 9, SPAN), facts=fragment).statement == 1


def test_a_call_that_ends_goes_on_in_the_caller_and_a_verdict_ends_all() -> None:
    talks, decides = function("talks", Protocol.IP, log("t")), function("decides", Protocol.IP, drop(6))
    body = (Call("talks", 1, SPAN), Call("talks", 2, SPAN), Call("decides", 3, SPAN), accept(4))
    assert run(*body, others=(talks, decides)) == Decision(Verdict.DROP, 6, b"tt")


def test_a_function_of_another_protocol_ends_at_once() -> None:
    tcp_only = pipeline(function("tcp_only", Protocol.TCP, accept()))
    assert evaluator(tcp_only)("tcp_only", FACTS) == Decision(Verdict.END, NO_STATEMENT)


def test_no_such_function() -> None:
    with pytest.raises(KeyError):
        evaluator(pipeline())("f", FACTS)


# --- depth ---


def nested(depth: int) -> Statement:
    statement: Statement = accept(1)
    for _ in range(depth):
        statement = when(TRUE, (Block(Protocol.IP, (statement,), 9, SPAN),))
    return statement


def test_ten_thousand_nested_blocks() -> None:
    assert run(nested(5000)).statement == 1


def test_ten_thousand_nested_conditions() -> None:
    condition: Condition = TRUE
    for _ in range(3333):
        condition = Not(Or((FALSE, And((TRUE, condition), SPAN)), SPAN), SPAN)
    assert holds(condition, FACTS) is False


def test_a_thousand_calls_deep() -> None:
    chain = [function(f"f{number}", Protocol.IP, Call(f"f{number + 1}", 1, SPAN)) for number in range(1000)]
    chain.append(function("f1000", Protocol.IP, log("deep"), drop(5)))
    assert evaluator(pipeline(*chain))("f0", FACTS) == Decision(Verdict.DROP, 5, b"deep")


def test_a_long_else_if_chain() -> None:
    statement: Statement = accept(1)
    for _ in range(10_000):
        statement = when(FALSE, (drop(),), (statement,))
    assert run(statement).statement == 1


# --- conditions ---


@pytest.mark.parametrize(
    ("operator", "true_for"),
    [("==", {64}), ("!=", {63, 65}), ("<", {65}), ("<=", {64, 65}), (">", {63}), (">=", {63, 64})],
)
def test_comparisons(operator: str, true_for: set[int]) -> None:
    """ip.ttl is 64."""
    found = {value for value in (63, 64, 65) if holds(Compare(FIELDS["ip.ttl"], operator, value, SPAN), FACTS)}
    assert found == true_for


@pytest.mark.parametrize(
    ("operator", "expected"), [("==", False), ("!=", True), ("<", False), ("<=", False), (">", True), (">=", True)]
)
def test_field_against_field(operator: str, expected: bool) -> None:
    """sport is 1000, dport is 53."""
    condition = CompareFields(FIELDS["udp.sport"], operator, FIELDS["udp.dport"], SPAN)
    assert holds(condition, FACTS) is expected


@pytest.mark.parametrize(
    ("leaf", "inside", "outside"),
    [
        pytest.param(Single(address("10.0.0.5"), SPAN), ["10.0.0.5"], ["10.0.0.4", "10.0.0.6"], id="single"),
        pytest.param(
            Between(address("10.0.0.5"), address("10.0.0.9"), SPAN),
            ["10.0.0.5", "10.0.0.9"],
            ["10.0.0.4", "10.0.0.10"],
            id="range",
        ),
        pytest.param(
            Network(address("10.0.0.77"), 24, SPAN),
            ["10.0.0.0", "10.0.0.255"],
            ["9.255.255.255", "10.0.1.0"],
            id="network with host bits",
        ),
        pytest.param(Network(0, 0, SPAN), ["0.0.0.0", "255.255.255.255"], [], id="everything"),
        pytest.param(Network(address("10.0.0.5"), 32, SPAN), ["10.0.0.5"], ["10.0.0.4"], id="one host"),
    ],
)
def test_leaves(leaf: Leaf, inside: list[str], outside: list[str]) -> None:
    def member(source: str) -> bool:
        facts = Facts(bytes(IP(src=source, dst="10.0.0.1") / UDP()), State.NEW)
        return holds(InSet(FIELDS["ip.saddr"], (leaf,), SPAN), facts)

    assert [source for source in inside + outside if member(source)] == inside


def test_one_leaf_is_enough() -> None:
    leaves = (Single(1, SPAN), Between(60, 70, SPAN))
    assert holds(InSet(FIELDS["ip.ttl"], leaves, SPAN), FACTS)
    assert not holds(InSet(FIELDS["ip.ttl"], leaves[:1], SPAN), FACTS)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Not(TRUE, SPAN), False),
        (Not(Not(TRUE, SPAN), SPAN), True),
        (And((TRUE, TRUE, FALSE), SPAN), False),
        (And((TRUE, TRUE), SPAN), True),
        (Or((FALSE, FALSE, TRUE), SPAN), True),
        (Or((FALSE, FALSE), SPAN), False),
        (And((Or((FALSE, TRUE), SPAN), Not(And((TRUE, FALSE), SPAN), SPAN)), SPAN), True),
        (Or((And((TRUE, FALSE), SPAN), And((FALSE, TRUE), SPAN)), SPAN), False),
    ],
)
def test_and_or_not(condition: Condition, expected: bool) -> None:
    assert holds(condition, FACTS) is expected


# --- metadata and log ---


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (Facts(PACKET, State.NEW, 1, NO_IFACE), b"new inside ?"),
        (Facts(PACKET, State.ESTABLISHED, NO_IFACE, 0), b"established ? outside"),
        (Facts(PACKET, State.UNTRACKED, 2, 9), b"untracked aside ?"),
    ],
)
def test_states_and_ifaces_are_written_by_name(facts: Facts, text: bytes) -> None:
    assert run(log(FIELDS["ct.state"], " ", FIELDS["iface.in"], " ", FIELDS["iface.out"]), facts=facts).log == text


def test_numbers_are_written_in_decimal_addresses_dotted_and_bools_as_words() -> None:
    segment = Facts(bytes(IP(src="192.0.2.9", dst="255.0.0.1") / TCP(dport=443, flags="SA", seq=4294967295)), State.NEW)
    names = ("ip.saddr", "ip.daddr", "ip.protocol", "tcp.dport", "tcp.flags", "tcp.has-syn", "tcp.has-fin")
    parts = [part for name in names for part in (FIELDS[name], " ")]
    block = Block(Protocol.TCP, (log(*parts, FIELDS["tcp.sequence"]),), 9, SPAN)
    assert run(block, facts=segment).log == b"192.0.2.9 255.0.0.1 6 443 18 true false 4294967295"


def test_text_is_written_as_it_is_in_utf8() -> None:
    assert run(log("%s {} é\n", "€")).log == "%s {} é\n€".encode()


def test_metadata_are_compared_as_numbers() -> None:
    assert holds(Compare(FIELDS["ct.state"], "==", State.NEW, SPAN), FACTS)
    assert holds(Compare(FIELDS["iface.in"], "==", 1, SPAN), FACTS)
    assert holds(Compare(FIELDS["iface.out"], "!=", 1, SPAN), FACTS)


# --- calls again ---


def again(name: str) -> Call:
    return Call(name, 4, SPAN)


def test_calls_that_double_are_walked_once() -> None:
    """Thirty functions that call the next one twice, and nothing said on the way: not 2**30 walks."""
    others = [function(f"f{n}", Protocol.IP, again(f"f{n + 1}"), again(f"f{n + 1}")) for n in range(30)]
    others.append(function("f30", Protocol.IP, when(Compare(FIELDS["ip.ttl"], "==", 1, SPAN), (log("x"),))))
    decision = run(again("f0"), again("f0"), drop(5), others=tuple(others))
    assert decision == Decision(Verdict.DROP, 5)


def test_a_function_that_logs_does_so_at_each_call() -> None:
    loud = function("loud", Protocol.IP, log("x"))
    nested = function("nested", Protocol.IP, again("loud"), again("quiet"), again("loud"))
    quiet = function("quiet", Protocol.IP, when(FALSE, (log("y"),)))
    assert run(again("nested"), again("quiet"), again("nested"), others=(loud, quiet, nested)).log == b"xxxx"


def test_a_call_that_is_skipped_is_no_verdict_later() -> None:
    """What ended in silence is not walked again, but what comes after the call is."""
    quiet = function("quiet", Protocol.UDP, when(FALSE, (accept(1),)))
    assert run(again("quiet"), again("quiet"), accept(9), others=(quiet,)) == Decision(Verdict.ACCEPT, 9)
