"""Where the parse stopped, and what a repair of it is."""

from __future__ import annotations

from dataclasses import dataclass

from naclc.diagnostics import Diagnostic
from naclc.source import SourceFile, Span
from naclc.syntax import tables
from naclc.syntax.brackets import CLOSER, OPENER
from naclc.syntax.machine import Machine
from naclc.syntax.tokens import Token


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
