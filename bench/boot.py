"""From starting QEMU to the first ARP reply, beside QEMU alone; and what a machine costs that has nothing to do."""

from __future__ import annotations

import select
import socket
import statistics
import subprocess
import time
from pathlib import Path

from naclc.verify import qemu
from naclc.verify.wire import frames

MACS = ("02:00:00:00:00:00", "02:00:00:00:00:01")
_PATIENCE = 10.0  # seconds until a machine that says nothing is given up
_ASK_EVERY = 0.005  # seconds between two ARP requests


def boot_seconds(image: Path, address: int, asker: int, rounds: int, hardware: qemu.Hardware) -> dict[str, float]:
    """`address` is the machine's own on NIC 0, `asker` a neighbour's; both as host-order numbers."""
    times, bare = [], []
    for _ in range(rounds):
        times.append(_first_reply(image, address, asker, hardware))
        bare.append(_qemu_alone())
    return {"median_s": statistics.median(times), "min_s": min(times), "qemu_alone_median_s": statistics.median(bare)}


def idle_percent(image: Path, seconds: float, hardware: qemu.Hardware) -> float:
    """Processor time of QEMU, in percent of one processor, while nothing is sent."""
    machine = qemu.start(image, MACS, hardware)
    try:
        time.sleep(2.0)  # booted by then, many times over
        before, start = _processor_seconds(machine.pid), time.perf_counter()
        time.sleep(seconds)
        return 100 * (_processor_seconds(machine.pid) - before) / (time.perf_counter() - start)
    finally:
        machine.close()


def _processor_seconds(pid: int) -> float:
    """All threads, in user and kernel mode."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        total += int((thread / "schedstat").read_text().split()[0])  # nanoseconds
    return total / 1e9


def _first_reply(image: Path, address: int, asker: int, hardware: qemu.Hardware) -> float:
    request = frames.arp_request(frames.neighbour_mac(asker), asker, address)
    start = time.perf_counter()
    machine = qemu.start(image, MACS, hardware)
    try:
        wire = machine.nics[0]
        while time.perf_counter() - start < _PATIENCE:
            _ask(wire, request)
            if select.select([wire], [], [], _ASK_EVERY)[0]:
                reply = frames.parse_arp(wire.recv(2048))
                if reply is not None and not reply.request and reply.sender == address:
                    return time.perf_counter() - start
        raise SystemExit("the machine did not answer ARP")
    finally:
        machine.close()


def _ask(wire: socket.socket, request: bytes) -> None:
    try:
        wire.send(request)
    except BlockingIOError:
        return  # the queue is full of requests already


def _qemu_alone() -> float:
    """QEMU with the same machine, up to where a guest would run, and out again."""
    command = [qemu.PROGRAM, "-machine", "q35,accel=tcg", "-nodefaults", "-display", "none", "-S", "-monitor", "stdio"]
    start = time.perf_counter()
    subprocess.run(command, input=b"quit\n", capture_output=True, check=True, timeout=30)
    return time.perf_counter() - start
