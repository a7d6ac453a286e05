"""`.ci/system-packages` on machines that lack something, played by a PATH with programs of our own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci/system-packages"
INSTALL = "apt-get install -y --no-install-recommends"


class Machine:
    """A directory of programs; those that are called leave a line in `calls`."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.calls = folder / "bin", folder / "calls"
        self.bin.mkdir()
        self.calls.write_text("")
        self.has("id", "echo 1000")
        (self.bin / "sh").symlink_to(shutil.which("sh") or "/bin/sh")

    def has(self, name: str, does: str = "exit 0") -> None:
        program = self.bin / name
        program.write_text(f'#!/bin/sh\n[ {name} = id ] || echo "{name} $*" >> {self.calls}\n{does}\n')
        program.chmod(0o755)

    def run(self) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.bin), "PYTHON": str(self.bin / "python3")}
        return subprocess.run([str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=20, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    for program in ("g++", "qemu-system-x86_64", "python3", "apt-get"):
        made.has(program)
    return made


def test_where_all_is_there_nothing_is_said_or_installed(machine: Machine) -> None:
    done = machine.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "apt-get" not in machine.calls.read_text()


def test_without_sudo_the_command_is_printed(machine: Machine) -> None:
    (machine.bin / "g++").unlink()
    (machine.bin / "qemu-system-x86_64").unlink()
    done = machine.run()
    assert done.returncode == 3
    assert f"    sudo {INSTALL} g++ qemu-system-x86\n" in done.stderr
    assert "apt-get" not in machine.calls.read_text()


def test_a_sudo_that_wants_a_password_is_not_asked(machine: Machine) -> None:
    machine.has("sudo", "exit 1")
    (machine.bin / "g++").unlink()
    done = machine.run()
    assert done.returncode == 3 and f"    sudo {INSTALL} g++\n" in done.stderr
    assert "apt-get" not in machine.calls.read_text()


@pytest.mark.parametrize("root", [True, False])
def test_where_it_may_it_installs_what_is_missing(machine: Machine, root: bool) -> None:
    machine.has("id", f"echo {0 if root else 1000}")
    machine.has("sudo", '[ "$2" = true ] || { shift; "$@"; }')
    machine.has("python3", "exit 1")
    done = machine.run()
    assert done.returncode == 0 and "installing: python3-venv" in done.stderr
    calls = machine.calls.read_text().splitlines()
    assert "apt-get update -qq" in calls and f"{INSTALL} python3-venv -qq" in calls
    assert any(call.startswith("sudo -n apt-get") for call in calls) is not root


def test_an_installation_that_fails_names_its_command(machine: Machine) -> None:
    machine.has("id", "echo 0")
    machine.has("apt-get", "exit 100")
    (machine.bin / "g++").unlink()
    assert machine.run().returncode != 0
    machine.has("apt-get", '[ "$1" = update ]')
    done = machine.run()
    assert done.returncode == 3 and f"this failed: {INSTALL} g++" in done.stderr


def test_without_apt_the_programs_are_named(machine: Machine) -> None:
    (machine.bin / "apt-get").unlink()
    (machine.bin / "qemu-system-x86_64").unlink()
    done = machine.run()
    assert done.returncode == 3 and "missing on this machine: qemu-system-x86" in done.stderr


def test_the_programs_looked_for_are_those_of_the_machine_at_hand() -> None:
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run([str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
