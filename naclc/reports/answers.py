"""Answers to questions about policies, for people, for programs and for a merge request.

Takes plain rows, so that it knows nothing of how they were found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from naclc.source import Span

_LONGEST = 70


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a policy does with some packets: `out eth1`, `local on eth0`, `drop`; and the rule, or why without one."""

    what: str
    why: str | None
    rule: Span | None


@dataclass(frozen=True, slots=True)
class Row:
    """Packets that arrive on `iface`, in words, with an example in words, and how they are treated: once, or before and
    after."""

    iface: str
    packets: tuple[str, ...]
    treatments: tuple[Treatment, ...]
    example: str | None
    tag: str = ""


def as_text(rows: Iterable[Row]) -> str:
    """Some lines a row, a blank line between rows."""
    return "\n".join(f"{_text(row)}\n" for row in rows)


def _text(row: Row) -> str:
    words = ", ".join(row.packets) or "every packet"
    head = " → ".join(treatment.what for treatment in row.treatments)
    lines = [f"{row.tag + ': ' if row.tag else ''}on {row.iface}: {head}", f"  packets  {words}"]
    labels = ("rule",) if len(row.treatments) == 1 else ("was", "now")
    lines += [f"  {label:<8} {_rule(each)}" for label, each in zip(labels, row.treatments, strict=True)]
    lines.append(f"  example  {row.example or 'none that can be shown on the interpreter'}")
    return "\n".join(lines)


def as_markdown(rows: Iterable[Row]) -> str:
    """A table with a row each."""
    lines = ["| | arrives on | packets | was | now | example |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = [row.tag, row.iface, ", ".join(row.packets) or "every packet"]
        cells += [f"{each.what}: {_rule(each)}" for each in row.treatments]
        cells.append(row.example or "")
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def as_data(row: Row) -> dict[str, object]:
    """One row; lines count from 1, columns from 0."""
    return {
        "iface": row.iface,
        "packets": list(row.packets),
        "example": row.example,
        "tag": row.tag,
        "treatments": [
            {"what": each.what, "why": each.why, "rule": each.rule and _place_data(each.rule)}
            for each in row.treatments
        ],
    }


def _place_data(span: Span) -> dict[str, object]:
    return {"file": span.source.name, "line": span.line, "column": span.column, "text": _line_of(span)}


def _rule(treatment: Treatment) -> str:
    if treatment.rule is None:
        return treatment.why or "no rule"
    return f"{treatment.rule.source.name}:{treatment.rule.line} {_line_of(treatment.rule)}"


def _line_of(span: Span) -> str:
    text = span.source.line_text(span.line).strip()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
