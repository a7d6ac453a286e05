"""A layout to text: which groups are broken, and every token in its place.

A group is broken when something in it needs a line of its own, or when it does not fit on what is left of the line.

Reference: Oppen, Prettyprinting, ACM TOPLAS 2(4), 1980 (the widths of groups are known beforehand here).
"""

from __future__ import annotations

from itertools import accumulate

from naclc.syntax.format_gaps import Comment, split_attached
from naclc.syntax.format_layout import HARD, INDENT, LINE, NONE, SOFT, SPACE, WRAP, Layout
from naclc.syntax.tokens import Token

WIDTH = 100  # columns

_OPENERS = ("LBRACE", "LSQB", "LPAR")
_CLOSERS = ("RBRACE", "RSQB", "RPAR")
_LEFT = ("ELSE", "LBRACE")  # not further in when a comment has put them on a line of their own
_NO_SPACE_BEFORE = ("RSQB", "RPAR", "COMMA", "COLON")


def render(layout: Layout, tokens: list[Token]) -> str:
    """The text of `tokens` and of the comments between them; empty, or ending in LF."""
    renderer = _Renderer(layout, tokens)
    renderer.run()
    text = "".join(renderer.out)
    return text + "\n" if text else ""


class _Renderer:
    """INVARIANT widths  `_until[i]` is the width of the tokens 0 .. i on one line, with what is before each."""

    def __init__(self, layout: Layout, tokens: list[Token]) -> None:
        self.layout = layout
        self.kinds = [token.kind for token in tokens]
        self.texts = layout.gaps.texts
        self.comments = layout.gaps.comments
        self.separators = layout.separators
        self.indents = list(accumulate(layout.turns))
        self.out: list[str] = []
        self.column = 0
        count = len(tokens)
        dropped = layout.last_commas
        widths = [
            len(self._inline(i)) + (0 if i in dropped else len(self.texts[i]))
            if i in self.comments or i in dropped
            else len(self.texts[i]) + (self.separators[i] in (SPACE, LINE, WRAP))
            for i in range(count)
        ]
        self._until = list(accumulate(widths))
        self._forced = list(accumulate(self._is_forced(i) for i in range(count)))
        self._next_end = self._ends(count)
        self._opens: dict[int, list[int]] = {}
        for start, end in layout.groups:
            self._opens.setdefault(start, []).append(end)

    def _is_forced(self, index: int) -> bool:
        separator = self.separators[index]
        if separator == HARD:
            return True
        if index not in self.comments:
            return False
        gaps = self.layout.gaps
        return gaps.needs_lines(index) or (separator >= SOFT and gaps.has_own_line(index))

    def _ends(self, count: int) -> list[int]:
        """For each token the next one before which a line may end; `count` for none."""
        ends = [count] * count
        for index in range(count - 1, 0, -1):
            ends[index - 1] = index if self.separators[index] >= SOFT else ends[index]
        return ends

    def _is_broken(self, start: int, end: int) -> bool:
        if self._forced[end] > self._forced[start]:
            return True
        behind = self._next_end[end] - 1
        comma = end + 1 in self.layout.last_commas or end + 1 in self.layout.commaless
        width = len(self.texts[start]) + self._until[behind] - self._until[start] + comma
        return self.column + width > WIDTH

    def run(self) -> None:
        groups: list[tuple[int, bool]] = []  # (last token, broken), inner ones last; none inside one that is not broken
        for index, text in enumerate(self.texts):
            while groups and groups[-1][0] < index:
                groups.pop()
            broken = not groups or groups[-1][1]
            self._gap(index, broken)
            if broken:
                for end in reversed(self._opens.get(index, ())):
                    groups.append((end, self._is_broken(index, end)))
                    if not groups[-1][1]:
                        break
            if broken or index not in self.layout.last_commas:
                self._put(text)

    def _put(self, text: str) -> None:
        self.out.append(text)
        line_end = text.rfind("\n")
        self.column = self.column + len(text) if line_end < 0 else len(text) - line_end - 1

    def _new_line(self, indent: int, *, blank: bool) -> None:
        if self.out:
            self.out.append("\n\n" if blank else "\n")
        self.out.append(" " * indent)
        self.column = indent

    # --- what stands before a token ---

    def _gap(self, index: int, broken: bool) -> None:
        separator = self.separators[index]
        comments = self.comments.get(index)
        if comments is None:
            if separator <= SPACE or not (broken or separator == HARD):
                if separator in (SPACE, LINE, WRAP):
                    self._put(" ")
            elif self.kinds[index] != "$END":
                self._begin_line(index)
        elif separator >= SOFT and broken:
            self._commented_lines(index, comments)
        elif any(comment.ends_line for comment in comments):
            indent = self.indents[index] + (0 if self.kinds[index] in _LEFT else INDENT)
            self._lines(index, comments, indent)
        else:
            self._put(self._inline(index))

    def _begin_line(self, index: int) -> None:
        if index in self.layout.commaless:
            self._put(",")
        self._new_line(self.indents[index], blank=self._blank(index, self.layout.gaps.breaks[index]))

    def _blank(self, index: int, breaks: int) -> bool:
        """Whether a blank line is kept before something in this gap: not at the beginning or end of a bracket."""
        if breaks < 2 or self.separators[index] < SOFT or self.separators[index] == WRAP:
            return False
        return index > 0 and self.kinds[index - 1] not in _OPENERS and self.kinds[index] not in _CLOSERS

    def _commented_lines(self, index: int, comments: tuple[Comment, ...]) -> None:
        if index in self.layout.commaless:
            attached, comments = split_attached(comments)
            self._put("".join(f" {comment.text}" for comment in attached) + ",")
        self._lines(index, comments, self.indents[index])

    def _lines(self, index: int, comments: tuple[Comment, ...], indent: int) -> None:
        """Comments on the lines they are on, then the beginning of the token's line."""
        kind, breaks = self.kinds[index], self.layout.gaps.breaks[index]
        closes = kind in _CLOSERS and self.separators[index] >= SOFT
        ends = closes or kind == "$END"
        inner = indent + INDENT if closes else indent
        # All on one line: they belong to what comes after, unless that must begin its own line.
        leads = not breaks and not ends and self.separators[index] != WRAP and not any(c.breaks for c in comments)
        begun = False
        for comment in comments:
            if begun and not comment.breaks:
                self._put(f" {comment.text}")
            elif comment.breaks or leads or not self.out:
                blank = comment.breaks > 1 and (begun or self._blank_above(index))
                self._new_line(inner, blank=blank)
                self._put(comment.text)
                begun = True
            else:
                self._put(f" {comment.text}")
        if begun and not breaks and not ends:
            self._put(" ")
        elif kind != "$END":
            self._new_line(indent, blank=breaks > 1 and not closes and (begun or self._blank(index, breaks)))

    def _blank_above(self, index: int) -> bool:
        """Whether a blank line is kept above the first comment of a gap that begins a line."""
        separator = self.separators[index]
        return index > 0 and self.kinds[index - 1] not in _OPENERS and separator >= SOFT and separator != WRAP

    def _inline(self, index: int) -> str:
        """What is before the token when it goes on with the line."""
        separator = self.separators[index]
        comments = self.comments.get(index)
        tight = separator in (NONE, SOFT)
        if comments is None:
            return "" if tight else " "
        text = " ".join(comment.text for comment in comments)
        opens = tight and index > 0 and self.kinds[index - 1] in _OPENERS
        closes = tight and self.kinds[index] in _NO_SPACE_BEFORE
        return ("" if opens else " ") + text + ("" if closes else " ")
