"""The page of each code, docs/diagnostics/CODE.md: what the code means, an example of it, and what is right instead.

A page begins with its code as title and one line `SEVERITY: summary`, SEVERITY being `error`, `warning` or
`error or warning`; then come the headings Avoid, Prefer and Why. `python -m naclc.diagnostics.pages` writes the index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from naclc.diagnostics import Severity
from naclc.resources import resource

HEADINGS = ("Avoid", "Prefer", "Why")

_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SUMMARY = re.compile(r"(error|warning|error or warning): (\S.*)")
_INDEX_HEAD = """\
# Diagnostics

Every code that naclc can report, each with its page. `naclc explain CODE` shows a page on the terminal. This list is
made by `python -m naclc.diagnostics.pages`.

| code | | |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Page:
    """`sections`: the text below each of HEADINGS; `text`: the whole page, Markdown."""

    code: str
    severities: tuple[Severity, ...]
    summary: str
    sections: dict[str, str] = field(repr=False)
    text: str = field(repr=False)

    @property
    def severity(self) -> str:
        return " or ".join(self.severities)


class MalformedPage(Exception):
    """A page is not in the form that this module's docstring tells."""


@cache
def codes() -> tuple[str, ...]:
    """All codes that have a page, sorted."""
    return tuple(sorted(path.stem for path in _folder().glob("*.md") if _CODE.fullmatch(path.stem)))


@lru_cache(maxsize=512)
def page(code: str) -> Page | None:
    """The page of `code`, or None when there is no such code.

    Raises:
        MalformedPage: the page is there but cannot be read.
    """
    if code not in codes():
        return None
    return read_page(code, (_folder() / f"{code}.md").read_text(encoding="utf-8"))


def read_page(code: str, text: str) -> Page:
    """The page with this text.

    Raises:
        MalformedPage: it is not in the form of a page.
    """
    title, *parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    lines = [line for line in title.splitlines() if line]
    match = _SUMMARY.fullmatch(lines[1]) if len(lines) == 2 and lines[0] == f"# {code}" else None
    sections = {heading: body.strip("\n") for heading, body in zip(parts[::2], parts[1::2], strict=True)}
    if match is None or tuple(sections) != HEADINGS or not all(sections.values()):
        raise MalformedPage(f"{code}.md: `# {code}`, `SEVERITY: summary`, then {', '.join(HEADINGS)}")
    severities = tuple(Severity(word) for word in match[1].split(" or "))
    return Page(code, severities, match[2], sections, text)


def index() -> str:
    """The index page, docs/diagnostics/README.md: a row for each code."""
    rows = [f"| [{each.code}]({each.code}.md) | {each.severity} | {each.summary} |\n" for each in pages()]
    return _INDEX_HEAD + "".join(rows)


def pages() -> list[Page]:
    """All pages, sorted by code."""
    return [found for code in codes() if (found := page(code))]


@cache
def _folder() -> Path:
    return resource("diagnostics")


if __name__ == "__main__":
    (_folder() / "README.md").write_text(index(), encoding="utf-8")
