"""QEMU: found, started with one datagram socket a NIC, and what its end means.

    -netdev dgram,local.type=fd over socketpairs: no root, no TAP, no bridge, no path to clean up (QEMU 7.2, 2022)
    -no-reboot: a triple fault ends QEMU instead of starting over; QMP's SHUTDOWN event tells it from a power-off
    -device isa-debug-exit: a panic ends QEMU with 2 * status + 1

Exit statuses of `run_foreground`, for scripts: those of EXIT_STATUS, or what the machine itself said.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from naclc.diagnostics import Diagnostic, error
from naclc.verify.executor import MachineFailure
from naclc.verify.interrupts import sigterm_interrupts
from naclc.verify.wire import child

PROGRAM = "qemu-system-x86_64"
OLDEST = (7, 2)  # the first with -netdev dgram
MACHINES = ("q35", "pc")
INSTALL = "sudo apt-get install qemu-system-x86"
PANIC_STATUS = 101  # of the machine (docs/runtime.md)

EXIT_STATUS: Mapping[str, int] = {
    "qemu-missing": 3,
    "qemu-too-old": 3,
    "guest-panic": 101,
    "guest-reset": 102,
    "guest-hang": 103,
    "qemu-failed": 104,
    "machine-start": 104,
}

# What each kind of machine has as NICs; several take turns.
_DEVICES: Mapping[str, Sequence[str]] = {
    "virtio": ("virtio-net-pci",),
    "vmxnet3": ("vmxnet3",),
    "mixed": ("virtio-net-pci", "vmxnet3"),
}
NICS = tuple(_DEVICES)


@dataclass(frozen=True, slots=True)
class Hardware:
    """`memory`: MB. `accel`: "tcg" or "kvm". `nic`: one of NICS; mixed is virtio, vmxnet3, virtio …

    `chainloader`: the kernel that QEMU is given, where the image is a module for that to load (IncludeOS).
    """

    machine: str = "q35"
    memory: int = 32
    accel: str = "tcg"
    nic: str = "virtio"
    chainloader: Path | None = None


DEFAULT_HARDWARE = Hardware()


def find() -> Path:
    """The QEMU to use, the first in PATH.

    Raises:
        MachineFailure: `qemu-missing`, `qemu-too-old`, or `qemu-failed` when it does not even tell its version.
    """
    path = shutil.which(PROGRAM)
    if path is None:
        raise MachineFailure(error("qemu-missing", f"`{PROGRAM}` is not installed", None, help=INSTALL))
    version = _version(path)
    if version < OLDEST:
        found, least = ".".join(map(str, version)), ".".join(map(str, OLDEST))
        raise MachineFailure(error("qemu-too-old", f"`{path}` is {found}, and {least} is needed", None, help=INSTALL))
    return Path(path)


@lru_cache(maxsize=8)
def _version(path: str) -> tuple[int, ...]:
    try:
        run = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
        words = run.stdout if run.returncode == 0 else ""
        why = run.stderr.strip()[-200:] or f"it ended with status {run.returncode}"
    except (OSError, subprocess.TimeoutExpired) as problem:
        words, why = "", str(problem)
    match = re.search(r"version (\d+)\.(\d+)", words)
    if match is None:
        raise MachineFailure(error("qemu-failed", f"`{path} --version` does not work", None, help=why))
    return int(match[1]), int(match[2])


def arguments(image: Path, hardware: Hardware) -> list[str]:
    """What every machine is started with, but for its NICs and its console."""
    loader = hardware.chainloader
    files = ("-kernel", image) if loader is None else ("-kernel", loader, "-initrd", image)
    return [
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-machine", f"{hardware.machine},accel={hardware.accel}", "-m", f"{hardware.memory}M"),
        *("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
        *(str(part.absolute()) if isinstance(part, Path) else part for part in files),
    ]


def nic_arguments(number: int, mac: str, netdev: str, hardware: Hardware) -> list[str]:
    """A NIC and its wire. `netdev` is QEMU's -netdev without its id. No option ROM: nothing boots from the net."""
    kinds = _DEVICES[hardware.nic]
    device = f"{kinds[number % len(kinds)]},netdev=n{number},mac={mac},romfile="
    kind, _, rest = netdev.partition(",")
    return ["-netdev", f"{kind},id=n{number}{',' if rest else ''}{rest}", "-device", device]


