"""The NICs of a booted machine: both kinds, side by side, at their bounds, and gone."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from naclc.image import Target

from .conftest import ASKER, MIXED, VIRTIO, VMXNET3, Running, arp_request, qemu, running

pytestmark = pytest.mark.vm

Images = dict[Target, Path]
KINDS = [VIRTIO, VMXNET3]
RING = {VIRTIO: 256, VMXNET3: 1023}  # receive buffers, where there is memory enough


@contextmanager
def boot(images: Images, device: str, nics: int = 1) -> Iterator[Running]:
    """A machine that answers."""
    with running(lambda wires: qemu(images[Target.PC], wires, device=device), nics) as vm:
        for nic in range(nics):
            vm.first_reply(nic)
        vm.drain()
        yield vm


def nic_counters(vm: Running, nic: int = 0) -> dict[str, int]:
    vm.said = ""
    vm.say("nics")
    line = next(line for line in vm.wait_for("nics end\n").splitlines() if line.startswith(f"nic eth{nic} "))
    return {name: int(value) for name, value in re.findall(r"([a-z-]+)=(\d+)", line)}


def drops(vm: Running) -> dict[str, int]:
    vm.said = ""
    vm.say("counters")
    said = vm.wait_for("counters end\n")
    line = next(line for line in said.splitlines() if line.startswith("counters machine "))
    return {name: int(value) for name, value in re.findall(r" drop\.([a-z-]+)=(\d+)", line)}


def test_both_kinds_are_numbered_in_pci_order(images: Images) -> None:
    with boot(images, MIXED, nics=5) as vm:
        vm.say("nics")
        said = vm.wait_for("nics end\n")
    found = re.findall(r"nic eth(\d) (\w+) 02:00:00:00:00:0(\d) state=up", said)
    kinds = ["virtionet", "vmxnet3"]
    assert found == [(str(number), kinds[number % 2], str(number + 1)) for number in range(5)]


@pytest.mark.parametrize("device", KINDS)
def test_of_a_burst_larger_than_the_ring_what_had_room_is_received(images: Images, device: str) -> None:
    with boot(images, device) as vm:
        before = nic_counters(vm)
        vm.wires[0].setblocking(True)
        for _ in range(3000):
            vm.wires[0].send(arp_request())
        vm.wires[0].setblocking(False)
        answered = len(vm.drain())
        after = nic_counters(vm)
        reply, _ = vm.first_reply()
    done = {name: after[name] - before[name] for name in after}
    assert done["received"] >= RING[device]
    assert done["received"] == done["transmitted"] + done["transmit-full"]
    assert done["transmitted"] >= answered
    assert (after["receive-malformed"], after["transmit-malformed"]) == (0, 0)
    assert reply[:6] == ASKER


@pytest.mark.parametrize("device", KINDS)
@pytest.mark.parametrize("length, reaches", [(64, True), (1518, True), (1522, True), (1523, False)])
def test_a_tagged_frame_reaches_the_stack_with_its_tag(images: Images, device: str, length: int, reaches: bool) -> None:
    """No Iface has VLAN 100: the stack sees the tag, and counts the frame by it."""
    frame = bytes.fromhex("020000000001") + ASKER + bytes.fromhex("81000064 0800")
    with boot(images, device) as vm:
        before, dropped = nic_counters(vm), drops(vm)
        vm.wires[0].send(frame + bytes(length - len(frame)))
        vm.first_reply()
        after, now = nic_counters(vm), drops(vm)
    told = not reaches and device == VMXNET3  # virtio-net does not tell of it at all
    assert after["receive-malformed"] - before["receive-malformed"] == int(told)
    changed = {reason for reason in now if now[reason] != dropped.get(reason, 0)}
    assert bool(changed) == reaches, changed


def test_frames_to_others_are_not_handed_up_by_vmxnet3(images: Images) -> None:
    with boot(images, VMXNET3) as vm:
        before = nic_counters(vm)["received"]
        for address in ("020000000009", "01005e000001", "333300000001"):
            vm.wires[0].send(bytes.fromhex(address) + arp_request()[6:])
        time.sleep(0.2)
        assert nic_counters(vm)["received"] == before


def monitor(path: Path) -> socket.socket:
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(5.0)
    link.connect(str(path))
    return link


def tell(link: socket.socket, line: str) -> None:
    """Say `line` to QEMU's monitor; back when it has been done."""
    link.sendall(line.encode() + b"\nprint/d 40000+2\n")
    said = b""
    while b"40002" not in said:
        chunk = link.recv(65536)
        assert chunk
        said += chunk


@pytest.mark.parametrize("device", [*KINDS, MIXED])
def test_a_nic_that_leaves_the_bus_is_named_and_the_others_go_on(images: Images, device: str, tmp_path: Path) -> None:
    """The ACPI registers of the machine `pc` eject slot 5, as an operating system that was asked to would."""

    def command(wires: list[int]) -> list[str]:
        words = qemu(images[Target.PC], wires, "pc", device)
        places = [number for number, word in enumerate(words) if ",netdev=n" in word]
        for nic, place in enumerate(places):
            words[place] += f",id=nic{nic},addr={4 + nic}.0"
        return [*words, "-monitor", f"unix:{tmp_path}/monitor,server=on,wait=off"]

    with running(command, 2) as vm:
        for nic in range(2):
            vm.first_reply(nic)
        with monitor(tmp_path / "monitor") as link:
            tell(link, "device_del nic1")
            tell(link, "o/4 0xae10 0")
            tell(link, f"o/4 0xae08 {1 << 5}")
            vm.wait_for("nic eth1: the device is gone; not used any more\n")
        for _ in range(50):
            vm.first_reply(0)
        vm.say("nics")
        assert re.search(r"nic eth1 \w+ 02:00:00:00:00:02 state=gone ", vm.wait_for("nics end\n"))
        vm.say("exit 0")
        assert vm.status() == 0


def test_a_link_that_goes_and_comes_is_told(images: Images, tmp_path: Path) -> None:
    def command(wires: list[int]) -> list[str]:
        words = qemu(images[Target.PC], wires, device=f"{VMXNET3},id=nic0")
        return [*words, "-monitor", f"unix:{tmp_path}/monitor,server=on,wait=off"]

    with running(command, 1) as vm:
        vm.first_reply()
        with monitor(tmp_path / "monitor") as link:
            tell(link, "set_link nic0 off")
            vm.wait_for("nic eth0: link down\n")
            tell(link, "set_link nic0 on")
            vm.wait_for("nic eth0: link up\n")
        vm.drain()
        reply, _ = vm.first_reply()
    assert reply[:6] == ASKER
