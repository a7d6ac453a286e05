"""The C++ compiler: which one, with which options, and running it.

The options for the PC are what a machine without an operating system needs: no exceptions, no stack protector, no
red zone (interrupts use the stack), no position independence. The skeleton OS and the service get the same ones.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from naclc.diagnostics import error
from naclc.image.target import BuildFailure, Target
from naclc.resources import resource

_LANGUAGE = ("-std=c++20", "-Wall", "-Wextra", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
_SECTIONS = ("-ffunction-sections", "-fdata-sections")
_BARE = (
    "-fno-pie",
    "-mno-red-zone",
    "-fno-stack-protector",
    "-U_FORTIFY_SOURCE",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
)
_SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize=vptr", "-fno-sanitize-recover=all")


@dataclass(frozen=True, slots=True)
class Flavour:
    """What kind of objects: those of one flavour can be linked with each other.

    `debug` keeps debugging information in the image; `sanitize` is for Target.LINUX only.
    """

    target: Target
    debug: bool = False
    sanitize: bool = False

    def __post_init__(self) -> None:
        if self.sanitize and self.target is not Target.LINUX:
            raise ValueError("sanitizers need an operating system: Target.LINUX")


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C++ compiler. `version` tells it from every other one whose objects may differ."""

    path: str
    version: str


def skeleton_os() -> Path:
    """The directory of the skeleton OS's sources."""
    return resource("includeos_skeleton") / "os"


def find_compiler() -> Compiler | BuildFailure:
    """g++ from the search path."""
    path = shutil.which("g++")
    version = None if path is None else _version(path)
    if path is None or version is None:
        return BuildFailure(
            error("compiler-missing", "`g++` is not on this machine", None, help="sudo apt-get install g++")
        )
    return Compiler(path, version)


@functools.cache
def _version(path: str) -> str | None:
    try:
        run = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.partition("\n")[0]


def compile_options(flavour: Flavour) -> tuple[str, ...]:
    """For every C++ file of the flavour, the service's included; without input and output."""
    os_path = skeleton_os()
    options = ["-O2", *_LANGUAGE, *_SECTIONS, f"-I{os_path}", f"-I{os_path / 'include'}"]
    options.append(f"-ffile-prefix-map={os_path}=os")  # images do not tell where they were built
    if flavour.target is Target.PC:
        options += _BARE
    if flavour.debug or flavour.sanitize:
        options.append("-g")
    if flavour.sanitize:
        options += _SANITIZERS
    return tuple(options)


def link_options(flavour: Flavour) -> tuple[str, ...]:
    """For the image; the linker script, without input and output."""
    options = ["-Wl,--gc-sections", f"-Wl,-T,{skeleton_os() / 'platform' / flavour.target.value / 'link.ld'}"]
    if flavour.target is Target.PC:
        options += ["-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,noexecstack"]
        options.append("-Wl,-z,max-page-size=4096")
    if flavour.sanitize:
        options += _SANITIZERS
    elif not flavour.debug:
        options.append("-s")
    return tuple(options)


def libraries(flavour: Flavour) -> tuple[str, ...]:
    """What is linked after everything else: the compiler's own support on the PC."""
    return ("-lgcc",) if flavour.target is Target.PC else ()


def run(command: Sequence[str], doing: str) -> BuildFailure | None:
    """Run the compiler, an archiver or the linker; None when it succeeded. `doing` completes "could not …"."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as problem:
        return _failed(doing, problem.strerror or str(problem), "")
    if done.returncode == 0:
        return None
    output = done.stdout + done.stderr
    reason = next((line.strip() for line in output.splitlines() if "error" in line), f"status {done.returncode}")
    return _failed(doing, reason, output)


def _failed(doing: str, reason: str, output: str) -> BuildFailure:
    return BuildFailure(error("compiler-failed", f"could not {doing}: {reason}", None), output)
