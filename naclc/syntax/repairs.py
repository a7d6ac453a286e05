"""Repairs: for each usual mistake, what it is, what cures it, and the edit that lets the parse go on.

A rule looks at one Situation and returns a Repair or None. RULES is their order, the special before the general.
Each repair is one the machine accepts, so that what follows is judged as if the mistake had not been made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from naclc.diagnostics import Diagnostic, Label, error
from naclc.source import SourceFile, Span
from naclc.syntax import tables
from naclc.syntax.brackets import CLOSER, OPENER
from naclc.syntax.expected import quoted
from naclc.syntax.machine import Machine
from naclc.syntax.misfits import LONE_EQUALS
from naclc.syntax.tokens import Token

_NUMERIC = {"NUMBER", "DECIMAL", "IPV4", "CIDR"}
_KEYWORDS = {"IF", "ELSE", "AND", "OR", "NOT", "IN", "IN_UPPER", "TRUE", "FALSE"}
_VALUE_STARTS = {"NUMBER", "DECIMAL", "IPV4", "CIDR", "STRING", "TRUE", "FALSE", "NAME", "LBRACE", "LSQB"}


@dataclass(frozen=True, slots=True)
class Repair:
    """Replace the `cut` tokens at the machine's place by `put`; `back`: after taking so many tokens back.

    `whole`: what results stands for the mistake only; the declaration is not to be used.
    """

    diagnostic: Diagnostic
    cut: int = 0
    put: tuple[Token, ...] = ()
    back: int = 0
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """The machine before a token that does not fit."""

    source: SourceFile
    machine: Machine

    def at(self, distance: int) -> Token:
        """The token so far from the one that does not fit; beyond either end an empty `$END`."""
        index = self.machine.position + distance
        tokens = self.machine.tokens
        if index < 0:
            return Token(tables.END, "", 0, 0)
        return tokens[min(index, len(tokens) - 1)]

    @property
    def token(self) -> Token:
        return self.at(0)

    @property
    def before(self) -> Token:
        return self.at(-1)

    @property
    def after(self) -> Token:
        return self.at(1)

    def accepts(self, *kinds: str) -> bool:
        return self.machine.accepts(*kinds)

    def span(self, first: Token, last: Token | None = None) -> Span:
        return Span(self.source, first.start, (last or first).end)

    def made(self, kind: str, text: str = "") -> Token:
        """A token that is not in the text, behind the last one that fitted."""
        return Token(kind, text, self.before.end, self.before.end)

    def begins_line(self, distance: int = 0) -> bool:
        before, token = self.at(distance - 1), self.at(distance)
        if before.kind == tables.END:
            return True
        return self.source.position(before.end)[0] != self.source.position(token.start)[0]

    def group_end(self, distance: int) -> int:
        """The distance of the closer of the bracket at `distance`."""
        depth = 0
        while True:
            kind = self.at(distance).kind
            depth += (kind in CLOSER) - (kind in OPENER)
            if depth == 0 or kind == tables.END:
                return distance
            distance += 1


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


def lone_minus(s: Situation) -> Repair | None:
    """`-1` without its parentheses."""
    if s.token.kind != "MINUS" or s.after.kind not in ("NUMBER", "DECIMAL") or not s.accepts(s.after.kind):
        return None
    span = s.span(s.token, s.after)
    return Repair(
        error("syntax", "a negative number is written in parentheses", span, help=f"write `(-{s.after.text})`"), 1
    )


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


def third_range_end(s: Situation) -> Repair | None:
    """`1-2-3`"""
    if s.token.kind != "MINUS" or s.at(-2).kind != "MINUS" or s.before.kind not in _NUMERIC:
        return None
    problem = error("syntax", "a range has two ends", s.span(s.token), help="there is no subtraction")
    return Repair(problem, 1 + (s.after.kind in _NUMERIC))


def missing_colon(s: Situation) -> Repair | None:
    if s.token.kind in _VALUE_STARTS and s.accepts("COLON", s.token.kind):
        after = quoted(s.before)
        problem = error("syntax", f"expected `:` after {after}", s.span(s.token), help=f"put a `:` after {after}")
        return Repair(problem, 0, (s.made("COLON", ":"),))
    if s.accepts("COLON", s.after.kind) and s.token.kind in ("COMPARE", "MINUS", "COMMA"):
        problem = error("syntax", f"expected `:` after {quoted(s.before)}, not {quoted(s.token)}", s.span(s.token))
        return Repair(problem, 1, (Token("COLON", ":", *s.token[2:]),))
    return None


def keyword_as_name(s: Situation) -> Repair | None:
    if s.token.kind in _KEYWORDS and s.accepts("NAME", s.after.kind):
        word = quoted(s.token)
        message = f"{word} is a keyword and cannot be a name"
        problem = error("syntax", message, s.span(s.token), help="choose another name")
        return Repair(problem, 1, (Token("NAME", s.token.text, *s.token[2:]),))
    return None


RULES: tuple[Callable[[Situation], Repair | None], ...] = (
    equals_sign,
    angle_brackets,
    octets,
    adjacent_numbers,
    third_range_end,
    name_as_range_end,
    lone_minus,
    needless_parentheses,
    bang_in,
    chained_comparison,
    misplaced_else,
    missing_braces,
    missing_parentheses,
    single_colon,
    lone_word,
    definition_in_body,
    dotted_action,
    missing_comma,
    forgotten_value,
    forgotten_last_value,
    extra_comma,
    missing_colon,
    keyword_as_name,
)
