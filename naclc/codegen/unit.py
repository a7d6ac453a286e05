"""The plan: the last data structure before C++ text, step by step as the generated code will run.

The text is a rendering of this and decides nothing more; naclc.validate reads it back and proves it equal to the
rules as written. Steps are numbered; every reference goes to a higher number, so a plan always ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from naclc.codegen.classifier import Classifier
from naclc.net.fields import Field
from naclc.pipeline.evaluation import Rewrite, Verdict
from naclc.semantics.model import Hook, Protocol


@dataclass(frozen=True, slots=True)
class CompareStep:
    """A field against one number; operator is one of == != <= >=."""

    field: Field
    operator: str
    value: int
    then: int
    otherwise: int
    statement: int


@dataclass(frozen=True, slots=True)
class MemberStep:
    """A field against the intervals of table `table`."""

    field: Field
    table: int
    then: int
    otherwise: int
    statement: int


@dataclass(frozen=True, slots=True)
class FieldStep:
    """One field against another; operator is one of == <."""

    left: Field
    operator: str
    right: Field
    then: int
    otherwise: int
    statement: int


@dataclass(frozen=True, slots=True)
class GuardStep:
    """Packets of `protocol` with their transport header go to `then`."""

    protocol: Protocol
    then: int
    otherwise: int
    statement: int


@dataclass(frozen=True, slots=True)
class LogStep:
    """Write to the console, or send a message of `severity` 0 .. 7 to the syslog server; None: console."""

    parts: tuple[str | Field, ...]
    next: int
    statement: int
    severity: int | None = None


@dataclass(frozen=True, slots=True)
class CallStep:
    """Run function `function` (its number in Unit.functions, lower than the caller's)."""

    function: int
    next: int
    statement: int


@dataclass(frozen=True, slots=True)
class ReturnStep:
    """`rewrite` comes with END: it ends the callers too."""

    verdict: Verdict
    statement: int
    rewrite: Rewrite | None = None

    @property
    def is_end(self) -> bool:
        """Whether a caller goes on after it."""
        return self.verdict is Verdict.END and self.rewrite is None


@dataclass(frozen=True, slots=True)
class ClassifyStep:
    """Only in what is rendered (naclc.codegen.active): go on where the tables of `classifier` say. `targets` are
    where its rules lead, `number` is its own in the unit."""

    classifier: Classifier
    number: int
    targets: tuple[int, ...]
    otherwise: int
    statement: int


Step = CompareStep | MemberStep | FieldStep | GuardStep | LogStep | CallStep | ReturnStep | ClassifyStep


@dataclass(frozen=True, slots=True)
class Table:
    """Sorted, disjoint, non-adjacent intervals (first, last), both ends included, of values of `width` bits."""

    width: int
    intervals: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """`steps[0]` is where it begins. `classifiers` say what some of the steps do, and are run instead of them."""

    name: str
    protocol: Protocol
    steps: tuple[Step, ...]
    classifiers: tuple[Classifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """`functions` has callees before callers. `chains` says, for every hook and Iface number (None for forward),
    which functions run there, by number."""

    functions: tuple[FunctionPlan, ...]
    tables: tuple[Table, ...]
    chains: dict[tuple[Hook, int | None], tuple[int, ...]]
