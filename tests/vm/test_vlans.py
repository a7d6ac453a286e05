"""VLANs on the wire: tagged and untagged Ifaces forward the longest packets to each other, as a process and on a
booted VM with each model of NIC."""

from __future__ import annotations

import itertools
import os
import select
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from naclc.driver import Options, compile_policy
from naclc.image import Image, Target, build_image
from naclc.interpret.division import pieces
from naclc.interpret.header import checksum
from naclc.source import SourceFile
from naclc.verify import qemu
from naclc.verify.wire import child

MODELS = ("virtio", "vmxnet3", "mixed")  # that the skeleton OS has drivers for
MACHINES = ["process", *(pytest.param(model, marks=pytest.mark.vm) for model in MODELS)]
MACS = ("02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c")

POLICY = """
Iface plain { index: 0, address: 10.0.0.1, netmask: 255.255.255.0 }
Iface red   { index: 0, vlan: 10, address: 10.0.10.1, netmask: 255.255.255.0 }
Iface blue  { index: 0, vlan: 4094, address: 10.0.20.1, netmask: 255.255.255.0 }
Iface other { index: 1, address: 10.0.1.1, netmask: 255.255.255.0, send_queue_limit: 200, buffer_limit: 100 }
Iface alone { index: "02:00:00:00:00:0c", vlan: 10, address: 10.0.30.1, netmask: 255.255.255.0 }
Gateway router {
  r0: { net: 10.0.0.0, netmask: 255.255.255.0, iface: plain },
  r1: { net: 10.0.10.0, netmask: 255.255.255.0, iface: red },
  r2: { net: 10.0.20.0, netmask: 255.255.255.0, iface: blue },
  r3: { net: 10.0.1.0, netmask: 255.255.255.0, iface: other },
  r4: { net: 10.0.30.0, netmask: 255.255.255.0, iface: alone }
}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host is: on the wire of NIC `nic`, in VLAN `vlan` (None: without tag), at 10.0.`subnet`.2."""

    nic: int
    vlan: int | None
    subnet: int

    @property
    def mac(self) -> bytes:
        return bytes((6, 0xBB, 0, 0, self.subnet, 2))

    def address(self, last: int) -> bytes:
        return bytes((10, 0, self.subnet, last))

    def frame(self, to: bytes, source: bytes, kind: int, payload: bytes) -> bytes:
        """As it is on the wire, padded."""
        bare = (to + source + kind.to_bytes(2, "big") + payload).ljust(60, b"\0")
        tag = b"" if self.vlan is None else b"\x81\0" + self.vlan.to_bytes(2, "big")
        return bare[:12] + tag + bare[12:]


PLACES = (Place(0, None, 0), Place(0, 10, 10), Place(0, 4094, 20), Place(1, None, 1), Place(2, 10, 30))


def own_mac(place: Place) -> bytes:
    return bytes.fromhex(MACS[place.nic].replace(":", ""))


def ipv4(source: bytes, destination: bytes, protocol: int, data: bytes, ttl: int = 64) -> bytes:
    start = b"\x45\0" + (20 + len(data)).to_bytes(2, "big") + b"\x12\x34\0\0" + bytes((ttl, protocol))
    bare = start + bytes(2) + source + destination
    return start + checksum(bare).to_bytes(2, "big") + source + destination + data


class Wires:
    """A running machine, its wires and its console. `pads`: QEMU fills up frames for its first NIC to 60 octets."""

    def __init__(self, machine: child.Child, *, pads: bool) -> None:
        self._machine = machine
        self.pads = pads

    def send(self, place: Place, frame: bytes) -> None:
        self._machine.nics[place.nic].send(frame)

    def receive(self, nic: int, seconds: float = 10.0) -> bytes:
        """The next frame on the wire of `nic`."""
        ready = select.select([self._machine.nics[nic]], [], [], seconds)[0]
        return self._machine.nics[nic].recv(4096) if ready else b""

    def meet(self) -> None:
        """Every host asks for its Iface's address, until it answers; so the machine knows all of them."""
        for place in PLACES:
            end = time.monotonic() + 30
            question = b"\0\1\x08\0\6\4\0\1" + place.mac + place.address(2) + bytes(6) + place.address(1)
            answer = b""
            while not answer and time.monotonic() < end:
                self.send(place, place.frame(b"\xff" * 6, place.mac, 0x0806, question))
                answer = self.receive(place.nic, 0.5)
            said = b"\0\1\x08\0\6\4\0\2" + own_mac(place) + place.address(1) + place.mac + place.address(2)
            assert answer == place.frame(place.mac, own_mac(place), 0x0806, said)
            while self.receive(place.nic, 0.3):
                pass  # answers to questions that were repeated during the boot

    def ask(self, question: str) -> str:
        """What the console says from `question` on until its end."""
        os.write(self._machine.console_in, question.encode() + b"\n")
        said = ""
        while f"{question} end" not in said:
            assert select.select([self._machine.console_out], [], [], 10)[0], said
            said += os.read(self._machine.console_out, 1 << 16).decode()
        return said


