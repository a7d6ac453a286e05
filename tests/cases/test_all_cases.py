"""What holds for every case file: whatever is reported says what cures it.

The programs are those of all case files, and of the pages of the codes; each is compiled as a user would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from naclc.diagnostics import pages
from naclc.driver import Options, compile_policy
from naclc.source import SourceFile

HERE = Path(__file__).parent
_BLOCK = re.compile(r"^```(nacl|json)(?: nics=(\d+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Codes whose findings may come without a help, and why. There is none at present.
WITHOUT_HELP: dict[str, str] = {}


def case_files() -> list[Path]:
    return sorted(path for path in HERE.rglob("*.case") if path.parent.name not in ("format", "near"))


def programs(path: Path) -> Iterator[tuple[str, str]]:
    """(title, program) of each case of a file."""
    for chunk in ("\n" + path.read_text(encoding="utf-8")).split("\n== ")[1:]:
        title, _, rest = chunk.partition("\n")
        yield title, rest.partition("---\n")[0]


def helpless(name: str, text: str, nics: int | None) -> list[str]:
    compiled = compile_policy(SourceFile(name, text), Options(nics=nics, system="skeleton"))
    found = [each for each in compiled.diagnostics if not each.help and each.code not in WITHOUT_HELP]
    return [f"{each.severity}[{each.code}]: {each.message}" for each in found]


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_every_finding_of_the_cases_has_a_help(path: Path) -> None:
    name = "config.json" if path.parent.name == "config" else "case.nacl"
    found = {title: helpless(name, text, 2 if "two NICs" in title else None) for title, text in programs(path)}
    assert found and {title: lines for title, lines in found.items() if lines} == {}


@pytest.mark.parametrize("code", pages.codes())
def test_every_finding_of_the_pages_has_a_help(code: str) -> None:
    page = pages.page(code)
    assert page is not None
    for language, nics, text in _BLOCK.findall(page.text):
        assert helpless(f"example.{language}", text, int(nics) if nics else None) == []
