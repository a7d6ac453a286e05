"""How long `naclc compile` takes from the shell, and how large what it makes is."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from naclc.image import BuildFailure, Target, build_image

EXAMPLE = Path(__file__).resolve().parents[1] / "examples/firewall/firewall.nacl"


def compile_seconds(rounds: int) -> dict[str, float]:
    """Wall time of the whole command, interpreter start included."""
    naclc = Path(sys.executable).with_name("naclc")
    times = [_timed([str(naclc), "compile", str(EXAMPLE), "-o", "/dev/null"]) for _ in range(rounds)]
    return {"median_s": statistics.median(times), "min_s": min(times)}


def build(work: Path, policy: Path = EXAMPLE) -> Path:
    """The bootable image of `policy` in `work`."""
    service, image = work / f"{policy.stem}.cpp", work / f"{policy.stem}.elf"
    subprocess.run([sys.executable, "-m", "naclc", "compile", str(policy), "-o", str(service)], check=True)
    built = build_image(service, Target.PC, image)
    if isinstance(built, BuildFailure):
        raise SystemExit(built.diagnostic.message)
    return image


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start
