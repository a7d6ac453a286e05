"""Compile a service with an installed IncludeOS, by its own cmake modules.

    service.cpp ─ cmake, includeos_skeleton/service ─▶ service.elf.bin ─▶ image

IncludeOS is where INCLUDEOS_PACKAGE says. Its image is an ELF64 with a 32-bit entry: it is booted by vmrunner, by
IncludeOS's chainloader or by GRUB, not by QEMU's `-kernel`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from naclc.diagnostics import error
from naclc.image.cache import unwritable
from naclc.image.target import BuildFailure, Image, Target
from naclc.output import put_in_place
from naclc.resources import resource

PACKAGE_VARIABLE = "INCLUDEOS_PACKAGE"
_OLDEST_CMAKE = (3, 31, 6)
_CMAKE_HELP = "install cmake 3.31.6 or later: pip install cmake"
_DRIVERS = {"virtio": "virtionet", "vmxnet3": "vmxnet3"}
_SECONDS = 1800  # for one run of cmake


def build_includeos(service_cpp: Path, output: Path, nic: str) -> Image | BuildFailure:
    """Build the service `service_cpp` into the file `output`, whole or not at all.

    Args:
        service_cpp: what `naclc compile` wrote, without `--plugin`.
        nic: the network driver, "virtio" or "vmxnet3".

    Returns:
        The image; or what is missing (`includeos-missing`, `cmake-missing`), what cmake or the compiler said
        (`compiler-failed`), or `unwritable-output`.
    """
    package = find_package(nic)
    if isinstance(package, BuildFailure):
        return package
    cmake = _find_cmake()
    if isinstance(cmake, BuildFailure):
        return cmake
    try:
        with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as work:
            build = Path(work) / "build"
            failure = _configure(cmake, package, service_cpp, nic, build) or _make(cmake, build)
            if failure is not None:
                return failure
            made = build / "service.elf.bin"
            if not made.is_file():
                return _failed("cmake ended well but made no service.elf.bin", "")
            size = made.stat().st_size
            put_in_place(made, output)
            return Image(output, Target.PC, size)
    except OSError as problem:
        return unwritable(output, problem)


def find_package(nic: str) -> Path | BuildFailure:
    """The installed IncludeOS, with what a build for `nic` uses in it; or what of it is missing."""
    named = os.environ.get(PACKAGE_VARIABLE, "")
    if not named:
        return _missing(f"{PACKAGE_VARIABLE} is not set")
    package = Path(named).absolute()
    if not package.is_dir():
        return _missing(f"{PACKAGE_VARIABLE} names `{named}`, which is not a directory")
    needed = ("cmake/os.cmake", "include/os", "lib/libos.a", f"drivers/lib{_DRIVERS[nic]}.a")
    absent = [name for name in (*needed, "drivers/stdout/libdefault_stdout.a") if not (package / name).exists()]
    if absent:
        return _missing(f"{PACKAGE_VARIABLE} names `{named}`, which has no {' and no '.join(absent)}")
    return package


def _missing(what: str) -> BuildFailure:
    advice = f"install IncludeOS v0.15 or later and set {PACKAGE_VARIABLE} to its directory, or omit `--os includeos`"
    return BuildFailure(error("includeos-missing", f"no IncludeOS to build with: {what}", None, help=advice))


def _find_cmake() -> str | BuildFailure:
    path = shutil.which("cmake")
    if path is None:
        return BuildFailure(error("cmake-missing", "`cmake` is not on this machine", None, help=_CMAKE_HELP))
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        return BuildFailure(error("cmake-missing", f"`cmake` cannot be run: {problem}", None, help=_CMAKE_HELP))
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", done.stdout)
    if found is None or tuple(map(int, found.groups())) < _OLDEST_CMAKE:
        version = found.group() if found else "unknown"
        message = f"`cmake` is version {version}, too old for IncludeOS"
        return BuildFailure(error("cmake-missing", message, None, help=_CMAKE_HELP))
    return path


def _configure(cmake: str, package: Path, service_cpp: Path, nic: str, build: Path) -> BuildFailure | None:
    return _run(
        [
            cmake,
            *("-S", str(resource("includeos_skeleton") / "service")),
            *("-B", str(build)),
            f"-DINCLUDEOS_PACKAGE={package}",
            f"-DCMAKE_MODULE_PATH={package / 'cmake'}",
            "-DARCH=x86_64",
            f"-DSERVICE_CPP={service_cpp.absolute()}",
            f"-DNIC={nic}",
        ],
        "configure the IncludeOS service",
    )


def _make(cmake: str, build: Path) -> BuildFailure | None:
    return _run([cmake, "--build", str(build)], "build the IncludeOS service")


def _run(command: Sequence[str], doing: str) -> BuildFailure | None:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that compilers end with the cmake that started them
    )
    try:
        said, _ = process.communicate(timeout=_SECONDS)
    except BaseException as problem:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(problem, subprocess.TimeoutExpired):
            return _failed(f"could not {doing}: no end after {_SECONDS} s", "")
        raise
    if process.returncode == 0:
        return None
    errors = (line.strip() for line in said.splitlines() if "error" in line.lower())
    return _failed(f"could not {doing}: {next(errors, f'status {process.returncode}')}", said)


def _failed(message: str, said: str) -> BuildFailure:
    return BuildFailure(error("compiler-failed", message, None), said)
