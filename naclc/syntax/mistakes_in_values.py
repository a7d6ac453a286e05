"""Mistakes in numbers, ranges, lists and objects. See naclc.syntax.repairs."""

from __future__ import annotations

from naclc.diagnostics import Label, error
from naclc.syntax.expected import quoted
from naclc.syntax.situation import Repair, Situation
from naclc.syntax.tokens import Token

_NUMERIC = {"NUMBER", "DECIMAL", "IPV4", "CIDR"}
_KEYWORDS = {"IF", "ELSE", "AND", "OR", "NOT", "IN", "IN_UPPER", "TRUE", "FALSE"}
_VALUE_STARTS = {"NUMBER", "DECIMAL", "IPV4", "CIDR", "STRING", "TRUE", "FALSE", "NAME", "LBRACE", "LSQB"}


def foreign_range(s: Situation) -> Repair | None:
    """`80:90`, `80..90`, and `192.0.2.1:80`, as others write a range, and an address with its port."""
    length = 2 if s.token.kind == s.after.kind == "DOT" else 1
    second = s.at(length)
    if s.token.kind not in ("COLON", "DOT") or s.before.kind not in ("NUMBER", "IPV4") or second.kind != s.before.kind:
        if (s.token.kind, s.before.kind, s.after.kind) != ("COLON", "IPV4", "NUMBER"):
            return None
        cure = f"a port is a value of its own: `{s.before.text}, {s.after.text}`"
        problem = error("syntax", "no port belongs to an address", s.span(s.before, s.after), help=cure)
        return Repair(problem, 2)
    if (s.token.kind == "DOT" and length == 1) or not s.accepts("MINUS"):
        return None
    cure = f"write `{s.before.text}-{second.text}`"
    problem = error("syntax", "a range is written with `-`", s.span(s.before, second), help=cure)
    return Repair(problem, length, (Token("MINUS", "-", s.token.start, s.at(length - 1).end),))


def octets(s: Situation) -> Repair | None:
    """Three, five or more octets; hexadecimal octets."""
    if s.token.kind != "DOT" or s.before.kind not in _NUMERIC:
        return None
    end = 0
    while s.at(end).kind == "DOT" and s.at(end + 1).kind in _NUMERIC:
        end += 2
    if not end:
        problem = error("syntax", "digits are missing after `.`", s.span(s.token), help="no dot ends a number")
        return Repair(problem, 1)
    parts = [s.before, *(s.at(distance) for distance in range(1, end, 2))]
    span = s.span(parts[0], parts[-1])
    if any(part.text[:2] in ("0x", "0X") for part in parts):
        problem = error("syntax", "the octets of an address are decimal", span, help="write each from 0 to 255")
    else:
        count = sum({"DECIMAL": 2, "IPV4": 4, "CIDR": 4}.get(part.kind, 1) for part in parts)
        cure = "write four numbers from 0 to 255 with dots between them"
        problem = error("syntax", f"an address has four octets, this has {count}", span, help=cure)
    return Repair(problem, end)


def adjacent_numbers(s: Situation) -> Repair | None:
    if s.before.kind not in _NUMERIC or s.token.kind not in _NUMERIC:
        return None
    if s.begins_line() and not s.accepts("COMMA"):
        return None
    first, second = quoted(s.before), quoted(s.token)
    cure = (
        f"write `{s.before.text}, {s.token.text}` for two, or join them" if s.accepts("COMMA") else "keep one of them"
    )
    if len(cure) > 80 or "\n" in cure:
        cure = "put a `,` between them"
    span = s.span(s.before, s.token)
    problem = error("adjacent-numbers", f"nothing stands between the numbers {first} and {second}", span, help=cure)
    if s.accepts("COMMA", s.token.kind):
        return Repair(problem, 0, (s.made("COMMA", ","),))
    return Repair(problem, 1)


def name_as_range_end(s: Situation) -> Repair | None:
    """`80-last`, `first - 90`, `10.0.0.0/8 - 10.0.0.9`"""
    if s.token.kind == "MINUS" and (s.before.kind in ("NAME", "CIDR") or s.before.kind in _KEYWORDS):
        culprit, end = s.before, 1 + (s.after.kind in _NUMERIC or s.after.kind == "NAME")
    elif s.before.kind == "MINUS" and (s.token.kind in ("NAME", "CIDR") or s.token.kind in _KEYWORDS):
        culprit, end = s.token, 1
    else:
        return None
    problem = error(
        "syntax",
        f"{quoted(culprit)} cannot be the end of a range",
        s.span(culprit),
        help="the ends of a range are two numbers or two addresses, written out; there is no subtraction",
    )
    put = (Token("NUMBER", "0" if s.at(-2).kind != "NUMBER" else s.at(-2).text, *s.token[2:]),)
    if culprit is s.before:
        return Repair(problem, end)
    return Repair(problem, end, put) if s.accepts("NUMBER") else None


