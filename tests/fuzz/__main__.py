"""All fuzz targets, one after the other: `make fuzz`. docs/fuzzing.md describes them.

    python -m tests.fuzz [--seconds N] [TARGET...]

Each target runs for N seconds (19 unless given) and is ended GRACE seconds later if it has not ended by itself.
Exit status 1 when a target found something.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time

from tests.fuzz.programs import PROGRAMS, prepare

SECONDS = 19
GRACE = 35  # for the start, the C++ compiler, and the last input: eleven targets take ten minutes at most
COMMANDS = {
    "parser": ("guided", "parser"),
    "policy": ("guided", "policy"),
    "config": ("guided", "config"),
    "tests-file": ("guided", "tests-file"),
    "machine": ("guided", "machine"),
    "agreement": ("agreement",),
    "plans": ("plans",),
    "hostile": ("hostile",),
    **{name: ("programs", name) for name in PROGRAMS},
}


def run(target: str, seconds: int, grace: int = GRACE) -> str:
    """What became of the target: `ok`, or what is wrong."""
    module, *arguments = COMMANDS[target]
    command = [sys.executable, "-m", f"tests.fuzz.{module}", *arguments, str(seconds)]
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            status = process.wait(seconds + grace)
        except subprocess.TimeoutExpired:
            return "did not end in time"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return "ok" if status == 0 else "found something"


def main() -> int:
    arguments = argparse.ArgumentParser(prog="tests.fuzz", description="Run the fuzz targets (docs/fuzzing.md).")
    arguments.add_argument("--seconds", type=int, default=SECONDS, help="for each target (default: %(default)s)")
    arguments.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(COMMANDS))
    given = arguments.parse_args()
    unknown = [target for target in given.targets if target not in COMMANDS]
    if unknown or given.seconds < 1:
        arguments.error(f"no such target: {unknown[0]}" if unknown else "a target needs a second at least")
    targets = given.targets or list(COMMANDS)
    for name in PROGRAMS.keys() & targets:
        prepare(name)
    results = {}
    for target in targets:
        print(f"== {target}", flush=True)
        started = time.monotonic()
        results[target] = run(target, given.seconds), time.monotonic() - started
    for target, (result, took) in results.items():
        print(f"{target:12} {took:5.0f} s  {result}")
    return int(any(result != "ok" for result, _ in results.values()))


if __name__ == "__main__":
    sys.exit(main())
