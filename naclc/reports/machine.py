"""Diagnostics for programs: one line each (compact), or one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from naclc.diagnostics import Diagnostic
from naclc.reports.visible import visible
from naclc.source import Span


def compact(diagnostics: Iterable[Diagnostic]) -> str:
    """`file:line:column: severity: message [code]`, line and column from 1."""
    return "".join(f"{_where(d.span)}{d.severity}: {visible(d.message)} [{d.code}]\n" for d in diagnostics)


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """`{"diagnostics": [...]}`; lines from 1, columns from 0; places are null where there are none."""
    return json.dumps({"diagnostics": [_entry(d) for d in diagnostics]}, indent=2, ensure_ascii=False) + "\n"


def _where(span: Span | None) -> str:
    return f"{visible(span.source.name)}:{span.line}:{span.column + 1}: " if span else ""


def _entry(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        **_place(diagnostic.span),
        "help": diagnostic.help,
        "labels": [{"message": label.text, **_place(label.span)} for label in diagnostic.labels],
    }


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    end_line, end_column = span.end_position
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": end_line,
        "end_column": end_column,
    }
