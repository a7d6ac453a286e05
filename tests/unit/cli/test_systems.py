"""What the C++ is for: what only IncludeOS has is refused where the skeleton OS is chosen."""

import subprocess
import sys

import pytest

BALANCED = """\
Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, input: taken }
Iface i { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
Load_balancer lb {
  layer: tcp, clients: { iface: e, port: 80 },
  servers: { iface: i, algorithm: round_robin, pool: [{ address: 10.0.0.2, port: 80 }] }
}
Filter::IP taken { accept }
"""


def naclc(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "naclc", *arguments],
        input=BALANCED,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "command", [("check", "-", "--os", "skeleton"), ("compile", "-", "--os", "skeleton"), ("build", "-"), ("run", "-")]
)
def test_what_the_skeleton_has_not_is_refused_and_named(command):
    run = naclc(*command)
    assert run.returncode == 1 and run.stdout == ""
    assert "3:15: error: the skeleton OS does not have a Load_balancer" in run.stderr
    assert "[not-on-target]" in run.stderr


@pytest.mark.parametrize("system", [[], ["--os", "any"], ["--os", "includeos"]])
def test_what_one_of_the_systems_has_is_accepted(system):
    assert naclc("check", "-", *system).returncode == 0
    run = naclc("compile", "-", *system)
    assert run.returncode == 0 and "microLB" in run.stdout


@pytest.mark.parametrize("on", [[], ["--on", "interpreter,process"], ["--on", "native", "--boot"]])
def test_a_machine_that_lacks_it_is_not_started(on):
    run = naclc("test", "-", *on)
    assert run.returncode == 1 and run.stdout == ""
    machine = "vm" if "--boot" in on else "process"
    refusal = f"`{machine}` cannot run it: the skeleton OS does not have a Load_balancer [not-on-target]"
    assert refusal in run.stderr


def test_the_other_executors_play_it():
    run = naclc("test", "-", "--on", "interpreter,decision,native")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "all passed" in run.stdout
