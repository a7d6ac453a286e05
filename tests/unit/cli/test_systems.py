"""What the C++ is for: what only IncludeOS has is refused elsewhere."""

import subprocess
import sys

import pytest

NAT = """\
Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, prerouting: inwards }
Nat::TCP inwards {
  if (tcp.dport == http) { dnat(192.0.2.9, 8080) }
}
"""


def naclc(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "naclc", *arguments], input=NAT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("command", ["check", "compile"])
@pytest.mark.parametrize("system", [[], ["--os", "any"], ["--os", "skeleton"]])
def test_what_the_skeleton_has_not_is_refused(command, system):
    run = naclc(command, "-", *system)
    assert run.returncode == 1 and run.stdout == "" and "2:1: error: a Nat function" in run.stderr
    assert "[not-supported-yet]" in run.stderr


def test_includeos_has_it():
    assert naclc("check", "-", "--os", "includeos").returncode == 0
    run = naclc("compile", "-", "--os", "includeos")
    assert run.returncode == 0 and "net::nat::NAPT" in run.stdout


@pytest.mark.parametrize("command", ["build", "run", "test"])
def test_what_boots_is_for_the_skeleton(command):
    run = naclc(command, "-")
    assert run.returncode == 1 and "[not-supported-yet]" in run.stderr
