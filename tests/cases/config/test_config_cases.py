"""Runs the case files beside it: a config.json, `---`, and all that is said about it.

A case begins with `== title`. What is expected is one line a diagnostic, in source order,

    error[code] at LINE:COLUMN `text`

with LINE from 1 and COLUMN from 0 and the text cut at its first line end, and below them, if there is no error, the
text dump of the model.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from naclc.config.translate import translate
from naclc.diagnostics import Diagnostic
from naclc.semantics.dump import dump
from naclc.source import SourceFile


def read_cases() -> dict[str, tuple[str, str]]:
    cases = {}
    for path in sorted(Path(__file__).parent.glob("*.case")):
        for chunk in ("\n" + path.read_text(encoding="utf-8")).split("\n== ")[1:]:
            title, rest = chunk.split("\n", 1)
            text, expected = f"{rest}\n".split("\n---\n")
            assert f"{path.stem}: {title}" not in cases
            cases[f"{path.stem}: {title}"] = (text + "\n", expected.strip("\n"))
    return cases


CASES = read_cases()


def describe(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    assert span is not None
    return f"{diagnostic.severity}[{diagnostic.code}] at {span.line}:{span.column} `{span.text.split(chr(10))[0]}`"


def outcome(title: str, text: str) -> str:
    result = translate(SourceFile("config.json", text), 2 if "two NICs" in title else None)
    assert (result.configuration is None) == any(diagnostic.is_error for diagnostic in result.diagnostics)
    model = dump(result.configuration) if result.configuration else ""
    return "".join(f"{line}\n" for line in map(describe, result.diagnostics)) + model


@pytest.mark.parametrize("title", CASES)
def test_case(title: str) -> None:
    text, expected = CASES[title]
    assert outcome(title, text).rstrip("\n") == expected


def test_every_code_of_config_is_raised_by_a_case() -> None:
    expected = "\n".join(expected for _, expected in CASES.values())
    codes = (
        *("syntax", "too-deep", "duplicate-key", "unknown-key", "missing-key", "unknown-word", "unknown-iface"),
        *("json-value", "json-unsupported", "json-ignored", "json-ipv6"),
        *("value-out-of-range", "vlan-out-of-range", "duplicate-iface", "empty-set"),
    )
    assert [code for code in codes if f"[{code}]" not in expected] == []
