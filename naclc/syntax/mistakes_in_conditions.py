"""Mistakes in comparisons, conditions and branches. See naclc.syntax.repairs."""

from __future__ import annotations

from naclc.diagnostics import error
from naclc.syntax import tables
from naclc.syntax.expected import quoted
from naclc.syntax.misfits import LONE_EQUALS
from naclc.syntax.situation import Repair, Situation
from naclc.syntax.tokens import Token


def equals_sign(s: Situation) -> Repair | None:
    """`=` for `==` or `:`, or where nothing is written; `=>`, `=<`, `===`."""
    if s.token.kind != LONE_EQUALS:
        return None
    if s.after.kind == "COMPARE" and s.after.text in "<>" and s.accepts("COMPARE"):
        right = s.after.text + "="
        span = s.span(s.token, s.after)
        problem = error("syntax", f"there is no operator `={s.after.text}`", span, help=f"write `{right}`")
        return Repair(problem, 2, (Token("COMPARE", right, s.token.start, s.after.end),))
    if s.before.kind == "COMPARE" and s.before.end == s.token.start:
        text = s.before.text + "="
        cure = "write `!=`" if text[0] == "!" else "write `==`"
        return Repair(error("syntax", f"there is no operator `{text}`", s.span(s.before, s.token), help=cure), 1)
    span = s.span(s.token)
    if s.accepts("COMPARE"):
        problem = error("syntax", "`=` compares nothing", span, help="write `==` to compare")
        return Repair(problem, 1, (Token("COMPARE", "==", *s.token[2:]),))
    if s.accepts("COLON", s.after.kind):
        problem = error("syntax", f"expected `:` after {quoted(s.before)}, not `=`", span, help="write `:`")
        return Repair(problem, 1, (Token("COLON", ":", *s.token[2:]),))
    if s.accepts(s.after.kind):
        return Repair(error("syntax", f"no `=` belongs after {quoted(s.before)}", span, help="leave it out"), 1)
    return None


def angle_brackets(s: Situation) -> Repair | None:
    """`<>`"""
    if s.before.text == "<" and s.token.text == ">":
        problem = error("syntax", "there is no operator `<>`", s.span(s.before, s.token), help="write `!=`")
        return Repair(problem, 1)
    return None


def bang_in(s: Situation) -> Repair | None:
    if s.token.kind == "BANG" and s.after.kind in ("IN", "IN_UPPER") and s.accepts("NOT", "IN"):
        problem = error("syntax", "there is no operator `!in`", s.span(s.token, s.after), help="write `not in`")
        return Repair(problem, 1, (Token("NOT", "not", *s.token[2:]),))
    return None


def chained_comparison(s: Situation) -> Repair | None:
    is_comparison = s.token.kind in ("COMPARE", "IN", "IN_UPPER") or (
        s.token.kind == "NOT" and s.after.kind in ("IN", "IN_UPPER")
    )
    if not is_comparison or not s.accepts("AND_AND"):
        return None
    and_ = (Token("AND", "and", *s.token[2:]),)
    cut = 2 if s.token.kind == "NOT" else 1
    top = s.machine.values[-3:]
    if len(top) == 3 and s.before is top[2] and type(top[0]) is Token and top[0].kind == "LPAR":
        message, cure = "only values are compared, and this follows a condition", "join conditions with `and` or `or`"
    else:
        message, cure = "comparisons cannot be chained", "write two and join them with `and`"
    return Repair(error("syntax", message, s.span(s.token), help=cure), cut, and_)


def missing_parentheses(s: Situation) -> Repair | None:
    """`if a == b {`"""
    if s.before.kind != "IF" or s.token.kind == "LPAR":
        return None
    end = 0
    while s.at(end).kind not in ("LBRACE", tables.END, "RBRACE") or (
        s.at(end).kind == "LBRACE" and s.at(end - 1).kind in ("IN", "IN_UPPER", "COMPARE")
    ):
        end = s.group_end(end) + 1
    condition = tuple(s.at(distance) for distance in range(end))
    if not condition or s.at(end).kind != "LBRACE":
        return None
    problem = error(
        "syntax",
        "expected `(` after `if`",
        s.span(s.token),
        help="a condition is always in parentheses: `if (...) { ... }`",
    )
    last = condition[-1].end
    return Repair(problem, end, (s.made("LPAR", "("), *condition, Token("RPAR", ")", last, last)))


def missing_braces(s: Situation) -> Repair | None:
    """A branch that is one action without braces."""
    if s.token.kind != "NAME" or s.before.kind not in ("ELSE", "RPAR") or not s.accepts("LBRACE"):
        return None
    after = "`else`" if s.before.kind == "ELSE" else "the condition"
    end = s.group_end(1) + 1 if s.after.kind == "LPAR" else 1
    action = tuple(s.at(distance) for distance in range(end))
    cure = "the branches of an `if` are always in braces"
    problem = error("syntax", f"expected `{{` after {after}", s.span(s.token), help=cure)
    last = action[-1].end
    return Repair(problem, end, (s.made("LBRACE", "{"), *action, Token("RBRACE", "}", last, last)))


def misplaced_else(s: Situation) -> Repair | None:
    if s.token.kind != "ELSE" or not s.accepts("NAME"):
        return None
    end = 1
    if s.after.kind == "LBRACE":
        end = s.group_end(1) + 1
    problem = error(
        "syntax",
        "`else` without an `if` before it",
        s.span(s.token),
        help="`else` follows the `}` of its `if` directly",
    )
    return Repair(problem, end)
