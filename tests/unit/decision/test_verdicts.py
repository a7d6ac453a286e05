"""missing-verdict: exactly the Filters that let a packet fall off their end, with a packet that does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naclc.decision import evaluate
from naclc.decision.build import build
from naclc.decision.verdicts import missing_verdicts
from naclc.decision.witness import facts_from_assignment
from naclc.diagnostics import Diagnostic, Severity
from naclc.interpret.walk import evaluator
from naclc.net.fields import State
from naclc.pipeline.evaluation import Decision, Facts, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Condition, Hook, Kind
from tests.unit.decision.policies import (
    Body,
    Spec,
    and_,
    block,
    call,
    has,
    if_,
    in_,
    is_,
    literal,
    log,
    not_,
    or_,
    pipeline_of,
)
from tests.unit.decision.random_policies import facts, pipelines

NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED = State


def findings(pipeline: Pipeline, max_nodes: int = 1 << 20) -> list[Diagnostic]:
    return missing_verdicts(build(pipeline), pipeline, evaluator(pipeline), max_nodes=max_nodes)


def attached(
    *body: Spec, hook: Hook = Hook.PREROUTING, untracked: str = "drop", **called: tuple[str, Body]
) -> Pipeline:
    functions = {**called, "f": ("IP", body)}
    if hook is Hook.FORWARD:
        return pipeline_of(functions, forward=["f"], untracked=untracked)
    return pipeline_of(functions, {hook: ["f"]}, untracked=untracked)


def accept_if(condition: Condition) -> Spec:
    return if_(condition, ["accept"])


WITHOUT_SYN = [flags for flags in range(256) if not flags & 2]
COMPLETE = {
    "the last word is a verdict": attached("drop"),
    "both branches decide": attached(if_(is_("ip.ttl", "<", 5), ["drop"], ["accept"])),
    "a call that always decides": attached(call("g"), g=("IP", ["accept"])),
    "three blocks together take all packets": attached(
        block("TCP", ["accept"]), block("UDP", ["drop"]), block("ICMP", ["accept"])
    ),
    "calls of three protocols together take all packets": attached(
        call("t"), call("u"), call("i"), t=("TCP", ["accept"]), u=("UDP", ["drop"]), i=("ICMP", ["drop"])
    ),
    "the states that can be": attached(accept_if(is_("ct.state", "==", NEW)), accept_if(in_("ct.state", ESTABLISHED))),
    "only IPv4 arrives": attached(accept_if(is_("ip.version", "==", 4))),
    "headers have these lengths": attached(accept_if(in_("ip.hdrlength", *range(20, 61, 4)))),
    "tracked packets are no later fragments": attached(accept_if(is_("ip.frag-off", "==", 0))),
    "a datagram at input is whole": attached(
        accept_if(is_("ip.frag-off", "==", 0)), hook=Hook.INPUT, untracked="filter"
    ),
    "no hops left is not sent": attached(accept_if(is_("ip.ttl", ">=", 1)), hook=Hook.POSTROUTING),
    "the Iface of a chain is known": attached(accept_if(is_("iface.in", "==", 0)), hook=Hook.INPUT),
    "the sending Iface is known": attached(accept_if(is_("iface.out", "==", 0)), hook=Hook.POSTROUTING),
    "only Ifaces with routes forward": attached(accept_if(is_("iface.in", "==", 0)), hook=Hook.FORWARD),
    "a flag is a bit of the flags": attached(
        block(
            "TCP",
            [accept_if(has("tcp.has-syn")), if_(in_("tcp.flags", *(n for n in range(256) if not n & 2)), ["drop"])],
        ),
        "drop",
    ),
    "less, equal or greater": attached(
        accept_if(is_("ip.saddr", "<", "ip.daddr")),
        accept_if(is_("ip.daddr", "<", "ip.saddr")),
        accept_if(is_("ip.saddr", "==", "ip.daddr")),
    ),
    "the intervals leave no gap": attached(
        block("UDP", [accept_if(in_("udp.dport", (0, 52), (54, 65535))), accept_if(is_("udp.dport", "==", 53))]),
        block("IP", [if_(not_(is_("ip.protocol", "==", 17)), ["drop"])]),
    ),
    "untracked packets have no header": attached(
        block("TCP", ["accept"]),
        block("UDP", ["accept"]),
        block("ICMP", ["accept"]),
        accept_if(is_("ct.state", "==", UNTRACKED)),
        untracked="filter",
    ),
    "a literal condition": attached(accept_if(literal(True))),
    "a Filter that is only called": attached("accept", g=("IP", [log("x")])),
}


@pytest.mark.parametrize("pipeline", COMPLETE.values(), ids=COMPLETE.keys())
def test_nothing_is_missing(pipeline: Pipeline) -> None:
    assert findings(pipeline) == []


MISSING: dict[str, tuple[Pipeline, str]] = {
    "nothing at all": (attached(log("x")), "TCP from 192.0.2.1:40000 to 198.51.100.1:40001"),
    "no else": (attached(accept_if(is_("ip.ttl", ">=", 5))), "(ip.ttl 1)"),
    "a port between": (
        attached(
            block("UDP", [accept_if(in_("udp.dport", (0, 52), (54, 65535)))]),
            accept_if(is_("ip.protocol", "!=", 17)),
        ),
        "UDP from 192.0.2.1:40000 to 198.51.100.1:53",
    ),
    "one protocol is not thought of": (
        attached(block("TCP", ["accept"]), block("UDP", ["drop"])),
        "ICMP from 192.0.2.1",
    ),
    "a call that does not always decide": (
        attached(call("g"), g=("IP", [accept_if(in_("ip.saddr", "0.0.0.0/1", "128.0.0.0/2", "224.0.0.0/3"))])),
        "from 192.0.2.1",
    ),
    "a network is not thought of": (
        attached(accept_if(not_(in_("ip.saddr", "10.1.2.0/31")))),
        "from 10.1.2.",
    ),
    "hops may be gone in forward": (attached(accept_if(is_("ip.ttl", ">=", 1)), hook=Hook.FORWARD), "ip.ttl 0"),
    "two addresses that are equal": (
        attached(accept_if(or_(is_("ip.saddr", "<", "ip.daddr"), is_("ip.saddr", ">", "ip.daddr")))),
        "from 192.0.2.1:40000 to 192.0.2.1:40001",
    ),
    "a packet with a flag": (
        attached(
            block("TCP", [if_(not_(and_(has("tcp.has-syn"), has("tcp.has-fin"))), ["accept"])]),
            block("UDP", ["drop"]),
            block("ICMP", ["drop"]),
        ),
        "tcp.has-fin true, tcp.has-syn true",
    ),
    "a header of another length": (attached(accept_if(is_("ip.hdrlength", "==", 20))), "ip.hdrlength 24"),
    "a packet of another length": (attached(accept_if(is_("ip.length", "<=", 1400))), "ip.length 14"),
    "an untracked packet": (
        attached(accept_if(in_("ct.state", NEW, ESTABLISHED)), untracked="filter"),
        "ct.state untracked",
    ),
    "another protocol": (
        attached(accept_if(in_("ip.protocol", 1, 6, 17)), untracked="filter"),
        "IP protocol ",
    ),
    "a packet cut short": (
        attached(
            block("TCP", ["accept"]),
            block("UDP", ["accept"]),
            block("ICMP", ["accept"]),
            accept_if(not_(in_("ip.protocol", 6))),
            untracked="filter",
            hook=Hook.INPUT,
        ),
        "IP protocol tcp",
    ),
    "another Iface of the router": (
        pipeline_of({"f": ("IP", [accept_if(is_("iface.in", "==", 1))])}, forward=["f"]),
        "iface.in outside",
    ),
}


@pytest.mark.parametrize(("pipeline", "example"), MISSING.values(), ids=MISSING.keys())
def test_an_example_is_shown(pipeline: Pipeline, example: str) -> None:
    (finding,) = findings(pipeline)
    assert (finding.code, finding.severity) == ("missing-verdict", Severity.ERROR)
    assert finding.span == pipeline.functions["f"].span
    assert example in finding.message


def test_the_path_of_the_example_is_shown() -> None:
    pipeline = attached(
        accept_if(is_("ip.ttl", "<", 5)),
        block("ICMP", ["drop"]),
        if_(is_("ip.dscp", "==", 0), [call("g")]),
        g=("UDP", ["drop"]),
    )
    (finding,) = findings(pipeline)
    assert [label.text for label in finding.labels] == [
        "false for the example",
        "skipped: the example is not ICMP",
        "true for the example",
        "skipped: the example is not UDP",
    ]


def test_an_example_that_the_replay_does_not_confirm_is_not_shown() -> None:
    pipeline = attached(log("x"))

    def accepts(function: str, facts: Facts) -> Decision:
        return Decision(Verdict.ACCEPT, 0)

    (finding,) = missing_verdicts(build(pipeline), pipeline, accepts)
    assert finding.message == "`f` lets packets reach its end without a verdict"
    assert finding.labels == ()


def test_an_example_that_cannot_be_made_is_not_shown() -> None:
    """No packet is shorter than its header, but the analysis need not know."""
    (finding,) = findings(attached(accept_if(is_("ip.length", ">=", 20))))
    assert "for example" not in finding.message


def test_a_function_attached_twice_is_reported_once() -> None:
    pipeline = pipeline_of({"f": ("IP", [log("x")])}, {Hook.INPUT: ["f"], Hook.OUTPUT: ["f"]})
    assert len(findings(pipeline)) == 1


def test_each_place_of_attachment_counts() -> None:
    body = [accept_if(is_("ip.ttl", ">=", 1))]
    assert findings(pipeline_of({"f": ("IP", body)}, {Hook.POSTROUTING: ["f"]})) == []
    assert len(findings(pipeline_of({"f": ("IP", body)}, {Hook.POSTROUTING: ["f"], Hook.INPUT: ["f"]}))) == 1


HOSTS = [accept_if(in_("ip.saddr", *range(number * 7919, number * 7919 + 97, 3))) for number in range(40)]


def test_beyond_the_budget_the_form_decides() -> None:
    codes = [finding.code for finding in findings(attached(*HOSTS), max_nodes=200)]
    assert codes == ["analysis-limit", "missing-verdict"]


def test_beyond_the_budget_a_last_word_is_enough() -> None:
    assert findings(attached(*HOSTS, "drop"), max_nodes=200) == []


def test_comparisons_beyond_the_budget_can_still_be_decided() -> None:
    """All ways lead to a verdict, whatever the comparisons of the ring say."""
    ring = ("ip.saddr", "ip.daddr", "ip.id", "ip.length", "ip.checksum")
    test = and_(*(is_(a, "<", b) for a in ring for b in ring if a < b))
    assert findings(attached(if_(test, ["drop"]), if_(not_(test), ["accept"])), max_nodes=3000) == []


def test_a_long_list_with_a_last_word_costs_no_analysis() -> None:
    rules = [accept_if(is_("ip.saddr", "==", number * 7919)) for number in range(5000)]
    assert findings(attached(*rules, "drop"), max_nodes=1) == []


@settings(max_examples=50, deadline=None)
@given(pipelines((Kind.FILTER,)), st.lists(facts(), min_size=10, max_size=10))
def test_where_nothing_is_reported_no_packet_falls(pipeline: Pipeline, packets: list[Facts]) -> None:
    reported = bool(findings(pipeline))
    run = evaluator(pipeline)
    fallen = [packet for packet in packets if _can_occur(packet) and run("main", packet).verdict is Verdict.END]
    assert reported or not fallen


@settings(max_examples=50, deadline=None)
@given(pipelines())
def test_what_is_reported_has_an_example(pipeline: Pipeline) -> None:
    """The fields of random policies are such that every example can be made; the replay must confirm it."""
    for finding in findings(pipeline):
        assert re.search("for example (TCP|UDP|ICMP) from", finding.message)


def _can_occur(packet: Facts) -> bool:
    """At input under `untracked: drop` (docs/language.md 8.2, 8.7)."""
    head = packet.packet
    start = (head[0] & 15) * 4
    room = len(head) - start
    whole = not (head[6] & 0x1F or head[7])
    return whole and room >= {1: 8, 6: 20, 17: 8}.get(head[9], 99) and packet.state in (NEW, ESTABLISHED)


def doubling(last: Body) -> Pipeline:
    """f30 calls f29 twice, that one f28 twice, and so on down to f0, whose body is `last`: 2**30 times."""
    functions: dict[str, tuple[str, Body]] = {"f0": ("IP", last)}
    for number in range(1, 31):
        functions[f"f{number}"] = "IP", [call(f"f{number - 1}"), call(f"f{number - 1}")]
    return pipeline_of(functions, {Hook.PREROUTING: ["f30"]})


LOG_SOME = [if_(is_("ip.ttl", "==", 3), [log("x")])]


def test_calls_that_double_are_no_trap() -> None:
    """A packet that goes through them in silence is replayed and shown, and each place on its way once."""
    (finding,) = findings(doubling(LOG_SOME))
    assert "for example" in finding.message and "(ip.ttl 64)" in finding.message
    assert len(finding.labels) == 1


def test_calls_that_double_and_log_are_no_trap() -> None:
    """2**30 times the same text: nobody replays them, and the answer is there all the same."""
    (finding,) = findings(doubling([log("x")]))
    assert finding.code == "missing-verdict" and "for example" not in finding.message


def test_the_length_of_a_path_is_what_a_replay_costs() -> None:
    pipeline = doubling(LOG_SOME)
    graphs = build(pipeline)
    silent, loud = (facts_from_assignment({"ip.ttl": ttl}) for ttl in (64, 3))
    assert evaluate.path_length(graphs, "f30", silent) < 10
    assert evaluate.path_length(graphs, "f30", loud) > 2**30
    assert evaluate.evaluator(graphs, pipeline)("f30", silent) == evaluator(pipeline)("f30", silent)
