"""How many frames a second go through the machine, beside QEMU's own ceiling: two sockets on a hub, no guest.

The generator is in C, because Python is slower than what it measures. Machine and hub take turns, so that both meet
the same noise; what counts is the share.
"""

from __future__ import annotations

import re
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.boot import MACS
from naclc.verify import qemu

_GENERATOR = Path(__file__).with_name("generator.c")
_FLOWS = 64


@dataclass(frozen=True, slots=True)
class Traffic:
    """From a neighbour outside to a host behind the machine; addresses as host-order numbers, sizes in octets."""

    source: int
    destination: int
    frame: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: a machine that boots `image`."""

    image: Path
    hardware: qemu.Hardware


def build_generator(work: Path) -> Path:
    program = work / "generator"
    subprocess.run(["g++", "-x", "c", "-O2", str(_GENERATOR), "-o", str(program)], check=True)
    return program


def forwarding(generator: Path, subjects: Mapping[str, Subject], traffic: Traffic, rounds: int) -> dict[str, float]:
    """Medians over `rounds` of frames received a second, in thousands, and the share of the hub's round by round.

    Each of `subjects` has a turn in each round; figures are named after it.
    """
    through: dict[str, list[float]] = {name: [] for name in subjects}
    ceiling = []
    for _ in range(rounds):
        for name, subject in subjects.items():
            with _machine(subject.image, subject.hardware) as wires:
                through[name].append(_rate(generator, wires, traffic))
        with _hub() as wires:
            ceiling.append(_rate(generator, wires, traffic))
    figures = {"hub_kpps": statistics.median(ceiling) / 1000}
    for name, rates in through.items():
        figures[f"{name}_kpps"] = statistics.median(rates) / 1000
        figures[f"{name}_share"] = statistics.median(ours / most for ours, most in zip(rates, ceiling, strict=True))
    return figures


def _rate(generator: Path, wires: Sequence[socket.socket], traffic: Traffic) -> float:
    sender, receiver = (wire.fileno() for wire in wires)
    words = [sender, receiver, traffic.seconds, traffic.frame, _FLOWS]
    command = [
        str(generator),
        *map(str, words),
        MACS[0].replace(":", ""),
        str(traffic.source),
        str(traffic.destination),
    ]
    run = subprocess.run(command, pass_fds=[sender, receiver], capture_output=True, text=True, check=True, timeout=120)
    found = re.search(r"received=(\d+) seconds=([\d.]+)", run.stdout)
    if found is None:
        raise SystemExit(f"the generator said {run.stdout!r}")
    return int(found[1]) / float(found[2])


@contextmanager
def _machine(image: Path, hardware: qemu.Hardware) -> Iterator[Sequence[socket.socket]]:
    machine = qemu.start(image, MACS, hardware)
    try:
        time.sleep(1.0)  # booted by then, many times over
        yield machine.nics
    finally:
        machine.close()


@contextmanager
def _hub() -> Iterator[Sequence[socket.socket]]:
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
    command = [qemu.PROGRAM, "-machine", "none", "-nodefaults", "-display", "none"]
    for number, (_, theirs) in enumerate(pairs):
        for end in pairs[number]:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        command += ["-netdev", f"dgram,id=n{number},local.type=fd,local.str={theirs.fileno()}"]
        command += ["-netdev", f"hubport,hubid=0,id=h{number},netdev=n{number}"]
    process = subprocess.Popen(
        command, pass_fds=[theirs.fileno() for _, theirs in pairs], stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    try:
        time.sleep(0.5)
        yield [ours for ours, _ in pairs]
    finally:
        process.kill()
        process.wait()
        for pair in pairs:
            for end in pair:
                end.close()
