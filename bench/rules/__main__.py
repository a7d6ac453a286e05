"""Compare classifiers: `python -m bench.rules [FILE...] [--json FILE] [--plots DIRECTORY]`.

Each FILE is a set of rules in ClassBench's format, gzipped or not. Without one, sets of the seeded generator are
measured, and policies as people write them. Contenders: naclc's code, the if-chain of the transpiler of 2019, DPDK's
librte_acl and libpcap's filters, as far as they are installed. All decide the same packets, in turn; every verdict is
compared with a linear reference.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.rules.building import CONTENDERS, Subject
from bench.rules.contest import Effort, contest, of_policy, of_rules
from bench.rules.policies import POLICIES
from bench.rules.report import table
from bench.rules.traffic import Arrival
from bench.rulesets import FAMILIES, generate, read


def main() -> int:
    options = _arguments()
    effort = Effort(options.rounds, options.packets, options.build_seconds)
    chosen = [contender for contender in CONTENDERS if contender.name in options.contenders]
    results: list[dict[str, Any]] = []
    for subject, traces in _subjects(options, effort):
        print(f"{subject.group} {subject.size} …", file=sys.stderr, flush=True)
        results.append(contest(subject, traces, chosen, effort))
    measured = {"machine": machine(), "load": os.getloadavg()[0], "rounds": effort.rounds, "results": results}
    print(table(measured))
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n")
    if options.plots:
        from bench.rules.plots import plot

        plot(measured, options.plots)
    wrong = sum(
        times["mismatches"] for each in results for c in each["contenders"].values() for times in c["traffic"].values()
    )
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench.rules", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [contender.name for contender in CONTENDERS]
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="sets of rules in ClassBench's format")
    parser.add_argument("--sizes", type=_sizes, default=[100, 1000, 10_000], help="of generated sets: 100,1000,10000")
    parser.add_argument("--families", type=_words(FAMILIES), default=list(FAMILIES), help="of the generator")
    parser.add_argument("--policies", type=_words(tuple(POLICIES)), default=list(POLICIES), help="as people write them")
    parser.add_argument("--policy-sizes", type=_sizes, default=[10, 100, 1000])
    parser.add_argument("--contenders", type=_words(tuple(names)), default=names, help=",".join(names))
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--packets", type=int, default=32_768, help="in each trace")
    parser.add_argument("--build-seconds", type=int, default=120, help="of processor time, for naclc and for g++")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--plots", type=Path, metavar="DIRECTORY", help="write SVG pictures there (needs matplotlib)")
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",") if size]


def _words(known: tuple[str, ...]) -> Any:
    def words(text: str) -> list[str]:
        chosen = [word for word in text.split(",") if word]
        if not set(chosen) <= set(known):
            raise argparse.ArgumentTypeError(f"known are {','.join(known)}")
        return chosen

    return words


def _subjects(options: argparse.Namespace, effort: Effort) -> Iterator[tuple[Subject, dict[str, list[Arrival]]]]:
    for path in options.files:
        yield of_rules(path.name.split(".")[0].split("_")[0], read(path), effort)
    if options.files:
        return
    for family in options.families:
        for size in options.sizes:
            yield of_rules(family, generate(family, size, seed=1), effort)
    for group in options.policies:
        for size in options.policy_sizes:
            yield of_policy(group, size, effort)


def machine() -> str:
    """Processor and compiler in words."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    compiler = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True, check=False).stdout.strip()
    speed = f", {float(facts['cpu MHz']) / 1000:.1f} GHz" if "cpu MHz" in facts else ""
    name = facts.get("model name", platform.machine())
    return f"{name}{speed}, {os.cpu_count()} cores, g++ {compiler}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
