"""Diagnostics as people and programs see them."""

import json

import pytest

from naclc.diagnostics import Label, error, in_source_order, warning
from naclc.reports import machine, pretty
from naclc.source import SourceFile, Span


def span_of(text, part, name="fw.nacl"):
    start = text.index(part)
    return Span(SourceFile(name, text), start, start + len(part))


def test_pretty_shows_message_place_caret_label_and_help():
    text = "a: 80\nb: 90\na: 443\n"
    source = SourceFile("fw.nacl", text)
    first, second = Span(source, 0, 1), Span(source, 12, 13)
    found = error(
        "duplicate-name", "`a` is defined twice", second, Label(first, "first here"), help="rename one of them"
    )
    assert pretty.render([found]) == (
        "error[duplicate-name]: `a` is defined twice\n"
        "  --> fw.nacl:3:1\n"
        "     3 | a: 443\n"
        "       | ^\n"
        "  --> fw.nacl:1:1\n"
        "     1 | a: 80\n"
        "       | ^ first here\n"
        "  help: rename one of them\n"
    )


@pytest.mark.parametrize(
    ("text", "part", "caret"),
    [
        ("\tx: 1", "x", "       |     ^"),
        ("名: 1 x", "x", "       |       ^"),
        ("e\u0301 x", "x", "       |   ^"),
        ("x: {\n 1", "{\n 1", "       |    ^"),
        ("x: 1", "", "       | ^"),
    ],
    ids=["tab", "wide", "combining", "several lines", "empty"],
)
def test_the_caret_stands_under_the_culprit(text, part, caret):
    assert caret in pretty.render([error("c", "m", span_of(text, part))]).split("\n")


def test_a_terminal_is_not_handed_control_characters():
    shown = pretty.render([error("c", "m", span_of('x: "\x1b[2J\u202e"', "x"))])
    assert "\x1b" not in shown and "\u202e" not in shown


def test_a_very_long_line_is_shown_around_the_culprit():
    text = "x" * 50_000 + "!" + "y" * 50_000
    shown = pretty.render([error("c", "m", span_of(text, "!"))])
    assert max(map(len, shown.split("\n"))) < 250 and "!" in shown


def test_compact_counts_columns_from_one():
    found = warning("unused", "`b` is never used", span_of("a: 1\n  b: 2", "b"))
    assert machine.compact([found]) == "fw.nacl:2:3: warning: `b` is never used [unused]\n"


def test_json_counts_columns_from_zero():
    found = error("c", "m", span_of("a: 1\n  b: 2", "b"), help="h")
    assert json.loads(machine.as_json([found])) == {
        "diagnostics": [
            {
                "code": "c",
                "severity": "error",
                "message": "m",
                "file": "fw.nacl",
                "line": 2,
                "column": 2,
                "end_line": 2,
                "end_column": 3,
                "help": "h",
                "labels": [],
            }
        ]
    }


def test_json_of_nothing_is_still_an_object():
    assert json.loads(machine.as_json([])) == {"diagnostics": []}


def test_summary_counts():
    found = [error("c", "m", None), error("c", "n", None), warning("w", "m", None)]
    assert pretty.summary(found) == "2 errors, 1 warning"


def test_source_order_puts_what_has_no_place_first_and_says_nothing_twice():
    text = "abc"
    late, early, nowhere = (
        error("c", "m", span_of(text, "c")),
        error("c", "m", span_of(text, "a")),
        error("c", "m", None),
    )
    assert in_source_order([late, early, late, nowhere]) == [nowhere, early, late]


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("at", [0, 30, 90, 180])
def test_the_caret_stands_below_the_culprit_however_narrow_the_terminal(columns: int, at: int) -> None:
    text = f"{'x ' * (at // 2)}CULPRIT{' y' * 40}"
    source = span_of(text, "CULPRIT")
    found = error("c", "m", source, Label(source, "this is a note of some length"))
    lines = pretty.render([found], columns=columns).rstrip("\n").split("\n")
    assert max(map(len, lines)) <= columns
    shown = [number for number, line in enumerate(lines) if "CULPRIT" in line]
    assert len(shown) == 2
    for number in shown:
        assert lines[number].index("CULPRIT") == lines[number + 1].index("^^^^^^^")
    assert sum("this is a note of some length" in line for line in lines) == 1
