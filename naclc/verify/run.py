"""Written and generated tests on every executor, judged against what they expect and against the interpreter."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from naclc.pipeline.pipeline import Pipeline
from naclc.probes.frames import redirected
from naclc.probes.probe import Plan, Probe, ProbeStep
from naclc.source import Span
from naclc.verify import judge as judging
from naclc.verify import packets
from naclc.verify.batches import Batches
from naclc.verify.cases import Case, ReplyStep, SendStep, Step, WaitStep
from naclc.verify.executor import Executor, MachineFailure, Observation, Session
from naclc.verify.interrupts import sigterm_interrupts
from naclc.verify.judge import Judge
from naclc.verify.masquerade import MasqueradePorts
from naclc.verify.nics import Wiring
from naclc.verify.result import Coverage, Report, StepResult, TestKind, TestResult

# A machine with a clock of its own that took longer over a test may have lost entries meanwhile.
PATIENCE = 6.0


class Branches(Protocol):
    """Counts the ways out of the tests of all functions, and those taken since it was made."""

    def count(self) -> tuple[int, int]:
        """(taken, all)."""
        ...


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`generated`: how many probes run on each executor, by its name; an executor that is not there runs all.
    `progress` is told "executor", done and total after each test."""

    generated: dict[str, int] = field(default_factory=dict)
    progress: Callable[[str, int, int], None] | None = None


def run_tests(
    pipeline: Pipeline,
    cases: Sequence[Case],
    plan: Plan | None,
    interpreter: Executor,
    executors: Sequence[Executor],
    branches: Branches | None = None,
    options: RunOptions | None = None,
) -> Report:
    """Run `cases` and the probes of `plan` on each of `executors`.

    `interpreter` judges: it gets a session of its own beside each session of an executor, and is itself tested when it
    is also one of `executors`. Executors are closed at the end, whatever happened.

    A machine that fails (MachineFailure) fails the test that runs on it, not the run; one that cannot be started
    fails all its tests with one start.
    """
    run = _Run(pipeline, interpreter, options or RunOptions())
    with sigterm_interrupts():
        try:
            for executor in executors:
                run.on(executor, cases, plan)
        finally:
            for executor in (*executors, interpreter):
                executor.close()
    return Report(
        results=tuple(run.results),
        executors=tuple(executor.name for executor in executors),
        coverage=run.coverage(branches),
        unreached=plan.unreachable if plan else (),
        left_out=run.left_out,
        seconds=run.seconds,
    )


