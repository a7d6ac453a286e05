"""Random packets through a booted machine, and whether its counters add up to what was sent and seen.

          traffic.c ──▶ sent, seen
machine ──▶ counters, nics, memory, before and after
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from naclc.driver import Options, compile_policy
from naclc.image import Image, Target, build_image
from naclc.source import SourceFile
from naclc.verify import qemu
from naclc.verify.wire import console
from naclc.verify.wire.child import Child
from tests.cxx import objects

HERE = Path(__file__).resolve().parent
CXX = HERE.parent / "cxx"
POLICY = HERE / "soak.nacl"
MACS = ("02:00:00:00:00:00", "02:00:00:00:00:01")
PATIENCE = 60.0  # seconds for an answer at the console
Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a machine says of itself: `counters` and `nics` by device, `memory`: all numbers by name."""

    counters: Mapping[str, Counts]
    nics: Mapping[str, Counts]
    memory: Counts


@dataclass(frozen=True, slots=True)
class Soaked:
    """`traffic`: the numbers that traffic.c prints (there); `kinds`: the driver of each NIC; `seconds` of the run."""

    traffic: Mapping[str, float]
    before: Asked
    after: Asked
    kinds: tuple[str, ...]
    seconds: float


@cache
def generator() -> Path:
    return objects.program("traffic", ("gcc", "-O2", "-Wall", "-Wextra", "-Werror"), ("gcc",), [HERE / "traffic.c"], [])


def build(policy: str, target: Target, folder: Path, *, sanitize: bool = False) -> Path:
    """The image of `policy` for `target`, in `folder`."""
    compiled = compile_policy(SourceFile("machine.nacl", policy), Options())
    assert compiled.cpp is not None, compiled.diagnostics
    (folder / "service.cpp").write_text(compiled.cpp, encoding="utf-8")
    image = build_image(folder / "service.cpp", target, folder / f"machine.{target.value}", sanitize=sanitize)
    assert isinstance(image, Image), image
    return image.path


def say(machine: Child, line: str) -> None:
    os.write(machine.console_in, line.encode() + b"\n")


def read_until(machine: Child, end: bytes) -> bytes:
    """The console's text up to a line that begins with `end`."""
    said, until = b"", time.monotonic() + PATIENCE
    while not re.search(rb"^" + end + rb".*\n", said, re.MULTILINE):
        left = until - time.monotonic()
        ready = left > 0 and select.select([machine.console_out], [], [], left)[0]
        chunk = os.read(machine.console_out, 1 << 16) if ready else b""
        assert chunk, f"the console did not say {end!r}, but {said[-2000:]!r}"
        said += chunk
    return said


def numbers(line: str) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"([\w.-]+)=(\d+)", line)}


def ask(machine: Child) -> Asked:
    say(machine, "counters")
    report = console.complete(read_until(machine, b"counters end"))
    assert report is not None
    say(machine, "nics")
    nics = read_until(machine, b"nics end").decode(errors="replace")
    say(machine, "memory")
    memory = read_until(machine, b"memory frames").decode(errors="replace")
    named = {line.split(" ")[1]: numbers(line) for line in nics.splitlines() if line.startswith("nic ")}
    return Asked(report.counters, named, numbers(memory[memory.index("memory frames") :]))


def kinds_of(nic: str) -> tuple[str, str]:
    return {"virtio": ("virtio", "virtio"), "vmxnet3": ("vmxnet3", "vmxnet3"), "mixed": ("virtio", "vmxnet3")}[nic]


def soak(nic: str, packets: int, seed: int) -> Soaked:
    """Let a machine with such NICs (qemu.NICS) take so many random packets."""
    with TemporaryDirectory() as folder:
        image = build(POLICY.read_text(encoding="utf-8"), Target.PC, Path(folder))
        machine = qemu.start(image, MACS, qemu.Hardware(nic=nic))
        try:
            read_until(machine, b"NaCl: ")
            before = ask(machine)
            started = time.monotonic()
            traffic = _send(machine, packets, seed)
            seconds = time.monotonic() - started
            return Soaked(traffic, before, ask(machine), kinds_of(nic), seconds)
        finally:
            machine.close()