def third_range_end(s: Situation) -> Repair | None:
    """`1-2-3`"""
    if s.token.kind != "MINUS" or s.at(-2).kind != "MINUS" or s.before.kind not in _NUMERIC:
        return None
    problem = error("syntax", "a range has two ends", s.span(s.token), help="there is no subtraction")
    return Repair(problem, 1 + (s.after.kind in _NUMERIC))


def lone_minus(s: Situation) -> Repair | None:
    """`-1` without its parentheses."""
    if s.token.kind != "MINUS" or s.after.kind not in ("NUMBER", "DECIMAL") or not s.accepts(s.after.kind):
        return None
    span = s.span(s.token, s.after)
    return Repair(
        error("syntax", "a negative number is written in parentheses", span, help=f"write `(-{s.after.text})`"), 1
    )


def needless_parentheses(s: Situation) -> Repair | None:
    """`x: (5)`"""
    if s.before.kind != "LPAR" or s.token.kind not in _VALUE_STARTS or not s.accepts("MINUS") or s.accepts("TRUE"):
        return None
    problem = error(
        "syntax",
        "only negative numbers stand in parentheses here",
        s.span(s.before),
        help="leave the parentheses out",
    )
    end = s.group_end(-1)
    inner = tuple(s.at(distance) for distance in range(end))
    return Repair(problem, end + 2, inner, back=1)


def missing_comma(s: Situation) -> Repair | None:
    if not s.accepts("COMMA", s.token.kind):
        return None
    span = s.span(s.token)
    first, second = quoted(s.before), quoted(s.token)
    problem = error(
        "syntax",
        f"a comma is missing between {first} and {second}",
        span,
        Label(s.span(s.before), "the comma belongs after this"),
        help=f"put a `,` after {first}",
    )
    return Repair(problem, 0, (s.made("COMMA", ","),))


def extra_comma(s: Situation) -> Repair | None:
    if s.token.kind != "COMMA" or not s.accepts(s.after.kind):
        return None
    span = s.span(s.token)
    if s.accepts("NUMBER"):
        return Repair(error("syntax", "a value is missing before `,`", span, help="leave the `,` out"), 1)
    return Repair(error("syntax", "no `,` belongs here", span, help="leave it out"), 1)


def forgotten_value(s: Situation) -> Repair | None:
    """`x:` and the next line begins something else: `y: 5` or `}`."""
    made = Token("TRUE", "true", s.before.end, s.before.end)
    if s.before.kind in ("COLON", "COMPARE", "AND", "OR", "AND_AND", "BAR_BAR", "NOT", "BANG", "IN", "IN_UPPER"):
        if not s.accepts("TRUE", s.token.kind):
            return None
        what = "value" if s.before.kind in ("COLON", "COMPARE", "IN", "IN_UPPER") else "condition"
        cure = f"write the {what}, or delete what waits for it"
        problem = error("syntax", f"a {what} is missing after {quoted(s.before)}", s.span(s.before), help=cure)
        return Repair(problem, 0, (made,))
    if s.before.kind == "LPAR" and s.at(-2).kind == "IF" and s.accepts("TRUE", s.token.kind):
        span = s.span(s.before, s.token)
        problem = error("syntax", "the condition is missing", span, help="for what is always done no `if` is needed")
        return Repair(problem, 0, (made,))
    return None


def forgotten_last_value(s: Situation) -> Repair | None:
    """`x:` or `Iface eth0`, and the next line begins a declaration, whose first name was taken for the value."""
    values = s.machine.values
    if s.token.kind != "COLON" or s.before.kind != "NAME" or not s.begins_line(-1):
        return None
    if len(values) < 2 or values[-1] is not s.before or s.at(-2).kind not in ("COLON", "NAME"):
        return None
    missing = Token("TRUE", "true", s.at(-2).end, s.at(-2).end)
    cure = "write the value, or delete the line"
    problem = error("syntax", f"a value is missing after {quoted(s.at(-2))}", s.span(s.at(-2)), help=cure)
    return Repair(problem, 0, (missing,), back=1)
