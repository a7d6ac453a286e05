"""The C++ tests of the skeleton OS: each program is compiled with sanitizers and run on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
OS = HERE.parents[1] / "includeos_skeleton" / "os"

KERNEL = ("kernel/os.cpp", "kernel/timers.cpp", "kernel/console.cpp", "kernel/plugins.cpp", "kernel/profile.cpp")
RENAMED = ("memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "strcmp", "strncmp", "abort")

# What each program tests, beside its own file and the fake platform.
PROGRAMS = {
    "virtio_net_test": ("drivers/virtio_net.cpp", "kernel/frame_pool.cpp", "kernel/os.cpp"),
    "vmxnet3_test": ("drivers/vmxnet3_net.cpp", "kernel/frame_pool.cpp", "kernel/os.cpp"),
    "pci_test": ("drivers/pci.cpp", "drivers/virtio_pci.cpp", "drivers/vmxnet3_pci.cpp"),
    "kernel_test": KERNEL,
    "memory_test": ("platform/pc/heap.cpp", "platform/pc/memory_map.cpp", "platform/pc/libc.cpp", "kernel/os.cpp"),
    "wall_clock_test": ("kernel/wall_clock.cpp", "kernel/isotime.cpp", "platform/pc/rtc.cpp", "kernel/os.cpp"),
    "clock_test": ("platform/pc/clock.cpp", "kernel/os.cpp"),
}

OPTIONS = (
    "-std=c++20",
    "-O1",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    f"-I{HERE / 'fake_pc'}",  # before the headers that it stands in for
    f"-I{OS}",
    f"-I{OS / 'include'}",
    f"-I{HERE}",
)


def compile_file(source: Path, output: Path) -> None:
    if source.name != "libc.cpp":
        subprocess.run(["g++", *OPTIONS, "-c", str(source), "-o", str(output)], check=True)
        return
    own = ("-fno-builtin", "-fno-tree-loop-distribute-patterns")
    subprocess.run(["g++", *OPTIONS, *own, "-c", str(source), "-o", str(output)], check=True)
    names = [part for name in RENAMED for part in ("--redefine-sym", f"{name}=pc_{name}")]
    subprocess.run(["objcopy", *names, str(output)], check=True)  # beside the host's own


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program: str, tmp_path: Path) -> None:
    sources = [HERE / f"{program}.cpp", HERE / "check_main.cpp", HERE / "fake_platform.cpp"]
    sources += [OS / name for name in PROGRAMS[program]]
    objects = [tmp_path / f"{source.stem}.o" for source in sources]
    for source, compiled in zip(sources, objects, strict=True):
        compile_file(source, compiled)
    binary = tmp_path / program
    subprocess.run(["g++", "-fsanitize=address,undefined", *map(str, objects), "-o", str(binary)], check=True)
    run = subprocess.run([str(binary)], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "ok     " in run.stdout
