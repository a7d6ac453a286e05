"""Findings with all that a renderer must cope with. `python -m tests.unit.reports.findings` writes the snapshots."""

from __future__ import annotations

from pathlib import Path

from naclc.diagnostics import Diagnostic, Label, error, warning
from naclc.reports import forms
from naclc.source import SourceFile, Span

SNAPSHOTS = Path(__file__).parent / "snapshots"

POLICY = SourceFile(
    "rules/fire wall, 50%.nacl",
    'web: 80\n\tweb: 443\ntext: "名" x\nFilter::IP f {\n  log(a)\n}\n',
)


def at(text: str, nth: int = 0) -> Span:
    start = -1
    for _ in range(nth + 1):
        start = POLICY.text.index(text, start + 1)
    return Span(POLICY, start, start + len(text))


FINDINGS: list[Diagnostic] = [
    error("compiler-missing", "`g++` is not on this machine", None, help="sudo apt-get install g++"),
    error("duplicate-name", "`web` is declared twice", at("web", 1), Label(at("web"), "first here"), help="rename one"),
    error("syntax", "100% of `x`: nothing,\nbelongs\there \x1b[31m", at("x", 1), help="leave it out, or: use 50%"),
    warning("unused", "nothing uses `f`", at("Filter::IP f {\n  log(a)\n}")),
    warning("empty-body", "nothing stands here", Span(POLICY, len(POLICY.text), len(POLICY.text))),
]


def snapshot(form: str) -> Path:
    return SNAPSHOTS / f"{form}.txt"


if __name__ == "__main__":
    SNAPSHOTS.mkdir(exist_ok=True)
    for each in forms.FORMS:
        snapshot(each).write_text(forms.render(FINDINGS, each), encoding="utf-8")
