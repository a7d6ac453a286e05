"""What every stage makes of a few policies, octet for octet.

A change that was meant is taken over by `pytest tests/golden --update-golden`, and its diff read stage by stage.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from naclc.cli.compile import dump_stage
from naclc.driver import Compilation, Options, compile_policy
from naclc.source import SourceFile

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
POLICIES = sorted([*(HERE / "policies").glob("*.nacl"), *EXAMPLES.glob("*/*.nacl")])
STAGES = ("ast", "model", "pipeline", "decision", "plan")
NAMES = [policy.stem for policy in POLICIES]


def compiled(policy: Path) -> Compilation:
    source = SourceFile(policy.name, policy.read_text(encoding="utf-8"))
    result = compile_policy(source, Options())
    assert result.ok, result.diagnostics
    return result


def check(request: pytest.FixtureRequest, golden: Path, made: str) -> None:
    if request.config.getoption("--update-golden", default=False):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(made, encoding="utf-8")
    expected = golden.read_text(encoding="utf-8")
    assert made == expected


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("policy", POLICIES, ids=NAMES)
def test_dump(policy: Path, stage: str, request: pytest.FixtureRequest) -> None:
    made = dump_stage(compiled(policy), stage)
    assert made is not None
    check(request, HERE / "expected" / policy.stem / f"{stage}.txt", made)


@pytest.mark.parametrize("policy", POLICIES, ids=NAMES)
def test_service(policy: Path, request: pytest.FixtureRequest) -> None:
    made = compiled(policy).cpp
    assert made is not None
    check(request, HERE / "expected" / policy.stem / "service.cpp", made)


@pytest.mark.parametrize("policy", POLICIES, ids=NAMES)
def test_hash_order_plays_no_part(policy: Path) -> None:
    program = "import sys; from tests.golden.test_golden import *; sys.stdout.write(compiled(Path(sys.argv[1])).cpp)"
    texts = set()
    for seed in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-c", program, str(policy)],
            capture_output=True,
            text=True,
            check=True,
            cwd=HERE.parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        )
        texts.add(run.stdout)
    assert texts == {compiled(policy).cpp}


def test_every_policy_has_expectations_and_the_reverse() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert sorted(folder.name for folder in (HERE / "expected").iterdir()) == sorted(NAMES)
