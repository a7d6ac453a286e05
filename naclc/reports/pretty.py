"""Diagnostics for a person at a terminal: message, place, the line itself with a caret, help.

    error[unknown-name]: `dmz_ruoter` is not defined
      --> fw.nacl:22:72
       22 |   to_dmz: { net: 10.0.0.0, nexthop: dmz_ruoter },
          |                                     ^^^^^^^^^^
      help: did you mean `dmz_router`?

Columns count from 1 here, as editors do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable

from naclc.diagnostics import Diagnostic
from naclc.reports.visible import visible
from naclc.source import Span

Style = Callable[[str, str], str]

# Cells of a line of text. A longer line of the policy is shown as the part around the culprit, so that the caret
# stands below it.
COLUMNS = 171
_NARROWEST = 40
_MARGIN = 11  # gutter and dots


def plain(text: str, _style: str) -> str:
    return text


def ansi(text: str, style: str) -> str:
    codes = {"error": "1;31", "warning": "1;33", "place": "34", "bold": "1", "help": "1;36"}
    return f"\x1b[{codes[style]}m{text}\x1b[0m"


def render(diagnostics: Iterable[Diagnostic], style: Style = plain, columns: int = COLUMNS) -> str:
    """One paragraph a diagnostic, a blank line between them; `columns` is the width of the terminal."""
    window = max(columns, _NARROWEST) - _MARGIN
    return "\n".join(_one(diagnostic, style, window) for diagnostic in diagnostics)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; empty when there is nothing."""
    counts = {"error": 0, "warning": 0}
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
    return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for word, n in counts.items() if n)


def _one(diagnostic: Diagnostic, style: Style, window: int) -> str:
    severity = diagnostic.severity.value
    lines = [f"{style(f'{severity}[{diagnostic.code}]', severity)}: {style(visible(diagnostic.message), 'bold')}"]
    if diagnostic.span is not None:
        lines += _place(diagnostic.span, "", severity, style, window)
    for label in diagnostic.labels:
        lines += _place(label.span, label.text, "place", style, window)
    if diagnostic.help:
        lines.append(f"  {style('help', 'help')}: {visible(diagnostic.help)}")
    return "\n".join(lines) + "\n"


def _place(span: Span, text: str, caret_style: str, style: Style, window: int) -> list[str]:
    line, column = span.line, span.column
    source_line = span.source.line_text(line)
    end_line, end_column = span.end_position
    last = end_column if end_line == line else len(source_line)
    shown, first, width = _window(source_line, column, max(last, column), window)
    carets = " " * first + "^" * max(width, 1)
    gutter = f"{line:>6} "
    note = f" {visible(text)}" if text else ""
    if (
        first + width + _cells(note) > window + 1 and note
    ):  # it would be broken: below the caret, as far right as it fits
        note = f"\n{' ' * len(gutter)}| {' ' * max(0, min(first, window - _cells(note)))}{note.strip()}"
    return [
        f"  {style('-->', 'place')} {visible(span.source.name)}:{line}:{column + 1}",
        f"{style(gutter + '|', 'place')} {shown}".rstrip(),
        f"{style(' ' * len(gutter) + '|', 'place')} {style(carets + note, caret_style)}",
    ]


def _window(line: str, start: int, end: int, most: int) -> tuple[str, int, int]:
    """(text to show, cells in front of the caret, cells of the caret) of the columns start .. end-1."""
    left = max(0, min(start - most // 3, len(line) - most))
    right = min(len(line), left + most)
    end = min(end, right)
    before, inside, after = line[left:start], line[start:end], line[end:right]
    dots = "…" if left else ""
    shown = dots + visible(before) + visible(inside) + visible(after) + ("…" if right < len(line) else "")
    return shown, len(dots) + _cells(before), _cells(inside)


def _cells(text: str) -> int:
    """Columns of a terminal that `text` takes."""
    total = 0
    for character in visible(text):
        if unicodedata.combining(character):
            continue
        total += 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
    return total
