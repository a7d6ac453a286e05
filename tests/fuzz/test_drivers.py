"""The kept inputs of the target `drivers`, and some random ones, by a program without libFuzzer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fuzz import drivers
from tests.fuzz.seeds import kept


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drivers.built(tmp_path_factory.mktemp("drivers") / "drivers")


def test_kept(program: Path, tmp_path: Path) -> None:
    files = []
    for name, data in kept("drivers").items():
        files.append(tmp_path / f"{name}.bin")
        files[-1].write_bytes(data)
    run = subprocess.run([program, *files], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("ok ") == len(files) >= 5


def test_random_inputs(program: Path, tmp_path: Path) -> None:
    command = [program, "--blind", "1.0", "7"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout.split()[0]) > 0
