"""What stands between the tokens: comments, and how many line ends.

A comment belongs to the gap between two tokens, whatever the layout does to them. `breaks` of a comment or token is
the number of line ends right before it: 0 on the same line as what comes before, 2 after a blank line.

INVARIANT parted    what follows a line comment has one break at least.
INVARIANT attached  the gap before a comma has comments on the line of the token before it only, and no line comment:
                    others have moved behind the comma, where a line may end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

from naclc.syntax import tables
from naclc.syntax.tokens import Token

_LINE_END = re.compile(r"\r\n?|\n")
_PARTS = ("IPV4", "CIDR", "DECIMAL")  # kinds of tokens that may hold blanks and comments


@dataclass(frozen=True, slots=True)
class Comment:
    """`text` without trailing blanks when `ends_line` (`#` and `//`), and with LF as its line ends."""

    text: str
    breaks: int

    @property
    def ends_line(self) -> bool:
        return self.text[0] == "#" or self.text[1] == "/"

    @property
    def needs_lines(self) -> bool:
        """Whether it cannot stand on a line with something behind it."""
        return self.ends_line or "\n" in self.text


@dataclass(frozen=True, slots=True)
class Gaps:
    """By index of the token that comes after the gap; `comments` has an entry for a gap with comments only.

    `texts` are the tokens as they are to be written: without blanks and comments inside.
    """

    texts: list[str]
    breaks: list[int]
    comments: dict[int, tuple[Comment, ...]]

    def all_comments(self) -> list[str]:
        """The texts of all comments, sorted."""
        return sorted(comment.text for some in self.comments.values() for comment in some)

    def begins_line(self, index: int) -> bool:
        """Whether a line ends between the tokens `index` - 1 and `index`."""
        return self.breaks[index] > 0 or any(comment.breaks for comment in self.comments.get(index, ()))

    def has_own_line(self, index: int) -> bool:
        """Whether some line of the gap has comments only."""
        ends = [comment.breaks > 0 for comment in self.comments.get(index, ())]
        return sum(ends) + (self.breaks[index] > 0) > 1

    def needs_lines(self, index: int) -> bool:
        return any(comment.needs_lines for comment in self.comments.get(index, ()))

    def ends_line(self, index: int) -> bool:
        return any(comment.ends_line for comment in self.comments.get(index, ()))


def gaps(text: str, tokens: list[Token]) -> Gaps:
    """The gap before each of `tokens`, which are all the tokens of `text`; the last one is `$END`."""
    texts: list[str] = []
    breaks: list[int] = []
    comments: dict[int, tuple[Comment, ...]] = {}
    end = 0
    for index, token in enumerate(tokens):
        between = text[end : token.start]
        end = token.end
        if "#" in between or "/" in between:
            comments[index], last = _read(between)
            breaks.append(last)
        else:
            breaks.append(_count(between) if between and between != " " else 0)
        texts.append(token.text)
        if token.kind in _PARTS and not token.text.replace(".", "").replace("/", "").isdigit():
            texts[-1] = _without_gaps(token.text)
    for index, token in enumerate(tokens):
        if texts[index] != token.text:
            _move(index + 1, _read(token.text)[0], comments, breaks)
    for index, token in enumerate(tokens):
        if token.kind == "COMMA" and index in comments:
            _move_behind(index, comments, breaks)
    return Gaps(texts, breaks, comments)


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile(tables.load().patterns["COMMENT"])


def _count(blanks: str) -> int:
    return len(_LINE_END.findall(blanks))


def _read(between: str) -> tuple[tuple[Comment, ...], int]:
    """The comments of `between`, and the breaks behind the last one."""
    found: list[Comment] = []
    end = 0
    for match in _pattern().finditer(between):
        comment = Comment(_LINE_END.sub("\n", match[0]), _count(between[end : match.start()]))
        if comment.ends_line:
            comment = replace(comment, text=comment.text.rstrip(" \t"))
        found.append(comment)
        end = match.end()
    return tuple(found), _count(between[end:])


def _without_gaps(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", "", _pattern().sub("", text))


def _move(index: int, moved: tuple[Comment, ...], comments: dict[int, tuple[Comment, ...]], breaks: list[int]) -> None:
    """Put `moved` in front of what the gap `index` has."""
    parted: list[Comment] = []
    for comment in (*moved, *comments.get(index, ())):
        least = 1 if parted and parted[-1].ends_line else 0
        parted.append(replace(comment, breaks=max(least, comment.breaks)))
    if parted:
        comments[index] = tuple(parted)
        breaks[index] = max(breaks[index], int(parted[-1].ends_line))


def _move_behind(index: int, comments: dict[int, tuple[Comment, ...]], breaks: list[int]) -> None:
    """Keep before the comma `index` what may stay there."""
    staying, moved = split_attached(comments.pop(index))
    breaks[index] = 0
    if staying:
        comments[index] = staying
    _move(index + 1, moved, comments, breaks)


def split_attached(comments: tuple[Comment, ...]) -> tuple[tuple[Comment, ...], tuple[Comment, ...]]:
    """(those that stay on the line of the token before, with a comma behind them; the others)."""
    count = 0
    while count < len(comments) and not comments[count].breaks and not comments[count].ends_line:
        count += 1
    return comments[:count], comments[count:]
