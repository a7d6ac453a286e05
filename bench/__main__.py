"""Measure the example: `python -m bench [--quick] [--json FILE]`.

Compile from the shell, check of large policies, what a packet and a look-up of a flow cost, decisions by a thousand
rules beside other classifiers, image size, boot to the first ARP reply, processor time of an idle machine, forwarding
beside the hub without a guest; machines with NICs of each kind and of both.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from pathlib import Path

from bench import boot, checking, forwarding, gateways, packet_cost, startup
from bench.rules.short import decisions
from naclc.verify.qemu import NICS, Hardware

# Of examples/firewall: the machine's outside address, a neighbour there, a neighbour inside.
OUTSIDE, ASKER, INSIDE = 0xC0A864FE, 0xC0A86409, 0xC0A86501
MACHINES = [Hardware(memory=16, nic=nic) for nic in NICS]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there too")
    options = parser.parse_args()
    figures = measure(rounds=3 if options.quick else 9, seconds=1.0 if options.quick else 3.0)
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """All figures; names end in their unit."""
    with tempfile.TemporaryDirectory(prefix="naclc-bench.") as name:
        work = Path(name)
        image = startup.build(work)
        generator = forwarding.build_generator(work)
        figures = {
            "compile": startup.compile_seconds(rounds),
            **checking.checking(work, rounds),
            **packet_cost.packet_cost(work, rounds),
            **decisions(rounds),
            "image": {"size_kib": image.stat().st_size / 1024, "memory_mb": MACHINES[0].memory},
        }
        for machine in MACHINES:
            figures[f"boot {machine.nic}"] = boot.boot_seconds(image, OUTSIDE, ASKER, rounds, machine)
        idle = {f"{machine.nic}_percent": boot.idle_percent(image, 3 * seconds, machine) for machine in MACHINES}
        figures["idle processor"] = idle
        for frame in (60, 1514):
            traffic = forwarding.Traffic(ASKER, INSIDE, frame, seconds)
            subjects = {machine.nic: forwarding.Subject(image, machine) for machine in MACHINES}
            figures[f"forward {frame} octets"] = forwarding.forwarding(generator, subjects, traffic, rounds)
        traffic = forwarding.Traffic(ASKER, INSIDE, 60, seconds)
        subjects = {
            name: forwarding.Subject(startup.build(work, policy), MACHINES[0])
            for name, policy in gateways.policies(work).items()
        }
        figures["gateways 60 octets"] = forwarding.forwarding(generator, subjects, traffic, rounds)
        return figures


def table(figures: dict[str, dict[str, float]]) -> str:
    lines = [f"{platform.machine()}, Python {platform.python_version()}, TCG, q35"]
    for name, values in figures.items():
        lines.append(f"{name:<24} " + "  ".join(f"{key} {value:.3g}" for key, value in values.items()))
    return "\n".join(lines)


main()
