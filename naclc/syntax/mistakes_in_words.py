"""Words that other languages, or other letters, have for the operators. See naclc.syntax.repairs."""

from __future__ import annotations

from naclc.diagnostics import error
from naclc.syntax.expected import quoted
from naclc.syntax.situation import Repair, Situation
from naclc.syntax.tokens import Token

_BEFORE_NOT = ("LPAR", "AND", "AND_AND", "OR", "BAR_BAR", "NOT", "BANG")
_KEYWORDS = {"and": "AND", "or": "OR", "not": "NOT", "in": "IN"}


def keyword_in_capitals(s: Situation) -> Repair | None:
    """`a AND b`, `a In b`, `NOT a`: in capitals they are names."""
    for token, back in ((s.token, 0), (s.before, 1)):
        word = token.text.lower()
        kind = _KEYWORDS.get(word, "") if token.kind == "NAME" else ""
        fits = kind == "NOT" and s.at(-2).kind in _BEFORE_NOT if back else kind and s.accepts(kind)
        if not fits:
            continue
        cure = f"keywords are written in lower case: `{word}`"
        problem = error("syntax", f"{quoted(token)} is a name, not the keyword", s.span(token), help=cure)
        return Repair(problem, 1, (Token(kind, word, *token[2:]),), back=back)
    return None


def is_for_equals(s: Situation) -> Repair | None:
    """`a is b`"""
    if s.token.kind != "NAME" or s.token.text.lower() not in ("is", "eq") or not s.accepts("COMPARE"):
        return None
    problem = error("syntax", f"there is no operator {quoted(s.token)}", s.span(s.token), help="write `==`")
    return Repair(problem, 1, (Token("COMPARE", "==", *s.token[2:]),))
