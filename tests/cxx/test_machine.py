"""The skeleton OS in QEMU: it boots, answers, sleeps, and tells how it ended."""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from naclc.image import Target

from .conftest import ASKER, VIRTIO, VMXNET3, Running, arp_request, qemu, running

pytestmark = pytest.mark.vm

Images = dict[Target, Path]


def boot(
    images: Images,
    nics: int = 1,
    machine: str = "q35",
    device: str = VIRTIO,
    more: Sequence[str] = (),
) -> AbstractContextManager[Running]:
    return running(lambda wires: qemu(images[Target.PC], wires, machine, device, more), nics)


@pytest.mark.parametrize("machine", ["q35", "pc"])
@pytest.mark.parametrize(
    "device", [VIRTIO, "virtio-net-pci,disable-legacy=off", VMXNET3], ids=["id-1041", "id-1000", "vmxnet3"]
)
def test_boots_and_answers(images: Images, machine: str, device: str) -> None:
    with boot(images, machine=machine, device=device) as vm:
        reply, _ = vm.first_reply()
    assert reply[:12] == ASKER + bytes.fromhex("020000000001")
    assert reply[20:22] == b"\x00\x02"


def test_the_order_is_that_of_includeos(images: Images) -> None:
    with boot(images) as vm:
        said = vm.wait_for("beat\nbeat\nbeat\n")
    order = ["service constructor", "Service::start", "register_plugin_nacl", "oneshot", "beat"]
    places = [said.index(line) for line in order]
    assert places == sorted(places)


@pytest.mark.parametrize("device", [VIRTIO, f"{VMXNET3} {VIRTIO}"])
def test_nics_are_numbered_in_pci_order_and_behind_bridges(images: Images, device: str) -> None:
    bridge = ["-device", "pcie-root-port,id=slot1,chassis=1"]
    with running(lambda wires: _behind_port(images, wires, device, bridge), 2) as vm:
        first, _ = vm.first_reply(0)
        second, _ = vm.first_reply(1)
    assert (first[6:12].hex(), second[6:12].hex()) == ("020000000001", "020000000002")


def _behind_port(images: Images, wires: list[int], device: str, bridge: list[str]) -> list[str]:
    command = qemu(images[Target.PC], wires, device=device)
    place = command.index("-netdev")
    command[place:place] = bridge
    devices = [number for number, part in enumerate(command) if ",netdev=n" in part]
    command[devices[0]] += ",bus=slot1"
    return command


def test_a_legacy_device_is_refused_and_the_rest_runs(images: Images) -> None:
    with boot(images, machine="pc", device="virtio-net-pci,disable-modern=on,disable-legacy=off") as vm:
        said = vm.wait_for("Service::start")
    assert re.search(r"virtio-net at 00:0\d\.0: a legacy device.*; not used", said)


def test_a_device_without_message_interrupts_is_refused(images: Images) -> None:
    with boot(images, device=f"{VIRTIO},vectors=0") as vm:
        assert "it has no MSI-X; not used" in vm.wait_for("Service::start")


@pytest.mark.parametrize("device", [VIRTIO, VMXNET3])
def test_an_address_of_a_group_is_refused(images: Images, device: str) -> None:
    with boot(images, device=f"{device},mac=01:00:5e:00:00:01") as vm:
        assert "its MAC address is no single host's; not used" in vm.wait_for("Service::start")


def test_of_two_notification_structures_the_one_in_memory_is_used(images: Images) -> None:
    with boot(images, device=f"{VIRTIO},modern-pio-notify=on") as vm:
        reply, _ = vm.first_reply()
    assert reply[6:12].hex() == "020000000001"


def test_nics_beyond_the_bound_are_named(images: Images) -> None:
    """34 without wires, eight to a slot."""
    places = [f"addr={2 + number // 8:x}.{number % 8}" for number in range(34)]
    devices = [part for place in places for part in ("-device", f"virtio-net-pci,multifunction=on,{place}")]
    with boot(images, nics=0, more=["-m", "64", *devices]) as vm:
        said = vm.wait_for("Service::start")
        vm.say("nics")
        vm.wait_for("nics end\n")
    assert re.findall(r"virtio-net at (00:..\..): more than 32 NICs; not used", said) == ["00:06.0", "00:06.1"]
    assert vm.said.count(" virtionet ") == 32


@pytest.mark.parametrize(
    "more, why",
    [
        (["-cpu", "qemu64,-apic"], "panic: the processor has no local APIC"),
        (["-machine", "q35,pit=off"], "panic: the interval timer (8254) does not count"),
        (["-m", "3"], "panic: out of memory"),
    ],
    ids=["apic", "pit", "memory"],
)
def test_a_machine_that_lacks_something_says_so(images: Images, more: list[str], why: str) -> None:
    with boot(images, more=more) as vm:
        assert vm.status() == 203
    assert why in vm.said


def test_runs_without_a_nic(images: Images) -> None:
    with boot(images, nics=0) as vm:
        vm.wait_for("beat\nbeat\nbeat\n")
        vm.say("exit 0")
        assert vm.status() == 0


@pytest.mark.parametrize(
    "line, status",
    [("exit", 0), ("exit 0", 0), ("exit 1", 3), ("exit 7", 15), ("exit 127", 255), ("panic", 203)],
)
def test_the_status_reaches_the_shell(images: Images, line: str, status: int) -> None:
    with boot(images, nics=0) as vm:
        vm.wait_for("Service::start")
        vm.say(line)
        assert vm.status() == status


