"""Runs the case files beside it: source text, `---`, and what the parser has to say about it.

A line of the expectation is `severity[code] at LINE:COLUMN `text`: message`, with the help after ` -- `; line ends
in the text are written `\n`. An empty expectation: the text is good.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from naclc.diagnostics import Diagnostic
from naclc.source import SourceFile
from naclc.syntax.parse import parse

FILES = sorted(Path(__file__).parent.glob("*.case"))


def cases(path: Path) -> list[tuple[str, str, str]]:
    """(title, input, expectation) of each case."""
    found = []
    for chunk in ("\n" + path.read_text(encoding="utf-8")).split("\n== ")[1:]:
        title, _, rest = chunk.partition("\n")
        text, _, expectation = rest.partition("---\n")
        found.append((title, text, expectation.strip("\n")))
    return found


def describe(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    assert span is not None
    text = span.text.replace("\n", "\\n")
    advice = f" -- {diagnostic.help}" if diagnostic.help else ""
    place = f"{span.line}:{span.column} `{text}`"
    return f"{diagnostic.severity}[{diagnostic.code}] at {place}: {diagnostic.message}{advice}"


ALL = [
    pytest.param(text, expected, id=f"{path.stem}: {title}") for path in FILES for title, text, expected in cases(path)
]


@pytest.mark.parametrize(("text", "expected"), ALL)
def test_case(text: str, expected: str) -> None:
    _, found = parse(SourceFile("case.nacl", text))
    assert "\n".join(describe(diagnostic) for diagnostic in found) == expected


def test_there_are_cases() -> None:
    assert len(ALL) > 50
