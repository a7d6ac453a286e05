"""Collects what the stage has to say; the same problem at the same place once."""

from __future__ import annotations

from naclc.diagnostics import Diagnostic, Label, Severity, in_source_order
from naclc.source import Span


class Reporter:
    """`known` holds (code, start, end, message): a bad member of a named set is one problem, however often the set
    is used; its labels are those of the first use.

    `failed`: there is an error; `blind`: one is about a name that is not known, so that what is used may look unused.
    """

    def __init__(self) -> None:
        self._diagnostics: list[Diagnostic] = []
        self._known: set[tuple[str, int, int, str]] = set()
        self.failed = False
        self.blind = False

    def error(self, code: str, message: str, span: Span, *labels: Label, help: str | None = None) -> None:
        self.failed = True
        self.blind |= code.startswith("unknown-")
        self._add(Diagnostic(code, Severity.ERROR, message, span, labels, help))

    def warning(self, code: str, message: str, span: Span, *labels: Label, help: str | None = None) -> None:
        self._add(Diagnostic(code, Severity.WARNING, message, span, labels, help))

    def sorted(self) -> list[Diagnostic]:
        return in_source_order(self._diagnostics)

    def _add(self, diagnostic: Diagnostic) -> None:
        span = diagnostic.span
        assert span is not None
        key = (diagnostic.code, span.start, span.end, diagnostic.message)
        if key not in self._known:
            self._known.add(key)
            self._diagnostics.append(diagnostic)
