"""Tests on executors, judged."""

# ruff: noqa: E501  rows of tables stay on one line

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from xml.etree import ElementTree

import pytest
from rich.console import Console

from naclc.diagnostics import error
from naclc.pipeline.pipeline import Pipeline
from naclc.probes.probe import Plan, Probe, ProbeStep, Unreachable
from naclc.source import SourceFile
from naclc.verify import machine_report
from naclc.verify.cases import Case
from naclc.verify.executor import MachineFailure, Observation, Sent, Session
from naclc.verify.executors.inside import InsideExecutor
from naclc.verify.judge import Judge
from naclc.verify.packets import build
from naclc.verify.packetspec import PacketSpec
from naclc.verify.report import print_report
from naclc.verify.result import Report
from naclc.verify.run import RunOptions, run_tests
from naclc.verify.testsfile import read_tests

UDP = "udp: {dport: 53}"
PING = "icmp: {type: echo-request}"


def cases(text: str, pipeline: Pipeline) -> tuple[Case, ...]:
    file, findings = read_tests(SourceFile("fw.tests.yaml", f"tests:\n{text}"), pipeline)
    assert file is not None, findings
    return file.cases


def step(what: str, expect: str, where: str = "outside", src: str = "192.0.2.9", dst: str = "10.0.0.5") -> str:
    return f"{{name: t, in: {where}, packet: {{src: {src}, dst: {dst}, {what}}}, expect: {expect}}}"


def run(text: str, pipeline: Pipeline) -> Report:
    interpreter = InsideExecutor("interpreter", pipeline)
    return run_tests(pipeline, cases(text, pipeline), None, interpreter, [interpreter])


# why | test | what is wrong; empty: it passes
JUDGED = [
    ("dropped as expected", step(PING, "drop"), ""),
    ("dropped by the right line", step(PING, '{drop: true, rule: "fw.nacl:12"}'), ""),
    ("dropped by another line", step(PING, '{drop: true, rule: "fw.nacl:14"}'), "decided by line 12 instead of line 14"),
    ("the log text is the whole text", step(PING, '{drop: true, log: "ping"}'), "logged 'ping from 192.0.2.9\\n' instead"),
    ("no log is expected", step(PING, '{drop: true, log: ""}'), "logged"),
    ("not dropped", step(UDP, "drop"), "it was not dropped: udp 192.0.2.9:40000 -> 10.0.0.5:53"),
    ("leaves", step(UDP, "{out: inside, ttl: 63}"), ""),
    ("leaves on another Iface", step(UDP, "{out: outside}"), "left on inside instead of outside"),
    ("leaves changed", step(UDP, "{out: inside, ttl: 64}"), "ttl is 63 instead of 64"),
    ("a field it does not have", step(UDP, "{out: inside, tcp: {dport: 53}}"), "tcp.dport is missing instead of 53"),
    ("does not leave", step(PING, "{out: inside}"), "it did not leave on inside"),
    ("delivered", step(PING, "local", dst="192.0.2.1"), "it was not delivered"),
    ("delivered and answered", step(UDP, "local", dst="192.0.2.1"), ""),
    ("delivered, and answered all the same", step(UDP, "{local: true, answer: none}", dst="192.0.2.1"), "answered: icmp"),
    ("answered", step(UDP, "{answer: {icmp: {type: 3, code: 3}}}", dst="192.0.2.1"), ""),
    ("answered otherwise", step(UDP, "{answer: {icmp: {type: 11}}}", dst="192.0.2.1"), "icmp.type is 3 instead of 11"),
    ("answered elsewhere", step(UDP, "{answer: {icmp: {type: 3}}, on: inside}", dst="192.0.2.1"), "left on outside"),
    ("forwarded is not answered", step(UDP, "{answer: {ttl: 63}, on: inside}"), "no answer of the machine itself"),
    ("delivered is not dropped", step(UDP, "drop", dst="192.0.2.1"), "it was not dropped"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), [row[1:] for row in JUDGED], ids=[row[0] for row in JUDGED])
def test_judged(text: str, problem: str, firewall: Pipeline) -> None:
    if problem == "it was not delivered":
        text = text.replace("icmp: {type: echo-request}", "tcp: {dport: 1}, checksum: 1")
    (result,) = run(f"  - {text}\n", firewall).results
    problems = [problem for step in result.steps for problem in step.problems]
    assert result.passed is (problem == "")
    assert problem in "".join(problems)


def test_steps_share_a_flow_and_replies_follow_what_was_seen(firewall: Pipeline) -> None:
    text = """\
  - name: t
    steps:
      - {in: outside, packet: {src: 192.0.2.9, dst: 10.0.0.5, tcp: {dport: 80}}, expect: {out: inside}}
      - {in: inside, reply: 1, tcp: {flags: [syn, ack]}, expect: {out: outside, src: 10.0.0.5, tcp: {sport: 80}}}
      - {in: outside, reply: 2, expect: {out: inside, tcp: {flags: [ack]}}}
"""
    assert run(text, firewall).ok


