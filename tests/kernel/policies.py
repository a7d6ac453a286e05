"""The policies that are tried on the kernel."""

from __future__ import annotations

from pathlib import Path

from naclc.driver import Compilation, Options, check_policy
from naclc.source import SourceFile

FOLDER = Path(__file__).with_name("nacl")
NAMES = sorted(path.stem for path in FOLDER.glob("*.nacl"))


def checked(name: str) -> Compilation:
    """The policy `name`, with its model and its pipeline."""
    source = SourceFile(f"{name}.nacl", (FOLDER / f"{name}.nacl").read_text(encoding="utf-8"))
    return checked_source(source)


def checked_source(source: SourceFile) -> Compilation:
    """Raises AssertionError when the policy has errors."""
    result = check_policy(source, Options(system="includeos"))
    assert result.ok, [finding.message for finding in result.diagnostics]
    return result
