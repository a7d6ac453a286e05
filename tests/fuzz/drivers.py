"""Both NIC drivers against a device that says anything (drivers.cpp), under sanitizers, for some seconds.

    python -m tests.fuzz.drivers SECONDS [SEED]

Guided by libFuzzer where there is a clang that has it, else blind, from SEED.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.seeds import CHECKOUT, kept

FUZZ = CHECKOUT / "tests" / "fuzz"
OS = CHECKOUT / "includeos_skeleton" / "os"
FOLDER = CHECKOUT / "build" / "fuzz" / "drivers"
SOURCES = (FUZZ / "drivers.cpp", OS / "drivers" / "virtio_net.cpp", OS / "drivers" / "vmxnet3_net.cpp")
OPTIONS = (
    *("-std=c++20", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fno-sanitize-recover=all"),
    *(f"-I{OS}", f"-I{OS / 'include'}", f"-I{CHECKOUT / 'tests' / 'cxx'}"),
)
CLANGS = ("clang++", "clang++-19", "clang++-18", "clang++-17", "clang++-16", "clang++-15", "clang++-14")
INSTALL = "sudo apt-get install clang libclang-rt-dev"
SLOWEST = 20  # seconds that one input may take


def built(output: Path) -> Path:
    """The program without libFuzzer, which plays inputs from files or at random."""
    main = FUZZ / "drivers_main.cpp"
    _compile("g++", "address,undefined", (*SOURCES, main), output)
    return output


def guided(folder: Path) -> Path | None:
    """The program with libFuzzer; None when no clang here has it."""
    for clang in CLANGS:
        probe = [clang, "-fsanitize=fuzzer", "-x", "c", "-", "-o", str(folder / "probe")]
        main = b"int LLVMFuzzerTestOneInput(const char* data, long size) { return size > 9 && data[0] ? 0 : 0; }"
        if shutil.which(clang) and subprocess.run(probe, input=main, capture_output=True, check=False).returncode == 0:
            _compile(clang, "fuzzer,address,undefined", SOURCES, folder / "guided")
            return folder / "guided"
    return None


def _compile(compiler: str, sanitizers: str, sources: Sequence[Path], output: Path) -> None:
    command = [compiler, *OPTIONS, f"-fsanitize={sanitizers}", *map(str, sources), "-o", str(output)]
    subprocess.run(command, check=True)


def main(seconds: int, seed: int) -> int:
    corpus, crashes = FOLDER / "corpus", FOLDER / "crashes"
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    for data in kept("drivers").values():
        (corpus / hashlib.sha1(data).hexdigest()).write_bytes(data)
    program = guided(FOLDER)
    if program is None:
        print(f"no clang with libFuzzer is installed ({INSTALL}): drivers runs blind", flush=True)
        command = [str(built(FOLDER / "blind")), "--blind", str(seconds), str(seed)]
    else:
        limits = (f"-max_total_time={seconds}", f"-timeout={SLOWEST}", "-max_len=4096", "-rss_limit_mb=2000")
        command = [str(program), str(corpus), f"-artifact_prefix={crashes}/", *limits, "-print_final_stats=1"]
    return subprocess.run(command, cwd=crashes, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(2**32)))
