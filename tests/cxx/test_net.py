"""The skeleton OS's network stack on this machine, under AddressSanitizer and UndefinedBehaviorSanitizer.

The tests are in net/*_test.cpp; each runs in a process of its own, as a stack cannot be stopped.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.cxx import objects

HERE = Path(__file__).resolve().parent
OS = HERE.parents[1] / "includeos_skeleton" / "os"

SOURCES = (
    *sorted((HERE / "net").glob("*_test.cpp")),
    HERE / "net" / "bench.cpp",
    HERE / "net" / "bench_main.cpp",
    *sorted((OS / "net").glob("*.cpp")),
    *(OS / "kernel" / name for name in ("timers.cpp", "frame_pool.cpp", "os.cpp", "wall_clock.cpp")),
)
OPTIONS = (
    "-std=c++20",
    "-O1",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    f"-I{OS / 'include'}",
    f"-I{OS}",
    f"-I{HERE / 'net'}",
)
TESTS = tuple(
    name
    for source in SOURCES
    if source.name.endswith("_test.cpp")
    for name in re.findall(r"^TEST\((\w+)\)", source.read_text(), re.MULTILINE)
)
# A test whose name begins with `panics_` ends in a panic; this is what the panic says.
PANICS = {
    "panics_when_tracking_is_enabled_twice": "connection tracking was enabled twice on an interface",
    "panics_when_there_is_no_such_nic": "there is no network interface 3; the machine has 3",
    "panics_when_there_is_no_such_mac": "there is no network interface 02:00:5e:00:53:01; the machine has 3",
    "panics_when_a_nic_is_given_what_is_in_no_frame": "a packet longer than a frame was handed to a NIC",
    "panics_when_a_vlan_is_not_there": "eth0 has no VLAN 10",
    "panics_when_a_vlan_has_no_interface_yet": "eth0 has no VLAN 10",
    "panics_when_a_vlan_is_added_twice": "VLAN 10 cannot be added to eth0: it is there already",
    "panics_when_a_vlan_is_out_of_range": "VLAN 4095 cannot be added to eth0: an id is 1 .. 4094",
    "panics_when_a_vlan_is_on_another_nic": "VLAN 10 cannot be added to eth1: it is another NIC's manager",
    "panics_when_an_interface_is_made_of_no_vlan": "eth0 was not given as VLAN 10",
    "panics_when_an_interface_is_made_twice": "eth0 has already an interface for VLAN 10",
    "panics_when_there_are_too_many_interfaces": "more than 256 network interfaces and VLANs",
    "panics_when_a_port_is_bound_twice": "UDP port 53 is bound already",
    "panics_when_there_are_too_many_sockets": "UDP port 17: too many sockets",
    "panics_when_a_filter_accepts_nothing": "a filter of the chain Input accepted and returned no packet",
}


@pytest.fixture(scope="session")
def program() -> Path:
    return built_program()


def built_program() -> Path:
    """The test program."""
    link = ("g++", "-fsanitize=address,undefined")
    return objects.program("net_test", ("g++", *OPTIONS), link, SOURCES, (OS, HERE))


@pytest.mark.parametrize("name", TESTS)
def test_stack(name: str, program: Path) -> None:
    run = subprocess.run([str(program), name], capture_output=True, text=True, timeout=300, check=False)
    if name in PANICS:
        assert (run.returncode, f"panic: {PANICS[name]}\n" in run.stderr) == (101, True), run.stderr
    else:
        assert run.returncode == 0, run.stderr


def test_every_test_is_found(program: Path) -> None:
    listed = subprocess.run([str(program)], capture_output=True, text=True, check=True)
    assert sorted(listed.stdout.split()) == sorted(TESTS)


def test_every_drop_reason_is_documented_with_its_class() -> None:
    counters = (OS / "include" / "net" / "counters.hpp").read_text()
    page = (HERE.parents[1] / "docs" / "runtime-stack.md").read_text()
    reasons = re.findall(r'X\(\w+, "([a-z-]+)", k(\w+)\)', counters)
    described = re.findall(r"^\| `([a-z-]+)` \| (frame|packet|link|held|answer) \|", page, re.MULTILINE)
    assert len(reasons) > 30
    assert sorted(described) == sorted((name, drop_class.lower()) for name, drop_class in reasons)