def test_packets_are_padded_as_in_a_frame(firewall: Pipeline) -> None:
    # Its last 8 octets are cut off; the padding of the frame stands in for them.
    whole = build(PacketSpec("udp", {"src": 0xC0000209, "dst": 0x0A000005, "udp.dport": 53, "payload": bytes(8)}))
    with InsideExecutor("interpreter", firewall).session("t") as session:
        (sent,) = session.send("outside", whole[:-8]).sent
    assert len(sent.packet) == len(whole)


def test_a_reply_to_nothing_fails(firewall: Pipeline) -> None:
    text = """\
  - name: t
    steps:
      - {in: outside, packet: {src: 192.0.2.9, dst: 10.0.0.5, icmp: {type: 8}}, expect: drop}
      - {in: inside, reply: 1}
"""
    (result,) = run(text, firewall).results
    assert result.steps[-1].problems == ("step 1 led to no packet to reply to",)


@pytest.mark.parametrize(("expect", "passed"), [("drop", False), ("{out: inside}", True)])
def test_todo_passes_when_it_fails(expect: str, passed: bool, firewall: Pipeline) -> None:
    text = step(PING, expect).replace("name: t", "name: t, todo: later")
    report = run(f"  - {text}\n", firewall)
    assert report.ok is passed


def test_nothing_run_is_a_failure(firewall: Pipeline) -> None:
    interpreter = InsideExecutor("interpreter", firewall)
    assert not run_tests(firewall, (), None, interpreter, [interpreter]).ok


class Faulty(InsideExecutor):
    """The interpreter with a fault: `change` is made to all that is observed; MachineFailure at packet `fails_at`."""

    def __init__(
        self,
        pipeline: Pipeline,
        change: Callable[[Observation], Observation] = lambda seen: seen,
        fails_at: int = 0,
        starts: bool = True,
    ) -> None:
        super().__init__("process", pipeline)
        self.change, self.fails_at, self.starts = change, fails_at, starts
        self.sessions = self.closed = self.sent = 0

    def session(self, label: str) -> AbstractContextManager[Session]:
        return self._faulty()

    @contextmanager
    def _faulty(self) -> Iterator[Session]:
        self.sessions += 1
        if not self.starts:
            raise MachineFailure(error("qemu-missing", "it is not there", None))
        with super()._session() as inner:
            yield _FaultySession(self, inner)

    def close(self) -> None:
        self.closed += 1


class _FaultySession:
    def __init__(self, executor: Faulty, inner: Session) -> None:
        self.executor, self.inner = executor, inner

    def send(self, port: str, packet: bytes) -> Observation:
        self.executor.sent += 1
        if self.executor.sent == self.executor.fails_at:
            raise MachineFailure(error("guest-panic", "it panicked", None))
        return self.executor.change(self.inner.send(port, packet))

    def wait(self, seconds: int) -> None:
        self.inner.wait(seconds)


def probes(count: int) -> Plan:
    packets = [
        build(PacketSpec("udp", {"src": 0xC0000209, "dst": 0x0A000005, "udp.sport": 1000 + n, "udp.dport": 53}))
        for n in range(count)
    ]
    made = [Probe(f"probe {n}", "about", "f", None, (ProbeStep("outside", p),)) for n, p in enumerate(packets)]
    return Plan(tuple(made), (Unreachable("f", "x is 1", "masked: by y", None),), count + 1)


def with_probes(pipeline: Pipeline, executor: Faulty, count: int, options: RunOptions | None = None) -> Report:
    interpreter = InsideExecutor("interpreter", pipeline)
    return run_tests(pipeline, (), probes(count), interpreter, [executor], options=options)


