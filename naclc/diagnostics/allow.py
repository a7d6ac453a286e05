"""Comments that allow a warning: `# naclc: allow(code, ...) reason`.

The comment counts for its own line or, if it stands alone on it, for the next one (other comments may stand between),
and for all lines of each statement that begins there. It takes away the warnings of its codes that are there.

Reports    allow-unknown  a code that no warning has, a missing reason, or another form of words.
           allow-unused   a code that nothing on those lines is warned with. Not said where there are errors: what
                          would be warned about is not known then.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from naclc.diagnostics import Diagnostic, Severity, error, pages, warning
from naclc.source import SourceFile, Span

Suggest = Callable[[str, tuple[str, ...]], str | None]

# Possessive throughout: a comment of any length and any content is read in linear time.
_MARK = re.compile(r"(?:#+|/{2,}|/\*+)\s*+")
_MENTION = re.compile(r"naclc\s*+:\s*+(?:allow\b|[\w-]++\()", re.IGNORECASE)
_ALLOW = re.compile(r"naclc:\s*+allow\s*+\(\s*+([\w-]++(?:\s*+,\s*+[\w-]++)*+)\s*+\)\s*+(.*)", re.DOTALL)
_HELP = "write `# naclc: allow(code) reason`"


def mentioned(source: SourceFile) -> bool:
    """Whether there can be such a comment at all; false for nearly every policy."""
    return "naclc" in source.text.lower() and bool(_MENTION.search(source.text))


def apply(
    comments: Iterable[Span], statements: Iterable[Span], findings: Iterable[Diagnostic], suggest: Suggest
) -> list[Diagnostic]:
    """`findings` without those that `comments` allow, and what is wrong with the comments.

    Args:
        comments: all comments of the source, in source order.
        statements: every statement of it, in any order.
        suggest: the help for a code (first argument) that is none of the known ones (second).
    """
    comments, findings, suggest = list(comments), list(findings), cache(suggest)
    wrong: list[Diagnostic] = []
    found = [allowed for comment in comments for allowed in _read(comment, wrong, suggest)]
    if not found:
        return findings + wrong
    lines = _Lines(comments, statements)
    by_code: dict[str, list[tuple[int, Diagnostic]]] = {}
    for finding in findings:
        if not finding.is_error and finding.span is not None:
            by_code.setdefault(finding.code, []).append((finding.span.line, finding))
    for placed in by_code.values():
        placed.sort(key=_line)
    gone: set[int] = set()  # by identity
    idle: list[_Allowed] = []
    for allowed in found:
        placed, covered = by_code.get(allowed.code, []), lines.covered(allowed.comment)
        first, last = (bisect_left(placed, line, key=_line) for line in (covered.start, covered.stop))
        gone |= {id(finding) for _, finding in placed[first:last]}
        idle += [] if first < last else [allowed]
    kept = [finding for finding in findings if id(finding) not in gone]
    if any(finding.is_error for finding in findings):
        return kept + wrong
    return kept + wrong + [_unused(allowed) for allowed in idle]


def _line(placed: tuple[int, Diagnostic]) -> int:
    return placed[0]


@dataclass(frozen=True, slots=True)
class _Allowed:
    """One code of one comment; `span` is the code's."""

    code: str
    span: Span
    comment: Span


def _unused(allowed: _Allowed) -> Diagnostic:
    return warning(
        "allow-unused",
        f"nothing here is warned about with `{allowed.code}`",
        allowed.span,
        help="delete the comment, or put it on the line of the statement or on the line before",
    )


# --- reading the comments ---


def _read(comment: Span, wrong: list[Diagnostic], suggest: Suggest) -> Iterator[_Allowed]:
    mark = _MARK.match(comment.text)
    assert mark is not None, "comments begin with their mark"
    words = comment.text[mark.end() :].removesuffix("*/" if comment.text.startswith("/*") else "").rstrip()
    if not _MENTION.match(words):
        return
    start = comment.start + mark.end()
    match = _ALLOW.fullmatch(words)
    if match is None or not match[2]:
        message = "the reason is missing" if match else "this comment says nothing to naclc"
        wrong.append(error("allow-unknown", message, Span(comment.source, start, start + len(words)), help=_HELP))
        return
    for word in re.finditer(r"[\w-]+", match[1]):
        at = start + match.start(1) + word.start()
        span = Span(comment.source, at, at + len(word[0]))
        problem = _refused(word[0], span, suggest)
        if problem:
            wrong.append(problem)
        else:
            yield _Allowed(word[0], span, comment)


def _refused(code: str, span: Span, suggest: Suggest) -> Diagnostic | None:
    page = pages.page(code)
    if page is None:
        advice = suggest(code, pages.codes()) or "`naclc explain` lists all codes"
        return error("allow-unknown", f"there is no warning `{_shortened(code)}`", span, help=advice)
    if Severity.WARNING not in page.severities:
        advice = "errors cannot be allowed: the policy must be changed"
        return error("allow-unknown", f"`{code}` is an error, not a warning", span, help=advice)
    return None


def _shortened(word: str) -> str:
    return word if len(word) <= 40 else f"{word[:37]}..."


# --- where they count ---


class _Lines:
    """`_target[line]` (lines from 1): the line itself where there is code, on lines with comments only that of the
    next line, else 0."""

    def __init__(self, comments: list[Span], statements: Iterable[Span]) -> None:
        source = comments[0].source
        code = SourceFile(source.name, _without(comments))
        count = len(source.line_starts)
        self._target = [0] * (count + 2)
        for line in range(count, 0, -1):
            if code.line_text(line).strip():
                self._target[line] = line
            elif source.line_text(line).strip():
                self._target[line] = self._target[line + 1]
        self._last: dict[int, int] = {}  # line on which statements begin -> last line of them
        for statement in statements:
            first, last = statement.line, source.position(max(statement.start, statement.end - 1))[0]
            self._last[first] = max(last, self._last.get(first, 0))

    def covered(self, comment: Span) -> range:
        """The lines for which `comment` counts; none when nothing stands where it points to."""
        first, last = comment.line, comment.end_position[0]
        line = first if self._target[first] == first else self._target[last]
        return range(line, self._last.get(line, line) + 1) if line else range(0)


def _without(comments: list[Span]) -> str:
    """The text with a blank for each character of a comment; line ends stay."""
    text = comments[0].source.text
    pieces, at = [], 0
    for comment in comments:
        pieces += [text[at : comment.start], re.sub(r"[^\r\n]", " ", comment.text)]
        at = comment.end
    return "".join([*pieces, text[at:]])
