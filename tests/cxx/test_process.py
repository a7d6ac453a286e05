"""The skeleton OS as a process: its NICs are sockets, its console is stdin and stdout. Runs with sanitizers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from naclc.image import Target

from .conftest import ASKER, Running, arp_request, running, service

Images = dict[Target, Path]


def start(images: Images, nics: int = 1, more: Sequence[str] = ()) -> AbstractContextManager[Running]:
    return running(lambda wires: service(images[Target.LINUX], wires, more), nics)


def test_answers_on_each_of_its_nics(images: Images) -> None:
    with start(images, nics=3) as machine:
        replies = [machine.first_reply(nic)[0] for nic in range(3)]
    assert [reply[:12] for reply in replies] == [ASKER + bytes([2, 0, 0, 0, 0, nic]) for nic in (1, 2, 3)]


def test_the_order_is_that_of_includeos(images: Images) -> None:
    with start(images) as machine:
        said = machine.wait_for("beat\nbeat\nbeat\n")
    order = ["service constructor", "Service::start", "register_plugin_nacl", "oneshot", "beat"]
    places = [said.index(line) for line in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "line, status", [("exit", 0), ("exit 0", 0), ("exit 127", 127), ("panic", 101), ("empty", 101)]
)
def test_the_status_is_the_exit_status(images: Images, line: str, status: int) -> None:
    with start(images) as machine:
        machine.wait_for("Service::start")
        machine.say(line)
        assert machine.status() == status


def test_a_status_out_of_range_is_refused(images: Images) -> None:
    with start(images) as machine:
        for line in ("exit 128", "exit -1", "exit now", "exit 99999999999999999999"):
            machine.say(line)
        machine.say("exit 5")
        assert machine.status() == 5
    assert machine.said.count("exit: the status is 0..127\n") == 4


def test_ends_at_sigterm(images: Images) -> None:
    with start(images) as machine:
        machine.wait_for("Service::start")
        machine.process.send_signal(signal.SIGTERM)
        assert machine.status() == -signal.SIGTERM


def test_the_end_of_input_ends_it_only_when_asked(images: Images) -> None:
    with start(images, more=["--exit-on-eof"]) as machine:
        machine.wait_for("Service::start")
        machine.end_input()
        assert machine.process.wait(10) == 0
    with start(images) as machine:
        machine.wait_for("Service::start")
        machine.end_input()
        machine.first_reply()
        machine.drain()
        assert machine.process.poll() is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nic"],
        ["--nic", "fd=99,mac=02:00:00:00:00:01"],
        ["--nic", "fd=0"],
        ["--nic", "fd=0,mac=02:00:00:00:00"],
        ["--nic", "fd=0,mac=02:00:00:00:00:01x"],
        ["--nic", "fd=-1,mac=02:00:00:00:00:01"],
        ["--frob"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_refused(images: Images, arguments: list[str]) -> None:
    run = subprocess.run(
        [str(images[Target.LINUX]), *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    assert run.returncode == 2
    assert "usage: service" in run.stderr


@pytest.mark.parametrize("kind", ["pipe", "stream", "seqpacket"])
def test_what_is_no_datagram_socket_is_refused(images: Images, kind: str) -> None:
    """Its end would seem readable for good: the machine would never sleep again."""
    if kind == "pipe":
        ours, theirs = os.pipe()
    else:
        pair = socket.socketpair(socket.AF_UNIX, getattr(socket, f"SOCK_{kind.upper()}"))
        ours, theirs = (end.detach() for end in pair)
    try:
        run = subprocess.run(
            [str(images[Target.LINUX]), "--nic", f"fd={ours},mac=02:00:00:00:00:01"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            pass_fds=[ours],
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert run.returncode == 2
    assert "not a datagram socket" in run.stderr


def test_a_console_that_nobody_reads_any_more_does_no_harm(images: Images) -> None:
    with start(images) as machine:
        machine.wait_for("Service::start")
        assert machine.process.stdout is not None
        machine.process.stdout.close()
        machine.say("nics")
        machine.say("nonsense")
        assert machine.first_reply()[0][6:12].hex() == "020000000001"
        machine.say("exit 7")
        assert machine.process.wait(20) == 7
        machine.process.stdout = None


def test_short_and_giant_frames_are_dropped(images: Images) -> None:
    with start(images) as machine:
        machine.first_reply()
        machine.drain()
        for size in (0, 1, 13, 1523, 4000, 60000):
            machine.wires[0].send((arp_request() * 1000)[:size])
        machine.wires[0].send(arp_request())
        replies = machine.drain()
        machine.say("nics")
        said = machine.wait_for("nics end\n")
    assert len(replies) == 1
    assert re.search(r"nic eth0 datagram 02:00:00:00:00:01 state=up received=\d+ .* receive-malformed=6 ", said)


def test_a_full_wire_blocks_nothing(images: Images) -> None:
    """Nobody reads the answers of the first NIC: the second one still answers, and so does the console."""
    with start(images, nics=2) as machine:
        machine.first_reply(1)
        wire = machine.wires[0]
        wire.setblocking(True)
        for _ in range(2000):
            wire.send(arp_request())
        assert machine.first_reply(1)[0][6:12].hex() == "020000000002"
        machine.say("memory")
        machine.wait_for("memory frames_free=")


def test_a_wire_that_is_cut_does_no_harm(images: Images) -> None:
    with start(images, nics=2) as machine:
        machine.first_reply(0)
        wire = machine.wires[0]
        wire.send(arp_request())
        wire.shutdown(socket.SHUT_RDWR)
        wire.close()
        assert machine.first_reply(1)[0][6:12].hex() == "020000000002"
        machine.wires.pop(0)


def test_an_idle_process_sleeps(images: Images) -> None:
    with start(images, nics=2) as machine:
        machine.first_reply()
        machine.wait_for("beat\nbeat\nbeat\n")
        machine.drain()
        stat = Path(f"/proc/{machine.process.pid}/stat")
        before = stat.read_text().rsplit(")", 1)[1].split()[11:13]
        time.sleep(1.0)
        after = stat.read_text().rsplit(")", 1)[1].split()[11:13]
    assert sum(map(int, after)) - sum(map(int, before)) <= 5


def test_virtual_time_stands_still_until_it_is_advanced(images: Images) -> None:
    with start(images, more=["--virtual-clock"]) as machine:
        machine.first_reply()
        time.sleep(0.2)  # longer than the first timers of the service take
        machine.say("nics")
        assert "beat" not in machine.wait_for("nics end\n") and "oneshot" not in machine.said
        began = time.monotonic()
        machine.say("advance 3600\nmemory")
        said = machine.wait_for("heap_used")
        assert time.monotonic() - began < 5
    assert said.count("beat\n") == 3 and said.index("oneshot") < said.index("beat") < said.rindex("memory ")


def test_time_that_cannot_be_advanced(images: Images) -> None:
    refused = ("advance", "advance 0", "advance -1", "advance 1000001", "advance 5 6", "advance 99999999999999999999")
    with start(images, more=["--virtual-clock"]) as machine:
        for line in refused:
            machine.say(line)
        machine.say("exit 5")
        assert machine.status() == 5
    assert machine.said.count("advance: the seconds are 1..1000000\n") == len(refused)
    assert "beat" not in machine.said


def test_time_is_real_unless_it_was_asked_to_be_virtual(images: Images) -> None:
    with start(images) as machine:
        machine.say("advance 5\nexit 6")
        assert machine.status() == 6
    assert "unknown command" in machine.said
