"""Any text gives a tree or diagnostics, with spans inside the text; and Lark agrees on what is in the language."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st
from lark import Lark
from lark.exceptions import UnexpectedInput

from naclc.resources import resource
from naclc.source import SourceFile, Span
from naclc.syntax import ast
from naclc.syntax.dump import dump
from naclc.syntax.parse import parse

PIECES = [
    *"{}[]()<>:,.-/=!&|#\"'\\ \n\t;@_\0\u00e9\u202e",
    *("==", "!=", "<=", "&&", "||", "::", "//", "/*", "*/", "\r\n"),
    *("in", "IN", "and", "or", "not", "if", "else", "true", "false"),
    *("Iface", "eth0", "Filter", "Nat", "IP", "accept", "drop", "a-b", "x"),
    *("0", "7", "80", "0x1f", "007", "80b", "1.5", "10.0.0.1", "10.0.0.0/8", "300.1.1.1", "1.2.3", '"s"', '"\\q"'),
    *("if (a) { drop }", "x: [1, 2]", "Filter::IP f {", "else {", "log(", "a.b: "),
]
SOUPS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
SPACED_SOUPS = st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join)
TEXTS = st.one_of(st.text(), SOUPS, SPACED_SOUPS)

NAMES = st.sampled_from(["a", "eth0", "my-name", "TRUE", "x_1", "IP"])
PARTS = st.one_of(NAMES, st.sampled_from(["in", "if", "not", "true"]))
PATHS = st.tuples(NAMES, st.lists(PARTS, max_size=2)).map(lambda path: ".".join([path[0], *path[1]]))
ENDS = ["80", "0x1f", "(-1)", "10.0.0.1", "10 . 0 /* c */ . 0 . 1", "1.05"]
SCALARS = st.one_of(
    PATHS,
    st.sampled_from([*ENDS, "10.0.0.0/8", '"t\\n"', "true", "1-2", "10.0.0.1 - 10.0.0.2", "(-2)-(-1)", "0.5-1.5"]),
)


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: "[" + ",".join(items) + ",]"),
        st.lists(st.tuples(PARTS, inner), max_size=3).map(
            lambda members: "{" + ", ".join(f"{key}: {item}" for key, item in members) + "}"
        ),
    ),
    max_leaves=6,
)
TESTS = st.one_of(
    VALUES, st.tuples(VALUES, st.sampled_from(["==", "!=", "<", ">=", "in", "not in", "IN"]), VALUES).map(" ".join)
)
CONDITIONS = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or", "&&", "||"]), inner).map(" ".join),
        inner.map("not {}".format),
        inner.map("!{}".format),
        inner.map("({})".format),
    ),
    max_leaves=5,
)
ACTIONS = st.one_of(
    NAMES,
    st.tuples(NAMES, st.lists(VALUES, max_size=2)).map(lambda action: f"{action[0]}({', '.join(action[1])})"),
)
BODIES = st.recursive(
    st.lists(ACTIONS, max_size=2).map(lambda actions: "{ " + " ".join(actions) + " }"),
    lambda body: st.one_of(
        st.tuples(CONDITIONS, body).map(lambda parts: "{{ if ({}) {} }}".format(*parts)),
        st.tuples(CONDITIONS, body, body).map(lambda parts: "{{ if ({}) {} else {} }}".format(*parts)),
        st.tuples(CONDITIONS, body, CONDITIONS, body).map(
            lambda parts: "{{ if ({}) {} else if ({}) {} drop }}".format(*parts)
        ),
        st.tuples(NAMES, NAMES, body).map(lambda parts: "{{ {}::{} {} accept }}".format(*parts)),
    ),
    max_leaves=4,
)
DECLARATIONS = st.one_of(
    st.tuples(NAMES, NAMES, VALUES).map(" ".join),
    st.tuples(PATHS, VALUES).map(": ".join),
    st.tuples(NAMES, NAMES, BODIES).map(lambda parts: "{}::{} {}".format(*parts)),
    st.tuples(NAMES, NAMES, NAMES, BODIES).map(lambda parts: "{} : : {} {} {}".format(*parts)),
)
PROGRAMS = st.lists(DECLARATIONS, max_size=4).map("\n".join)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good program out of which a stretch was cut, into which something was put, or a stretch was repeated."""
    text = draw(PROGRAMS)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 8)))
        text = text[:start] + draw(st.sampled_from(["", text[start:end] * 2, *PIECES])) + text[end:]
    return text


