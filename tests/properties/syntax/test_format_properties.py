"""Whatever the program, and wherever its comments: formatting keeps both, and formatting again changes nothing."""

from __future__ import annotations

import dataclasses
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from naclc.source import SourceFile, Span
from naclc.syntax import tables
from naclc.syntax.format import format_source
from naclc.syntax.parse import parse
from naclc.syntax.scan import scan
from tests.properties.syntax.test_syntax_properties import PROGRAMS

BLANKS = ["", " ", "\t", "\n", "\r\n", "\n\n", "\r", " \n\n\n  "]
COMMENTS = ["# one\n", "// two  \r\n", "#\n", "//\r", "/* three */", "/**/", "/* four\n   lines */", "/* five\r\n*/"]
COMMENTS += ["#/*\n", "/*#*/", "/*\r*/", "# naclc: allow(unused) x\n", "/* naclc: allow(a) b */"]
GAPS = st.lists(st.sampled_from(BLANKS + COMMENTS), min_size=1, max_size=4).map("".join)
COMMENT_OR_STRING = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"|' + f"({tables.load().patterns['COMMENT']})")
NO_GAP = re.compile(r"[A-Za-z0-9_-]")


@st.composite
def commented(draw: st.DrawFn) -> str:
    """A program with blanks and comments between some of its tokens, and between the parts of some."""
    text = draw(PROGRAMS)
    tokens, _ = scan(SourceFile("drawn", text))
    pieces = []
    for token in tokens:
        parts = [token.text]
        if token.kind in ("IPV4", "CIDR"):
            parts = [part for part in re.split(r"([./])", re.sub(r"/\*.*?\*/|\s", "", token.text)) if part]
        for part in parts:
            gap = draw(GAPS) if draw(st.integers(0, 5)) == 0 else ""
            needed = pieces and NO_GAP.match(pieces[-1][-1:]) and NO_GAP.match(part[:1]) and not NO_GAP.match(gap[:1])
            slash = pieces and pieces[-1][-1:] == "/" and gap[:1] in ("/", "*")
            pieces += [" " if slash or (needed and not gap) else "", gap, part]
            pieces = [piece for piece in pieces if piece]
    return "".join(pieces)


def comments(text: str) -> list[str]:
    """The comments between tokens and in them, without trailing blanks, each line end LF."""
    found = [match[1] for match in COMMENT_OR_STRING.finditer(text) if match[1]]
    return sorted(re.sub(r"\r\n?", "\n", c) if c.startswith("/*") else c.rstrip(" \t\r\n") for c in found)


def bare(node: object) -> object:
    """The tree without its places."""
    if isinstance(node, tuple):
        return tuple(bare(item) for item in node)
    if dataclasses.is_dataclass(node) and not isinstance(node, Span):
        return type(node), [bare(getattr(node, f.name)) for f in dataclasses.fields(node) if f.name != "span"]
    return node


def formatted(text: str) -> str:
    result, errors = format_source(SourceFile("drawn", text))
    assert result is not None, errors
    return result


def check(text: str) -> None:
    after = formatted(text)
    before_tree, before_found = parse(SourceFile("drawn", text))
    after_tree, after_found = parse(SourceFile("drawn", after))
    assert bare(after_tree) == bare(before_tree)
    assert [d.code for d in after_found] == [d.code for d in before_found]
    assert comments(after) == comments(text)
    assert formatted(after) == after
    assert "\r" not in after and (not after or (after.endswith("\n") and not after.startswith("\n")))
    assert "\n\n\n" not in COMMENT_OR_STRING.sub("x", after)


@settings(deadline=None)
@given(PROGRAMS)
def test_a_program_keeps_its_meaning(text: str) -> None:
    check(text)


@settings(deadline=None, max_examples=300)
@given(commented())
def test_comments_at_any_place_are_kept(text: str) -> None:
    check(text)
