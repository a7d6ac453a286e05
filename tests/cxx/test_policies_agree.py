"""Random policies on random flows: the skeleton OS as a process and the reference interpreter, side by side.

What is sent, by which Iface, to which neighbour, octet for octet, what is logged, and how much is delivered and dropped
must be the same. Run by itself with more policies:

    python -m tests.cxx.test_policies_agree FIRST_SEED LAST_SEED STEPS
"""

from __future__ import annotations

import random
import re
import socket
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from naclc.driver import Options, compile_policy
from naclc.image.build import build_image
from naclc.image.target import Image, Target
from naclc.interpret import header
from naclc.interpret.events import Delivered, Dropped, Logged, Sent
from naclc.interpret.machine import Machine
from naclc.net.addresses import format_address
from naclc.pipeline.pipeline import Pipeline
from naclc.source import SourceFile
from tests.cxx.random_policies import LINKS, TRAFFIC_ID, Flows, policy
from tests.cxx.test_net_agrees import BROADCAST, MACS, Process, mac, neighbour, number

ROUND = 10  # packets between two looks at what came out
Seen = Counter[tuple[int, bytes, bytes]]  # of Iface, MAC address of the neighbour, packet


class Tagged(Process):
    """A process whose NICs have the VLANs of LINKS; `send` and what is observed are by Iface."""

    def send(self, nic: int, packet: bytes) -> None:
        self._frame(nic, mac(MACS[LINKS[nic].nic]), neighbour(b"\x0a\0\0\x09"), b"\x08\0" + packet)

    def _frame(self, iface: int, to: bytes, source: bytes, rest: bytes) -> None:
        link = LINKS[iface]
        tag = b"\x81\0" + link.vlan.to_bytes(2, "big") if link.vlan else b""
        self.wires[link.nic].send((to + source + tag + rest).ljust(60, b"\0"))

    def _turn(self, nic: int, out: Seen) -> bool:
        probe = b"\x0a\0" + bytes((nic, 251))
        self._arp(nic, 1, probe, b"", b"\x0a\0" + bytes((nic, 1)))
        something = False
        while True:
            frame, iface = self.wires[nic].recv(2048), nic
            if frame[12:14] == b"\x81\0":
                iface = next(i for i, link in enumerate(LINKS) if (link.nic, link.vlan) == (nic, number(frame, 14)))
                frame = frame[:12] + frame[16:]
            if number(frame, 12) == 0x0806 and number(frame, 20) == 2 and frame[38:42] == probe:
                return something
            something = True
            if frame[12:14] == b"\x08\0":
                out[iface, frame[:6], frame[14 : 14 + number(frame, 16)]] += 1
            else:
                self._arp(iface, 2, frame[38:42], frame[6:12], b"\x0a\0" + bytes((LINKS[iface].net, 1)))

    def _arp(self, nic: int, operation: int, sender: bytes, target_mac: bytes, target: bytes) -> None:
        message = b"\x08\6\0\1\x08\0\6\4" + operation.to_bytes(2, "big") + neighbour(sender) + sender
        self._frame(nic, target_mac or BROADCAST, neighbour(sender), message + (target_mac or bytes(6)) + target)

    def printed(self, command: str = "") -> bytes:
        """Type a command; what has been printed since the last one."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{command}\nmemory\n".encode())
        self.process.stdin.flush()
        return b"".join(iter(self._line, b""))

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the machine has ended"
        return b"" if line.startswith(b"memory ") else line

    def end(self) -> dict[str, int]:
        """The counters of the machine."""
        printed, _ = self.process.communicate(b"counters\nexit\n", timeout=10)
        assert self.process.returncode == 0, printed
        line = re.search(rb"^counters machine (.*)$", printed, re.MULTILINE)
        assert line is not None
        return {name: int(count) for name, count in re.findall(r"(\S+)=(\d+)", line[1].decode())}


def comparable(octets: bytes) -> bytes:
    """Without what is unspecified: the identification of the machine's own packets, and so their checksum."""
    own = octets[4:6] != TRAFFIC_ID and octets[4] != 0x80
    return octets[:4] + b"\0\0" + octets[6:10] + b"\0\0" + octets[12:] if own else octets


