"""Diagnostics as workflow commands of GitHub Actions: they become annotations beside the lines of a change.

    ::error file=fw.nacl,line=22,endLine=22,col=72,endColumn=82,title=unknown-name::nothing is called `ruoter`

Lines and columns count from 1; columns are told only of what stands on one line, as the format asks. Source: GitHub
Actions, "Workflow commands": `%`, CR and LF are escaped everywhere, `:` and `,` in properties too.
"""

from __future__ import annotations

from collections.abc import Iterable

from naclc.diagnostics import Diagnostic
from naclc.reports.visible import visible
from naclc.source import Span


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """One command a diagnostic, each on a line of its own."""
    return "".join(_command(diagnostic) for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    properties = {**_place(diagnostic.span), "title": diagnostic.code}
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{diagnostic.severity} {given}::{_data(_message(diagnostic))}\n"


def _message(diagnostic: Diagnostic) -> str:
    lines = [diagnostic.message]
    for label in diagnostic.labels:
        lines.append(f"{label.span.source.name}:{label.span.line}:{label.span.column + 1}: {label.text}")
    if diagnostic.help:
        lines.append(f"help: {diagnostic.help}")
    return "\n".join(visible(line) for line in lines)


def _place(span: Span | None) -> dict[str, str]:
    if span is None:
        return {}
    end_line, end_column = span.end_position
    place = {"file": span.source.name, "line": f"{span.line}", "endLine": f"{end_line}"}
    if end_line == span.line:
        place |= {"col": f"{span.column + 1}", "endColumn": f"{end_column + 1}"}
    return place


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
