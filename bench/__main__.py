"""Measure the example: `python -m bench [--quick] [--json FILE]`.

Compile from the shell, check of large policies, image size, boot to the first ARP reply, forwarding beside the hub
without a guest.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from pathlib import Path

from bench import boot, checking, forwarding, startup
from naclc.verify.qemu import Hardware

# Of examples/firewall: the machine's outside address, a neighbour there, a neighbour inside.
OUTSIDE, ASKER, INSIDE = 0xC0A864FE, 0xC0A86409, 0xC0A86501
HARDWARE = Hardware(memory=16)


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
            "image": {"size_kib": image.stat().st_size / 1024, "memory_mb": HARDWARE.memory},
            "boot": boot.boot_seconds(image, OUTSIDE, ASKER, rounds, HARDWARE),
        }
        for frame in (60, 1514):
            traffic = forwarding.Traffic(ASKER, INSIDE, frame, seconds)
            figures[f"forward {frame} octets"] = forwarding.forwarding(generator, image, traffic, rounds, HARDWARE)
        return figures


def table(figures: dict[str, dict[str, float]]) -> str:
    lines = [f"{platform.machine()}, Python {platform.python_version()}, TCG, q35"]
    for name, values in figures.items():
        lines.append(f"{name:<24} " + "  ".join(f"{key} {value:.3g}" for key, value in values.items()))
    return "\n".join(lines)


main()
