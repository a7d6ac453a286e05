"""The policies that are tried on the kernel."""

from __future__ import annotations

from pathlib import Path

from naclc.driver import Compilation, Options, check_policy
from naclc.source import SourceFile

FOLDER = Path(__file__).with_name("nacl")
NAMES = sorted(path.stem for path in FOLDER.glob("*.nacl"))
EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/*.nacl"))


def checked(name: str) -> Compilation:
    """The policy `name`, with its model and its pipeline."""
    return checked_file(FOLDER / f"{name}.nacl")


def checked_file(path: Path) -> Compilation:
    """Raises AssertionError when the policy has errors."""
    source = SourceFile(path.name, path.read_text(encoding="utf-8"))
    result = check_policy(source, Options(system="includeos"))
    assert result.ok, [finding.message for finding in result.diagnostics]
    return result