def start(image: Path, macs: Sequence[str], hardware: Hardware = DEFAULT_HARDWARE) -> child.Child:
    """Start a machine; it boots while the caller goes on.

    Raises:
        MachineFailure: QEMU is missing, too old, or cannot be started; the image is not there.
    """
    qemu = find()
    if not image.is_file():
        raise MachineFailure(error("machine-start", f"there is no image `{image}`", None))
    if hardware.chainloader is not None and not hardware.chainloader.is_file():
        raise MachineFailure(error("machine-start", f"there is no chainloader `{hardware.chainloader}`", None))

    def command(nics: Sequence[int], control: int | None) -> list[str]:
        wires: list[str] = []
        for number, (descriptor, mac) in enumerate(zip(nics, macs, strict=True)):
            netdev = f"dgram,local.type=fd,local.str={descriptor}"
            wires += nic_arguments(number, mac, netdev, hardware)
        monitor = ["-chardev", f"socket,id=qmp,fd={control}", "-mon", "chardev=qmp,mode=control"]
        return [str(qemu), *arguments(image, hardware), "-serial", "stdio", *monitor, *wires]

    machine = child.start(command, len(macs), control=True)
    if machine.control is not None:
        machine.control.setblocking(False)
        with contextlib.suppress(OSError):
            machine.control.send(b'{"execute": "qmp_capabilities"}\n')
    return machine


def why_ended(machine: child.Child, status: int | None) -> Diagnostic:
    """What became of the machine, from QEMU's exit status, its last words and its last event."""
    last_words = machine.errors.decode("utf-8", "replace").strip()[-400:] or None
    if status is None:
        return error("guest-hang", "QEMU closed its console and hangs", None, help=last_words)
    if status < 0:
        return error("qemu-failed", f"QEMU was killed by {_signal_name(-status)}", None, help=last_words)
    if status == 2 * PANIC_STATUS + 1:
        return error("guest-panic", "the machine panicked", None)
    if status == 0:
        if _shutdown_reason(machine) == "guest-reset":
            return error("guest-reset", "the machine was reset: most likely a triple fault", None)
        return error("guest-exit", "the machine switched itself off", None)
    if status % 2 and status > 1:
        return error("guest-exit", f"the machine ended with status {status // 2}", None)
    return error("qemu-failed", f"QEMU ended with status {status}", None, help=last_words)


def _signal_name(number: int) -> str:
    names = {int(known): known.name for known in signal.Signals}
    return names.get(number, f"signal {number}")


def _shutdown_reason(machine: child.Child) -> str | None:
    """`guest-shutdown`, `guest-reset` …: why QEMU says it ended."""
    text = b""
    with contextlib.suppress(OSError):
        while machine.control is not None and (octets := machine.control.recv(1 << 16)):
            text += octets
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if event.get("event") == "SHUTDOWN":
                return str(event.get("data", {}).get("reason"))
    return None


def run_foreground(
    image: Path,
    macs: Sequence[str],
    netdevs: Mapping[int, str] | None = None,
    hardware: Hardware = DEFAULT_HARDWARE,
) -> int:
    """Boot `image` with its console on this terminal until it ends or is interrupted (Ctrl-C, SIGTERM).

    Args:
        netdevs: QEMU's -netdev by NIC number, without its id (`tap,ifname=tap0,script=no`); a NIC that is not named
            has a wire with nobody at its end.

    Returns:
        The machine's own exit status, 130 when interrupted, or one of EXIT_STATUS.

    Raises:
        MachineFailure: QEMU is missing, too old, or cannot be started.
    """
    qemu = find()
    if not image.is_file():
        raise MachineFailure(error("machine-start", f"there is no image `{image}`", None))
    command = [str(qemu), *arguments(image, hardware), "-chardev", "stdio,id=con,signal=on", "-serial", "chardev:con"]
    for number, mac in enumerate(macs):
        netdev = (netdevs or {}).get(number, f"hubport,hubid={number}")
        command += nic_arguments(number, mac, netdev, hardware)
    with _terminal_kept(), sigterm_interrupts():
        try:
            process = subprocess.Popen(
                command,
                stderr=subprocess.PIPE,
                preexec_fn=child.end_with(os.getpid()),  # noqa: PLW1509  see child
            )
        except OSError as problem:
            what = f"cannot start `{qemu}`: {problem.strerror or problem}"
            raise MachineFailure(error("machine-start", what, None)) from problem
        words = threading.Thread(target=_pass_on, args=[process], daemon=True)
        words.start()
        try:
            return _foreground_status(process.wait())
        except KeyboardInterrupt:
            return 130
        finally:
            _end(process)
            words.join(1.0)


def _pass_on(process: subprocess.Popen[bytes]) -> None:
    """What QEMU has to say, but for its surprise at a NIC that nobody plugged in: that is as it was asked for."""
    assert process.stderr is not None
    for line in process.stderr:
        if b"is not connected to host network" not in line:
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


def _foreground_status(status: int) -> int:
    if status < 0:
        return 130 if -status == signal.SIGINT else EXIT_STATUS["qemu-failed"]
    if status == 1:
        return EXIT_STATUS["qemu-failed"]
    return status // 2 if status % 2 else status


def _end(process: subprocess.Popen[bytes]) -> None:
    """Give QEMU a moment to restore the terminal, then kill it."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
    if process.poll() is None:
        process.kill()
    process.wait()


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """QEMU changes the terminal's mode; put it back however QEMU ended."""
    import termios

    if not sys.stdin.isatty():
        yield
        return
    mode = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, mode)
