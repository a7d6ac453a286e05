"""Comments to naclc itself, `# naclc: allow(code) reason`, keep the statement that they count for.

Such a comment counts for the statements that begin on its line. Where that line is broken it would be left behind:

Before   if (a) { accept } # naclc: allow(unused) why       After   # naclc: allow(unused) why
         with more on the line than fits                            if (a) { ...
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from naclc.syntax.format_gaps import Comment, Gaps

_MENTION = re.compile(r"naclc\s*:", re.IGNORECASE)


def mentioned(text: str) -> bool:
    """Whether there can be such a comment in a program at all."""
    return bool(_MENTION.search(text))


def left_behind(before: Gaps, after: Gaps, statements: Iterable[int], same: dict[int, int]) -> dict[int, int]:
    """Which comments stand on the line of another statement than before.

    Args:
        before, after: of the program as it was and as it is formatted.
        statements: the first tokens of all statements, as it was.
        same: by token as it is formatted, the token as it was.

    Returns:
        By number of a comment, counted from 0 in the order of the text, the first token of the statement that it
        counted for.
    """
    begins = frozenset(statements)
    now = _targets(after, frozenset(token for token, was in same.items() if was in begins))
    return {
        number: token
        for number, token in _targets(before, begins).items()
        if number not in now or same[now[number]] != token
    }


def moved(gaps: Gaps, numbers: dict[int, int]) -> Gaps:
    """`gaps` with each comment of `numbers` on a line of its own above the statement that it counts for."""
    comments: dict[int, tuple[Comment, ...]] = {}
    above: dict[int, list[Comment]] = {}
    breaks = list(gaps.breaks)
    number = 0
    for index, some in sorted(gaps.comments.items()):
        staying = []
        left = 0  # line ends before a comment that has gone
        for comment in some:
            if number in numbers:
                above.setdefault(numbers[number], []).append(comment)
                left = max(left, comment.breaks)
            else:
                staying.append(replace(comment, breaks=max(left, comment.breaks)))
                left = 0
            number += 1
        breaks[index] = max(left, breaks[index])
        if staying:
            comments[index] = tuple(staying)
    for index, rising in above.items():
        first = replace(rising[0], breaks=max(1, breaks[index]))
        others = (replace(comment, breaks=1) for comment in rising[1:])
        comments[index] = (*comments.get(index, ()), first, *others)
        breaks[index] = 1
    return Gaps(gaps.texts, breaks, comments)


@dataclass(slots=True)
class _Line:
    """What has been met on a line: the first statement that begins there, and the comments to naclc."""

    statement: int | None
    numbers: list[int]


def _targets(gaps: Gaps, begins: frozenset[int]) -> dict[int, int]:
    """By number of a comment the first token of the first statement that begins on its line."""
    found: dict[int, int] = {}
    line = _Line(None, [])

    def end_line() -> None:
        if line.statement is not None:
            found.update(dict.fromkeys(line.numbers, line.statement))
        line.statement, line.numbers = None, []

    number = 0
    for index, breaks in enumerate(gaps.breaks):
        for comment in gaps.comments.get(index, ()):
            if comment.breaks:
                end_line()
            if _MENTION.search(comment.text):
                line.numbers.append(number)
            if "\n" in comment.text:
                end_line()
            number += 1
        if breaks:
            end_line()
        if index in begins and line.statement is None:
            line.statement = index
    end_line()
    return found
