"""Every example does what its README promises: checked without a warning, tested on all executors, on both NICs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent for path in (CHECKOUT / "examples").glob("*/*.nacl"))
MOST_EXECUTORS = "interpreter,decision,native,process"

needs_qemu = pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="needs qemu-system-x86_64")


def naclc(*arguments: str, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "naclc", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, cwd=CHECKOUT)


def policy(example: Path) -> str:
    return str(example / f"{example.name}.nacl")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_there_is_nothing_to_say_about_it(example: Path) -> None:
    done = naclc("check", policy(example), "--deny", "warnings")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_it_passes_on_every_executor_but_the_vm(example: Path) -> None:
    done = naclc("test", policy(example), "--on", MOST_EXECUTORS, "--format", "json")
    assert done.returncode == 0, done.stderr
    tests = json.loads(done.stdout)["tests"]
    written = [test for test in tests if test["kind"] == "written"]
    assert {test["executor"] for test in tests} - {"analysis"} == set(MOST_EXECUTORS.split(","))
    assert len(written) >= 4 * 10 and all(test["passed"] and not test["todo"] for test in tests)


@needs_qemu
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_it_passes_on_the_booted_machine(example: Path) -> None:
    done = naclc(
        "test", policy(example), "--on", "vm", "--nic", "both", "--generated", "40", "--format", "json", timeout=600
    )
    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    tests = json.loads(done.stdout)["tests"]
    assert {test["executor"] for test in tests} - {"analysis"} == {"vm-virtio", "vm-vmxnet3"} and all(
        test["passed"] for test in tests
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_its_readme_speaks_of_files_that_are_there(example: Path) -> None:
    text = (example / "README.md").read_text()
    assert f"naclc test {example.name}.nacl --boot" in text
    assert f"[`{example.name}.nacl`]({example.name}.nacl)" in text
    assert f"[`{example.name}.tests.yaml`]({example.name}.tests.yaml)" in text