class _Run:
    def __init__(self, pipeline: Pipeline, interpreter: Executor, options: RunOptions) -> None:
        self._pipeline = pipeline
        self._wiring = Wiring.of(pipeline)
        self._interpreter = interpreter
        self._options = options
        self._judge = Judge.of(pipeline)
        self._batches = Batches.of(pipeline)
        self._decided: set[int] = set()
        self.results: list[TestResult] = []
        self.left_out: dict[str, int] = {}
        self.seconds: dict[str, float] = {}

    def on(self, executor: Executor, cases: Sequence[Case], plan: Plan | None) -> None:
        probes: Sequence[Probe] = plan.probes if plan else ()
        most = self._options.generated.get(executor.name, len(probes))
        if len(probes) > most:
            self.left_out[executor.name] = len(probes) - most
            probes = _spread(probes, most)
        start = time.monotonic()
        executor.prepare(len(cases) + self._batches.count(probes))
        total, done = len(cases) + len(probes), 0
        dead: MachineFailure | None = None
        for case in cases:
            result, dead = self._written(executor, case, dead)
            self.results.append(result)
            done += 1
            self._tell(executor, done, total)
        while probes:
            results, dead = self._batch(executor, probes, dead)
            self.results += results
            probes = probes[len(results) :]
            done += len(results)
            self._tell(executor, done, total)
        self.seconds[executor.name] = time.monotonic() - start

    def _tell(self, executor: Executor, done: int, total: int) -> None:
        if self._options.progress is not None:
            self._options.progress(executor.name, done, total)

    # --- written tests ---

    def _written(
        self, executor: Executor, case: Case, dead: MachineFailure | None
    ) -> tuple[TestResult, MachineFailure | None]:
        """As `_once`; again when it failed and took so long that entries may have expired under it."""
        result, dead_now = self._once(executor, case, dead)
        waits = sum(step.seconds for step in case.steps if isinstance(step, WaitStep))
        slow = executor.real_time and result.seconds - waits > PATIENCE and result.failure is None
        return self._once(executor, case, dead_now) if slow and not result.passed else (result, dead_now)

    def _once(
        self, executor: Executor, case: Case, dead: MachineFailure | None
    ) -> tuple[TestResult, MachineFailure | None]:
        """The result, and the failure that keeps machines of this executor from starting, if one does."""
        start, steps = time.monotonic(), list[StepResult]()
        failure, started = dead, False
        if dead is None:
            try:
                with self._interpreter.session("truth") as truth, executor.session(case.name) as session:
                    started = True
                    self._steps(case, truth, session, steps)
            except MachineFailure as problem:
                failure = problem
        fine = failure is None and all(step.passed is not False for step in steps)
        passed = fine if case.todo is None else (not fine and failure is None)
        result = TestResult(
            case.name,
            TestKind.WRITTEN,
            executor.name,
            passed,
            case.todo,
            tuple(steps),
            time.monotonic() - start,
            failure.diagnostic if failure else None,
        )
        return result, None if started else failure

    def _steps(self, case: Case, truth: Session, session: Session, results: list[StepResult]) -> None:
        ports = MasqueradePorts(self._pipeline)
        true_seen: list[Observation | None] = []
        seen: list[Observation | None] = []
        for step in case.steps:
            if isinstance(step, WaitStep):
                truth.wait(step.seconds)
                session.wait(step.seconds)
                ports.time_passed()
                results.append(StepResult(None, "", None, f"wait {step.seconds} s", None, ()))
                true_seen.append(None)
                seen.append(None)
                continue
            port = step.port
            true_packet, packet = _packet(step, true_seen), _packet(step, seen)
            if true_packet is None or packet is None:
                why = f"step {step.to} led to no packet to reply to" if isinstance(step, ReplyStep) else ""
                results.append(StepResult(False, port, packet, judging.described(step.expect), None, (), (why,)))
                return
            true_seen.append(truth.send(port, true_packet))
            packet = ports.there(packet) if isinstance(step, SendStep) else packet
            seen.append(session.send(port, packet))
            results.append(self._judged(step, packet, true_seen[-1], seen[-1], ports))

    def _judged(
        self,
        step: SendStep | ReplyStep,
        packet: bytes,
        true: Observation | None,
        seen: Observation | None,
        ports: MasqueradePorts,
    ) -> StepResult:
        assert true is not None and seen is not None
        receiver = self._wiring.receiver(step.port)
        problems = self._judge.disagreements(true, seen, ports)
        if step.expect is not None:
            problems = self._judge.expectation(step.expect, receiver.name if receiver else step.port, seen) + problems
        passed = not problems if step.expect is not None or problems else None
        expected = judging.described(step.expect)
        return StepResult(passed, step.port, packet, expected, seen, self._places(true), tuple(problems))

    def _places(self, true: Observation) -> tuple[Span, ...]:
        self._decided.update(true.decided or ())
        return tuple(self._pipeline.statements[statement] for statement in true.decided or ())

    # --- generated tests ---

    def _batch(
        self, executor: Executor, probes: Sequence[Probe], dead: MachineFailure | None
    ) -> tuple[list[TestResult], MachineFailure | None]:
        """As many of `probes` as one machine takes, one at least."""
        if dead is not None:
            return [_failed(probe, executor, dead) for probe in probes], dead
        results: list[TestResult] = []
        started = False
        try:
            with self._interpreter.session("truth") as truth, executor.session("generated") as session:
                started = True
                ports = MasqueradePorts(self._pipeline)
                until = time.monotonic() + self._batches.seconds
                for probe in self._batches.first(probes):
                    results.append(self._probe(executor, probe, truth, session, ports))
                    if executor.real_time and time.monotonic() > until:
                        if not results[-1].passed and len(results) > 1:
                            results.pop()  # entries may have expired under it: again, on a fresh machine
                        break
        except MachineFailure as failure:
            if not started:
                return [_failed(probe, executor, failure) for probe in probes], failure
            results.append(_failed(probes[len(results)], executor, failure))
        return results, None

    def _probe(
        self, executor: Executor, probe: Probe, truth: Session, session: Session, ports: MasqueradePorts
    ) -> TestResult:
        start, steps = time.monotonic(), list[StepResult]()
        all_true, all_seen = list[Observation](), list[Observation]()
        for step in probe.steps:
            packet = ports.there(_of_probe(step, all_seen)) if step.answers is None else _of_probe(step, all_seen)
            true, seen = truth.send(step.iface, _of_probe(step, all_true)), session.send(step.iface, packet)
            all_true.append(true)
            all_seen.append(seen)
            problems = tuple(self._judge.disagreements(true, seen, ports))
            expected = judging.observed(true)
            steps.append(StepResult(not problems, step.iface, packet, expected, seen, self._places(true), problems))
        return TestResult(
            probe.name,
            TestKind.GENERATED,
            executor.name,
            all(step.passed for step in steps),
            None,
            tuple(steps),
            time.monotonic() - start,
            about=probe.about,
        )

    def coverage(self, branches: Branches | None) -> Coverage:
        rules = judging.verdict_statements(self._pipeline)
        taken, ways = branches.count() if branches else (0, 0)
        missed = tuple(self._pipeline.statements[rule] for rule in sorted(rules - self._decided))
        return Coverage(len(rules & self._decided), len(rules), taken, ways, missed)


def _packet(step: SendStep | ReplyStep | Step, seen: list[Observation | None]) -> bytes | None:
    """The packet to send; None when there is nothing to reply to."""
    if isinstance(step, SendStep):
        return packets.build(step.packet)
    assert isinstance(step, ReplyStep)
    before = seen[step.to - 1]
    return packets.reply(before.sent[0].packet, step.changes) if before is not None and before.sent else None


def _of_probe(step: ProbeStep, seen: Sequence[Observation]) -> bytes:
    """The packet to send: on each machine one that answers what that machine sent."""
    sent = seen[step.answers].sent if step.answers is not None else ()
    return redirected(step.packet, sent[0].packet) if sent else step.packet


def _failed(probe: Probe, executor: Executor, failure: MachineFailure) -> TestResult:
    kind = TestKind.GENERATED
    return TestResult(probe.name, kind, executor.name, False, None, (), 0.0, failure.diagnostic, probe.about)


def _spread(probes: Sequence[Probe], most: int) -> Sequence[Probe]:
    """`most` of `probes`, evenly from the first to the last, in their order."""
    return [probes[index * len(probes) // most] for index in range(most)]
