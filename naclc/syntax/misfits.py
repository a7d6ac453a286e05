"""Text that fits no terminal: what is wrong with it, and the token that was probably meant."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from naclc.diagnostics import Diagnostic, error, warning
from naclc.source import SourceFile, Span
from naclc.syntax.tokens import Token

LONE_EQUALS = "="  # a kind of its own: the parser knows whether `==` or `:` was meant

_WORD = re.compile(r"[\w-]+")
_ODD_IN_WORD = re.compile(r"_|[^\WA-Za-z0-9_]+")
_NUMBER_WORD = re.compile(r"(0[xX][0-9A-Fa-f]+|[0-9]+)\w*")
_MASK = re.compile(r"/[ \t]*[\w.]*")
_LINE = re.compile(r"[^\r\n]*")
_CLOSERS = ")]}, \t"
# A quote on the next line, the only one there, and behind it what may follow a string.
_TWO_LINES = re.compile(
    r'"(?:[^"\\\r\n]|\\[^\r\n])*(?:\r\n?|\n)(?:[^"\\\r\n]|\\[^\r\n])*"(?=[ \t]*(?:[)\]},][^"\r\n]*)?(?:[\r\n]|\Z))'
)
_ADDRESS_BEFORE = re.compile(r"\d\s*\.\s*\d+\s*\.\s*\d+\s*\.\s*\d+\s*\Z")
_FLAGS_BEFORE = re.compile(r"tcp\s*\.\s*flags\b[^\r\n{}]*\Z", re.IGNORECASE)
_ELSE_IF = re.compile(r"(?i:elif|elsif|elseif)")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_QUOTES = {"'": "'", "`": "`", "\u201c": "\u201d", "\u201d": "\u201d", "\u2018": "\u2019", "\u2019": "\u2019"}
_ADVICE = {
    ";": "write `,` between the entries of an object or a list; statements need nothing between them",
    "\\": "a backslash has a meaning in strings only",
    "@": "names are made of the letters A-Z and a-z, digits, `_` and `-`, and begin with a letter",
    "*": "comments are written `/* ... */`, `# ...` or `// ...`",
    "\u00a0": "this looks like a blank but is not: type an ordinary one",
    "\ufeff": "a byte-order mark may stand only at the very beginning: delete it",
    "\0": "is this a text file? NaCl is UTF-8 text",
}
_NAME_HELP = "names are made of the letters A-Z and a-z, digits, `_` and `-`, and begin with a letter"


class Misfit(NamedTuple):
    """`end`: where scanning goes on. `joins`: the token continues the name that ends where it begins."""

    token: Token | None
    end: int
    diagnostic: Diagnostic | None
    joins: bool = False


def at(source: SourceFile, start: int) -> Misfit:
    """What to make of the text at `start`, where no terminal matches."""
    text = source.text
    character = text[start]
    if text.startswith("/*", start):
        return _open_comment(source, start)
    if character == '"':
        return _open_string(source, start)
    if character.isascii() and character.isdigit():
        return _malformed_number(source, start)
    if character == "=":
        return Misfit(Token(LONE_EQUALS, "=", start, start + 1), start + 1, None)
    if character in "&|":
        return _half_operator(source, start)
    if character == "/":
        return _stray_mask(source, start)
    if character in _QUOTES and (quoted := _other_quotes(source, start)):
        return quoted
    if _WORD.match(character):
        return _odd_word(source, start)
    return _odd_characters(source, start)


def bidi_controls(source: SourceFile, refused: list[Diagnostic]) -> list[Diagnostic]:
    """A warning for each bidirectional control in a string or comment: those elsewhere are among `refused`."""
    taken = {at for d in refused if d.code == "bad-character" and d.span for at in range(d.span.start, d.span.end)}
    return [
        warning(
            "bidi-control",
            f"{_shown(match[0])} makes this text look different from what it is",
            Span(source, match.start(), match.end()),
            help="delete it, unless right-to-left text needs it",
        )
        for match in _BIDI.finditer(source.text)
        if match.start() not in taken
    ]


def _open_comment(source: SourceFile, start: int) -> Misfit:
    opening = Span(source, start, start + 2)
    problem = error("unterminated", "the comment is never closed", opening, help="close it with `*/`")
    return Misfit(None, len(source.text), problem)


def _open_string(source: SourceFile, start: int) -> Misfit:
    """The string goes to the end of its line, without the brackets and commas there: they are meant as such.

    If it is closed on the next line, it goes as far as that.
    """
    line = _LINE.match(source.text, start)
    assert line is not None, "matches anything"
    length = max(1, len(line[0].rstrip(_CLOSERS)))
    problem = error(
        "unterminated",
        "the string is not closed on its line",
        Span(source, start, start + 1),
        help='close it with `"`; for a line end inside a string write `\\n`',
    )
    if two_lines := _TWO_LINES.match(source.text, start):
        return Misfit(Token("STRING", two_lines[0], start, two_lines.end()), two_lines.end(), problem)
    text = line[0][:length]
    if (len(text) - len(text.rstrip("\\"))) % 2:  # the closing quote, if there is one, is escaped
        text += "\\"
    return Misfit(Token("STRING", text + '"', start, start + length), start + length, problem)


def _malformed_number(source: SourceFile, start: int) -> Misfit:
    match = _NUMBER_WORD.match(source.text, start)
    assert match is not None, "begins with a digit"
    word = match[0] if match.end() - start <= 40 else match[0][:37] + "..."
    advice = f"write the number alone, `{match[1]}`; a name begins with a letter"
    if word[:2] in ("0x", "0X"):
        advice = "hexadecimal digits are 0-9, a-f and A-F"
    elif "_" in word:
        advice = "digits are written without anything between them"
    problem = error("syntax", f"`{word}` is not a number", Span(source, start, match.end()), help=advice)
    return Misfit(Token("NUMBER", match[1], start, match.end()), match.end(), problem)


def _half_operator(source: SourceFile, start: int) -> Misfit:
    character = source.text[start]
    kind, word = ("AND_AND", "and") if character == "&" else ("BAR_BAR", "or")
    advice = f"write `{word}` or `{character * 2}`"
    if _FLAGS_BEFORE.search(source.text, max(0, start - 60), start):
        advice = "test each flag, as in `tcp.has-syn and not tcp.has-ack`"
    problem = error("syntax", f"there is no operator `{character}`", Span(source, start, start + 1), help=advice)
    return Misfit(Token(kind, character, start, start + 1), start + 1, problem)


def _stray_mask(source: SourceFile, start: int) -> Misfit:
    match = _MASK.match(source.text, start)
    assert match is not None, "begins with a slash"
    span = Span(source, start, match.end())
    cure = "a CIDR is written in numbers, like `192.0.2.0/24`"
    if _ADDRESS_BEFORE.search(source.text, max(0, start - 40), start):
        problem = error("syntax", "a mask from 0 to 32 is missing after `/`", span, help=cure)
    else:
        problem = error("syntax", "`/` and a mask may follow an address only", span, help=cure)
    return Misfit(None, match.end(), problem)


def else_ifs(source: SourceFile, tokens: list[Token]) -> list[Diagnostic]:
    """`elif (a == b)` and the like behind a branch; in `tokens` they become `else if`."""
    found: list[Diagnostic] = []
    for index in range(len(tokens) - 3, 0, -1):
        token, opener, first = tokens[index : index + 3]
        is_call = opener.kind != "LPAR" or first.kind == "RPAR"
        if token.kind != "NAME" or is_call or tokens[index - 1].kind != "RBRACE" or not _ELSE_IF.fullmatch(token.text):
            continue
        span = Span(source, token.start, token.end)
        found.append(error("syntax", f"there is no keyword `{token.text}`", span, help="write `else if`"))
        middle = token.start + len(token.text) // 2
        words = Token("ELSE", "else", token.start, middle), Token("IF", "if", middle, token.end)
        tokens[index : index + 1] = words
    return found


def may_have_else_ifs(source: SourceFile) -> bool:
    return _ELSE_IF.search(source.text) is not None


def _other_quotes(source: SourceFile, start: int) -> Misfit | None:
    """Text in quotes of another kind, if they are closed on the line."""
    line = _LINE.match(source.text, start)
    assert line is not None, "matches anything"
    length = line[0].find(_QUOTES[line[0][0]], 1) + 1
    if not length:
        return None
    problem = error(
        "bad-character",
        f"{_shown(line[0][0])} does not begin a string",
        Span(source, start, start + 1),
        help='strings are written in `"`',
    )
    content = line[0][1 : length - 1].replace("\\", "\\\\").replace('"', '\\"')
    return Misfit(Token("STRING", f'"{content}"', start, start + length), start + length, problem)


def _odd_word(source: SourceFile, start: int) -> Misfit:
    """A name with characters that no name has; one message for the first run of them."""
    match = _WORD.match(source.text, start)
    assert match is not None, "begins with a word character"
    odd = _ODD_IN_WORD.match(source.text, start)
    end = odd.end() if odd else start + 1
    shown = _shown(source.text[start:end])
    message = f"{shown} cannot {'begin' if source.text[start] == '_' else 'be part of'} a name"
    problem = error("bad-character", message, Span(source, start, end), help=_NAME_HELP)
    return Misfit(Token("NAME", match[0], start, match.end()), match.end(), problem, joins=True)


def _odd_characters(source: SourceFile, start: int) -> Misfit:
    text, end = source.text, start + 1
    while end < len(text) and text[end] == text[start]:
        end += 1
    advice = _ADVICE.get(text[start], "only strings and comments may have such characters")
    problem = error(
        "bad-character", f"{_shown(text[start:end])} means nothing in NaCl", Span(source, start, end), help=advice
    )
    return Misfit(None, end, problem)


def _shown(characters: str) -> str:
    """For a message: as typed where that can be seen, with its number where it can be mistaken."""
    first = characters[0]
    if first.isascii() and first.isprintable():
        return f"`{characters[:40]}`"
    number = f"U+{ord(first):04X}"
    name = unicodedata.name(first, "NULL" if first == "\0" else "a control character").lower()
    visible = first.isprintable() and not _BIDI.match(first)
    return f"`{characters[:40]}` ({number}, {name})" if visible else f"{number} ({name})"
