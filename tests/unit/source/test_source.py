"""Positions: every offset has a line and a column, whatever ends the lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naclc.source import SourceFile, Span


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("", 0, (1, 0)),
        ("a\nb", 2, (2, 0)),
        ("a\r\nb", 3, (2, 0)),
        ("a\rb", 2, (2, 0)),
        ("a\r\n\rb\n", 4, (3, 0)),
        ("a\tb", 2, (1, 2)),
        ("ä€😀x", 3, (1, 3)),
    ],
)
def test_position(text, offset, expected):
    assert SourceFile("f", text).position(offset) == expected


@given(st.text(alphabet="ab\r\n"))
def test_lines_are_those_of_the_text(text):
    source = SourceFile("f", text)
    lines = [source.line_text(n + 1) for n in range(len(source.line_starts))]
    assert lines == text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def test_a_span_gives_its_text_and_both_ends():
    span = Span(SourceFile("f", "one\ntwo three"), 4, 13)
    assert (span.text, span.line, span.column, span.end_position) == ("two three", 2, 0, (2, 9))
