"""What a stage has to say about the user's program: plain values, rendered only at the rim (naclc.reports).

Message style: one lower-case phrase without a final stop, the user's words in backticks, no names of our own
types; advice goes to `help`, other places to `labels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from naclc.source import Span


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """Another place that has to do with the problem, and what it has to do with it."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. `code` is stable, one code per kind of problem (docs/diagnostics/CODE.md).

    `span` is the culprit itself, not its statement; None when the problem is with no place in a text (a file
    that cannot be read, a machine without a compiler). `help` says what cures it.
    """

    code: str
    severity: Severity
    message: str
    span: Span | None
    labels: tuple[Label, ...] = ()
    help: str | None = None

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


def error(code: str, message: str, span: Span | None, *labels: Label, help: str | None = None) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, message, span, labels, help)


def warning(code: str, message: str, span: Span | None, *labels: Label, help: str | None = None) -> Diagnostic:
    return Diagnostic(code, Severity.WARNING, message, span, labels, help)


def in_source_order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Sorted by place; those without a place first; the same problem at the same place once."""
    unique = dict.fromkeys(diagnostics)
    return sorted(unique, key=lambda d: (d.span.start, d.span.end) if d.span else (-1, -1))
