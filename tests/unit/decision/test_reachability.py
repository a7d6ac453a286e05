"""Budgets, calls that double, depth, and what is named of many rules."""

from __future__ import annotations

import pytest

from naclc.decision.deciders import Decider, Deciders, Scope
from naclc.decision.reachability import unreachable_statements, unreached
from naclc.decision.symbolic import Symbols
from naclc.diagnostics import Diagnostic
from naclc.net.fields import FIELDS
from naclc.pipeline.lower import lower
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse
from tests.unit.decision.policies import SPAN, Body, Spec, block, call, if_, in_, is_, log, pipeline_of


def attached(*body: Spec, untracked: str = "drop", **called: tuple[str, Body]) -> Pipeline:
    return pipeline_of({**called, "main": ("IP", body)}, {Hook.PREROUTING: ["main"]}, untracked=untracked)


def written(body: str) -> Pipeline:
    program, _ = parse(SourceFile("f.nacl", f"Iface e {{ index: 0, prerouting: f }} Filter::IP f {{ {body} }}"))
    assert program is not None
    configuration, _ = resolve(program, None)
    assert configuration is not None
    return lower(configuration)


def codes(findings: list[Diagnostic]) -> list[str]:
    return [finding.code for finding in findings]


def test_calls_that_double_are_no_trap() -> None:
    called: dict[str, tuple[str, Body]] = {"f0": ("IP", [if_(is_("ip.ttl", "==", 3), ["drop"])])}
    for number in range(1, 31):
        called[f"f{number}"] = "IP", [call(f"f{number - 1}"), call(f"f{number - 1}")]
    assert unreachable_statements(attached(call("f30"), "accept", **called)) == []
    shadowed = attached(call("f30"), if_(is_("ip.ttl", "==", 3), ["accept"]), "drop", **called)
    assert codes(unreachable_statements(shadowed)) == ["shadowed"]


def test_a_function_is_judged_by_all_that_enters_it() -> None:
    rule = if_(is_("ip.ttl", "<", 10), ["drop"])
    one = attached(if_(is_("ip.ttl", ">", 10), [call("f")]), "accept", f=("IP", [rule]))
    both = attached(if_(is_("ip.ttl", ">", 10), [call("f")]), call("f"), "accept", f=("IP", [rule]))
    assert codes(unreachable_statements(one)) == ["unreachable"]
    assert unreachable_statements(both) == []


def test_what_a_function_that_is_never_called_with_a_packet_holds_is_not_told() -> None:
    dead = attached(
        if_(is_("ip.protocol", "==", 47), [call("f")]), "drop", f=("IP", [if_(is_("ip.ttl", "<", 10), ["drop"])])
    )
    assert codes(unreachable_statements(dead)) == ["unreachable"]


def test_deep_nesting() -> None:
    around, end = "if (ip.ttl > 3) { " * 900, "}" * 900
    assert unreachable_statements(written(f"{around} accept {end} drop")) == []
    never = written(f"{around} if (ip.ttl < 3) {{ accept }} {end} drop")
    assert codes(unreachable_statements(never)) == ["unreachable"]


def test_an_else_if_chain_of_thousands() -> None:
    chain = " else ".join(f"if (ip.id == {number % 2999}) {{ accept }}" for number in range(3000))
    assert codes(unreachable_statements(written(f"{chain} else {{ drop }}"))) == ["shadowed"]


@pytest.mark.parametrize("shadowed", [True, False])
def test_thousands_of_rules(shadowed: bool) -> None:
    rules: list[Spec] = [if_(is_("ip.id", "==", number), ["drop"]) for number in range(2000)]
    last = if_(in_("ip.id", (1990, 1999 if shadowed else 2000)), ["accept"])
    findings = unreachable_statements(attached(*rules, last, "drop"))
    assert codes(findings) == ["shadowed"] * shadowed


def test_more_rules_than_anybody_reads_are_not_named() -> None:
    rules: list[Spec] = [if_(is_("ip.id", "==", number), ["drop"]) for number in range(100)]
    (finding,) = unreachable_statements(attached(*rules, if_(in_("ip.id", (0, 99)), ["accept"]), "drop"))
    assert (finding.code, finding.labels) == ("shadowed", ())
    assert finding.help is not None and "more than 32" in finding.help


def test_over_budget_nothing_is_told_but_that() -> None:
    rules = [if_(is_("ip.saddr", "==", f"10.0.{number}.1"), ["drop"]) for number in range(200)]
    pipeline = attached(*rules, if_(is_("ip.saddr", "==", "10.0.7.1"), ["accept"]), "drop")
    assert codes(unreachable_statements(pipeline)) == ["shadowed"]
    assert codes(unreachable_statements(pipeline, max_nodes=300)) == ["analysis-limit"]


def over_budget_with_pairs(*rest: Spec) -> list[str]:
    """The comparisons need more nodes than there are; each field is compared with two others, so bits interleave."""
    pairs = [("ip.id", "ip.length"), ("ip.length", "ip.checksum"), ("ip.saddr", "ip.daddr"), ("ip.daddr", "ip.id")]
    compared = [if_(is_(left, "<", right), ["accept"]) for left, right in pairs]
    return codes(unreachable_statements(attached(*compared, *rest, "drop"), max_nodes=4500))


def test_over_budget_comparisons_of_fields_become_free_choices() -> None:
    rule = if_(is_("ip.ttl", "<", 5), ["drop"])
    assert over_budget_with_pairs(rule, rule) == ["analysis-limit", "shadowed"]


def test_nothing_is_told_that_rests_on_a_free_choice() -> None:
    assert over_budget_with_pairs(if_(is_("ip.saddr", "<", "ip.daddr"), ["drop"])) == ["analysis-limit"]


def test_without_an_entry_a_packet_comes_here_under_filter() -> None:
    body = [if_(is_("ip.protocol", "==", 47), ["accept"]), if_(is_("ct.state", "==", 4), ["drop"]), "drop"]
    assert codes(unreached(attached(*body))) == ["never-occurs", "unreachable"]
    assert unreached(attached(*body, untracked="filter")) == []


def test_a_block_that_nobody_enters() -> None:
    tcp = block("TCP", [log("x")])
    assert codes(unreachable_statements(attached(if_(is_("ip.protocol", "==", 17), [tcp]), "drop"))) == ["unreachable"]
    assert unreachable_statements(attached(if_(is_("ip.protocol", "<", 17), [tcp]), "drop")) == []


def test_a_cover_is_minimal() -> None:
    symbols = Symbols([FIELDS["ip.ttl"]], frozenset(), 1 << 16)
    root = Scope(None, None, symbols.all, False)

    def ttl(first: int, last: int) -> object:
        return symbols.member(FIELDS["ip.ttl"], ((first, last),))

    deciders = Deciders()
    for first, last in ((0, 9), (5, 14), (10, 19), (0, 255)):
        deciders.add(Decider(root, ttl(first, last), SPAN, False))
    assert deciders.cover(ttl(3, 17), 3, 9) == [0, 2]
    assert deciders.cover(ttl(6, 12), 3, 9) in ([0, 2], [1])
    assert deciders.cover(ttl(3, 20), 3, 9) is None
    assert deciders.cover(ttl(3, 20), 4, 9) == [3]
    assert deciders.past(ttl(3, 20), 3) == ttl(20, 20)
    assert not deciders.let_past(ttl(3, 20))
