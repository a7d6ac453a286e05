"""The contest of classifiers on tiny sets: all give the verdicts of the reference, and the figures are written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bench.rules import policies, traffic
from bench.rules.building import CONTENDERS, Absent, Contender, Subject, build, timed
from bench.rules.contest import Effort, contest, of_policy, of_rules
from bench.rules.naive import Unknown, emit
from bench.rules.report import table
from bench.rulesets import FAMILIES, Header, Rule, first_match, generate
from naclc.driver import Options, check_policy
from naclc.source import SourceFile

QUICK = Effort(rounds=2, packets=1500, seconds=60)
OURS = [contender for contender in CONTENDERS if contender.policies]
PEERS = [contender for contender in CONTENDERS if not contender.policies]


def verdicts_agree(result: dict[str, Any], names: Sequence[str], kinds: Sequence[str]) -> None:
    assert set(result["contenders"]) == set(names), result["absent"]
    for name in names:
        times = result["contenders"][name]["traffic"]
        assert list(times) == list(kinds)
        assert all(seen["mismatches"] == 0 and 0 < seen["minimum_ns"] <= seen["median_ns"] for seen in times.values())


def all_families(seed: int) -> tuple[Rule, ...]:
    return tuple(rule for family in FAMILIES for rule in generate(family, 30, seed))


def test_our_code_and_the_if_chain_decide_sets_of_rules_as_the_reference() -> None:
    result = contest(*of_rules("all", all_families(3), QUICK), OURS, QUICK)
    verdicts_agree(result, ["naclc", "if-chain"], traffic.KINDS)
    assert result["contenders"]["naclc"]["cost"]["code_octets"] > 0


@pytest.mark.parametrize("name", policies.POLICIES)
def test_our_code_and_the_if_chain_decide_policies_as_the_interpreter(name: str) -> None:
    subject, traces = of_policy(name, 4, QUICK)
    assert {arrival.verdict for arrival in traces["new"]} == {0, 1}
    verdicts_agree(contest(subject, traces, OURS, QUICK), ["naclc", "if-chain"], policies.KINDS)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_peers_decide_as_the_reference(peer: Contender) -> None:
    result = contest(*of_rules("all", all_families(4), QUICK), [peer], QUICK)
    why = result["absent"].get(peer.name, "")
    if "not here" in why or "instructions" in why:
        pytest.skip(why)
    verdicts_agree(result, [peer.name], traffic.KINDS)


def test_a_wrong_verdict_is_counted() -> None:
    rules = generate("acl", 20, seed=5)
    subject, traces = of_rules("acl", rules, QUICK)
    turned = tuple(replace(rule, accept=not rule.accept) for rule in rules)
    wrong = Subject("acl", 20, subject.policy, turned)
    seen = contest(wrong, {"uniform": traces["uniform"]}, OURS[:1], QUICK)["contenders"]["naclc"]["traffic"]
    assert seen["uniform"]["mismatches"] == QUICK.packets


def test_a_set_that_takes_too_long_is_absent_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(Absent, match="spinning took more than 1 s"):
        timed([sys.executable, "-c", "while True: pass"], 1, "spinning")
    with pytest.raises(Absent, match="it failed: boom"):
        timed([sys.executable, "-c", "raise SystemExit('boom')"], 5, "it")
    with pytest.raises(Absent, match="sets of 5-tuple rules only"):
        build(PEERS[0], Subject("office", 1, ""), tmp_path, 5)
    limited = replace(OURS[1], most=10)
    with pytest.raises(Absent, match="above 10 rules"):
        build(limited, Subject("acl", 11, "", generate("acl", 11, seed=1)), tmp_path, 5)


def test_uniform_packets_hit_and_misses_mostly_do_not() -> None:
    rules = [rule for rule in generate("acl", 60, seed=6) if min(rule.source[1], rule.destination[1]) > 8]
    for kind, hits in (("uniform", True), ("zipf", True), ("misses", False)):
        found = [first_match(rules, each.header) for each in traffic.trace(kind, rules, 300, 7, 4)]
        assert all((rule is not None) == hits for rule in found), kind


def test_the_most_frequent_flow_is_twice_as_frequent_as_the_next() -> None:
    seen = Counter(traffic.zipf("abcdefgh", 40_000, Random(1)))
    assert "".join(flow for flow, _ in seen.most_common()) == "abcdefgh"
    assert 1.8 < seen["a"] / seen["b"] < 2.2


def test_a_packet_is_what_the_reference_reads() -> None:
    packet = traffic.octets(Header(0x0A000001, 0xC0000209, 1234, 443, 6))
    assert len(packet) == 40
    assert packet[9] == 6
    assert packet[12:24] == bytes([10, 0, 0, 1, 192, 0, 2, 9, 1234 >> 8, 1234 & 255, 443 >> 8, 443 & 255])
    assert len(traffic.octets(Header(1, 2, 3, 4, 17))) == 28


def test_files_of_the_race_have_fixed_records() -> None:
    rules = (Rule((0x0A000000, 8), (0, 0), (0, 65535), (80, 90), None, True),)
    octets = traffic.rules_file(rules)
    values = [int.from_bytes(octets[at : at + 4], "little") for at in range(0, len(octets), 4)]
    assert values == [0x0A000000, 8, 0, 0, 0, 65535, 80, 90, 256, 1]
    slot = traffic.trace_file([traffic.Arrival(Header(1, 2, 3, 4, 17), 1, 0)])
    assert (len(slot), slot[56], slot[58], slot[59]) == (64, 28, 1, 0)


def test_the_if_chain_refuses_what_it_does_not_know() -> None:
    policy = "Iface e { index: 0, input: rules }\nFilter::IP rules { if (ip.id == 4) { drop } accept }\n"
    pipeline = check_policy(SourceFile("p.nacl", policy), Options()).pipeline
    assert pipeline is not None
    with pytest.raises(Unknown, match=r"ip\.id"):
        emit(pipeline, "rules")


@pytest.mark.parametrize("name", policies.POLICIES)
def test_policies_of_all_sizes_have_no_findings(name: str) -> None:
    for size in (1, 30):
        checked = check_policy(SourceFile("p.nacl", policies.POLICIES[name](size).text), Options())
        assert [finding.code for finding in checked.diagnostics] == []


def test_the_command_writes_figures_and_a_table(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    words = "--sizes 12 --families fw --policies hosts --policy-sizes 3 --contenders naclc --rounds 2 --packets 500"
    command = [sys.executable, "-m", "bench.rules", *words.split(), "--json", str(figures)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = json.loads(figures.read_text())
    assert [(each["group"], each["size"]) for each in measured["results"]] == [("fw", 12), ("hosts", 3)]
    assert table(measured) in run.stdout
    assert "fw 12    uniform" in run.stdout


def test_pictures_are_written_and_do_not_change(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from bench.rules.plots import plot

    times = {"median_ns": 20.0, "minimum_ns": 19.0, "mismatches": 0}
    cost = {"naclc_cpu_s": 0.5, "cxx_cpu_s": 0.5, "code_octets": 100, "table_octets": 2000}

    def result(group: str, size: int, kinds: Sequence[str]) -> dict[str, Any]:
        contender = {"cost": cost, "traffic": dict.fromkeys(kinds, times)}
        return {"group": group, "size": size, "contenders": {"naclc": contender, "dpdk-1": contender}, "absent": {}}

    results = [result("acl", size, traffic.KINDS) for size in (10, 100)] + [result("hosts", 5, policies.KINDS)]
    first, second = (plot({"results": results}, tmp_path / name) for name in "ab")
    assert [path.name for path in first] == ["rules-cost.svg", "rules-making.svg", "policy-cost.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert "DPDK ACL, 1 packet" in first[0].read_text()
    assert plot({"results": []}, tmp_path / "c") == []
