"""Probes of policies with state, address translation, VLANs and leases: what they reach, which faults they catch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from naclc.decision.build import build
from naclc.decision.evaluate import evaluator
from naclc.decision.graph import Graphs
from naclc.interpret.events import Sent
from naclc.interpret.machine import Lease, Machine
from naclc.net.fields import State
from naclc.pipeline.evaluation import NO_STATEMENT, Decision, Evaluator, Facts, Verdict
from naclc.pipeline.lower import lower
from naclc.pipeline.pipeline import Pipeline, Translation
from naclc.probes.frames import redirected
from naclc.probes.plan import plan_probes
from naclc.probes.probe import Plan
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse
from naclc.verify.executors.inside import InsideExecutor
from naclc.verify.leases import leased
from naclc.verify.run import run_tests

ROOT = Path(__file__).parents[3]
LEASES = {
    "outside": Lease(0xC0000202, 0xFFFFFF00, 0xC0000201),
    "trunk": Lease(0xC0000202, 0xFFFFFF00, 0xC0000201),
    "guests": Lease(0xC6336402, 0xFFFFFF00, None),
}


@cache
def planned(path: str) -> tuple[Pipeline, Graphs, Plan]:
    program, findings = parse(SourceFile(path, (ROOT / path).read_text("utf-8")))
    assert program is not None, findings
    configuration, findings = resolve(program, None)
    assert configuration is not None, findings
    pipeline = leased(lower(configuration), LEASES)
    graphs = build(pipeline)
    return pipeline, graphs, plan_probes(graphs, pipeline)


OUTER = "not reachable from the wire"
SHORT = "no sequence of up to 4 packets was found that does it"
NOBODY = {"ct.state is related": "masked", "iface.in is no Iface of this policy": "masked"}

# policy | how much is to be reached | what is not, and how the reason begins
POLICIES: list[tuple[str, int, dict[str, str]]] = [
    ("examples/firewall/firewall.nacl", 5, {}),
    ("examples/office/office.nacl", 100, NOBODY | {
        "ip.saddr is 192.168.10.255": OUTER, "ip.saddr is 192.168.20.255": OUTER,
        "ip.daddr is 192.168.10.255": OUTER, "ip.daddr is 192.168.20.255": OUTER}),
    ("examples/dmz/dmz.nacl", 126, NOBODY | {
        "ip.daddr is 10.0.1.255": OUTER, "ip.saddr is 10.0.1.255": OUTER, "ip.saddr is 10.0.2.255": OUTER}),
    ("examples/vlans/vlans.nacl", 74, {"ct.state is related": "masked", "ip.saddr is 10.10.0.255": OUTER,
                                       "ip.saddr is 10.20.0.255": OUTER, "ip.saddr is 10.30.0.255": OUTER}),
    ("tests/golden/includeos/interfaces.nacl", 4, {"ip.saddr is 10.0.10.255": OUTER}),
    ("tests/golden/includeos/masquerade.nacl", 2, {}),
    ("tests/golden/includeos/nat.nacl", 48, {
        "ct.state is related": "masked",
        # Only replies come in, so nothing new is rewritten on its way to the machine itself.
        "the snat rewrites a packet": SHORT, "un-snat in output rewrites a packet": SHORT,
        # Masquerading, which comes first, has put all of them back.
        "un-snat in prerouting rewrites a packet": SHORT}),
    ("tests/golden/includeos/services.nacl", 5, {}),
    ("tests/golden/includeos/tracking.nacl", 11, {"ct.state is established": "masked"}),  # on the second line
    ("tests/verdicts/asymmetric.nacl", 9, {}),
    ("tests/verdicts/nat.nacl", 56, {}),
    ("tests/verdicts/masquerade.nacl", 17, {
        "un-snat in prerouting rewrites a packet": SHORT, "un-dnat in postrouting rewrites a packet": SHORT}),
    ("tests/verdicts/vlans.nacl", 3, {}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "goals", "unreached"), POLICIES, ids=[row[0] for row in POLICIES])
def test_what_is_reached(path: str, goals: int, unreached: dict[str, str]) -> None:
    _, _, plan = planned(path)
    found = {item.about: item.reason for item in plan.unreachable}
    assert {about: reason.startswith(unreached.get(about, "?")) for about, reason in found.items()} == dict.fromkeys(
        unreached, True
    ), found
    assert plan.goals == goals
    assert all(1 <= len(probe.steps) <= 4 for probe in plan.probes)


def test_a_reply_goes_to_the_port_that_the_flow_was_given() -> None:
    pipeline, _, plan = planned("tests/golden/includeos/masquerade.nacl")
    (probe,) = [probe for probe in plan.probes if "demasquerade" in probe.about]
    opener, reply = probe.steps
    assert reply.answers == 0
    machine = Machine(pipeline, masquerade_ports=[61000])
    numbers = {iface.name: iface.number for iface in pipeline.ifaces}
    out = machine.receive(numbers[opener.iface], opener.packet)[-1]
    assert isinstance(out, Sent) and out.packet[20:22] == (61000).to_bytes(2, "big")
    back = machine.receive(numbers[reply.iface], redirected(reply.packet, out.packet))[-1]
    assert isinstance(back, Sent) and back.packet[16:20] == opener.packet[12:16]


def passed(path: str, evaluate: Evaluator | None, pipeline: Pipeline | None = None) -> bool:
    """Whether a machine that decides by `evaluate` gets through the generated probes."""
    truth, _, plan = planned(path)
    faulty = InsideExecutor("decision", pipeline or truth, evaluate)
    report = run_tests(truth, [], plan, InsideExecutor("interpreter", truth), [faulty])
    return all(result.passed for result in report.results)


def stateless(decide: Evaluator) -> Evaluator:
    return lambda function, facts: decide(function, replace(facts, state=State.NEW))


def swapped(decide: Evaluator) -> Evaluator:
    other = {State.NEW: State.ESTABLISHED, State.ESTABLISHED: State.NEW}
    return lambda function, facts: decide(function, replace(facts, state=other.get(facts.state, facts.state)))


STATEFUL = [
    "examples/office/office.nacl",
    "examples/dmz/dmz.nacl",
    "examples/vlans/vlans.nacl",
    "tests/golden/includeos/nat.nacl",
    "tests/golden/includeos/tracking.nacl",
    "tests/unit/probes/office.nacl",
]


@pytest.mark.parametrize("path", STATEFUL)
def test_a_machine_that_minds_no_state_is_caught(path: str) -> None:
    pipeline, graphs, _ = planned(path)
    decide = evaluator(graphs, pipeline)
    assert passed(path, decide)
    assert not passed(path, stateless(decide))
    assert not passed(path, swapped(decide))


VERDICTS = (Verdict.ACCEPT, Verdict.DROP)


def without(decide: Evaluator, statement: int, instead: Verdict) -> Evaluator:
    """Decides otherwise where `statement` would decide."""

    def evaluate(function: str, facts: Facts) -> Decision:
        decision = decide(function, facts)
        if decision.statement != statement:
            return decision
        decider = NO_STATEMENT if instead is Verdict.END else statement
        return Decision(instead, decider, decision.log, syslog=decision.syslog)

    return evaluate


def rules(path: str, *, rewrites: bool) -> Iterator[int]:
    """Statements with a verdict, or dnats and snats, that the probes reach."""
    pipeline, graphs, _ = planned(path)
    decided: set[tuple[int, bool]] = set()
    decide = evaluator(graphs, pipeline)

    def note(function: str, facts: Facts) -> Decision:
        decision = decide(function, facts)
        decided.add((decision.statement, decision.rewrite is not None))
        return decision

    assert passed(path, note)
    return (statement for statement, is_rewrite in sorted(decided) if is_rewrite is rewrites and statement >= 0)


@pytest.mark.parametrize("path", [row[0] for row in POLICIES])
def test_a_forgotten_rule_is_caught(path: str) -> None:
    pipeline, graphs, _ = planned(path)
    decide = evaluator(graphs, pipeline)
    for statement in rules(path, rewrites=True):
        assert not passed(path, without(decide, statement, Verdict.END)), pipeline.statements[statement].text
    for statement in rules(path, rewrites=False):
        fine = [verdict for verdict in VERDICTS if passed(path, without(decide, statement, verdict))]
        assert len(fine) == 1, pipeline.statements[statement].text


def steps_left_out(pipeline: Pipeline) -> Iterator[tuple[str, Pipeline]]:
    """`pipeline` without one of its added steps, and what that step would be told as. Where there is a Nat, un-snat
    does all that demasquerading does."""
    for number, iface in enumerate(pipeline.ifaces):
        for hook, steps in iface.translations.items():
            for step in steps:
                if step is Translation.DEMASQUERADE and iface.has_nat:
                    continue
                kept = tuple(each for each in steps if each is not step)
                other = replace(iface, translations={**iface.translations, hook: kept})
                ifaces = (*pipeline.ifaces[:number], other, *pipeline.ifaces[number + 1 :])
                yield f"{iface.name}: {step} in {hook} rewrites a packet", replace(pipeline, ifaces=ifaces)


@pytest.mark.parametrize("path", [row[0] for row in POLICIES])
def test_a_missing_step_of_translation_is_caught(path: str) -> None:
    pipeline, _, plan = planned(path)
    idle = {f"{item.function}: {item.about}" for item in plan.unreachable}
    for about, other in steps_left_out(pipeline):
        assert passed(path, None, other) is (about in idle), about
