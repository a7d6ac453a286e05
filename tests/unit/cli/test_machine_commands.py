"""`naclc build` and `naclc run`: what they make, and what they refuse before anything is written."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = "Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0 }\n"
# Knows nothing of the policy: it is registered before this runs.
SERVICE = '#include <os>\n#include <service>\nvoid Service::start() { os::print("mine\\n", 5); }\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fw.nacl").write_text(POLICY)
    (tmp_path / "own.cpp").write_text(SERVICE)
    return tmp_path


def naclc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "naclc", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL
    )


def test_a_process_with_a_service_of_ones_own(folder: Path) -> None:
    built = naclc(folder, "build", "fw.nacl", "--platform", "linux", "--service", "own.cpp", "-o", "fw")
    assert built.returncode == 0, built.stderr
    wire, nic = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with wire, nic:
        command = [str(folder / "fw"), "--nic", f"fd={nic.fileno()},mac=02:00:00:00:00:01"]
        run = subprocess.run(
            command, input="exit 7\n", capture_output=True, text=True, timeout=30, check=False, pass_fds=[nic.fileno()]
        )
    assert run.returncode == 7
    assert run.stdout.index("NaCl: 1 interface") < run.stdout.index("mine")


def test_an_image_is_named_after_its_policy(folder: Path) -> None:
    built = naclc(folder, "build", "fw.nacl")
    assert built.returncode == 0 and "fw.elf" in built.stdout + built.stderr
    assert (folder / "fw.elf").read_bytes().startswith(b"\x7fELF") and os.access(folder / "fw.elf", os.X_OK)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "fw.nacl", "-o", "fw.nacl"], "`fw.nacl` is the policy"),
        (["build", "fw.nacl", "-o", "./fw.nacl"], "`fw.nacl` is the policy"),
        (["build", "fw.nacl", "--service", "own.cpp", "-o", "own.cpp"], "`own.cpp` is a source"),
        (["build", "fw.nacl", "-o", "-"], "an image is a file"),
        (["build", "fw.nacl", "--os", "includeos", "--service", "own.cpp"], "`--service` is for the skeleton OS"),
        (["build", "fw.nacl", "--os", "includeos", "--platform", "linux"], "is for the skeleton OS only"),
        (["build", "fw.nacl", "--service", "missing.cpp"], "does not exist"),
        (["run", "fw.nacl", "--net", "tap"], "is not of the form N=NETDEV"),
        (["run", "fw.nacl", "--net", "1=user"], "there is no NIC 1"),
        (["test", "fw.nacl", "--junit", "fw.nacl"], "`fw.nacl` is the policy"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_writes_nothing(folder: Path, arguments: list[str], message: str) -> None:
    run = naclc(folder, *arguments)
    assert run.returncode == 2 and message in run.stderr
    assert (folder / "fw.nacl").read_text() == POLICY and (folder / "own.cpp").read_text() == SERVICE
    assert sorted(os.listdir(folder)) == ["fw.nacl", "own.cpp"]


def test_a_name_that_no_test_has_is_told(folder: Path) -> None:
    test = "tests: [{name: a, in: e, packet: {src: 192.0.2.9, dst: 192.0.2.1, udp: {dport: 1}}, expect: local}]\n"
    (folder / "fw.tests.yaml").write_text(test)
    run = naclc(folder, "test", "fw.nacl", "--on", "interpreter", "-k", "nothing of the kind")
    assert "no written test's name holds `nothing of the kind`" in run.stderr
    assert "no written test" not in naclc(folder, "test", "fw.nacl", "--on", "interpreter", "-k", "A").stderr
