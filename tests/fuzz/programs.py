"""The targets in C++, under sanitizers: the NIC drivers and the stack with a whole policy. docs/fuzzing.md.

    python -m tests.fuzz.programs TARGET SECONDS [SEED]

Guided by libFuzzer where there is a clang that has it, else blind, from SEED.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from naclc.driver import Options, compile_policy
from naclc.source import SourceFile
from tests.cxx import objects
from tests.fuzz.seeds import CHECKOUT, kept

FUZZ = CHECKOUT / "tests" / "fuzz"
CXX = CHECKOUT / "tests" / "cxx"
OS = CHECKOUT / "includeos_skeleton" / "os"
OPTIONS = (
    *("-std=c++20", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fno-sanitize-recover=all"),
    "-fno-access-control",  # stack/audit.cpp looks behind what the stack shows
    *(f"-I{OS}", f"-I{OS / 'include'}", f"-I{CXX}", f"-I{CXX / 'net'}", f"-I{FUZZ}"),
)
CLANGS = ("clang++", "clang++-19", "clang++-18", "clang++-17", "clang++-16", "clang++-15", "clang++-14")
INSTALL = "sudo apt-get install clang libclang-rt-dev"
SLOWEST = 20  # seconds that one input may take


@dataclass(frozen=True, slots=True)
class Program:
    """A target's sources, what its policy is, and the octets of its longest input."""

    sources: tuple[Path, ...]
    longest: int
    policy: Path | None = None


_KERNEL = ("timers", "frame_pool", "os", "wall_clock", "isotime")
_STACK = (
    *sorted((OS / "net").glob("*.cpp")),
    *(OS / "kernel" / f"{name}.cpp" for name in _KERNEL),
    CXX / "net" / "bench.cpp",
    *(FUZZ / "stack" / f"{name}.cpp" for name in ("machine", "audit", "packets", "dhcp")),
)
_EVERYTHING = FUZZ / "stack" / "everything.nacl"
PROGRAMS = {
    "drivers": Program(
        (FUZZ / "drivers.cpp", OS / "drivers" / "virtio_net.cpp", OS / "drivers" / "vmxnet3_net.cpp"), 4096
    ),
    "wire": Program((*_STACK, FUZZ / "stack" / "wire.cpp"), 1024, _EVERYTHING),
    "flows": Program((*_STACK, FUZZ / "stack" / "flows.cpp"), 512, _EVERYTHING),
}


def built(name: str) -> Path:
    """The program without libFuzzer, which plays inputs from files or at random."""
    return _built(name, "g++", "address,undefined", "address,undefined", (FUZZ / "program_main.cpp",))


def guided(name: str) -> Path | None:
    """The program with libFuzzer; None when no clang here has it."""
    clang = clang_with_fuzzer()
    if clang is None:
        return None
    return _built(name, clang, "fuzzer-no-link,address,undefined", "fuzzer,address,undefined", ())


def prepare(name: str) -> None:
    """Compile what the target will run."""
    if guided(name) is None:
        built(name)


@cache
def clang_with_fuzzer() -> str | None:
    main = b"int LLVMFuzzerTestOneInput(const char* data, long size) { return size > 9 && data[0] ? 0 : 0; }"
    with tempfile.TemporaryDirectory() as folder:
        for clang in filter(shutil.which, CLANGS):
            probe = [clang, "-fsanitize=fuzzer", "-x", "c", "-", "-o", f"{folder}/probe"]
            if subprocess.run(probe, input=main, capture_output=True, check=False).returncode == 0:
                return clang
    return None


def _built(name: str, compiler: str, sanitizers: str, linked: str, main: tuple[Path, ...]) -> Path:
    known = () if compiler == "g++" else ("-D__SANITIZE_ADDRESS__=1",)  # clang says it in another way
    command = (compiler, *OPTIONS, *known, f"-fsanitize={sanitizers}")
    program = PROGRAMS[name]
    with tempfile.TemporaryDirectory() as folder:
        sources = [*program.sources, *main]
        if program.policy is not None:
            sources.append(Path(folder) / f"{program.policy.stem}.cpp")
            sources[-1].write_text(_emitted(program.policy), encoding="utf-8")
        link = (compiler, f"-fsanitize={linked}")
        return objects.program(f"fuzz-{name}", command, link, sources, (OS, CXX, FUZZ))


def _emitted(policy: Path) -> str:
    compiled = compile_policy(SourceFile(policy.name, policy.read_text(encoding="utf-8")), Options())
    assert compiled.cpp is not None, compiled.diagnostics
    return compiled.cpp


def main(name: str, seconds: int, seed: int) -> int:
    corpus, crashes = (CHECKOUT / "build" / "fuzz" / name / part for part in ("corpus", "crashes"))
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    for data in kept(name).values():
        (corpus / hashlib.sha1(data).hexdigest()).write_bytes(data)
    program = guided(name)
    if program is None:
        print(f"no clang with libFuzzer is installed ({INSTALL}): {name} runs blind", flush=True)
        command = [str(built(name)), "--blind", str(seconds), str(seed)]
    else:
        longest = f"-max_len={PROGRAMS[name].longest}"
        limits = (f"-max_total_time={seconds}", f"-timeout={SLOWEST}", longest, "-rss_limit_mb=2000")
        command = [str(program), str(corpus), f"-artifact_prefix={crashes}/", *limits, "-print_final_stats=1"]
    return subprocess.run(command, cwd=crashes, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else secrets.randbelow(2**32)))