def mac_of(iface: int, hop: int) -> bytes:
    to_all = format_address(hop) in ("255.255.255.255", f"10.0.{LINKS[iface].net}.255")
    return BROADCAST if to_all else neighbour(socket.inet_aton(format_address(hop)))


def compiled(dice: random.Random) -> tuple[str, str, Pipeline]:
    """A policy that is accepted, in C++ and as a pipeline."""
    while True:
        text = policy(dice)
        compilation = compile_policy(SourceFile("random.nacl", text), Options())
        if compilation.cpp is not None and compilation.pipeline is not None:
            return text, compilation.cpp, compilation.pipeline


class Comparison:
    """A process and the interpreter on the same flows."""

    def __init__(self, dice: random.Random, process: Tagged, pipeline: Pipeline) -> None:
        self._dice, self._process, self._machine, self._flows = dice, process, Machine(pipeline), Flows(dice)
        self._counted: Counter[str] = Counter()
        self.history: list[str] = []
        process.printed()

    def round(self) -> None:
        iface = self._dice.randrange(len(LINKS))
        expected, text = Counter[tuple[int, bytes, bytes]](), b""
        for _ in range(ROUND):
            octets = self._flows.next(iface)
            self.history.append(f"{LINKS[iface].name} {octets.hex()}")
            self._process.send(iface, octets)
            for event in self._machine.receive(iface, octets.ljust(42 if LINKS[iface].vlan else 46, b"\0")):
                match event:
                    case Sent(out, leaving, hop):
                        expected[out, mac_of(out, hop), comparable(leaving)] += 1
                        self._flows.left(out, leaving)
                    case Logged(line):
                        text += line
                    case Delivered() | Dropped():
                        self._counted[type(event).__name__] += 1
        observed = Counter[tuple[int, bytes, bytes]]()
        for (out, to, leaving), count in self._process.settle().items():
            assert header.checksum(leaving[: header.hdrlength(leaving)]) == 0, leaving.hex()
            observed[out, to, comparable(leaving)] += count
        assert (expected - observed, observed - expected) == ({}, {}), self.history
        assert self._process.printed() == text, self.history

    def wait(self) -> None:
        seconds = self._dice.choice((1, 2, 5, 9, 10, 11, 31, 130))
        self.history.append(f"+{seconds}s")
        self._process.printed(f"advance {seconds}")
        self._counted["Dropped"] += len(self._machine.wait(seconds))

    def end(self) -> None:
        counters = self._process.end()
        drops = sum(count for name, count in counters.items() if name.startswith(("drop.", "own-drop.")))
        assert {"Delivered": counters["delivered"], "Dropped": drops} == dict(self._counted)


def compare(seed: int, steps: int, work: Path) -> None:
    dice = random.Random(seed)
    text, cpp, pipeline = compiled(dice)
    (work / "service.cpp").write_text(cpp)
    image = build_image(work / "service.cpp", Target.LINUX, work / "service", sanitize=True)
    assert isinstance(image, Image), image
    process = Tagged(image.path, "--virtual-clock")
    comparison = Comparison(dice, process, pipeline)
    try:
        for _ in range(steps // ROUND):
            comparison.round()
            if dice.random() < 0.25:
                comparison.wait()
        comparison.end()
    except AssertionError as difference:
        raise AssertionError(f"seed {seed}\n{text}") from difference
    finally:
        process.process.kill()
        process.process.communicate()


@pytest.mark.parametrize("seed", range(3))
def test_process_and_interpreter_agree_on_a_random_policy(seed: int, tmp_path: Path) -> None:
    compare(seed, 600, tmp_path)


if __name__ == "__main__":
    for each in range(int(sys.argv[1]), int(sys.argv[2]) + 1):
        with tempfile.TemporaryDirectory() as place:
            try:
                compare(each, int(sys.argv[3]), Path(place))
                print(each, "agrees", flush=True)
            except AssertionError as difference:
                print(each, difference, str(difference.__cause__)[:4000], flush=True)