def _send(machine: Child, packets: int, seed: int) -> dict[str, float]:
    wires = [wire.fileno() for wire in machine.nics]
    command = [str(generator()), *map(str, wires), str(packets), str(seed)]
    run = subprocess.run(command, pass_fds=wires, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"seed {seed}: {run.stderr}"
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", run.stdout)}


def faults(soaked: Soaked) -> list[str]:
    """What does not add up; docs/runtime-stack.md says which sums must."""
    return [*_faults_of_wires(soaked), *_faults_of_sums(soaked), *_faults_of_way(soaked), *_faults_of_memory(soaked)]


def _unequal(what: str, left: float, right: float) -> list[str]:
    return [] if left == right else [f"{what}: {left:.0f} is not {right:.0f}"]


def _faults_of_wires(soaked: Soaked) -> list[str]:
    """Each frame that was sent was received, each that was transmitted was seen."""
    found = []
    for number, kind in enumerate(soaked.kinds):
        nic = soaked.after.nics[f"eth{number}"]
        handed_up = soaked.traffic[f"sent{number}"]
        if kind == "vmxnet3":
            handed_up -= soaked.traffic[f"foreign{number}"]
        taken = nic["received"] + nic["receive-malformed"] + nic["receive-no-frame"]
        found += _unequal(f"received by eth{number}", taken, handed_up)
        found += _unequal(f"transmitted by eth{number}", nic["transmitted"], soaked.traffic[f"seen{number}"])
        found += _unequal(f"lost by eth{number}", nic["receive-no-frame"] + nic["transmit-full"], 0)
    machine = soaked.after.counters["machine"]
    found += _unequal("IPv4 packets sent", machine["sent"], soaked.traffic["ip"])
    return found + _unequal("ARP frames sent", machine["arp-sent"], soaked.traffic["arp"])


def _faults_of_sums(soaked: Soaked) -> list[str]:
    """Every line of counters adds up."""
    found = []
    for device, counts in soaked.after.counters.items():
        parts = counts["delivered"] + counts["forwarded"] + counts["held"] + counts["dropped"]
        found += _unequal(f"received on {device}", counts["received"], parts)
        own = sum(value for name, value in counts.items() if name.startswith("own-drop."))
        found += _unequal(f"originated on {device}", counts["originated"], counts["departed"] + own)
    return found


FRAME_DROPS = ("runt", "giant", "not-for-us", "multicast-frame", "ethertype")
VLAN_DROPS = ("vlan-truncated", "vlan-double-tag", "vlan-unexpected", "vlan-unknown")


def _faults_of_way(soaked: Soaked) -> list[str]:
    """Frames received became ARP, drops or packets; packets that went on were sent, or lost for want of a neighbour.

    What arrives from another Iface of the machine counts in both sums, and is left over in both alike.
    """
    machine = soaked.after.counters["machine"]
    frames = sum(nic["received"] for nic in soaked.after.nics.values())
    dropped = sum(machine.get(f"drop.{reason}", 0) for reason in (*FRAME_DROPS, *VLAN_DROPS))
    from_inside = machine["arp"] + dropped + machine["received"] - frames
    lost = machine.get("drop.arp-timeout", 0) + machine.get("drop.arp-queue-full", 0)
    went_on = machine["forwarded"] + machine["departed"] + soaked.traffic["pieces"]
    found = _unequal("packets that went on", went_on, machine["sent"] + lost + from_inside)
    return found + ([] if from_inside >= 0 else [f"{-from_inside} frames were not counted"])


def _faults_of_memory(soaked: Soaked) -> list[str]:
    """Nothing is kept: frames that were sent rest in the transmit rings, at most 256 of each NIC."""
    before, after = soaked.before.memory, soaked.after.memory
    found = _unequal("heap in use", after["heap_used"], before["heap_used"])
    missing = before["frames_free"] - after["frames_free"]
    return found + ([] if missing <= 256 * len(soaked.kinds) else [f"{missing} frames are missing"])
