"""`naclc compile --timings`: a line a stage, and their sum."""

import re
import subprocess
import sys
from pathlib import Path

POLICY = Path(__file__).parents[3] / "examples/firewall/firewall.nacl"


def stderr_of(*arguments: str) -> str:
    command = [sys.executable, "-m", "naclc", "compile", str(POLICY), "-o", "-", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr


def test_every_stage_has_a_line_and_the_sum_is_theirs() -> None:
    lines = re.findall(r"^(\S[\w ]*?) +(\d+\.\d{3}) s$", stderr_of("--timings"), re.MULTILINE)
    assert [name for name, _ in lines] == [
        "syntax", "semantics", "pipeline", "decision graphs", "missing verdicts", "unreached rules",
        "plan", "tables", "validation", "rendering", "all of it",
    ]  # fmt: skip
    *stages, total = (float(seconds) for _, seconds in lines)
    assert abs(sum(stages) - total) < 0.02


def test_without_it_nothing_is_said() -> None:
    assert stderr_of() == ""