@cache
def built(target: Target, work: Path) -> Path:
    compilation = compile_policy(SourceFile("vlans.nacl", POLICY), Options(system="skeleton"))
    assert compilation.cpp is not None, compilation.diagnostics
    service = work / f"{target.value}.cpp"
    service.write_text(compilation.cpp, encoding="utf-8")
    image = build_image(service, target, work / target.value)
    assert isinstance(image, Image), image
    return image.path


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vlans")


@pytest.fixture(params=MACHINES)
def wires(request: pytest.FixtureRequest, work: Path) -> Iterator[Wires]:
    def command(nics: Sequence[int], _control: int | None) -> list[str]:
        pairs = zip(nics, MACS, strict=True)
        return [str(built(Target.LINUX, work)), *(part for n, mac in pairs for part in ("--nic", f"fd={n},mac={mac}"))]

    if request.param == "process":
        machine = child.start(command, len(MACS))
    else:
        machine = qemu.start(built(Target.PC, work), MACS, qemu.Hardware(nic=request.param))
    try:
        running = Wires(machine, pads=request.param == "vmxnet3")
        running.meet()
        yield running
    finally:
        machine.close()


def test_tagged_and_untagged_forward_the_longest_packets_to_each_other(wires: Wires) -> None:
    for (source, target), size in itertools.product(itertools.product(PLACES, PLACES), (1472, 18)):
        data = bytes(8) + os.urandom(size)
        packet = ipv4(source.address(2), target.address(2), 17, data)
        sent = source.frame(own_mac(source), source.mac, 0x0800, packet)
        assert size != 1472 or len(sent) == (1514 if source.vlan is None else 1518)
        wires.send(source, sent)
        expected = ipv4(source.address(2), target.address(2), 17, data, ttl=63)
        assert wires.receive(target.nic) == target.frame(target.mac, own_mac(target), 0x0800, expected)
    counters = wires.ask("counters")
    for device in ("eth0", "eth0.10", "eth0.4094", "eth1", "eth2.10"):
        assert f"counters {device} received=10 delivered=0 forwarded=10 held=0 dropped=0 sent=10 " in counters
    assert "drop." not in counters


def test_tags_that_name_no_vlan_are_counted(wires: Wires) -> None:
    for nic, vlan in ((0, 11), (0, 4095), (1, 10), (2, 11)):
        place = Place(nic, vlan, 10)
        wires.send(place, place.frame(own_mac(place), place.mac, 0x0800, bytes(1500)))
    inner = PLACES[1].frame(own_mac(PLACES[1]), PLACES[1].mac, 0x0800, bytes(1500))
    wires.send(PLACES[1], inner[:12] + b"\x81\0\0\x0a" + inner[12:])
    wires.send(PLACES[1], inner[:17])
    end = time.monotonic() + 10
    device, reason = ("eth0.10", "bad-version") if wires.pads else ("eth0", "vlan-truncated")
    while f"drop.{reason}=" not in (counters := wires.ask("counters")) and time.monotonic() < end:
        pass
    found = {line.split()[1]: line for line in counters.splitlines() if line.startswith("counters eth")}
    assert f" drop.{reason}=1" in found[device]
    for drop in ("vlan-unknown=2", "vlan-double-tag=1"):
        assert f" drop.{drop}" in found["eth0"]
    assert " drop.vlan-unexpected=1" in found["eth1"] and " drop.vlan-unknown=1" in found["eth2"]


def test_a_large_ping_is_answered_in_its_vlan(wires: Wires) -> None:
    for place in PLACES:
        message = b"\x08\0\0\0\0\7\0\1" + os.urandom(20_000)
        message = message[:2] + checksum(message).to_bytes(2, "big") + message[4:]
        for piece in pieces(ipv4(place.address(2), place.address(1), 1, message)):
            wires.send(place, place.frame(own_mac(place), place.mac, 0x0800, piece))
        answer = b""
        while len(answer) < len(message):
            frame = wires.receive(place.nic)
            assert frame, f"only {len(answer)} octets of the answer came"
            assert frame[:12] == place.mac + own_mac(place)
            packet = frame[14 if place.vlan is None else 18 :]
            answer += packet[20 : int.from_bytes(packet[2:4], "big")]
        assert answer[:2] == bytes(2) and answer[4:] == message[4:] and checksum(answer) == 0
