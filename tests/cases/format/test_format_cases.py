r"""Runs the case file beside it: a program, `---`, and the same program formatted; docs/formatting.md has one too.

In a program `\r` is a CR, `\t` a tab and `\s` a blank, where it has no strings.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from naclc.source import SourceFile
from naclc.syntax.format import format_source

FILE = Path(__file__).with_name("format.case")
PAGE = Path(__file__).resolve().parents[3] / "docs/formatting.md"
CHECKOUT = PAGE.parents[1]
FUZZ = CHECKOUT / "tests/fuzz"  # octets that fuzzing kept, text or not: tests/fuzz/test_corpus.py formats those
POLICIES = sorted(
    path
    for folder in ("examples", "tests")
    for path in (CHECKOUT / folder).rglob("*.nacl")
    if path.is_file() and not path.is_relative_to(FUZZ)
)


def formatted(text: str) -> str:
    result, errors = format_source(SourceFile("case.nacl", text))
    assert result is not None, errors
    return result


def cases() -> list[tuple[str, str, str]]:
    found = []
    for chunk in ("\n" + FILE.read_text(encoding="utf-8")).split("\n== ")[1:]:
        title, _, rest = chunk.partition("\n")
        text, _, expected = rest.partition("---\n")
        if '"' not in text:
            text = text.replace("\\r", "\r").replace("\\t", "\t").replace("\\s", " ")
        expected = expected.strip("\n")
        found.append((title, text, expected + "\n" if expected else ""))
    return found


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*case[1:], id=case[0]) for case in cases()])
def test_case(text: str, expected: str) -> None:
    assert formatted(text) == expected
    assert formatted(expected) == expected


def test_titles_are_unique() -> None:
    titles = [title for title, _, _ in cases()]
    assert len(titles) == len(set(titles)) > 30


def test_the_example_of_the_page() -> None:
    blocks = PAGE.read_text(encoding="utf-8").split("```\n")
    before, after = blocks[1], blocks[3]
    assert formatted(before) == after


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_policy_that_was_formatted_is_in_form(path: Path) -> None:
    text, errors = format_source(SourceFile(path.name, path.read_text(encoding="utf-8")))
    if text is None:
        assert errors
    else:
        assert formatted(text) == text