FAULTS = [
    ("loses a packet", lambda seen: Observation((), seen.delivered, seen.log, None), "the interpreter also sends udp"),
    ("changes a packet", lambda seen: Observation((Sent("inside", b"x" * 30),), seen.delivered, seen.log, None),
     "the interpreter does not send"),
    ("takes another Iface", lambda seen: Observation((Sent("outside", seen.sent[0].packet),), (), "", None), "on outside"),
    ("takes another next hop", lambda seen: Observation((Sent("inside", seen.sent[0].packet, 0x0A000006),), (), "", None),
     "via 10.0.0.6"),
    ("delivers", lambda seen: Observation(seen.sent, ("outside",), seen.log, None), "delivered on outside"),
    ("logs", lambda seen: Observation(seen.sent, seen.delivered, "text", None), "logs 'text'"),
    ("decides elsewhere", lambda seen: Observation(seen.sent, seen.delivered, seen.log, (3,)), "decided by line 12"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "problem"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_an_executor_that(change: Callable[[Observation], Observation], problem: str, firewall: Pipeline) -> None:
    report = with_probes(firewall, Faulty(firewall, change), 1)
    assert not report.ok
    assert problem in "".join(report.results[0].steps[0].problems)


def test_what_an_executor_cannot_see_is_not_compared(firewall: Pipeline) -> None:
    blind = Faulty(
        firewall, lambda seen: Observation(tuple(Sent(s.iface, s.packet) for s in seen.sent), None, None, None)
    )
    assert with_probes(firewall, blind, 3).ok


def test_a_machine_that_fails_fails_its_test_and_the_rest_goes_on(firewall: Pipeline) -> None:
    executor = Faulty(firewall, fails_at=3)
    report = with_probes(firewall, executor, 6)
    assert [result.passed for result in report.results] == [True, True, False, True, True, True]
    assert report.results[2].failure is not None and report.results[2].failure.code == "guest-panic"
    assert (executor.sessions, executor.closed) == (2, 1)


def test_a_machine_that_does_not_start_is_tried_once(firewall: Pipeline) -> None:
    executor = Faulty(firewall, starts=False)
    interpreter = InsideExecutor("interpreter", firewall)
    text = f"  - {step(PING, 'drop')}\n  - {step(UDP, 'drop')}\n"
    report = run_tests(firewall, cases(text, firewall), probes(5), interpreter, [executor])
    assert len(report.results) == 7 and not any(result.passed for result in report.results)
    assert executor.sessions == 1


def test_probes_are_capped_evenly_and_the_rest_is_counted(firewall: Pipeline) -> None:
    report = with_probes(firewall, Faulty(firewall), 10, RunOptions(generated={"process": 4}))
    assert [result.name for result in report.results] == ["probe 0", "probe 2", "probe 5", "probe 7"]
    assert report.left_out == {"process": 6}


def test_a_fresh_probe_gets_a_new_machine(firewall: Pipeline) -> None:
    plan = probes(3)
    first, second, third = plan.probes
    fresh = Probe(second.name, second.about, second.function, None, second.steps, fresh=True)
    executor = Faulty(firewall)
    interpreter = InsideExecutor("interpreter", firewall)
    report = run_tests(firewall, (), Plan((first, fresh, third), (), 3), interpreter, [executor])
    assert report.ok
    assert executor.sessions == 2


@pytest.fixture
def mixed(firewall: Pipeline) -> Report:
    """One test that passes, one that fails, one todo, probes of which one fails."""
    interpreter = InsideExecutor("interpreter", firewall)
    todo = step(PING, "{out: inside}").replace("name: t", "name: later, todo: not yet")
    text = f"  - {step(PING, 'drop')}\n  - {step(UDP, 'drop')}\n  - {todo}\n"
    written = cases(text, firewall)
    return run_tests(firewall, written, probes(3), interpreter, [interpreter, Faulty(firewall, fails_at=5)])


def test_json_report(mixed: Report) -> None:
    report = json.loads(machine_report.as_json(mixed))
    assert set(report) == {"tests", "summary"}
    assert len(report["tests"]) == 12
    first = report["tests"][0]
    assert {"name", "kind", "executor", "passed", "todo", "steps"} <= set(first)
    assert {"passed", "expected", "observed"} <= set(first["steps"][0])
    assert first["steps"][0]["decided"] == ["fw.nacl:12"]
    assert report["summary"]["failed"] == 3
    assert report["summary"]["coverage"]["rules"] == {"reached": 2, "all": 2}


def test_junit_report(mixed: Report) -> None:
    root = ElementTree.fromstring(machine_report.as_junit(mixed).split("\n", 1)[1])
    suites = {suite.get("name"): suite for suite in root}
    assert [suites["interpreter"].get(key) for key in ("tests", "failures", "errors", "skipped")] == [
        "6",
        "1",
        "0",
        "1",
    ]
    assert [suites["process"].get(key) for key in ("tests", "failures", "errors", "skipped")] == ["6", "1", "1", "1"]


def test_pretty_report(mixed: Report) -> None:
    console = Console(width=200, no_color=True, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    print_report(mixed, console)
    text = console.export_text()
    assert "✓ t     interpreter ✓  process ✓" in text
    assert "outside ▸ icmp 192.0.2.9 -> 10.0.0.5 echo-request ttl 64" in text
    assert "fw.nacl:12 drop" in text
    assert "todo: not yet (fails, as expected)" in text
    assert "it was not dropped" in text
    assert "it panicked [guest-panic]" in text
    assert "f: x is 1: masked: by y" in text
    assert text.rstrip().endswith("3 failed")


def test_what_each_machine_counts_for_itself_is_not_compared(firewall: Pipeline) -> None:
    judge = Judge.of(firewall)
    packet = build(PacketSpec("udp", {"src": 0xC6336401, "dst": 0xC0000209, "udp.dport": 5}))
    other = packet[:4] + b"\x77\x77" + packet[6:10] + b"\x12\x34" + packet[12:]
    truth, seen = (Observation((Sent("outside", each),), ("outside",), "", None) for each in (packet, other))
    assert judge.disagreements(truth, seen) == []  # an answer, even where its source was translated
    truth, seen = (Observation((Sent("outside", each),), (), "", None) for each in (packet, other))
    assert len(judge.disagreements(truth, seen)) == 2  # a packet that was forwarded keeps its identification
