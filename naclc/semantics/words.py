"""Reads the places that take a word: config, layer, algorithm, untracked, the data of a Timer, severities.

Reports   unknown-word, type-mismatch.
"""

from __future__ import annotations

from collections.abc import Sequence

from naclc.semantics.scope import Scope
from naclc.semantics.spelling import suggestion
from naclc.semantics.values import NAMED_CONSTANTS, Sort, View
from naclc.syntax import ast


def read_word(scope: Scope, view: View, what: str, words: Sequence[str]) -> str | None:
    """The one of `words` that stands in a place, or that a name there holds; None when there is none.

    `what` is what messages call such a word.
    """

    def refuse(path: ast.Path) -> None:
        advice = suggestion(path.text, words) or f"write {_choice(words)}"
        scope.reporter.error("unknown-word", f"there is no {what} `{path.text}`", path.span, help=advice)

    value = scope.ground(view, frozenset(words), refuse)
    if value.sort is Sort.WORD and value.text in words:
        return value.text
    if isinstance(view.value, ast.Path) and value.sort in NAMED_CONSTANTS and value.literal:
        refuse(view.value)
    elif value.sort is not Sort.BAD:
        quotes = ", without quotes" if value.sort is Sort.STRING else ""
        advice = f"write {_choice(words)}{quotes}"
        scope.reporter.error("type-mismatch", f"{value.what} is no {what}", value.span, help=advice)
    return None


def _choice(words: Sequence[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
