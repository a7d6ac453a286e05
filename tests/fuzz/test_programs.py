"""The kept inputs of the targets in C++, and some random ones, by programs without libFuzzer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fuzz import programs
from tests.fuzz.seeds import kept


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_kept(name: str, tmp_path: Path) -> None:
    files = []
    for kept_name, data in kept(name).items():
        files.append(tmp_path / f"{kept_name}.bin")
        files[-1].write_bytes(data)
        assert len(data) <= programs.PROGRAMS[name].longest
    run = subprocess.run([programs.built(name), *files], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("ok ") == len(files) >= 5


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_random_inputs(name: str, tmp_path: Path) -> None:
    command = [programs.built(name), "--blind", "1.0", "7"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout.split()[0]) > 0
