"""The firewall example as a booted machine, and machines that fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from naclc.driver import Compilation, Options, compile_policy
from naclc.image import Image, Target, build_image
from naclc.pipeline.pipeline import Pipeline
from naclc.source import SourceFile
from naclc.testing import PolicyTestOptions, run_policy_tests
from naclc.verify import qemu
from naclc.verify.executor import MachineFailure, Session
from naclc.verify.executors.vm import VmExecutor
from naclc.verify.packets import build, summary
from naclc.verify.packetspec import PacketSpec
from naclc.verify.wire import child
from naclc.verify.wire.session import Surroundings, WireSession
from naclc.verify.wire.wires import Limits

pytestmark = pytest.mark.vm

EXAMPLE = Path(__file__).parents[2] / "examples" / "firewall"
WEB = build(PacketSpec("tcp", {"src": 0xC0A86409, "dst": 0x0A000005, "tcp.dport": 80}))


@pytest.fixture(scope="module")
def compiled() -> Compilation:
    policy = EXAMPLE / "firewall.nacl"
    result = compile_policy(SourceFile("firewall.nacl", policy.read_text("utf-8")), Options())
    assert result.ok
    return result


@pytest.fixture(scope="module")
def image(compiled: Compilation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("image")
    (work / "service.cpp").write_text(compiled.cpp or "", encoding="utf-8")
    built = build_image(work / "service.cpp", Target.PC, work / "service.elf")
    assert isinstance(built, Image), built
    return built.path


@pytest.fixture
def pipeline(compiled: Compilation) -> Pipeline:
    assert compiled.pipeline is not None
    return compiled.pipeline


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[child.Child]]:
    """The machines that were started; none may be left when the test ends."""
    machines: list[child.Child] = []
    start = qemu.start

    def watched(image: Path, macs: tuple[str, ...], hardware: qemu.Hardware) -> child.Child:
        machines.append(start(image, macs, hardware))
        return machines[-1]

    monkeypatch.setattr(qemu, "start", watched)
    yield machines
    assert machines and not any(os.path.exists(f"/proc/{machine.pid}") for machine in machines)


def test_the_example_does_what_its_tests_say(compiled: Compilation, started: list[child.Child]) -> None:
    tests = SourceFile("firewall.tests.yaml", (EXAMPLE / "firewall.tests.yaml").read_text("utf-8"))
    report, findings = run_policy_tests(compiled, tests, PolicyTestOptions(on=("interpreter", "vm"), nics=qemu.NICS))
    assert not findings
    assert report is not None
    assert [(result.name, result.executor) for result in report.results if not result.passed] == []
    for nic in qemu.NICS:
        assert sum(result.executor == f"vm-{nic}" for result in report.results) > 10


@pytest.mark.parametrize("machine", qemu.MACHINES)
@pytest.mark.parametrize("memory", [16, 256])
def test_boots_on(machine: str, memory: int, pipeline: Pipeline, image: Path, started: list[child.Child]) -> None:
    executor = VmExecutor(Surroundings(pipeline), image, qemu.Hardware(machine, memory))
    with executor.session("test") as session:
        (sent,) = session.send("outside", WEB).sent
    assert summary(sent.packet) == "tcp 192.168.100.9:40000 -> 10.0.0.5:80 syn ttl 63"


INWARDS = ("outside", {"src": 0xC0A86409, "dst": 0xC0A86501})
OUTWARDS = ("inside", {"src": 0xC0A86501, "dst": 0xC0A86409})


@pytest.mark.parametrize("nic", qemu.NICS)
def test_forwards_what_it_got_whatever_the_nics(
    nic: str, pipeline: Pipeline, image: Path, started: list[child.Child]
) -> None:
    """Frames of 60 and of 1514 octets, between NICs of one kind and of two, to and fro, more often than rings have
    entries."""
    executor = VmExecutor(Surroundings(pipeline), image, qemu.Hardware(nic=nic))
    with executor.session("test") as session:
        for number in range(600):
            size = 46 if number % 2 else 1500
            payload = bytes([number % 251]) * (size - 28)
            port, addresses = INWARDS if number % 3 else OUTWARDS
            packet = build(PacketSpec("udp", {**addresses, "udp.dport": number + 1, "payload": payload}))
            assert len(packet) == size
            (sent,) = session.send(port, packet).sent
            assert sent.packet[20:] == packet[20:]


def test_a_machine_is_started_ahead(pipeline: Pipeline, image: Path, started: list[child.Child]) -> None:
    executor = VmExecutor(Surroundings(pipeline), image)
    executor.prepare(3)
    for number in (2, 3, 3):
        with executor.session("test") as session:
            assert session.send("outside", WEB).sent
            assert len(started) == number
    executor.close()


def fails(pipeline: Pipeline, image: Path, what: str) -> MachineFailure:
    """The failure of a machine to which `what` is done."""
    with (
        pytest.raises(MachineFailure) as failure,
        VmExecutor(Surroundings(pipeline), image, limits=Limits(20.0, 1.5)).session("test") as session,
    ):
        session.send("outside", WEB)
        disturb(session, what)
        session.send("outside", WEB)
    return failure.value


def disturb(session: Session, what: str) -> None:
    assert isinstance(session, WireSession)
    if what.startswith("type "):
        os.write(session._wires._child.console_in, what.removeprefix("type ").encode() + b"\n")
    else:
        os.kill(session._wires._child.pid, getattr(signal, what))


FAILURES = [
    ("type panic", "guest-panic", "the machine panicked"),
    ("type exit 7", "guest-exit", "status 7"),
    ("type exit", "guest-exit", "switched itself off"),
    ("SIGSTOP", "guest-hang", "no answer to ARP on outside"),
    ("SIGKILL", "qemu-failed", "QEMU was killed by SIGKILL"),
]


@pytest.mark.parametrize(("what", "code", "message"), FAILURES, ids=[row[0] for row in FAILURES])
def test_failure(
    what: str, code: str, message: str, pipeline: Pipeline, image: Path, started: list[child.Child]
) -> None:
    problem = fails(pipeline, image, what).diagnostic
    assert problem.code == code
    assert message in problem.message


def test_a_panic_tells_what_the_machine_said(pipeline: Pipeline, image: Path, started: list[child.Child]) -> None:
    assert "panic: asked for at the console" in (fails(pipeline, image, "type panic").diagnostic.help or "")


# A PVH kernel without an interrupt table that calls an interrupt.
TRIPLE_FAULT = """
.section .note.pvh, "a", @note
.align 4
.long 4, 4, 18
.asciz "Xen"
.long start
.text
.globl start
start: lidt empty
int3
.data
empty: .quad 0, 0
"""


def test_a_triple_fault(pipeline: Pipeline, tmp_path: Path, started: list[child.Child]) -> None:
    (tmp_path / "fault.S").write_text(TRIPLE_FAULT)
    image = tmp_path / "fault.elf"
    flags = ["-m32", "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-Ttext=0x100000"]
    subprocess.run(["g++", *flags, "-o", image, tmp_path / "fault.S"], check=True, capture_output=True)
    with pytest.raises(MachineFailure) as failure, VmExecutor(Surroundings(pipeline), image).session("test"):
        pass
    assert failure.value.diagnostic.code == "guest-reset"


def test_an_image_that_is_none(pipeline: Pipeline, tmp_path: Path, started: list[child.Child]) -> None:
    image = tmp_path / "image.elf"
    image.write_bytes(b"no image at all" * 100)
    executor = VmExecutor(Surroundings(pipeline), image, limits=Limits(3.0))
    with pytest.raises(MachineFailure) as failure, executor.session("test"):
        pass
    assert failure.value.diagnostic.code in ("qemu-failed", "guest-hang")


FOREGROUND = """
import sys
import time
from pathlib import Path
from naclc.verify import qemu
macs = ["02:00:00:00:00:00", "02:00:00:00:00:01"]
sys.exit(qemu.run_foreground(Path(sys.argv[1]), macs))
"""


def test_the_foreground_has_the_console(image: Path) -> None:
    command = [sys.executable, "-c", FOREGROUND, str(image)]
    run = subprocess.run(command, input=b"counters\npanic\n", capture_output=True, timeout=60, check=False)
    assert run.returncode == 101, run.stderr
    assert b"counters eth0 received=0" in run.stdout
    assert b"panic: asked for at the console" in run.stdout


WAITING = """\
tests:
  - name: waits for long
    steps:
      - {in: outside, packet: {src: 192.168.100.9, dst: 10.0.0.5, udp: {dport: 5}}}
      - {wait: 300}
