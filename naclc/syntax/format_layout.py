"""Where a line of a formatted program may or must end: the actions of the grammar that mark it.

The machine that parses runs these actions in place of build.Builder's. Nothing is built: each reduction marks the
tokens it is made of, by index, and returns the Part that they are. So the work is linear, and depth costs no stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from naclc.syntax.format_gaps import Gaps
from naclc.syntax.tokens import Token

INDENT = 2

Symbols = list[Any]


class Separator(IntEnum):
    """What stands before a token: a fixed text, or a line end if the group around it is broken."""

    NONE = 0
    SPACE = 1
    SOFT = 2  # nothing, or a line end
    LINE = 3  # a blank, or a line end
    WRAP = 4  # the same, before an operator
    HARD = 5  # a line end, which breaks all groups around it


NONE, SPACE, SOFT, LINE, WRAP, HARD = Separator


class Part(NamedTuple):
    """The tokens `start` .. `end`, both included. `kind`: `action`, `cond`, `chain` (operands of and/or) or nothing."""

    start: int
    end: int
    kind: str = ""


# For a rule whose symbols always stand in the same way: what is before each but the first.
_FIXED = {
    "typed": (SPACE, SPACE),
    "untyped": (NONE, SPACE),
    "assignment": (NONE, SPACE),
    "member": (NONE, SPACE),
    "comparison": (SPACE, SPACE),
    "membership": (SPACE, SPACE),
    "non_membership": (SPACE, SPACE, SPACE),
    "negative_number": (NONE, NONE, NONE),
    "negative_decimal": (NONE, NONE, NONE),
    "range_value": (NONE, NONE),
    "first_parts": (NONE, NONE),
    "next_part": (NONE, NONE),
}
_ALONE = ("number", "decimal", "ipv4", "cidr", "string", "true", "false", "name_value", "dotted_value")


@dataclass(slots=True)
class Layout:
    """The marks, by index of a token.

    `groups`: (first, last) token of what stands on one line or is broken as a whole; inner ones before outer ones.
    `turns`: columns by which the indentation changes from this token on. `last_commas`: commas before a closing
    bracket, written when it is broken; `commaless`: closing brackets that get one then. `statements`: the first tokens
    of declarations and statements.
    """

    gaps: Gaps
    separators: list[Separator]
    turns: list[int]
    groups: list[tuple[int, int]] = field(default_factory=list)
    last_commas: set[int] = field(default_factory=set)
    commaless: set[int] = field(default_factory=set)
    statements: list[int] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[[Symbols], Any]:
        """The action of a rule of _FIXED or _ALONE."""
        if name in _ALONE:
            return _first
        if name not in _FIXED:
            raise AttributeError(name)
        fixed = _FIXED[name]
        separators = self.separators

        def action(s: Symbols) -> Part:
            for symbol, separator in zip(s[1:], fixed, strict=True):
                separators[symbol.start] = separator
            return Part(s[0].start, s[-1].end)

        return action

    # --- lists ---

    def none(self, s: Symbols) -> list[Part]:
        return []

    def one(self, s: Symbols) -> Symbols:
        return s

    def more(self, s: Symbols) -> Symbols:
        statement = s[1]
        if statement.kind == "cond":  # not what follows an else: the whole chain is one group
            self.groups.append((statement.start, statement.end))
        s[0].append(statement)
        return s[0]  # type: ignore[no-any-return]

    def listed(self, s: Symbols) -> Symbols:
        self.separators[s[2].start] = LINE
        s[0].append(s[2])
        return s[0]  # type: ignore[no-any-return]

    def pair(self, s: Symbols) -> Symbols:
        return self.longer([[s[0]], s[1], s[2]])

    def longer(self, s: Symbols) -> Symbols:
        self.separators[s[1].start] = WRAP
        self.separators[s[2].start] = SPACE
        s[0].append(s[2])
        return s[0]  # type: ignore[no-any-return]

    # --- declarations and functions ---

    def declared(self, s: Symbols) -> None:
        self.separators[s[1].start] = HARD
        self.statements.append(s[1].start)

    def unnamed_function(self, s: Symbols) -> Part:
        return self._function(s)

    def named_function(self, s: Symbols) -> Part:
        self.separators[s[4].start] = SPACE
        return self._function(s)

    def _function(self, s: Symbols) -> Part:
        self.separators[s[-1].start] = SPACE
        part = Part(s[0].start, s[-1].end)
        self.groups.append((part.start, part.end))
        return part

    def body(self, s: Symbols) -> Part:
        opener, statements, closer = s
        short = len(statements) == 1 and statements[0].kind == "action"
        if statements:
            begins_line = self.gaps.begins_line(statements[0].start)
            separator = LINE if short and not begins_line else HARD
            for statement in statements:
                self.separators[statement.start] = separator
                self.statements.append(statement.start)
            self._inside(opener, closer, separator)
        else:
            self._inside(opener, closer, LINE if closer.start in self.gaps.comments else NONE)
        return Part(opener.start, closer.end)

    def _inside(self, opener: Token, closer: Token, separator: Separator) -> None:
        self.separators[closer.start] = separator
        self._indent(opener.start + 1, closer.start)

    def _indent(self, start: int, end: int) -> None:
        """The tokens `start` .. `end` - 1."""
        self.turns[start] += INDENT
        self.turns[end] -= INDENT

    def if_only(self, s: Symbols) -> Part:
        self.separators[s[1].start] = SPACE
        self.separators[s[4].start] = SPACE
        condition = s[2]
        if condition.kind == "chain":  # further in than the body
            self._indent(condition.start, condition.end + 1)
        return Part(s[0].start, s[-1].end, "cond")

    def if_else(self, s: Symbols) -> Part:
        self.separators[s[5].start] = SPACE
        self.separators[s[6].start] = SPACE
        return self.if_only(s)

    # --- actions ---

    def bare_action(self, s: Symbols) -> Part:
        return Part(s[0].start, s[0].end, "action")

    def call_without(self, s: Symbols) -> Part:
        self._bracketed(s[1], [], s[2], SOFT)
        return Part(s[0].start, s[-1].end, "action")

    def call(self, s: Symbols) -> Part:
        self._bracketed(s[1], s[2], s[-1], SOFT)
        return Part(s[0].start, s[-1].end, "action")

    # --- conditions ---

    def disjunction(self, s: Symbols) -> Part:
        operands = s[0]
        part = Part(operands[0].start, operands[-1].end, "chain")
        self.groups.append((part.start, part.end))
        self._indent(part.start, part.end + 1)
        return part

    conjunction = disjunction

    def negation(self, s: Symbols) -> Part:
        self.separators[s[1].start] = SPACE if s[0].kind == "NOT" else NONE
        return Part(s[0].start, s[1].end, s[1].kind)

    def parenthesis(self, s: Symbols) -> Part:
        return Part(s[0].start, s[2].end, s[1].kind)

    # --- objects and lists ---

    def empty_object(self, s: Symbols) -> Part:
        return self._bracketed(s[0], [], s[1], LINE)

    def object_value(self, s: Symbols) -> Part:
        return self._bracketed(s[0], s[1], s[-1], LINE)

    def empty_list(self, s: Symbols) -> Part:
        return self._bracketed(s[0], [], s[1], SOFT)

    def list_value(self, s: Symbols) -> Part:
        return self._bracketed(s[0], s[1], s[-1], SOFT)

    def _bracketed(self, opener: Token, items: list[Part], closer: Token, separator: Separator) -> Part:
        end = closer.start
        if not items and end not in self.gaps.comments:
            return Part(opener.start, end)
        self._inside(opener, closer, separator)
        if items:
            first = items[0].start
            self.separators[first] = HARD if self.gaps.begins_line(first) else separator
            if items[-1].end + 1 == end:
                self.commaless.add(end)
            else:
                self.last_commas.add(end - 1)
        self.groups.append((opener.start, end))
        return Part(opener.start, end)


def _first(s: Symbols) -> Any:
    return s[0]
