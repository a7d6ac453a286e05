"""One subject, all contenders that can decide by it, the same packets: medians and minima of rounds in turn."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.rules import policies, traffic
from bench.rules.building import CPP, CXX, Absent, Built, Contender, Subject, build, timed
from bench.rules.traffic import Arrival
from bench.rulesets import Rule, nacl
from naclc.driver import Options, check_policy
from naclc.interpret.walk import evaluator
from naclc.net.fields import State
from naclc.pipeline.evaluation import Facts, Verdict
from naclc.source import SourceFile


@dataclass(frozen=True, slots=True)
class Effort:
    """`seconds` of processor time that each step of making a contender may take."""

    rounds: int = 21
    packets: int = 32_768
    seconds: int = 120


def of_rules(group: str, rules: tuple[Rule, ...], effort: Effort) -> tuple[Subject, dict[str, list[Arrival]]]:
    """A set of rules, and packets for it whose verdicts the reference finds."""
    traces = {kind: traffic.trace(kind, rules, effort.packets, 1, State.UNTRACKED.value) for kind in traffic.KINDS}
    return Subject(group, len(rules), nacl(rules), rules), traces


def of_policy(group: str, size: int, effort: Effort) -> tuple[Subject, dict[str, list[Arrival]]]:
    """A policy of POLICIES, and packets for it with the verdicts of the interpreter."""
    policy = policies.POLICIES[group](size)
    checked = check_policy(SourceFile("policy.nacl", policy.text), Options(analysis_nodes=10_000))
    if checked.pipeline is None:
        raise ValueError(f"{group}: {[finding.message for finding in checked.diagnostics]}")
    decide = evaluator(checked.pipeline)
    known: dict[Arrival, Arrival] = {}

    def judged(arrival: Arrival) -> Arrival:
        if arrival not in known:
            facts = Facts(traffic.octets(arrival.header), State(arrival.state), iface_in=0)
            accepted = decide("rules", facts).verdict is Verdict.ACCEPT
            known[arrival] = replace(arrival, verdict=int(accepted))
        return known[arrival]

    traces = {
        kind: [judged(arrival) for arrival in policies.trace(kind, policy, effort.packets, 1)]
        for kind in policies.KINDS
    }
    return Subject(group, size, policy.text), traces


def contest(
    subject: Subject, traces: Mapping[str, Sequence[Arrival]], contenders: Sequence[Contender], effort: Effort
) -> dict[str, Any]:
    """What is written as JSON about one subject: contenders with cost, seconds to get ready, and nanoseconds a packet
    for each traffic; and who was absent, and why."""
    with tempfile.TemporaryDirectory(prefix="naclc-rules.") as name:
        work = Path(name)
        built: dict[str, Built] = {}
        absent: dict[str, str] = {}
        for contender in contenders:
            try:
                built[contender.name] = build(contender, subject, work, effort.seconds)
            except Absent as why:
                absent[contender.name] = str(why)
        taken = _race(subject, traces, built, work, effort.rounds) if built else []
    result: dict[str, Any] = {"group": subject.group, "size": subject.size, "contenders": {}, "absent": absent}
    for (contender_name, made), seen in zip(built.items(), taken, strict=True):
        if seen["failure"]:
            absent[contender_name] = seen["failure"]
            continue
        cost = dict(made.cost)
        if not cost:  # made ready at run time
            cost = {"ready_cpu_s": seen["open_s"], "table_octets": seen["octets"]}
        times = {kind: _summary(each) for kind, each in zip(traces, seen["traces"], strict=True)}
        result["contenders"][contender_name] = {"cost": cost, "traffic": times}
    return result


def _race(
    subject: Subject, traces: Mapping[str, Sequence[Arrival]], built: Mapping[str, Built], work: Path, rounds: int
) -> list[dict[str, Any]]:
    """What race.cpp measured of each contender."""
    program, reference, output = work / "race", work / "linear.so", work / "race.json"
    timed([*CXX, str(CPP / "race.cpp"), "-ldl", "-o", str(program)], 60, "g++")
    timed([*CXX, "-fPIC", "-shared", str(CPP / "linear.cpp"), "-o", str(reference)], 60, "g++")
    (work / "rules").write_bytes(traffic.rules_file(subject.rules))
    for kind, arrivals in traces.items():
        (work / f"{kind}.trace").write_bytes(traffic.trace_file(arrivals))
    files = [str(work / f"{kind}.trace") for kind in traces]
    libraries = [str(each.library) for each in built.values()]
    words = [str(program), str(work / "rules"), str(rounds), str(output), str(reference), *libraries, "--", *files]
    ran = subprocess.run(words, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=900)
    if ran.returncode != 0:
        raise SystemExit(f"{subject.group} {subject.size}: the race ended with {ran.returncode}: {ran.stderr.strip()}")
    measured: list[dict[str, Any]] = json.loads(output.read_text())
    return measured


def _summary(seen: Mapping[str, Any]) -> dict[str, float]:
    ns: list[float] = seen["ns"]
    return {"median_ns": statistics.median(ns), "minimum_ns": min(ns), "mismatches": seen["mismatches"]}
