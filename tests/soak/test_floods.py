"""Tables that are full: what is established goes on, every loss has its reason, and room comes back.

The machine is a process with a clock that stands still, so that each number is exact; one flood is of booted machines.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from naclc.image import Target
from naclc.interpret.header import checksum
from naclc.verify import qemu
from naclc.verify.wire import child
from tests.soak.soak import MACS, ask, build, read_until, say
from tests.soak.wires import INSIDE, OWN, WORLD, Wires, octets, packet, ports, tcp, udp

POLICY = """\
Iface world { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, masquerade: true }
Iface inside { index: 1, address: 10.0.0.1, netmask: 255.255.0.0 }
Gateway router {
  to_inside: { net: 10.0.0.0, netmask: 255.255.0.0, iface: inside },
  to_world: { net: 0.0.0.0, netmask: 0.0.0.0, iface: world, nexthop: 192.0.2.254 },
  forward: through
}
Filter::IP through { accept }
"""
HOST, SERVER = octets("10.0.0.4"), octets("198.51.100.9")
SYN, ACK, SYN_ACK = 2, 16, 18
Machine = tuple[child.Child, Wires]


def inside(number: int) -> bytes:
    """The address of a host that floods."""
    return bytes([10, 0, 1 + number // 250, 1 + number % 250])


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], AbstractContextManager[Machine]]:
    """Starts the machine of POLICY with such a Conntrack."""

    @contextmanager
    def start(conntrack: str) -> Iterator[Machine]:
        folder = tmp_path_factory.mktemp("flood")
        image = build(f"{POLICY}Conntrack flows {{ {conntrack} }}", Target.LINUX, folder, sanitize=True)

        def command(wires: object, _control: int | None) -> list[str]:
            assert isinstance(wires, list)
            named = [f"fd={wire},mac={mac}" for wire, mac in zip(wires, MACS, strict=True)]
            return [str(image), "--nic", named[0], "--nic", named[1], "--exit-on-eof", "--virtual-clock"]

        machine = child.start(command, len(MACS))
        try:
            read_until(machine, b"NaCl: ")
            yield machine, Wires(machine)
        finally:
            machine.close()

    return start


class Established:
    """A flow from inside to the world, behind the port that it was masqueraded by."""

    def __init__(self, wires: Wires, build_packet: Callable[[bytes, int, bytes, int, int], bytes]) -> None:
        self._wires, self._build = wires, build_packet
        ((nic, out),) = wires.exchange([(INSIDE, build_packet(HOST, 1000, SERVER, 80, SYN))])
        assert (nic, out[12:16]) == (WORLD, OWN[WORLD])
        self.port = ports(out)[0]
        self.goes_on(SYN_ACK, ACK)

    def goes_on(self, back: int = ACK, on: int = ACK) -> None:
        """A packet of it passes each way."""
        answer = self._build(SERVER, 80, OWN[WORLD], self.port, back)
        ((nic, content),) = self._wires.exchange([(WORLD, answer)])
        assert (nic, content[16:20], ports(content)) == (INSIDE, HOST, (80, 1000))
        ((nic, content),) = self._wires.exchange([(INSIDE, self._build(HOST, 1000, SERVER, 80, on))])
        assert (nic, content[12:16], ports(content)) == (WORLD, OWN[WORLD], (self.port, 80))


def udp_of(source: bytes, sport: int, target: bytes, dport: int, _flags: int) -> bytes:
    return udp(source, sport, target, dport)


def dropped(machine: child.Child) -> dict[str, int]:
    counters = ask(machine).counters
    for counts in counters.values():
        parts = counts["delivered"] + counts["forwarded"] + counts["held"] + counts["dropped"]
        assert counts["received"] == parts
    return {name: value for name, value in counters["machine"].items() if name.startswith("drop.")}


def advance(machine: child.Child, seconds: int) -> None:
    """So much time passes at once; what is asked behind it is answered after it."""
    say(machine, f"advance {seconds}")
    ask(machine)


def flood(wires: Wires, flow: Established, packets: list[tuple[int, bytes]], step: int = 250) -> int:
    """Send them while the flow goes on; how many came out at the other side."""
    through = 0
    for at in range(0, len(packets), step):
        through += len(wires.exchange(packets[at : at + step]))
        flow.goes_on()
    return through


def test_a_table_full_of_half_open_connections(process: Callable[[str], AbstractContextManager[Machine]]) -> None:
    with process("limit: 2000, stateful_tcp: true") as (machine, wires):
        flow = Established(wires, tcp)
        syns = [(INSIDE, tcp(inside(number), 1024 + number, SERVER, 80, SYN)) for number in range(1500)]
        assert flood(wires, flow, syns) == 999  # 1000 connections, less the one that is established
        assert dropped(machine) == {"drop.forward": 501}
        advance(machine, 131)  # SYN_SENT lasts 120 s, and a sweep comes every 10 s
        flow.goes_on()
        assert flood(wires, flow, syns[-100:]) == 100
        assert dropped(machine) == {"drop.forward": 501}


def test_no_port_is_left(process: Callable[[str], AbstractContextManager[Machine]]) -> None:
    with process("limit: 40000") as (machine, wires):
        flow = Established(wires, udp_of)
        new = [(INSIDE, udp(inside(number), 2000, SERVER, 53)) for number in range(16_384 + 200)]
        came = []
        for at in range(0, len(new), 2048):
            came += wires.exchange(new[at : at + 2048])
            flow.goes_on()
        taken = {ports(content)[0] for _, content in came} | {flow.port}
        assert len(came) == 16_383
        assert taken == set(range(49_152, 65_536))  # each of them once
        assert dropped(machine) == {"drop.ports-exhausted": 201}
        for _ in range(4):  # the flow is renewed, the others end
            advance(machine, 6)
            flow.goes_on()
        assert flood(wires, flow, new[:100]) == 100
        assert dropped(machine) == {"drop.ports-exhausted": 201}


def test_neighbours_that_nobody_is(process: Callable[[str], AbstractContextManager[Machine]]) -> None:
    with process("limit: 40000") as (machine, wires):
        flow = Established(wires, udp_of)
        scan = [(WORLD, udp(SERVER, 53, inside(number), 53)) for number in range(3000)]
        assert flood(wires, flow, scan) == 0
        advance(machine, 5)
        losses = dropped(machine)
        assert losses.keys() == {"drop.arp-queue-full", "drop.arp-timeout"}
        assert sum(losses.values()) == 3000
        assert losses["drop.arp-timeout"] <= 128  # half of 256: there are two Ifaces
        wires.known.add(inside(7))
        assert len(wires.exchange([(WORLD, udp(SERVER, 53, inside(7), 54))])) == 1
        assert ask(machine).memory["frames_free"] >= 1024


def test_datagrams_that_never_end(process: Callable[[str], AbstractContextManager[Machine]]) -> None:
    with process("limit: 2000, stateful_tcp: true") as (machine, wires):
        flow = Established(wires, tcp)
        whole = bytes.fromhex("0800 0000 0001 0001") + bytes(range(40))
        whole = whole[:2] + checksum(whole).to_bytes(2, "big") + whole[4:]
        pieces = [(whole[:24], 0x2000), (whole[24:], 3)]
        for number in range(0, 400, 20):
            first = [
                (WORLD, packet(inside(source), OWN[WORLD], 17, bytes(64), identification=source, piece=0x2000))
                for source in range(number, number + 20)
            ]
            assert wires.exchange(first) == []
            ping = [
                (INSIDE, packet(HOST, OWN[INSIDE], 1, data, identification=number, piece=at)) for data, at in pieces
            ]
            ((nic, reply),) = wires.exchange(ping)
            assert (nic, reply[12:16], reply[28:]) == (INSIDE, OWN[INSIDE], whole[8:])
            flow.goes_on()
        full = dropped(machine)["drop.reassembly-full"]
        assert 400 - full in (15, 16)
        advance(machine, 31)
        assert dropped(machine) == {"drop.reassembly-full": full, "drop.fragment-timeout": 400 - full}


@pytest.mark.vm
def test_a_booted_machine_whose_table_is_full() -> None:
    conntrack = "limit: 2000, timeout: { unconfirmed: { tcp: 5 }, confirmed: { tcp: 5 } }"
    with TemporaryDirectory() as folder:
        image = build(f"{POLICY}Conntrack flows {{ {conntrack} }}", Target.PC, Path(folder))
        machine = qemu.start(image, MACS, qemu.Hardware(nic="mixed"))
        try:
            read_until(machine, b"NaCl: ")
            wires = Wires(machine)
            flow = Established(wires, tcp)
            syns = [(INSIDE, tcp(inside(number), 1024 + number, SERVER, 80, SYN)) for number in range(3000)]
            through = flood(wires, flow, syns)
            assert 999 <= through < 3000
            assert dropped(machine) == {"drop.forward": 3000 - through}
            end = time.monotonic() + 30
            another = (INSIDE, tcp(inside(4000), 1024, SERVER, 80, SYN))
            while not wires.exchange([another]):  # until the sweep
                assert time.monotonic() < end
                flow.goes_on()
                time.sleep(0.5)
            assert flood(wires, flow, syns[1000:1100]) == 100
        finally:
            machine.close()
