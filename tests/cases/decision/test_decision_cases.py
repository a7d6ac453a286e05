"""Runs the case files beside it: a program, `---`, and what is said about its verdicts and the graphs built from it.

A case begins with `== title`. What is expected is one line a diagnostic and one a label,

    error[code] at LINE:COLUMN `text`: message
      at LINE:COLUMN `text`: label

with LINE from 1 and COLUMN from 0, texts cut to their first line, and below them the dump of the decision graphs.
Every graph is checked, and the plan made from it proved.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from naclc.codegen.plan import plan
from naclc.decision.build import build
from naclc.decision.check import check
from naclc.decision.dump import dump
from naclc.decision.verdicts import missing_verdicts
from naclc.interpret.walk import evaluator
from naclc.pipeline.lower import lower
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile, Span
from naclc.syntax.parse import parse
from naclc.validate.validate import Proved, validate


def read_cases(path: Path) -> dict[str, tuple[str, str]]:
    cases: dict[str, tuple[str, str]] = {}
    for chunk in ("\n" + path.read_text(encoding="utf-8")).split("\n== ")[1:]:
        title, rest = chunk.split("\n", 1)
        program, expected = f"{rest}\n".split("\n---\n")
        cases[f"{path.stem}: {title}"] = program + "\n", expected.strip("\n")
    return cases


def place(span: Span | None) -> str:
    assert span is not None
    return f"at {span.line}:{span.column} `{span.text.splitlines()[0]}`"


def outcome(text: str) -> str:
    program, problems = parse(SourceFile("case.nacl", text))
    assert program is not None and problems == []
    configuration, problems = resolve(program, None)
    assert configuration is not None, problems
    pipeline = lower(configuration)
    graphs = build(pipeline)
    for graph in graphs.graphs.values():
        check(graph)
    assert isinstance(validate(plan(graphs, pipeline), pipeline), Proved)
    lines: list[str] = []
    for finding in missing_verdicts(graphs, pipeline, evaluator(pipeline)):
        lines.append(f"{finding.severity}[{finding.code}] {place(finding.span)}: {finding.message}")
        lines += [f"  {place(label.span)}: {label.text}" for label in finding.labels]
    return "\n".join([*lines, dump(graphs, pipeline).rstrip("\n")])


CASES = {name: case for path in sorted(Path(__file__).parent.glob("*.case")) for name, case in read_cases(path).items()}


@pytest.mark.parametrize(("program", "expected"), CASES.values(), ids=CASES.keys())
def test_case(program: str, expected: str) -> None:
    assert outcome(program) == expected