@cache
def lark() -> Lark:
    grammar = (resource("grammar") / "nacl.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="basic")


def is_in_the_grammar(text: str) -> bool:
    try:
        lark().parse(text)
    except UnexpectedInput:
        return False
    return True


def nodes(tree: ast.Program) -> Iterator[tuple[Span, Span]]:
    """(span, span of the parent) of each node."""
    waiting: list[tuple[object, Span]] = [(tree, tree.span)]
    while waiting:
        node, parent = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend((item, parent) for item in node)
        elif dataclasses.is_dataclass(node) and not isinstance(node, Span):
            span = getattr(node, "span", parent)
            yield span, parent
            waiting.extend((getattr(node, field.name), span) for field in dataclasses.fields(node))


def check(text: str) -> None:
    source = SourceFile("test.nacl", text)
    tree, found = parse(source)
    assert tree is not None or found
    for diagnostic in found:
        assert diagnostic.span is not None
        for span in (diagnostic.span, *(label.span for label in diagnostic.labels)):
            assert 0 <= span.start <= span.end <= len(text)
        assert diagnostic.message
        assert "\n" not in diagnostic.message
        assert not diagnostic.message.endswith(".")
    if tree is not None:
        for span, parent in nodes(tree):
            assert 0 <= parent.start <= span.start <= span.end <= parent.end <= len(text)
        assert dump(tree).startswith("program @1:0-")
    assert parse(source) == (tree, found)


@settings(deadline=None)
@given(TEXTS)
@example("_ []\na a []")
@example("\u00e9_\r: 5")
def test_any_text_gives_a_tree_or_diagnostics(text: str) -> None:
    check(text)


@settings(deadline=None)
@given(mutated())
def test_a_spoilt_program_gives_a_tree_or_diagnostics(text: str) -> None:
    check(text)


@settings(deadline=None)
@given(PROGRAMS)
def test_what_the_grammar_makes_is_good(text: str) -> None:
    tree, found = parse(SourceFile("test.nacl", text))
    assert found == []
    assert tree is not None
    for span, parent in nodes(tree):
        assert parent.start <= span.start <= span.end <= parent.end


@settings(deadline=None)
@given(st.one_of(SOUPS, SPACED_SOUPS, mutated()))
def test_what_lark_refuses_is_an_error_and_what_it_accepts_is_no_syntax_error(text: str) -> None:
    _, found = parse(SourceFile("test.nacl", text))
    codes = {diagnostic.code for diagnostic in found if diagnostic.is_error}
    values = {"leading-zero", "bad-octet", "bad-mask", "bad-escape", "reversed-range", "range-mixed"}
    if is_in_the_grammar(text):
        assert codes <= values
    else:
        assert codes - values


@settings(deadline=None)
@given(st.one_of(TEXTS, mutated()))
def test_a_mistake_of_the_line_does_not_hide_one_behind_it(text: str) -> None:
    """Whatever comes first, an error in the number of a declaration on a line of its own is found too."""
    opened = ("/*", '"', "'", "{", "[", "(", "\u2018", "\u201c")
    if any(opening in text for opening in opened) or text.rstrip()[-1:] in (":", "=", "-", ".", "/"):
        return
    source = SourceFile("test.nacl", text + "\nlast: 80b\n")
    _, found = parse(source)
    assert any(diagnostic.span and diagnostic.span.text == "80b" for diagnostic in found)
