"""Addresses that NaCl does not write as they stand: IPv6, and MAC addresses without quotes.

The scanner makes several tokens of one; here they become one token again, with a value that will do, and one error.

Before   2001 : db8 : : 1 / 32        02 : 00 : 5e : 00 : 53 : 01
After    CIDR                         STRING
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

from naclc.diagnostics import Diagnostic, error
from naclc.source import SourceFile, Span
from naclc.syntax.tokens import Token

_COLONS = re.compile(r"::|:[0-9A-Fa-f]{1,4}:")
_RUN = re.compile(r"[0-9A-Fa-f:.]*")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_ZONE = re.compile(r"%[\w.-]+")
_PREFIX = re.compile(r"[ \t]*/[ \t]*[0-9]+")
_BEFORE_VALUES = frozenset({"COLON", "COMMA", "COMPARE", "IN", "IN_UPPER", "LPAR", "LSQB", "MINUS"})
_LONGEST = 64  # characters of an address
_IPV6_HELP = "write an IPv4 address, or remove it: policies are about IPv4 packets, and say nothing about others"


class _Literal(NamedTuple):
    """`kind` and `text` of the token that stands in for it."""

    start: int
    end: int
    kind: str
    text: str

    def problem(self, source: SourceFile) -> Diagnostic:
        span = Span(source, self.start, self.end)
        if self.kind == "STRING":
            return error("syntax", "a MAC address stands in quotes", span, help=f"write `{self.text}`")
        what = "network" if self.kind == "CIDR" else "address"
        message = f"`{span.text}` is an IPv6 {what}, and NaCl knows IPv4 only"
        return error("syntax", message, span, help=_IPV6_HELP)


def join(source: SourceFile, tokens: list[Token], found: list[Diagnostic]) -> tuple[list[Token], list[Diagnostic]]:
    """`tokens` with one token for each such address, and `found` with one error for each instead of others in it."""
    starts = [token.start for token in tokens]
    literals = [each for each in _literals(source.text) if _is_code(each, tokens, starts)]
    if not literals:
        return tokens, found
    joined: list[Token] = []
    at = 0
    for literal in literals:
        first = bisect_left(starts, literal.start)
        joined += tokens[at:first]
        joined.append(Token(literal.kind, literal.text, literal.start, literal.end))
        at = bisect_left(starts, literal.end)
    begins = [literal.start for literal in literals]

    def stands(problem: Diagnostic) -> bool:
        assert problem.span is not None
        nearest = bisect_left(begins, problem.span.start + 1) - 1
        return nearest < 0 or problem.span.start >= literals[nearest].end

    kept = [problem for problem in found if stands(problem)]
    return joined + tokens[at:], kept + [literal.problem(source) for literal in literals]


def _literals(text: str) -> Iterator[_Literal]:
    """In strings and comments too."""
    after = 0
    for colons in _COLONS.finditer(text):
        literal = _around(text, colons.start()) if colons.start() >= after else None
        if literal:
            after = literal.end
            yield literal


def _around(text: str, colon: int) -> _Literal | None:
    """The address of which the colon at `colon` is a part."""
    lowest = max(0, colon - _LONGEST)
    start = colon - len(_run(text[lowest:colon][::-1]))
    end = colon + len(_run(text[colon : colon + _LONGEST]))
    if text[start] == ":" and text[start : start + 2] != "::":  # the colon behind a name
        start += 1
    elif start and _joins(text[start - 1]):
        return None
    if text[end - 1] == ":" and text[end - 2 : end] != "::":
        end -= 1
    if text[end : end + 1] and _joins(text[end]):
        return None
    run = text[start:end]
    name, _, rest = run.partition(":")
    if name[:1].isalpha() and not _is_ipv6(run) and (_MAC.fullmatch(rest) or _is_ipv6(rest)):
        start, run = start + len(name) + 1, rest
    if _MAC.fullmatch(run):
        return _Literal(start, end, "STRING", f'"{run}"')
    if not _is_ipv6(run):
        return None
    zone = _ZONE.match(text, end)
    end = zone.end() if zone else end
    prefix = _PREFIX.match(text, end)
    if prefix:
        return _Literal(start, prefix.end(), "CIDR", "192.0.2.0/24")
    return _Literal(start, end, "IPV4", "192.0.2.1")


def _run(text: str) -> str:
    match = _RUN.match(text)
    return match[0] if match else ""


def _joins(character: str) -> bool:
    return character.isalnum() or character == "_"


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _is_code(literal: _Literal, tokens: list[Token], starts: list[int]) -> bool:
    """Neither in a string nor in a comment, and no type and subtype."""
    first = bisect_left(starts, literal.start)
    if first == len(tokens) or tokens[first].start != literal.start or tokens[first].kind == "STRING":
        return False
    if first and tokens[first - 1].kind in _BEFORE_VALUES:
        return True
    if first and tokens[first - 1].kind == "NAME" and tokens[first].kind == "COLON":
        return False  # the subtype of a type
    kinds = [token.kind for token in tokens[first : first + 4]]
    ends = bisect_left(starts, literal.end) - first
    return kinds != ["NAME", "COLON", "COLON", "NAME"] or ends > len(kinds)
