"""Machines that tell no counters, as IncludeOS: what was delivered is shown by answers alone.

The image is the skeleton OS, taken for another system's: QEMU starts it as the chainloader and gives it a module that
it does not look at, and nobody asks its console for anything.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from naclc.driver import Options, compile_policy
from naclc.image import Image, Target, build_image
from naclc.source import SourceFile
from naclc.verify.executor import MachineFailure
from naclc.verify.executors.vm import VmExecutor
from naclc.verify.wire.session import Surroundings
from naclc.verify.wire.wires import Limits

POLICY = """\
Iface outside { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, input: taken }
Iface inside { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
Gateway router {
  a: { net: 192.0.2.0, netmask: 255.255.255.0, iface: outside },
  b: { net: 10.0.0.0, netmask: 255.255.255.0, iface: inside },
  forward: through
}
Filter::IP taken { Filter::UDP { if (udp.dport == 7) { drop } } accept }
Filter::IP through { Filter::ICMP { if (icmp.type == echo-request) { log("no ", ip.saddr, "\\n") drop } } accept }
"""
TESTS = """\
tests:
  - {name: delivered, in: outside, packet: {src: 192.0.2.9, dst: 192.0.2.1, icmp: {type: 8}}, expect: local}
  - {name: answered, in: outside, packet: {src: 192.0.2.9, dst: 192.0.2.1, udp: {dport: 9}}, expect: {answer: {icmp: {type: 3}}}}
  - {name: dropped, in: outside, packet: {src: 192.0.2.9, dst: 192.0.2.1, udp: {dport: 7}}, expect: drop}
  - {name: logged, in: outside, packet: {src: 192.0.2.9, dst: 10.0.0.9, icmp: {type: 8}}, expect: {drop: true, log: "no 192.0.2.9\\n"}}
  - {name: forwarded, in: inside, packet: {src: 10.0.0.9, dst: 192.0.2.9, tcp: {dport: 80}}, expect: {out: outside, ttl: 63}}
  - {name: wrong, in: outside, packet: {src: 192.0.2.9, dst: 192.0.2.1, udp: {dport: 7}}, expect: local, todo: it is not}
"""  # noqa: E501


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy, its tests, and its image."""
    made = tmp_path_factory.mktemp("image")
    (made / "fw.nacl").write_text(POLICY)
    (made / "fw.tests.yaml").write_text(TESTS)
    result = compile_policy(SourceFile("fw.nacl", POLICY), Options())
    assert result.cpp is not None, result.diagnostics
    (made / "service.cpp").write_text(result.cpp)
    assert isinstance(build_image(made / "service.cpp", Target.PC, made / "fw.elf"), Image)
    return made


def naclc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "naclc", "test", str(folder / "fw.nacl"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_same_tests_run_on_an_image_of_the_users(folder: Path) -> None:
    image = str(folder / "fw.elf")
    chosen = ("--os", "includeos", "--image", image, "--chainloader", image)
    run = naclc(folder, "--on", "interpreter", "--boot", *chosen, "--generated", "20", "--format", "json")
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)
    steps = {test["name"]: test["steps"][0] for test in report["tests"] if test["executor"] == "vm-virtio"}
    assert len(steps) > 6
    assert all(step["observed"]["delivered"] is None for step in steps.values())
    assert steps["logged"]["observed"]["log"] == "no 192.0.2.9\n"
    assert steps["wrong"]["problems"] == ["nothing shows that it was delivered"]


# why | arguments | what is said
WRONG = [
    ("no image", ("--boot", "--os", "includeos"), "needs the image"),
    ("no chainloader", ("--boot", "--os", "includeos", "--image", "{image}"), "needs the image"),
    ("not booted", ("--os", "includeos", "--image", "{image}", "--chainloader", "{image}"), "give `--boot`"),
    ("another system", ("--boot", "--image", "{image}"), "are for `--os includeos`"),
    ("an image that is not there", ("--boot", "--os", "includeos", "--image", "/nowhere.elf"), "does not exist"),
]


@pytest.mark.parametrize(("arguments", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_wrong_usage(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    run = naclc(folder, *(argument.format(image=folder / "fw.elf") for argument in arguments))
    assert run.returncode == 2 and said in run.stderr


def test_a_machine_of_which_nothing_tells_that_it_has_booted(folder: Path) -> None:
    text = "Iface e { index: 0, input: f }\nFilter::IP f { drop }\n"
    result = compile_policy(SourceFile("p.nacl", text), Options())
    assert result.pipeline is not None
    executor = VmExecutor(Surroundings(result.pipeline), folder / "fw.elf", limits=Limits(5, 2), counts=False)
    with pytest.raises(MachineFailure) as failure, executor.session("test"):
        pass
    assert "nothing tells when it has booted" in failure.value.diagnostic.message
