"""Reads JSON text strictly (RFC 8259): no comments, no trailing commas, no NaN, every place kept.

A loop over tokens with a stack of its own, so that no nesting is too deep for it. The first mistake ends it: what
follows a mistake in JSON is guesswork.

Reports   syntax, too-deep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from naclc.config.tree import Bool, List, Member, Node, Null, Number, Object, String
from naclc.diagnostics import Diagnostic, Label, error
from naclc.source import SourceFile, Span

MAX_DEPTH = 1000  # open brackets, as in NaCl text

_BLANKS = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBER_LIKE = re.compile(r"[-+]?[.0-9][0-9A-Za-z_.+-]*")
_WORD = re.compile(r"[^\W\d]\w*|-[A-Za-z]\w*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_HEX = re.compile(r"[0-9A-Fa-f]{4}")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CLOSING = {"{": "}", "[": "]"}
_WORDS = {"true": "true", "false": "false", "none": "null", "null": "null", "nil": "null", "undefined": "null"}


class _Malformed(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class _Open:
    """A list or object whose end has not come yet."""

    bracket: Span
    items: list[Node] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    key: String | None = None  # of the member whose value is being read

    @property
    def is_object(self) -> bool:
        return self.bracket.text == "{"


def is_json(source: SourceFile) -> bool:
    """Whether a policy is JSON: by its name, or by its first character."""
    return source.name.endswith(".json") or source.text.lstrip()[:1] == "{"


def read_json(source: SourceFile) -> Node | Diagnostic:
    """The value that the text holds, or what is wrong with the text."""
    try:
        return _Reader(source).read()
    except _Malformed as malformed:
        return malformed.diagnostic


class _Reader:
    """`_at` is the offset of what is read next."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._text = source.text
        self._at = 0
        self._stack: list[_Open] = []

    def read(self) -> Node:
        value = self._value()
        while True:
            if value is not None:
                self._keep(value)
            if not self._stack:
                break
            value = self._inside(first=value is None)
        assert value is not None
        self._skip_blanks()
        if self._at < len(self._text):
            self._refuse_extra()
        return value

    def _keep(self, value: Node) -> None:
        if not self._stack:
            return
        top = self._stack[-1]
        if top.key is None:
            top.items.append(value)
        else:
            top.members.append(Member(top.key, value))
            top.key = None

    def _inside(self, first: bool) -> Node | None:
        """What comes next in the innermost list or object: the next value, itself when it ends here, or None when
        a bracket opens."""
        top = self._stack[-1]
        closing = _CLOSING[top.bracket.text]
        self._skip_blanks()
        if self._peek() == closing:
            return self._close(top)
        if not first:
            self._comma(top, closing)
        if top.is_object:
            top.key = self._key()
        return self._value()

    def _close(self, top: _Open) -> Node:
        self._at += 1
        self._stack.pop()
        span = Span(self._source, top.bracket.start, self._at)
        return Object(tuple(top.members), span) if top.is_object else List(tuple(top.items), span)

    def _comma(self, top: _Open, closing: str) -> None:
        if self._peek() != ",":
            what = "member" if top.is_object else "value"
            self._refuse_unexpected(f"`,` and the next {what}, or `{closing}`")
        comma = self._here(1)
        self._at += 1
        self._skip_blanks()
        if self._peek() == closing:
            self._refuse(f"JSON has no comma before `{closing}`", comma, help="remove the comma")

    def _key(self) -> String:
        self._skip_blanks()
        if self._peek() != '"':
            self._refuse_unexpected("a key in double quotes")
        key = self._string()
        self._skip_blanks()
        if self._peek() != ":":
            self._refuse_unexpected(f"`:` and the value of `{_shown(key.value)}`")
        self._at += 1
        return key

    def _value(self) -> Node | None:
        """A value; None when a bracket opens."""
        self._skip_blanks()
        character = self._peek()
        if character in ("{", "["):
            self._open()
            return None
        if character == '"':
            return self._string()
        if character and character in "-+.0123456789":
            return self._number()
        word = self._word()
        if word not in ("true", "false", "null"):
            self._refuse_unexpected("a value")
        span = self._here(len(word))
        self._at = span.end
        return Null(span) if word == "null" else Bool(word == "true", span)

    def _open(self) -> None:
        bracket = self._here(1)
        if len(self._stack) == MAX_DEPTH:
            message, advice = f"more than {MAX_DEPTH} brackets are open here", "no section needs more than a few"
            raise _Malformed(error("too-deep", message, bracket, help=advice))
        self._stack.append(_Open(bracket))
        self._at += 1

    def _number(self) -> Number:
        like = _NUMBER_LIKE.match(self._text, self._at)
        written = like[0] if like else ""
        if not _NUMBER.fullmatch(written):
            if not written[1:2] and written in ("", "-"):
                self._refuse_unexpected("a value")
            self._refuse_number(written)
        span = self._here(len(written))
        self._at = span.end
        return Number(written, span)

    def _refuse_number(self, written: str) -> NoReturn:
        digits = written.lstrip("+-")
        advice = "digits, perhaps a `-` before them, a fraction or an exponent after them: 5, -1, 0.5, 1e3"
        if digits[:1] == "0" and digits[1:].isdigit():
            advice = "write it without the leading zero"
        elif digits.count(".") > 1:
            advice = "an address stands in double quotes"
        self._refuse(f"`{_shown(written)}` is no number of JSON", self._here(len(written)), help=advice)

    # --- strings ---

    def _string(self) -> String:
        start = self._at
        self._at += 1
        parts: list[str] = []
        while True:
            plain = _PLAIN.match(self._text, self._at)
            assert plain is not None
            parts.append(plain[0])
            self._at = plain.end()
            character = self._peek()
            if character == '"':
                self._at += 1
                return String("".join(parts), Span(self._source, start, self._at))
            if character == "\\":
                parts.append(self._escape())
            else:
                self._refuse_in_string(start)

    def _refuse_in_string(self, start: int) -> NoReturn:
        character = self._peek()
        if character in ("", "\n", "\r"):
            opening = Span(self._source, start, start + 1)
            self._refuse("this string does not end on its line", opening, help='put `"` at its end')
        code = f"\\u{ord(character):04x}"
        message = f"a string cannot hold the control character U+{ord(character):04X}"
        self._refuse(message, self._here(1), help=f"write it as `{code}`")

    def _escape(self) -> str:
        character = self._text[self._at + 1 : self._at + 2]
        if character in _ESCAPES:
            self._at += 2
            return _ESCAPES[character]
        unit = self._unit()
        if unit is None:
            width = 1 if character in ("", "\r", "\n") else 2
            advice = 'the escapes are \\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four hexadecimal digits'
            self._refuse("no escape of JSON", self._here(width), help=advice)
        first = self._here(6)
        self._at += 6
        if 0xD800 <= unit < 0xDC00:
            low = self._unit()
            if low is not None and 0xDC00 <= low < 0xE000:
                self._at += 6
                return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        if 0xD800 <= unit < 0xE000:
            self._refuse(f"`{first.text}` is half of a character", first, help="a surrogate comes in a pair")
        return chr(unit)

    def _unit(self) -> int | None:
        """The number of the `\\uXXXX` that stands here."""
        digits = _HEX.match(self._text, self._at + 2) if self._text.startswith("\\u", self._at) else None
        return int(digits[0], 16) if digits else None

    # --- places and refusals ---

    def _skip_blanks(self) -> None:
        blanks = _BLANKS.match(self._text, self._at)
        assert blanks is not None
        self._at = blanks.end()

    def _peek(self) -> str:
        """The next character; empty at the end."""
        return self._text[self._at : self._at + 1]

    def _word(self) -> str:
        word = _WORD.match(self._text, self._at)
        return word[0] if word else ""

    def _here(self, length: int) -> Span:
        return Span(self._source, self._at, min(self._at + length, len(self._text)))

    def _refuse_extra(self) -> NoReturn:
        if self._text.startswith(("//", "/*", "#"), self._at):
            self._refuse_unexpected("the end")
        self._refuse("nothing may follow the one value of a JSON text", self._here(1), help="remove it")

    def _refuse_unexpected(self, wanted: str) -> NoReturn:
        character = self._peek()
        if not character and self._stack:
            bracket = self._stack[-1].bracket
            advice = f"put `{_CLOSING[bracket.text]}` at its end"
            self._refuse(f"this `{bracket.text}` is never closed: {wanted} should follow", bracket, help=advice)
        if not character:
            advice = 'write a JSON object, as in `{"net": [{"iface": 0, "config": "dhcp"}]}`'
            self._refuse(f"{wanted} is missing: the text ends here", self._here(0), help=advice)
        if self._text.startswith(("//", "/*", "#"), self._at):
            self._refuse("JSON has no comments", self._here(1 if character == "#" else 2), help="remove it")
        word = self._word()
        found = word or character
        shown = f"`{_shown(found)}`" if found.isprintable() else f"the character U+{ord(character):04X}"
        labels = [Label(self._stack[-1].bracket, "inside this")] if self._stack else []
        advice = self._advice(word) or _missing(wanted) or "remove it, or put it where it belongs"
        self._refuse(f"{wanted} should stand here, not {shown}", self._here(len(found)), *labels, help=advice)

    def _advice(self, word: str) -> str | None:
        if self._peek() == "'":
            return 'strings stand in double quotes: "…"'
        if word.lower() in _WORDS:
            return f"write `{_WORDS[word.lower()]}`"
        if word.lstrip("-").lower() in ("nan", "infinity", "inf"):
            return "JSON knows only finite numbers"
        if word:
            return "words stand in double quotes"
        return None

    def _refuse(self, message: str, span: Span, *labels: Label, help: str | None = None) -> NoReturn:
        raise _Malformed(error("syntax", message, span, *labels, help=help))


def _missing(wanted: str) -> str | None:
    """What to put in, when `wanted` begins with a sign."""
    return f"put `{wanted[1]}` before it" if wanted[:1] == "`" else None


def _shown(text: str) -> str:
    """`text` for messages, cut when it is long."""
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= 40 else printable[:39] + "…"
