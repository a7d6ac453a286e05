"""What a run of tests found: values, in no format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from naclc.diagnostics import Diagnostic
from naclc.probes.probe import Unreachable
from naclc.source import Span
from naclc.verify.executor import Observation


class TestKind(StrEnum):
    WRITTEN = "written"
    GENERATED = "generated"
    ASSERTED = "asserted"  # of all packets, by exact analysis


@dataclass(frozen=True, slots=True)
class StepResult:
    """`passed` None: sent, and neither judged by an expectation nor compared. `packet` is what was sent, None for a
    wait; `port` where. `decided` are the places of the verdicts, as the interpreter has them. `problems` says what
    is otherwise than it should be."""

    passed: bool | None
    port: str
    packet: bytes | None
    expected: str
    observed: Observation | None
    decided: tuple[Span, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test on one executor. `passed` already minds `todo`: a todo test passes when it fails. `failure`: the
    machine failed, and the test with it. For a generated test `about` says what it is for."""

    name: str
    kind: TestKind
    executor: str
    passed: bool
    todo: str | None
    steps: tuple[StepResult, ...]
    seconds: float
    failure: Diagnostic | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """`rules`: statements with a verdict, dnats and snats; `branches`: ways out of the tests of the decision graphs.
    Reached by the written and the generated tests together, as the interpreter saw them."""

    rules_reached: int
    rules: int
    branches_reached: int
    branches: int
    rules_missed: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """`left_out`: how many generated tests each executor was spared; `seconds`: how long each one took."""

    results: tuple[TestResult, ...]
    executors: tuple[str, ...]
    coverage: Coverage | None
    unreached: tuple[Unreachable, ...]
    left_out: Mapping[str, int]
    seconds: Mapping[str, float]
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        """Something ran, and all of it passed."""
        return (
            bool(self.results)
            and all(result.passed for result in self.results)
            and not any(diagnostic.is_error for diagnostic in self.diagnostics)
        )
