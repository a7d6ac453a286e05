"""query and diff: what they find, and that they find nothing where there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from naclc.analyze.compare import Comparison, compare
from naclc.analyze.expression import read_condition
from naclc.analyze.fates import Outcome
from naclc.analyze.question import OverBudget, Policy
from naclc.analyze.search import ACCEPT, Region, Wanted, regions
from naclc.driver import Options, check_policy
from naclc.interpret.machine import Lease, Machine
from naclc.net.fields import State
from naclc.source import SourceFile
from naclc.verify.leases import leased
from tests.unit.analyze.test_fates import outcome

DMZ = (Path(__file__).resolve().parents[3] / "examples/dmz/dmz.nacl").read_text()
BUDGET = 4_000_000


def policy(text: str) -> Policy:
    checked = check_policy(SourceFile("fw.nacl", text), Options())
    assert checked.pipeline is not None and checked.graphs is not None, checked.diagnostics
    return Policy(checked.pipeline, checked.graphs)


def ask(expression: str, outcomes: frozenset[Outcome] | None = None, text: str = DMZ) -> tuple[Region, ...]:
    found, findings = read_condition(SourceFile("fw.nacl", text), expression)
    assert found is not None, findings
    return regions(policy(text), Wanted(*found, outcomes), BUDGET)


def test_a_port_forward_is_seen_through() -> None:
    (region,) = ask("iface.in == outside and tcp.dport == 2222 and ct.state == new", ACCEPT)
    assert (region.fate.outcome, region.fate.iface) == (Outcome.OUT, "dmz")
    assert region.packets == ("ip.saddr 203.0.113.0/28", "ip.daddr 198.51.100.2")
    assert region.fate.rule is not None and region.fate.rule.line == 69


def test_what_cannot_be_is_said_not_to_be() -> None:
    assert ask("iface.in == outside and ct.state == new and udp.dport == 53", ACCEPT) == ()
    assert ask("iface.in == outside and iface.out == inside and ct.state == new") == ()
    assert ask("ip.ttl == 0 and iface.out == dmz") == ()
    assert ask("ct.state == related") == ()


def test_names_and_sets_of_the_policy_mean_what_they_mean_there() -> None:
    found = ask("iface.in == dmz and ip.daddr in ours.inside and ct.state == new and ip.saddr == web_server")
    rules = {region.fate.rule.line for region in found if region.fate.rule is not None}
    assert 86 in rules and all(region.fate.outcome is not Outcome.OUT for region in found)


@pytest.mark.parametrize(
    ("expression", "code", "at"),
    [
        ("tcp.dprt == 22", "unknown-field", (4, 8)),
        ("tcp.dport == 22 and udp.dport == 53", "field-not-available", (0, 35)),
        ("ip.daddr in dmzz", "unknown-name", (12, 16)),
        ("tcp.dport == 22) { drop } if (ip.ttl == 1", "syntax", (0, 41)),
        ("tcp.dport = 22", "syntax", None),
        ("", "syntax", None),
        ("ip.ttl", "not-a-condition", (0, 6)),
        ("tcp.dport == 70000", "port-out-of-range", (13, 18)),
    ],
)
def test_a_mistake_in_the_question_has_its_place_there(expression: str, code: str, at: tuple[int, int] | None) -> None:
    found, findings = read_condition(SourceFile("fw.nacl", DMZ), expression)
    assert found is None and findings[0].code == code
    span = findings[0].span
    assert span is not None and span.source.text == expression and 0 <= span.start <= span.end <= len(expression)
    assert at is None or (span.start, span.end) == at


def changed(old: str, new: str) -> Comparison:
    return compare(policy(old), policy(new), BUDGET)


def test_a_policy_is_the_same_as_itself() -> None:
    assert changed(DMZ, DMZ).same
    assert changed(DMZ, DMZ.replace("[dns, ntp]", "[ntp, dns]").replace("# Addresses", "# The addresses")).same


# What is changed: the text, what it becomes, and the changes as (wider or narrower, Iface, outcomes).
EDITS = {
    "another port": ("== 2222)", "in [2222, 2223])", {("wider", "outside", "drop", "out")}),
    "a wider network": ("203.0.113.0/28", "203.0.113.0/27", {("wider", "outside", "drop", "out")}),
    "one port less": ("[dns, ntp]", "[dns]", {("narrower", "dmz", "out", "drop")}),
    "another server": (
        "{ dnat(mail_server) }",
        "{ dnat(web_server) }",
        {("narrower", "outside", "out", "drop"), ("narrower", "inside", "out", "otherwise")},
    ),
    "another source": ("{ snat(outside.address) }", "{ snat(198.51.100.3) }", {("otherwise", "inside", "out", "out")}),
    "no way out": (
        "  to_internet: { net: 0.0.0.0, netmask: 0.0.0.0, iface: outside, nexthop: outside.gateway },\n",
        "",
        {("narrower", "inside", "out", "drop")},
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_changes_are_found_and_their_examples_show_them(edit: str) -> None:
    old_text, new_text, wanted = EDITS[edit]
    assert DMZ.count(old_text) == 1
    new = DMZ.replace(old_text, new_text)
    comparison = changed(DMZ, new)
    found = {
        ("wider" if c.widens else "narrower" if c.narrows else "otherwise", c.iface, c.old.outcome, c.new.outcome)
        for c in comparison.changes
    }
    assert {each for each in wanted if each[3] != "otherwise"} <= found
    assert any(change.example is not None for change in comparison.changes)
    before, after = policy(DMZ).pipeline, policy(new).pipeline
    numbers = {iface.name: iface.number for iface in before.ifaces}
    for change in comparison.changes:
        if change.example is None or change.example.state is not State.NEW:
            continue
        was = Machine(before).receive(numbers[change.iface], change.example.packet)
        now = Machine(after).receive(numbers[change.iface], change.example.packet)
        assert was != now
        assert (outcome(was)[0], outcome(now)[0]) == (change.old.outcome, change.new.outcome)


def test_ifaces_that_only_one_has_are_told() -> None:
    more = DMZ + "Iface spare { index: 3, address: 10.0.3.1, netmask: 255.255.255.0, input: to_firewall }\n"
    comparison = changed(DMZ, more)
    assert comparison.only_new == ("spare",) and comparison.only_old == () and not comparison.same


def test_beyond_the_budget_there_is_no_answer() -> None:
    with pytest.raises(OverBudget):
        compare(policy(DMZ), policy(DMZ.replace("2222", "2223")), 3000)


PHONES = """Iface wan { index: 0, config: dhcp, masquerade: true }
Iface lan { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
Gateway g {
  in: { net: 10.0.0.0, netmask: 255.255.255.0, iface: lan },
  out: { net: 0.0.0.0, netmask: 0.0.0.0, iface: wan, nexthop: 192.0.2.254 },
  forward: through,
}
Filter::IP through {
  if (ct.state == established) { accept }
  if (iface.in == lan and ip.saddr == 10.0.0.50) { accept }
  drop
}
"""


def test_an_iface_whose_address_nobody_knows_may_have_any() -> None:
    comparison = changed(PHONES, PHONES.replace("10.0.0.50)", "10.0.0.50/31)").replace("saddr == ", "saddr in "))
    wider = [change for change in comparison.changes if change.widens and change.new.outcome is Outcome.OUT]
    assert ("lan", "wan") in {(change.iface, change.new.iface) for change in wider}
    assert all("ip.saddr 10.0.0.51" in change.packets and change.example is not None for change in wider)
    out = ask("iface.in == lan and ip.saddr == 10.0.0.50 and ct.state == new", frozenset({Outcome.OUT}), PHONES)
    assert "wan" in {region.fate.iface for region in out}


def test_a_lease_that_is_known_counts() -> None:
    condition, _ = read_condition(
        SourceFile("fw.nacl", PHONES), "ip.daddr == 192.0.2.7 and iface.in == wan and ct.state == new"
    )
    assert condition is not None
    known = policy(PHONES)
    lease = {"wan": Lease(0xC0000207, 0xFFFFFF00, 0xC00002FE)}
    known = Policy(leased(known.pipeline, lease), known.graphs, frozenset(lease))
    here = regions(known, Wanted(*condition, frozenset({Outcome.LOCAL})), BUDGET)
    assert here and {region.fate.iface for region in here} == {"wan"}
    elsewhere, _ = read_condition(
        SourceFile("fw.nacl", PHONES), "ip.daddr == 192.0.2.8 and iface.in == wan and ct.state == new"
    )
    assert elsewhere is not None
    assert regions(known, Wanted(*elsewhere, frozenset({Outcome.LOCAL})), BUDGET) == ()
