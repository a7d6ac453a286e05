"""The actions of the grammar: one method for each alias and rule, from symbols to nodes of naclc.syntax.ast.

A method gets the values of the rule's symbols, left to right: a Token for a terminal, what its own action returned
for a rule. Lists grow in place.
"""

from __future__ import annotations

from typing import Any

from naclc.diagnostics import Diagnostic
from naclc.source import SourceFile, Span
from naclc.syntax import ast, literals
from naclc.syntax.tokens import Token

Symbols = list[Any]


class _Problems(list[Diagnostic]):
    """The first 1000: a text with more wrong numbers than that needs no longer list."""

    def append(self, problem: Diagnostic) -> None:
        if len(self) < 1000:
            super().append(problem)


class Builder:
    """Builds the tree of one source.

    `declarations` has what was reduced so far, whatever happens later. While `discarding` is set the next
    declaration is dropped: a recovery has cut tokens out of it.
    """

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.declarations: list[ast.Declaration] = []
        self.diagnostics: list[Diagnostic] = _Problems()
        self.discarding = False
        self.end = 0  # offset of the end of the last declaration

    def _span(self, first: Any, last: Any) -> Span:
        """From the start of the first symbol to the end of the last; both are tokens or nodes."""
        start = first.start if type(first) is Token else first.span.start
        return Span(self.source, start, last.end if type(last) is Token else last.span.end)

    def _token_span(self, token: Token) -> Span:
        return Span(self.source, token.start, token.end)

    def _name(self, token: Token) -> ast.Name:
        return ast.Name(token.text, Span(self.source, token.start, token.end))

    # --- lists ---

    def none(self, s: Symbols) -> list[Any]:
        return []

    def one(self, s: Symbols) -> list[Any]:
        return s

    def more(self, s: Symbols) -> list[Any]:
        s[0].append(s[1])
        return s[0]  # type: ignore[no-any-return]

    def listed(self, s: Symbols) -> list[Any]:
        s[0].append(s[2])
        return s[0]  # type: ignore[no-any-return]

    def pair(self, s: Symbols) -> list[Any]:
        return [s[0], s[2]]

    longer = listed

    # --- top level ---

    def declared(self, s: Symbols) -> None:
        if not self.discarding:
            self.declarations.append(s[1])
        self.end = s[1].span.end
        self.discarding = False

    def typed(self, s: Symbols) -> ast.Typed:
        return ast.Typed(self._name(s[0]), self._name(s[1]), s[2], self._span(s[0], s[2]))

    def untyped(self, s: Symbols) -> ast.Untyped:
        name = self._name(s[0])
        return ast.Untyped(ast.Path((name,), name.span), s[2], self._span(s[0], s[2]))

    def assignment(self, s: Symbols) -> ast.Untyped:
        return ast.Untyped(self.dotted_value(s[:1]), s[2], self._span(s[0][0], s[2]))

    # --- functions ---

    def unnamed_function(self, s: Symbols) -> ast.Function:
        return ast.Function(self._name(s[0]), self._name(s[3]), None, s[4], self._span(s[0], s[4]))

    def named_function(self, s: Symbols) -> ast.Function:
        return ast.Function(self._name(s[0]), self._name(s[3]), self._name(s[4]), s[5], self._span(s[0], s[5]))

    def body(self, s: Symbols) -> ast.Body:
        return ast.Body(tuple(s[1]), self._span(s[0], s[2]))

    def bare_action(self, s: Symbols) -> ast.Action:
        name = self._name(s[0])
        return ast.Action(name, None, name.span)

    def call_without(self, s: Symbols) -> ast.Action:
        return ast.Action(self._name(s[0]), (), self._span(s[0], s[-1]))

    def call(self, s: Symbols) -> ast.Action:
        return ast.Action(self._name(s[0]), tuple(s[2]), self._span(s[0], s[-1]))

    def if_only(self, s: Symbols) -> ast.Cond:
        return ast.Cond(s[2], s[4], None, self._span(s[0], s[4]))

    def if_else(self, s: Symbols) -> ast.Cond:
        return ast.Cond(s[2], s[4], s[6], self._span(s[0], s[6]))

    # --- conditions ---

    def disjunction(self, s: Symbols) -> ast.Or:
        return ast.Or(tuple(s[0]), self._span(s[0][0], s[0][-1]))

    def conjunction(self, s: Symbols) -> ast.And:
        return ast.And(tuple(s[0]), self._span(s[0][0], s[0][-1]))

    def negation(self, s: Symbols) -> ast.Not:
        return ast.Not(s[1], self._span(s[0], s[1]))

    def parenthesis(self, s: Symbols) -> ast.Expression:
        return s[1]  # type: ignore[no-any-return]

    def comparison(self, s: Symbols) -> ast.Test:
        return ast.Test(s[0], s[1].text, s[2], self._span(s[0], s[2]))

    def membership(self, s: Symbols) -> ast.Test:
        return ast.Test(s[0], "in", s[2], self._span(s[0], s[2]))

    def non_membership(self, s: Symbols) -> ast.Not:
        test = ast.Test(s[0], "in", s[3], self._span(s[0], s[3]))
        return ast.Not(test, test.span)

    # --- values ---

    def number(self, s: Symbols) -> ast.Integer:
        token = s[0]
        span = Span(self.source, token.start, token.end)
        return ast.Integer(literals.integer(token.text, span, self.diagnostics), span)

    def negative_number(self, s: Symbols) -> ast.Integer:
        value = literals.integer(s[2].text, self._token_span(s[2]), self.diagnostics)
        return ast.Integer(-value, self._span(s[0], s[3]))

    def decimal(self, s: Symbols) -> ast.Decimal:
        span = self._token_span(s[0])
        return ast.Decimal(literals.decimal(s[0].text, span, self.diagnostics), span)

    def negative_decimal(self, s: Symbols) -> ast.Decimal:
        text = literals.decimal(s[2].text, self._token_span(s[2]), self.diagnostics)
        return ast.Decimal("-" + text, self._span(s[0], s[3]))

    def ipv4(self, s: Symbols) -> ast.Ipv4:
        token = s[0]
        span = Span(self.source, token.start, token.end)
        return ast.Ipv4(literals.address(token.text, span, self.diagnostics), span)

    def cidr(self, s: Symbols) -> ast.Cidr:
        span = self._token_span(s[0])
        address, prefix = literals.cidr(s[0].text, span, self.diagnostics)
        return ast.Cidr(address, prefix, span)

    def range_value(self, s: Symbols) -> ast.Range:
        value = ast.Range(s[0], s[2], self._span(s[0], s[2]))
        # An end that is wrong itself, or stands in for an IPv6 address, says nothing about the other one.
        last = self.diagnostics[-1].span if self.diagnostics else None
        spoilt = last is not None and last.start >= value.span.start
        if not spoilt and ":" not in value.span.text:
            for problem in literals.range_problems(value):
                self.diagnostics.append(problem)
        return value

    def string(self, s: Symbols) -> ast.String:
        span = self._token_span(s[0])
        return ast.String(literals.string(s[0], span, self.diagnostics), span)

    def true(self, s: Symbols) -> ast.Bool:
        return ast.Bool(True, self._token_span(s[0]))

    def false(self, s: Symbols) -> ast.Bool:
        return ast.Bool(False, self._token_span(s[0]))

    def name_value(self, s: Symbols) -> ast.Path:
        name = self._name(s[0])
        return ast.Path((name,), name.span)

    def dotted_value(self, s: Symbols) -> ast.Path:
        return ast.Path(tuple(s[0]), self._span(s[0][0], s[0][-1]))

    def first_parts(self, s: Symbols) -> list[ast.Name]:
        return [self._name(s[0]), self._name(s[2])]

    def next_part(self, s: Symbols) -> list[ast.Name]:
        s[0].append(self._name(s[2]))
        return s[0]  # type: ignore[no-any-return]

    def empty_object(self, s: Symbols) -> ast.Object:
        return ast.Object((), self._span(s[0], s[1]))

    def object_value(self, s: Symbols) -> ast.Object:
        return ast.Object(tuple(s[1]), self._span(s[0], s[-1]))

    def member(self, s: Symbols) -> ast.Member:
        return ast.Member(self._name(s[0]), s[2], self._span(s[0], s[2]))

    def empty_list(self, s: Symbols) -> ast.List:
        return ast.List((), self._span(s[0], s[1]))

    def list_value(self, s: Symbols) -> ast.List:
        return ast.List(tuple(s[1]), self._span(s[0], s[-1]))
