"""Machines to test: the service machine.service.cpp, as a process and booted in QEMU."""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from naclc.image import BuildFailure, Target, build_image

HERE = Path(__file__).resolve().parent

VIRTIO = "virtio-net-pci,disable-legacy=on"
VMXNET3 = "vmxnet3"
MIXED = f"{VIRTIO} {VMXNET3}"

ASKER = bytes.fromhex("0200000000aa")


def arp_request(nic: int = 0) -> bytes:
    """Who has 10.0.NIC.1? Asked by 10.0.NIC.2."""
    ask = bytes.fromhex("0001080006040001") + ASKER + bytes([10, 0, nic, 2]) + bytes(6) + bytes([10, 0, nic, 1])
    return b"\xff" * 6 + ASKER + b"\x08\x06" + ask + bytes(18)


@dataclass
class Running:
    """A machine that runs, our ends of its wires, and what its console said so far."""

    process: subprocess.Popen[bytes]
    wires: list[socket.socket]
    started: float
    said: str = ""

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None

    def wait_for(self, text: str, seconds: float = 20.0) -> str:
        """Read the console until it has said `text`; all it said."""
        assert self.process.stdout is not None
        end = time.monotonic() + seconds
        while text not in self.said:
            left = end - time.monotonic()
            ready = select.select([self.process.stdout], [], [], max(left, 0))[0]
            chunk = self.process.stdout.read1(65536) if ready else b""
            assert chunk, f"the console did not say {text!r}, but {self.said!r}"
            self.said += chunk.decode(errors="replace")
        return self.said

    def status(self, seconds: float = 20.0) -> int:
        """The exit status, once the machine has ended; reads the console's rest."""
        rest, _ = self.process.communicate(timeout=seconds)
        self.said += rest.decode(errors="replace")
        return self.process.returncode

    def first_reply(self, nic: int = 0, seconds: float = 20.0) -> tuple[bytes, float]:
        """Ask for the machine's address until it answers; the answer, and seconds since the machine's start."""
        wire = self.wires[nic]
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(BlockingIOError):
                wire.send(arp_request(nic))
            if select.select([wire], [], [], 0.005)[0]:
                return wire.recv(4096), time.monotonic() - self.started
        raise AssertionError(f"no answer; the console said {self.said!r}")

    def drain(self) -> list[bytes]:
        """What waits on the wires, until they are quiet for 50 ms."""
        frames = []
        while ready := select.select(self.wires, [], [], 0.05)[0]:
            frames += [wire.recv(4096) for wire in ready]
        return frames


@contextlib.contextmanager
def running(command: Callable[[list[int]], Sequence[str]], nics: int) -> Iterator[Running]:
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(nics)]
    theirs = [pair[1].fileno() for pair in pairs]
    started = time.monotonic()
    process = subprocess.Popen(
        command(theirs),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=theirs,
    )
    for ours, other in pairs:
        other.close()
        ours.setblocking(False)
    try:
        yield Running(process, [ours for ours, _ in pairs], started)
    finally:
        process.kill()
        process.communicate()
        for ours, _ in pairs:
            ours.close()


def qemu(
    image: Path,
    wires: list[int],
    machine: str = "q35",
    device: str = VIRTIO,
    more: Sequence[str] = (),
) -> list[str]:
    """`device`: QEMU's name of the NICs and their options; several, separated by blanks, take turns."""
    devices = device.split()
    command = ["qemu-system-x86_64", "-machine", machine, "-accel", "tcg", "-m", "16", "-nodefaults"]
    command += ["-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", str(image)]
    command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    for number, wire in enumerate(wires):
        mac = f"02:00:00:00:00:{number + 1:02x}"
        command += ["-netdev", f"dgram,id=n{number},local.type=fd,local.str={wire}"]
        name, _, options = devices[number % len(devices)].partition(",")
        command += ["-device", f"{name},netdev=n{number},mac={mac}{',' * bool(options)}{options}"]
    return [*command, *more]


def service(image: Path, wires: list[int], more: Sequence[str] = ()) -> list[str]:
    nics = [
        part
        for number, wire in enumerate(wires)
        for part in ("--nic", f"fd={wire},mac=02:00:00:00:00:{number + 1:02x}")
    ]
    return [str(image), *nics, *more]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[Target, Path]:
    """machine.service.cpp for both targets; the process has sanitizers."""
    folder = tmp_path_factory.mktemp("images")
    built = {}
    for target in Target:
        result = build_image(
            HERE / "machine.service.cpp", target, folder / target.value, sanitize=target is Target.LINUX
        )
        assert not isinstance(result, BuildFailure), result.output
        built[target] = result.path
    return built
