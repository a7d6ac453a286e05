"""What could come next, in the words of the language."""

from __future__ import annotations

from naclc.syntax import tables
from naclc.syntax.machine import Machine
from naclc.syntax.tokens import Token

_WORDS = {
    "COLON": "`:`",
    "COMMA": "`,`",
    "DOT": "`.`",
    "MINUS": "`-`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "ELSE": "`else`",
    "NUMBER": "a number",
    "DECIMAL": "a number",
    "IPV4": "an address",
    "NAME": "a name",
}
_VALUE = {"NUMBER", "DECIMAL", "IPV4", "CIDR", "STRING", "TRUE", "FALSE", "NAME", "LBRACE", "LSQB", "LPAR"}
_PART = {"NAME", "IN", "IN_UPPER", "AND", "OR", "NOT", "IF", "ELSE", "TRUE", "FALSE"}
_CONNECTIVES = {"AND", "AND_AND", "OR", "BAR_BAR"}
_COMPARISONS = {"COMPARE", "IN", "IN_UPPER", "NOT"}


def expected(machine: Machine) -> str:
    """`a value or `]``: all that fits at the machine's place, the likeliest first."""
    kinds = {kind for kind in machine.tables.terminals if machine.accepts(kind)}
    words: list[str] = []

    def take(group: set[str], *said: str) -> None:
        nonlocal kinds
        words.extend(said)
        kinds -= group

    if {"NUMBER", "STRING", "BANG"} <= kinds:
        take(_VALUE | {"NOT", "BANG"}, "a condition")
    elif {"NUMBER", "STRING"} <= kinds:
        take(_VALUE, "a value")
    elif kinds >= _PART:
        take(_PART, "a name")
    elif {"NAME", "IF"} <= kinds:
        take({"NAME", "IF", "ELSE", "COLON"}, "an action, `if` or a function")
    elif {"NAME", tables.END} <= kinds:
        take({"NAME", tables.END}, "a declaration")
    if kinds >= _COMPARISONS:
        take(_COMPARISONS, "a comparison")
    if kinds >= _CONNECTIVES:
        take(_CONNECTIVES, "`and`", "`or`")
    if words or len(kinds) > 1:
        kinds -= {"DOT"}
    words.extend(word for kind, word in _WORDS.items() if kind in kinds)
    return _listed(list(dict.fromkeys(words)))


def _listed(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words) or "nothing more"
    return ", ".join(words[:-1]) + " or " + words[-1]


def quoted(token: Token) -> str:
    """The token for a message, short and on one line."""
    if token.kind == tables.END:
        return "the end of the file"
    text = " ".join(token.text.split())
    return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}...`"