@pytest.mark.parametrize(
    "command, why",
    [
        ("null", "panic: page fault"),
        ("text", "panic: page fault"),
        ("overflow", "panic: stack overflow"),
        ("divide", "panic: divide error"),
        ("hoard", "panic: out of memory"),
        ("empty", "panic: an empty delegate was called"),
    ],
)
def test_a_fault_is_a_panic_with_its_reason(images: Images, command: str, why: str) -> None:
    with boot(images, nics=1) as vm:
        vm.wait_for("Service::start")
        vm.say(command)
        assert vm.status() == 203
    assert why in vm.said


def test_the_console_commands_answer(images: Images) -> None:
    with boot(images) as vm:
        vm.wait_for("Service::start")
        vm.say("strings some longer words that do not fit in place")
        vm.wait_for("in place,some longer words that do not fit in place,")
        vm.say("memory")
        vm.say("counters")
        said = vm.wait_for("counters end\n")
        assert re.search(r"memory frames_free=\d+ heap_used=\d+ heap_capacity=\d+\n", said)
        vm.say("nonsense")
        vm.wait_for("unknown command\n")
        vm.say("x" * 5000)
        vm.wait_for("line too long\n")


def test_what_was_typed_before_the_boot_is_not_lost(images: Images) -> None:
    with boot(images) as vm:
        vm.say("strings typed early")
        vm.wait_for("typed early,typed early,typed early,\n")


def test_the_clock_runs_at_the_right_rate(images: Images) -> None:
    with boot(images, nics=0) as vm:
        vm.wait_for("beat\nbeat\nbeat\n")
        readings = []
        for _ in range(2):
            vm.said = ""
            vm.say("clock")
            at = time.monotonic()
            readings.append((at, int(vm.wait_for("\n").split()[0]) / 1e9))
            time.sleep(1.0)
    (host_from, guest_from), (host_to, guest_to) = readings
    assert abs((guest_to - guest_from) - (host_to - host_from)) < 0.1


@pytest.mark.parametrize("device", [VIRTIO, VMXNET3])
def test_an_idle_machine_sleeps(images: Images, device: str) -> None:
    with boot(images, nics=2, device=device) as vm:
        vm.first_reply()
        vm.wait_for("beat\nbeat\nbeat\n")
        vm.drain()
        before = _processor_seconds(vm.process.pid)
        time.sleep(2.0)
        used = _processor_seconds(vm.process.pid) - before
    assert used < 0.2


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("device", [VIRTIO, VMXNET3])
def test_no_wake_up_is_lost(images: Images, device: str) -> None:
    """Single packets with pauses around the time that the machine takes to fall asleep: each is answered."""
    with boot(images, device=device) as vm:
        vm.first_reply()
        vm.drain()
        wire = vm.wires[0]
        wire.settimeout(2.0)
        answered = 0
        for number in range(4000):
            wire.send(arp_request())
            answered += len(wire.recv(4096)) > 0
            time.sleep(number % 20 * 1e-5)
    assert answered == 4000


@pytest.mark.parametrize("device", [VIRTIO, VMXNET3])
def test_seventy_thousand_frames_are_all_answered_and_accounted_for(images: Images, device: str) -> None:
    """The indices of the rings wrap, the sender is faster than the machine, and no frame and no memory is lost.

    virtio-net lets the sender wait; vmxnet3 would lose what its ring has no room for.
    """
    most = 200 if device == VMXNET3 else 70_000
    with boot(images, device=device) as vm:
        vm.first_reply()
        vm.drain()
        free = _frames_free(vm)
        wire = vm.wires[0]
        request = arp_request()
        sent = answered = 0
        while sent < 70_000:
            room = most - (sent - answered)
            readable, writable, _ = select.select([wire], [wire] if room > 0 else [], [], 5)
            assert readable or writable
            with contextlib.suppress(BlockingIOError):
                while readable:
                    answered += len(wire.recv(4096)) > 0
            with contextlib.suppress(BlockingIOError):
                for _ in range(min(200, room) if writable else 0):
                    wire.send(request)
                    sent += 1
        answered += len(vm.drain())
        vm.said = ""
        vm.say("counters")
        said = vm.wait_for("counters end\n").splitlines()
        line = next(line for line in said if line.startswith("counters eth0 "))
        left = _frames_free(vm)
    counted = {name: int(value) for name, value in (part.split("=") for part in line.split()[2:])}
    full = counted.get("drop.transmit-full", 0)
    assert counted["arp"] >= sent
    assert counted["arp"] == counted["arp-sent"] + full
    assert answered >= sent - full
    assert abs(left - free) <= 128  # what rests in the transmit ring


def _frames_free(vm: Running) -> int:
    vm.said = ""
    vm.say("memory")
    said = vm.wait_for("heap_capacity=")
    found = re.search(r"frames_free=(\d+)", said)
    assert found
    return int(found[1])


@pytest.mark.parametrize("device", [VIRTIO, VMXNET3])
def test_a_flood_of_everything_does_not_stop_it(images: Images, device: str) -> None:
    sizes = (1, 13, 14, 15, 41, 60, 1514, 1522, 1523, 4000)
    with boot(images, device=device) as vm:
        vm.first_reply()
        for number in range(3000):
            size = sizes[number % len(sizes)]
            frame = (arp_request() * 100)[:size]
            vm.wires[0].setblocking(True)
            vm.wires[0].send(frame)
            vm.wires[0].setblocking(False)
            if number % 50 == 0:
                vm.drain()
        vm.drain()
        reply, _ = vm.first_reply()
        vm.say("exit 0")
        assert vm.status() == 0
    assert reply[6:12].hex() == "020000000001"