"""

INTERRUPTIBLE = ("env", "--default-signal=INT")  # also when these tests run as a shell's background job


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_machine_outlives_the_command(number: signal.Signals, tmp_path: Path) -> None:
    tests = tmp_path / "waiting.tests.yaml"
    tests.write_text(WAITING, encoding="utf-8")
    options = ["test", str(EXAMPLE / "firewall.nacl"), "--on", "vm", "--tests", str(tests), "--generated", "0"]
    command = [*INTERRUPTIBLE, sys.executable, "-c", "from naclc.cli import main; main()", *options]
    run = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        machines = children(run.pid)
        run.send_signal(number)
        assert run.wait(20) == (-9 if number is signal.SIGKILL else 130)
        until = time.monotonic() + 5
        while any(map(alive, machines)) and time.monotonic() < until:
            time.sleep(0.05)
        assert machines and not any(map(alive, machines))
    finally:
        run.kill()
        run.wait()


def children(pid: int) -> list[int]:
    """The QEMUs that `pid` has started, as soon as there is one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        qemus = [int(child) for child in listed if b"-kernel" in Path(f"/proc/{child}/cmdline").read_bytes()]
        if qemus:
            time.sleep(0.5)  # the wait has begun
            return qemus
        time.sleep(0.05)
    return []


def alive(pid: int) -> bool:
    try:
        return b"State:\tZ" not in Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return False
