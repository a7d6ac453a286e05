"""The formatter: a program in the one form that programs have (docs/formatting.md).

    text ─ parse ─▶ errors: no result
         ─ scan ──▶ tokens ─ gaps ─▶ comments ─ layout ─▶ where lines may end ─ render ─▶ text

Preserves  every token but commas before a closing bracket, so the meaning; every comment. Both are checked on the
           result of every run.
"""

from __future__ import annotations

from naclc.diagnostics import Diagnostic
from naclc.source import SourceFile
from naclc.syntax import format_allow
from naclc.syntax.format_gaps import Gaps, gaps
from naclc.syntax.format_layout import HARD, NONE, Layout
from naclc.syntax.format_render import render
from naclc.syntax.machine import Machine
from naclc.syntax.parse import no_collection, parse
from naclc.syntax.scan import scan
from naclc.syntax.tokens import Token

_CLOSERS = ("RBRACE", "RSQB", "RPAR")


class Misformatted(Exception):
    """The formatted text is another program: a fault of the formatter."""


def format_source(source: SourceFile) -> tuple[str | None, list[Diagnostic]]:
    """`source` formatted, and the errors in its text.

    Returns:
        The text with LF as its line ends, empty or ending in one; None when there are errors.

    Raises:
        Misformatted: the result does not have the tokens and comments of `source`.
    """
    with no_collection():
        errors = [diagnostic for diagnostic in parse(source)[1] if diagnostic.is_error]
        if errors:
            return None, errors
        tokens, _ = scan(source)
        between = gaps(source.text, tokens)
        text, left = _formatted(between, tokens)
        while left:
            between = format_allow.moved(between, left)
            text, left = _formatted(between, tokens)
    return text, []


def _formatted(between: Gaps, tokens: list[Token]) -> tuple[str, dict[int, int]]:
    """The text, and the comments to naclc that would be left behind in it (format_allow.left_behind)."""
    layout = Layout(between, [NONE] * len(tokens), [0] * (len(tokens) + 1))
    numbered = [Token(token.kind, token.text, index, index) for index, token in enumerate(tokens)]
    if not Machine(numbered, layout).run():
        raise Misformatted("the program was parsed, but not a second time")
    layout.separators[-1] = HARD
    text = render(layout, numbered)
    again, problems = scan(SourceFile("formatted", text))
    after = gaps(text, again)
    if any(problem.is_error for problem in problems) or _essence(between, tokens) != _essence(after, again):
        raise Misformatted("the formatted program is not the program that was read")
    if between.all_comments() != after.all_comments():
        raise Misformatted("the formatted program does not have the comments of the program that was read")
    if not format_allow.mentioned(text):
        return text, {}
    same = dict(zip(_essential(again), _essential(tokens), strict=True))
    return text, format_allow.left_behind(between, after, layout.statements, same)


def _essence(between: Gaps, tokens: list[Token]) -> list[tuple[str, str]]:
    return [(tokens[index].kind, between.texts[index]) for index in _essential(tokens)]


def _essential(tokens: list[Token]) -> list[int]:
    """The indices of all tokens but commas before a closing bracket."""
    following = [*(token.kind for token in tokens[1:]), ""]
    return [
        index
        for index, (token, after) in enumerate(zip(tokens, following, strict=True))
        if token.kind != "COMMA" or after not in _CLOSERS
    ]
