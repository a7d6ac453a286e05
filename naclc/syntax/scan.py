"""Text to tokens (docs/language.md section 1).

The terminals come from the grammar by way of the tables; this module drives them and says what is wrong with text
that fits none of them.
"""

from __future__ import annotations

import re
from functools import cache

from naclc.diagnostics import Diagnostic
from naclc.source import SourceFile
from naclc.syntax import foreign, misfits, tables
from naclc.syntax.tokens import Token

MOST = 1000  # misfits: this is no policy

_IGNORED = ("BLANK", "COMMENT")


@cache
def _pattern() -> re.Pattern[str]:
    """One alternation of all terminals behind optional blanks; the group that matched names the kind of token."""
    loaded = tables.load()
    patterns = loaded.patterns
    words = "|".join(re.escape(word) for word in loaded.words if not word[0].isalpha())
    kinds = [kind for kind in patterns if kind not in (*_IGNORED, "NAME", "COMPARE")]
    # Names and punctuation are the most frequent; no two terminals but the numbers begin with the same character.
    groups = [
        ("NAME", patterns["NAME"]),
        ("COMMENT", patterns["COMMENT"]),
        ("COMPARE", patterns["COMPARE"]),
        ("WORD", words),
        *((kind, patterns[kind]) for kind in kinds),
        ("ODD", "(?s:.)"),
        ("STOP", r"\Z"),  # else blanks at the end would be tried again from each of them
    ]
    alternatives = "|".join(f"(?P<{name}>{pattern})" for name, pattern in groups)
    return re.compile(f"(?:{patterns['BLANK']})?+(?:{alternatives})")


def scan(source: SourceFile) -> tuple[list[Token], list[Diagnostic]]:
    """All tokens of `source`, the last one `$END`. Any text gives tokens: a misfit is replaced by what was meant.

    After MOST misfits the rest of the text is not looked at.
    """
    text = source.text
    tokens: list[Token] = []
    found: list[Diagnostic] = []
    at = 0
    while at >= 0 and len(found) < MOST:
        at = _scan_from(at, text, tokens)
        if at >= 0:
            misfit = misfits.at(source, at)
            if misfit.diagnostic:
                found.append(misfit.diagnostic)
            if misfit.token:
                _append(misfit.token, misfit.joins, tokens)
            at = misfit.end
    tokens.append(Token(tables.END, "", len(text), len(text)))
    tokens, found = foreign.join(source, tokens, found)
    if misfits.may_have_else_ifs(source):
        found.extend(misfits.else_ifs(source, tokens))
    if not text.isascii():
        found.extend(misfits.bidi_controls(source, found))
    return tokens, found


def _append(token: Token, joins: bool, tokens: list[Token]) -> None:
    """Append `token`; one that joins a name or keyword right before it replaces that by one name."""
    if joins and tokens and tokens[-1].end == token.start and tokens[-1].text[0].isalpha():
        before = tokens.pop()
        token = Token("NAME", before.text + token.text, before.start, token.end)
    tokens.append(token)


def _scan_from(at: int, text: str, tokens: list[Token]) -> int:
    """Append the tokens from `at` on; returns the offset of the first misfit, or -1 at the end of the text."""
    words = tables.load().words
    append = tokens.append
    for match in _pattern().finditer(text, at):
        kind = match.lastgroup or "ODD"
        if kind in ("COMMENT", "STOP"):
            continue
        start, end = match.span(kind)
        if kind == "ODD":
            return start
        word = text[start:end]
        if kind == "NAME":
            kind = words.get(word, kind)
        elif kind == "WORD":
            kind = words[word]
        append(Token(kind, word, start, end))
    return -1
