"""Runs the case files beside it: a program, `---`, and what is said about what no packet gets to.

A case begins with `== title`. What is expected is one line a diagnostic and one a label,

    warning[code] at LINE:COLUMN `text`: message
      at LINE:COLUMN `text`: label

with LINE from 1 and COLUMN from 0, texts cut to their first line.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from naclc.decision.reachability import unreached
from naclc.diagnostics import in_source_order
from naclc.pipeline.lower import lower
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile, Span
from naclc.syntax.parse import parse


def read_cases(path: Path) -> dict[str, tuple[str, str]]:
    cases: dict[str, tuple[str, str]] = {}
    for chunk in ("\n" + path.read_text(encoding="utf-8")).split("\n== ")[1:]:
        title, rest = chunk.split("\n", 1)
        program, expected = f"{rest}\n".split("\n---\n")
        cases[title] = program + "\n", expected.strip("\n")
    return cases


def place(span: Span | None) -> str:
    assert span is not None
    return f"at {span.line}:{span.column} `{span.text.splitlines()[0]}`"


def outcome(text: str) -> str:
    program, problems = parse(SourceFile("case.nacl", text))
    assert program is not None and problems == []
    configuration, problems = resolve(program, None)
    assert configuration is not None, problems
    lines: list[str] = []
    for finding in in_source_order(unreached(lower(configuration))):
        lines.append(f"{finding.severity}[{finding.code}] {place(finding.span)}: {finding.message}")
        lines += [f"  {place(label.span)}: {label.text}" for label in finding.labels]
        lines += [f"  help: {finding.help}"] if finding.help else []
    return "\n".join(lines)


CASES = {name: case for path in sorted(Path(__file__).parent.glob("*.case")) for name, case in read_cases(path).items()}


@pytest.mark.parametrize(("program", "expected"), CASES.values(), ids=CASES.keys())
def test_case(program: str, expected: str) -> None:
    assert outcome(program) == expected
