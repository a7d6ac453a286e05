"""The text of a literal token to its value, and what is wrong with it (docs/language.md sections 1, 2 and 4).

A problem is reported at the octet, mask, digit or escape itself, and a value that will do is returned, so that the
parse goes on and finds the others.
"""

from __future__ import annotations

import re

from naclc.diagnostics import Diagnostic, error
from naclc.source import Span
from naclc.syntax import ast
from naclc.syntax.tokens import Token

_LARGEST = 10**4000  # larger numbers count as this one; Python prints no integer of more than 4300 digits

_COMMENT_OR_DIGITS = re.compile(r"(?s:(?:#|//)[^\r\n]*|/\*.*?\*/|([0-9]+))")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"'}


def integer(text: str, span: Span, found: list[Diagnostic]) -> int:
    """The value of a NUMBER; 10**4000 for any larger one, which fits no field either."""
    if text[:2] in ("0x", "0X"):
        return min(int(text, 16), _LARGEST)
    if text[0] == "0" and len(text) > 1:
        found.append(_leading_zero(span, text))
    return _decimal_value(text)


def _decimal_value(digits: str) -> int:
    return int(digits) if len(digits) <= 4000 else _LARGEST if digits.strip("0") else 0


def _leading_zero(span: Span, digits: str) -> Diagnostic:
    shown, cure = f"`{digits}`", f"write `{digits.lstrip('0') or '0'}`"
    if len(digits) > 40:
        shown, cure = "this number", "leave the zeros out"
    return error(
        "leading-zero",
        f"{shown} has a leading zero",
        span,
        help=f"{cure}; there are no octal numbers, hexadecimal ones begin with `0x`",
    )


def _parts(span: Span, text: str) -> list[tuple[str, Span]]:
    """The runs of digits in an address, a CIDR or a decimal, with their places; comments between are skipped."""
    return [
        (match[1], Span(span.source, span.start + match.start(), span.start + match.end()))
        for match in _COMMENT_OR_DIGITS.finditer(text)
        if match[1]
    ]


def address(text: str, span: Span, found: list[Diagnostic]) -> int:
    """The value of an IPV4 in host order, 0 .. 2**32-1; a bad octet counts as 255."""
    try:
        a, b, c, d = map(int, text.split("."))
    except ValueError:  # comments between the octets, or more digits than Python reads at once
        pass
    else:
        if a < 256 and b < 256 and c < 256 and d < 256 and f"{a}.{b}.{c}.{d}" == text:
            return a << 24 | b << 16 | c << 8 | d
    return _octets(_parts(span, text), found)


def _octets(parts: list[tuple[str, Span]], found: list[Diagnostic]) -> int:
    value = 0
    for digits, place in parts:
        value = value << 8 | _bounded("octet", digits, place, 255, found)
    return value


def _bounded(what: str, digits: str, place: Span, largest: int, found: list[Diagnostic]) -> int:
    value = integer(digits, place, found)
    if value <= largest:
        return value
    shown = f"`{digits}`" if len(digits) <= 40 else f"of {len(digits)} digits"
    code = "bad-octet" if what == "octet" else "bad-mask"
    found.append(error(code, f"{what} {shown} is over {largest}", place, help=f"{what}s go from 0 to {largest}"))
    return largest


def cidr(text: str, span: Span, found: list[Diagnostic]) -> tuple[int, int]:
    """(address in host order, mask 0 .. 32) of a CIDR, host bits as written."""
    *octets, (mask, place) = _parts(span, text)
    return _octets(octets, found), _bounded("mask", mask, place, 32, found)


def decimal(text: str, span: Span, found: list[Diagnostic]) -> str:
    """A DECIMAL without the blanks that may stand around its dot."""
    (whole, place), (fraction, _) = _parts(span, text)
    if whole[0] == "0" and len(whole) > 1:
        found.append(_leading_zero(place, whole))
    return f"{whole}.{fraction}"


def string(token: Token, span: Span, found: list[Diagnostic]) -> str:
    """The characters between the quotes, escapes resolved; a bad escape stands for its second character."""
    raw = token.text[1:-1]
    if "\\" not in raw:
        return raw

    def resolve(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            start = span.start + 1 + match.start()
            found.append(_bad_escape(Span(span.source, start, start + 2), match[1]))
        return _ESCAPES.get(match[1], match[1])

    return _ESCAPE.sub(resolve, raw)


def _bad_escape(span: Span, character: str) -> Diagnostic:
    shown = f"`\\{character}`" if character.isprintable() else f"`\\` before U+{ord(character):04X}"
    return error(
        "bad-escape",
        f"{shown} is not an escape",
        span,
        help='the escapes are `\\n`, `\\t`, `\\\\` and `\\"`; for a backslash write `\\\\`',
    )


_KINDS = {ast.Integer: "a number", ast.Ipv4: "an address", ast.Decimal: "a decimal"}


def range_problems(value: ast.Range) -> list[Diagnostic]:
    """Ends of different kinds, or the first above the last."""
    first, last = value.first, value.last
    if type(first) is not type(last):
        kinds = f"`{_short(first.span)}` is {_KINDS[type(first)]}, `{_short(last.span)}` is {_KINDS[type(last)]}"
        message = f"a range needs two ends of one kind: {kinds}"
        return [error("range-mixed", message, value.span, help="write two numbers, or two addresses")]
    if not _is_above(first, last):
        return []
    swapped = f"{_short(last.span)}-{_short(first.span)}"
    return [error("reversed-range", "the range ends before it begins", value.span, help=f"write `{swapped}`")]


def _short(span: Span) -> str:
    text = " ".join(span.text.split())
    return text if len(text) <= 40 else text[:37] + "..."


def _is_above(first: ast.Integer | ast.Ipv4 | ast.Decimal, last: ast.Integer | ast.Ipv4 | ast.Decimal) -> bool:
    if isinstance(first, ast.Decimal) or isinstance(last, ast.Decimal):
        assert isinstance(first, ast.Decimal) and isinstance(last, ast.Decimal), "one kind, as checked before"
        return _exceeds(first.text, last.text)
    return first.value > last.value


def _exceeds(first: str, last: str) -> bool:
    """Whether the decimal `first` is larger than `last`, digit by digit: exact at any length."""
    if first[0] == "-" and last[0] == "-":
        return _exceeds(last[1:], first[1:])
    if (first[0] == "-") != (last[0] == "-"):
        return last[0] == "-" and bool((first + last).strip("-.0"))
    return _magnitude(first, last) > _magnitude(last, first)


def _magnitude(text: str, other: str) -> tuple[str, str]:
    """Whole part and fraction, as wide as those of `other`: compared as text they order as numbers."""
    whole, fraction = text.split(".")
    return whole.rjust(other.index("."), "0"), fraction.rstrip("0")
