"""Sessions on wires, with machines that misbehave. No machine is left behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from naclc.pipeline.pipeline import Pipeline
from naclc.verify.cases import Cidr
from naclc.verify.executor import MachineFailure, Observation
from naclc.verify.executors.process import ProcessExecutor
from naclc.verify.neighbours import EVERYBODY, Neighbours
from naclc.verify.packets import build
from naclc.verify.packetspec import PacketSpec
from naclc.verify.wire import child, console, frames
from naclc.verify.wire.record import check_directory, file_name
from naclc.verify.wire.session import Surroundings
from naclc.verify.wire.wires import Limits

FAKE = Path(__file__).parent / "fake_machine.py"
PACKET = build(PacketSpec("udp", {"src": 0xC0000209, "dst": 0x0A000005, "udp.dport": 53}))
QUICK = Limits(boot=5.0, answer=0.5)
Program = Callable[[str, str], Path]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[child.Child]:
    """The machines that were started."""
    machines: list[child.Child] = []
    start = child.start

    def watched(command: child.Command, nics: int, *, control: bool = False) -> child.Child:
        machines.append(start(command, nics, control=control))
        return machines[-1]

    monkeypatch.setattr(child, "start", watched)
    return machines


def executor(
    mode: str, program: Program, pipeline: Pipeline, neighbours: Neighbours = EVERYBODY, pcap: Path | None = None
) -> ProcessExecutor:
    binary = program("machine", f"import os, sys\nos.execv({sys.executable!r}, [{sys.executable!r}, {str(FAKE)!r}, "
                                f"{mode!r}, *sys.argv[1:]])\n")  # fmt: skip
    return ProcessExecutor(Surroundings(pipeline, neighbours), binary, pcap, QUICK)


def send(machine: ProcessExecutor, packets: int = 1) -> Observation:
    with machine.session("test") as session:
        for _ in range(packets - 1):
            session.send("outside", PACKET)
        return session.send("outside", PACKET)


def gone(machine: child.Child) -> bool:
    """Whether its process is no more, not even as a zombie."""
    return not os.path.exists(f"/proc/{machine.pid}")


def test_a_drop_is_known_without_waiting(program: Program, firewall: Pipeline, started: list[child.Child]) -> None:
    seen = send(executor("ignore", program, firewall), packets=20)
    assert (seen.sent, seen.delivered, seen.log) == ((), (), "text ")
    assert all(gone(machine) for machine in started)


def test_arp_is_answered_and_the_packet_that_waited_for_it_is_seen(program: Program, firewall: Pipeline) -> None:
    seen = send(executor("forward", program, firewall), packets=3)
    (sent,) = seen.sent
    assert (sent.iface, sent.packet, sent.next_hop) == ("inside", PACKET, 0x0A000005)


def test_only_listed_neighbours_answer_arp(program: Program, firewall: Pipeline) -> None:
    others = Neighbours({"inside": (Cidr(0x0A000006, 0xFFFFFFFF),)})
    assert send(executor("forward", program, firewall, others)).sent == ()


FAILURES = [
    ("silent", "guest-hang", "no answer to ARP"),
    ("stillborn", "guest-exit", "status 1"),
    ("exit3", "guest-exit", "status 3"),
    ("panic", "guest-panic", "panicked"),
    ("hang", "guest-hang", "no answer to ARP on outside"),
    ("noise", "guest-noise", "printed more than"),
    ("flood", "guest-noise", "sent more than 10000 frames"),
]


@pytest.mark.parametrize(("mode", "code", "message"), FAILURES, ids=[row[0] for row in FAILURES])
def test_failure(
    mode: str, code: str, message: str, program: Program, firewall: Pipeline, started: list[child.Child]
) -> None:
    machine = executor(mode, program, firewall)
    if mode == "silent":
        machine._limits = Limits(boot=0.5, answer=0.5)
    with pytest.raises(MachineFailure) as failure:
        send(machine)
    assert failure.value.diagnostic.code == code
    assert message in failure.value.diagnostic.message
    assert started and all(gone(machine) for machine in started)


def test_the_last_words_are_told(program: Program, firewall: Pipeline) -> None:
    with pytest.raises(MachineFailure) as died:
        send(executor("exit3", program, firewall))
    assert died.value.diagnostic.help == "last words"
    with pytest.raises(MachineFailure) as panicked:
        send(executor("panic", program, firewall))
    assert "at the disco" in (panicked.value.diagnostic.help or "")


def test_killed_in_the_middle(program: Program, firewall: Pipeline, started: list[child.Child]) -> None:
    with (
        pytest.raises(MachineFailure) as failure,
        executor("ignore", program, firewall).session("test") as session,
    ):
        session.send("outside", PACKET)
        os.kill(started[0].pid, 9)
        session.send("outside", PACKET)
    assert failure.value.diagnostic.code == "service-killed"
    assert "SIGKILL" in failure.value.diagnostic.message
    assert gone(started[0])


def test_an_interrupt_ends_the_machine(program: Program, firewall: Pipeline, started: list[child.Child]) -> None:
    with pytest.raises(KeyboardInterrupt), executor("ignore", program, firewall).session("test"):
        raise KeyboardInterrupt
    assert gone(started[0])


def test_a_binary_that_is_not_there(firewall: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(MachineFailure) as failure:
        send(ProcessExecutor(Surroundings(firewall), tmp_path / "no"))
    assert failure.value.diagnostic.code == "machine-start"
    assert "No such file" in failure.value.diagnostic.message


def test_what_went_over_the_wires_is_kept(program: Program, firewall: Pipeline, tmp_path: Path) -> None:
    from scapy.utils import rdpcap

    send(executor("forward", program, firewall, pcap=tmp_path / "caps"))
    outside = rdpcap(str(tmp_path / "caps" / "process.test.nic0.pcap"))
    inside = rdpcap(str(tmp_path / "caps" / "process.test.nic1.pcap"))
    assert PACKET in [bytes(frame)[14 : 14 + len(PACKET)] for frame in outside]
    assert PACKET in [bytes(frame)[14 : 14 + len(PACKET)] for frame in inside]
    assert all(len(frame) >= 60 for frame in [*outside, *inside])


def test_a_capture_directory_that_cannot_be(program: Program, firewall: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    problem = check_directory(tmp_path / "file" / "caps")
    assert problem is not None and problem.code == "unwritable-output"
    assert check_directory(tmp_path / "caps") is None
    with pytest.raises(MachineFailure) as failure:
        send(executor("ignore", program, firewall, pcap=tmp_path / "file" / "caps"))
    assert failure.value.diagnostic.code == "unwritable-output"


def test_capture_names_are_file_names() -> None:
    assert file_name("vm-virtio.a/b: ../c") == "vm-virtio.a-b-..-c"
    assert file_name("") == "machine"


# console output | text before the counters; None: not complete
OUTPUTS = [
    (b"counters eth0 a=1\ncounters machine a=1\ncounters end\n", b""),
    (b"log without end counters eth0 a=1\ncounters machine a=1\ncounters end\n", b"log without end "),
    (b"a\nb\r\ncounters machine a=1\r\ncounters end\r\n", b"a\nb\r\n"),
    (b"counters end\n", None),
    (b"counters eth0 a=1\ncounters machine a=1\ncounters en", None),
    (b"a counters machine a=1\ncounters end\nmore", b"a more"),
    (b"counters end\ncounters machine a=1\ncounters end\n", b"counters end\n"),
]


@pytest.mark.parametrize(("output", "text"), OUTPUTS)
def test_console_reports(output: bytes, text: bytes | None) -> None:
    report = console.complete(output)
    assert (report.text if report else None) == text
    assert report is None or report.counters["machine"] == {"a": 1}


def test_growth_is_what_was_counted_in_between() -> None:
    assert console.growth({"a": 1, "b": 2}, {"a": 1, "b": 5, "drop.c": 1}) == {"b": 3, "drop.c": 1}


def test_frames_are_padded_and_cut() -> None:
    frame = frames.ipv4_frame(b"\x02" * 6, b"\x06" * 6, PACKET)
    assert len(frame) == 60
    assert frames.parse_ipv4(frame) == PACKET
    assert frames.parse_ipv4(frames.arp_request(b"\x06" * 6, 0, 1)) is None
    assert frames.neighbour_of(frames.neighbour_mac(0x0A000005)) == 0x0A000005
    assert frames.neighbour_of(b"\x02" * 6) is None


@pytest.mark.parametrize("request_", [True, False])
def test_arp_both_ways(request_: bool) -> None:
    made = frames.arp_request(b"\x06" * 6, 5, 7) if request_ else frames.arp_reply(b"\x02" * 6, b"\x06" * 6, 5, 7)
    arp = frames.parse_arp(made)
    assert arp is not None
    assert (arp.request, arp.sender, arp.target, arp.sender_mac) == (request_, 5, 7, b"\x06" * 6)


@pytest.mark.parametrize("length", range(0, 60, 7))
def test_short_frames_are_nothing(length: int) -> None:
    frame = frames.arp_request(b"\x06" * 6, 5, 7)[:length]
    assert (frames.parse_arp(frame) is None) is (length < 42)
    assert frames.parse_ipv4(frame) is None
