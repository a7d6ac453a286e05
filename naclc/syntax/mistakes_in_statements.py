"""Mistakes in declarations and the statements of functions. See naclc.syntax.repairs."""

from __future__ import annotations

from naclc.diagnostics import error
from naclc.syntax.expected import quoted
from naclc.syntax.situation import Repair, Situation
from naclc.syntax.tokens import Token

_KEYWORDS = {"IF", "ELSE", "AND", "OR", "NOT", "IN", "IN_UPPER", "TRUE", "FALSE"}
_VALUE_STARTS = {"NUMBER", "DECIMAL", "IPV4", "CIDR", "STRING", "TRUE", "FALSE", "NAME", "LBRACE", "LSQB"}


def single_colon(s: Situation) -> Repair | None:
    """`Filter:IP f {` and `Filter IP f {`"""
    if s.token.kind != "LBRACE" or s.before.kind != "NAME" or s.at(-2).kind != "NAME":
        return None
    type_ = s.at(-4) if s.at(-3).kind == "COLON" else s.at(-3)
    if type_.text.lower() not in ("filter", "nat"):
        return None
    problem = error(
        "syntax",
        f"expected `::` after {quoted(type_)}",
        s.span(type_, s.at(-2)),
        help=f"write `{type_.text}::{s.at(-2).text} {s.before.text} {{ ... }}`",
    )
    end = s.group_end(0) + 1
    if s.accepts("COLON", "TRUE"):
        return Repair(problem, end, (s.made("COLON", ":"), s.made("TRUE", "true")), whole=True)
    return Repair(problem, end)


def no_protocol(s: Situation) -> Repair | None:
    """`Filter f {`"""
    back = 1 if s.before.kind == "LBRACE" else 2
    type_, name = s.at(-back - 2), s.at(-back - 1)
    if s.at(-back).kind != "LBRACE" or name.kind != "NAME" or type_.text.lower() not in ("filter", "nat"):
        return None
    message = f"{quoted(type_)} needs to know for which packets it is"
    cure = f"write `{type_.text}::IP {name.text} {{ ... }}`, or TCP, UDP, ICMP"
    problem = error("syntax", message, s.span(type_), help=cure)
    put = (Token("TRUE", "true", *s.at(-back)[2:]),)
    return Repair(problem, s.group_end(-back) + back + 1, put, back=back, whole=True)


def lone_word(s: Situation) -> Repair | None:
    """A word alone on a line, or `x:` without a value, and `Iface eth0 {` on the next."""
    if s.before.kind != "NAME" or s.at(-2).kind != "NAME" or s.token.kind not in _VALUE_STARTS:
        return None
    if not s.begins_line(-2) or s.begins_line(-1) or s.begins_line(0):
        return None
    culprit = s.at(-3)
    if culprit.kind == "COLON":
        cure = "write the value, or delete the line"
        problem = error("syntax", f"a value is missing after {quoted(culprit)}", s.span(culprit), help=cure)
    elif culprit.kind == "NAME" and s.begins_line(-3):
        cure = "actions stand in functions; an element is `Type name value` or `name: value`"
        problem = error("syntax", f"{quoted(culprit)} alone is no declaration", s.span(culprit), help=cure)
    else:
        return None
    if not s.accepts("COLON", s.token.kind):
        return Repair(problem, s.group_end(0) + 1)
    return Repair(problem, 0, (s.made("COLON", ":"),), whole=True)


def definition_in_body(s: Situation) -> Repair | None:
    """`x: 5` between the braces of a function."""
    if s.before.kind != "COLON" or s.at(-2).kind != "NAME" or s.token.kind == "COLON" or s.accepts("NUMBER"):
        return None
    if not s.accepts("COLON", "NAME", "LBRACE"):
        return None
    name = s.at(-2)
    problem = error(
        "syntax",
        f"{quoted(name)} cannot be defined in a function",
        s.span(name),
        help="put the definition outside; if it is meant to be there, a `}` is missing before it",
    )
    return Repair(problem, s.group_end(0) + 2, back=1) if s.token.kind in _VALUE_STARTS else None


def dotted_action(s: Situation) -> Repair | None:
    if s.token.kind != "DOT" or not s.accepts("LPAR", "RPAR"):
        return None
    end = 0
    while s.at(end).kind == "DOT":
        end += 2
    cure = "an action or function is called by its plain name; a test stands in `if (...)`"
    problem = error("syntax", "a dotted name is no action", s.span(s.before, s.at(end - 1)), help=cure)
    return Repair(problem, end)


def missing_colon(s: Situation) -> Repair | None:
    if s.token.kind in _VALUE_STARTS and s.accepts("COLON", s.token.kind):
        after = quoted(s.before)
        problem = error("syntax", f"expected `:` after {after}", s.span(s.token), help=f"put a `:` after {after}")
        return Repair(problem, 0, (s.made("COLON", ":"),))
    if s.accepts("COLON", s.after.kind) and s.token.kind in ("COMPARE", "MINUS", "COMMA"):
        message = f"expected `:` after {quoted(s.before)}, not {quoted(s.token)}"
        problem = error("syntax", message, s.span(s.token), help=f"write `:` instead of {quoted(s.token)}")
        return Repair(problem, 1, (Token("COLON", ":", *s.token[2:]),))
    return None


def keyword_as_name(s: Situation) -> Repair | None:
    if s.token.kind in _KEYWORDS and s.accepts("NAME", s.after.kind):
        word = quoted(s.token)
        message = f"{word} is a keyword and cannot be a name"
        problem = error("syntax", message, s.span(s.token), help="choose another name")
        return Repair(problem, 1, (Token("NAME", s.token.text, *s.token[2:]),))
    return None
