"""Runs the case files beside it: a program just on the right side, and the small change that is wrong.

A case begins with `== code` or `== code: what is just right`; below the program and `---` stands one line,

    OLD => NEW

The program has no finding of this code, and no error at all; with NEW in the place of the first OLD it has one. In NEW,
`\\xe9` is an octet that is no UTF-8, `\\u202e` a character, and `\\depth` one bracket too many.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from naclc.driver import Options, compile_policy
from naclc.source import SourceFile
from naclc.syntax.read import decode
from tests.unit.docs.emitted import emitted

HERE = Path(__file__).parent
_DEEP = "[" * 1001 + "0" + "]" * 1001

# What no small change of a text shows, and where it is tested instead.
ELSEWHERE = {
    "analysis-limit": "needs a budget: tests/unit/decision",
    "file-too-large": "about the size of a file: tests/unit/syntax/test_read.py",
    "unreadable-file": "about a file that is not there: tests/unit/syntax/test_read.py",
    "not-on-target": "about the system that is chosen: tests/unit/pipeline/test_supported.py",
}
# What finds mistakes in a policy; other codes speak of the machine, of a tests file, or of a command.
POLICY_STAGES = {"syntax", "config", "semantics", "pipeline", "decision", "optimize", "driver", "diagnostics"}


def read_cases() -> dict[str, tuple[str, str, str, str]]:
    """(file, program, what is replaced, by what) of each case."""
    cases = {}
    for path in sorted(HERE.glob("*.case")):
        for chunk in ("\n" + path.read_text(encoding="utf-8")).split("\n== ")[1:]:
            title, rest = chunk.split("\n", 1)
            program, change = rest.split("---\n")
            old, _, new = change.rstrip("\n").partition(" =>")
            assert title not in cases
            cases[title] = ("config.json" if path.stem == "config" else "near.nacl", program, old, new[1:])
    return cases


CASES = read_cases()


def found(name: str, data: bytes) -> list[tuple[str, str]]:
    """(code, severity) of what is said about a policy of these octets."""
    source = decode(name, data)
    if not isinstance(source, SourceFile):
        return [(source.code, str(source.severity))]
    return [(each.code, str(each.severity)) for each in compile_policy(source, Options(nics=2)).diagnostics]


@pytest.mark.parametrize("title", CASES)
def test_the_near_miss_is_right_and_the_change_is_wrong(title: str) -> None:
    name, program, old, new = CASES[title]
    code = title.partition(":")[0]
    before = found(name, program.encode())
    assert code not in {each for each, _ in before}
    assert "error" not in {severity for _, severity in before}
    assert old in program
    changed = new.replace("\\depth", _DEEP).replace("\\u202e", "\u202e").encode().replace(b"\\xe9", b"\xe9")
    assert code in {each for each, _ in found(name, program.encode().replace(old.encode(), changed, 1))}


OF_POLICIES = sorted(code for code, stages in emitted().stages.items() if stages & POLICY_STAGES)


@pytest.mark.parametrize("code", OF_POLICIES)
def test_every_code_about_policies_has_a_near_miss(code: str) -> None:
    covered = {title.partition(":")[0] for title in CASES}
    assert (code in covered) is not (code in ELSEWHERE)


def test_there_are_codes_about_policies() -> None:
    assert len(OF_POLICIES) > 80
