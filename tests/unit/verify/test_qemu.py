"""QEMU missing, too old, dying, hanging: each has its own message, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from naclc.pipeline.pipeline import Pipeline
from naclc.verify import qemu
from naclc.verify.executor import MachineFailure
from naclc.verify.executors.vm import VmExecutor
from naclc.verify.wire import child
from naclc.verify.wire.session import Surroundings
from naclc.verify.wire.wires import Limits

Program = Callable[[str, str], Path]

VERSION = "import sys, os, time\nif '--version' in sys.argv: print('QEMU emulator version 8.2.1'); sys.exit()\n"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.elf"
    path.write_bytes(b"\x7fELF")
    return path


@pytest.fixture
def fake(program: Program, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a QEMU of our own first in PATH."""

    def make(body: str) -> Path:
        path = program(qemu.PROGRAM, body)
        monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
        return path

    return make


def boot(pipeline: Pipeline, image: Path, boot_seconds: float = 5.0) -> MachineFailure:
    executor = VmExecutor(Surroundings(pipeline), image, limits=Limits(boot_seconds, 0.5))
    with pytest.raises(MachineFailure) as failure, executor.session("test"):
        pass
    executor.close()
    return failure.value


def test_missing(monkeypatch: pytest.MonkeyPatch, firewall: Pipeline, image: Path) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    problem = boot(firewall, image).diagnostic
    assert (problem.code, problem.help) == ("qemu-missing", "sudo apt-get install qemu-system-x86")


def test_too_old(fake: Callable[[str], Path], firewall: Pipeline, image: Path) -> None:
    fake("print('QEMU emulator version 6.2.0 (Debian)')\n")
    problem = boot(firewall, image).diagnostic
    assert problem.code == "qemu-too-old"
    assert "6.2" in problem.message and "7.2" in problem.message


def test_no_qemu_at_all(fake: Callable[[str], Path], firewall: Pipeline, image: Path) -> None:
    fake("import sys; sys.exit('missing libfoo.so')\n")
    problem = boot(firewall, image).diagnostic
    assert (problem.code, problem.help) == ("qemu-failed", "missing libfoo.so")


def test_dying_at_start(fake: Callable[[str], Path], firewall: Pipeline, image: Path) -> None:
    fake(f"{VERSION}sys.exit('cannot set up guest memory')\n")
    problem = boot(firewall, image).diagnostic
    assert problem.code == "qemu-failed"
    assert "status 1" in problem.message
    assert problem.help == "cannot set up guest memory"


def test_hanging(fake: Callable[[str], Path], firewall: Pipeline, image: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    fake(f"{VERSION}open({str(pids)!r}, 'a').write(f'{{os.getpid()}} ')\ntime.sleep(1000)\n")
    problem = boot(firewall, image, boot_seconds=1.0).diagnostic
    assert problem.code == "guest-hang"
    assert "no answer to ARP on inside, outside" in problem.message or "outside, inside" in problem.message
    assert pids.read_text().split() and not any(os.path.exists(f"/proc/{pid}") for pid in pids.read_text().split())


def test_an_image_that_is_not_there(firewall: Pipeline, tmp_path: Path) -> None:
    if not qemu.shutil.which(qemu.PROGRAM):
        pytest.skip("QEMU is not installed")
    assert boot(firewall, tmp_path / "no.elf").diagnostic.code == "machine-start"


# QEMU's exit status | code
ENDS = [(203, "guest-panic"), (0, "guest-exit"), (15, "guest-exit"), (1, "qemu-failed"), (-9, "qemu-failed"),
        (2, "qemu-failed"), (None, "guest-hang")]  # fmt: skip


@pytest.mark.parametrize(("status", "code"), ENDS)
def test_what_an_end_means(status: int | None, code: str) -> None:
    machine = child.start(lambda _nics, _control: [sys.executable, "-c", "pass"], 0)
    try:
        assert qemu.why_ended(machine, status).code == code
    finally:
        machine.close()


def test_a_reset_is_told_from_a_power_off() -> None:
    body = (
        "import socket, sys; s = socket.socket(fileno=int(sys.argv[1]));"
        """s.send(b'{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}\\n')"""
    )
    machine = child.start(lambda _nics, control: [sys.executable, "-c", body, str(control)], 0, control=True)
    try:
        status = machine.status(10.0)
        assert qemu.why_ended(machine, status).code == "guest-reset"
    finally:
        machine.close()


def test_each_end_has_its_own_exit_status() -> None:
    codes = ("qemu-missing", "guest-panic", "guest-reset", "guest-hang", "qemu-failed")
    assert len({qemu.EXIT_STATUS[code] for code in codes}) == len(codes)


FOREGROUND = """
import sys
from pathlib import Path
from naclc.verify import qemu
sys.exit(qemu.run_foreground(Path(sys.argv[1]), ["02:00:00:00:00:00"]))
"""


@pytest.mark.parametrize(("status", "ours"), [(203, 101), (0, 0), (15, 7), (1, 104)])
def test_foreground_status(status: int, ours: int, fake: Callable[[str], Path], image: Path) -> None:
    fake(f"{VERSION}print('hello from the guest', flush=True); sys.exit({status})\n")
    command = [sys.executable, "-c", FOREGROUND, str(image)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == ours, run.stderr
    assert "hello from the guest" in run.stdout


INTERRUPTIBLE = ("env", "--default-signal=INT")  # also when these tests run as a shell's background job


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_foreground_leaves_nothing_behind(
    number: signal.Signals, fake: Callable[[str], Path], image: Path, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    fake(f"{VERSION}open({str(pids)!r}, 'w').write(str(os.getpid()))\ntime.sleep(1000)\n")
    run = subprocess.Popen(
        [*INTERRUPTIBLE, sys.executable, "-c", FOREGROUND, str(image)],
        stderr=subprocess.PIPE,
    )
    try:
        until = time.monotonic() + 30
        while not (pids.exists() and pids.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        run.send_signal(number)
        assert run.wait(20) == (-9 if number is signal.SIGKILL else 130)
        until = time.monotonic() + 5
        while _alive(int(pids.read_text())) and time.monotonic() < until:
            time.sleep(0.05)
        assert not _alive(int(pids.read_text()))
    finally:
        run.kill()
        run.communicate()


def _alive(pid: int) -> bool:
    try:
        return b"State:\tZ" not in Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return False
