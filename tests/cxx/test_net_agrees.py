"""The skeleton OS as a process and the reference interpreter, side by side on the same random packets.

With a function on every hook and with none, one connection table each, the same sequence of hostile and ordinary
packets: what is sent, out of which NIC, to which neighbour, and how much is delivered and dropped must be the same.
"""

from __future__ import annotations

import random
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from naclc.driver import Options, compile_policy
from naclc.image.build import build_image
from naclc.image.target import Image, Target
from naclc.interpret.events import Delivered, Dropped, Held, Sent
from naclc.interpret.header import checksum
from naclc.interpret.machine import Machine
from naclc.net.addresses import format_address
from naclc.pipeline.pipeline import Pipeline
from naclc.source import SourceFile

ROUTER = """
Iface a { index: 0, address: 10.0.0.1, netmask: 255.255.255.0, gateway: 10.0.0.254 }
Iface b { index: 1, address: 10.0.1.1, netmask: 255.255.255.0 }
Gateway router {
  r1: { net: 10.0.0.0, netmask: 255.255.255.0, iface: a },
  r2: { net: 10.0.1.0, netmask: 255.255.255.0, iface: b },
  r3: { net: 10.9.0.0, netmask: 255.255.0.0, iface: b, nexthop: 10.0.1.9 },
  r4: { net: 0.0.0.0, netmask: 0.0.0.0, iface: a }
}
"""
FILTERS = """
a.prerouting: early
a.input: inward
a.output: own
b.input: inward
b.postrouting: late
router.forward: between
Filter::IP early { if (ip.dscp == 5) { drop } accept }
Filter::IP inward { if (ct.state == established and ip.ttl < 3) { drop } if (ip.dscp in 9-20) { drop } accept }
Filter::IP own { Filter::TCP { if (tcp.dport == 7) { drop } } accept }
Filter::IP late { if (ct.state == new and ip.dscp == 7) { drop } accept }
Filter::IP between { Filter::UDP { if (udp.dport in 20-30 and not ct.state == established) { drop } } accept }
"""
POLICIES = {"filters": ROUTER + FILTERS, "router": ROUTER}
ADDRESSES = (
    "10.0.0.1",
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.2",
    "10.0.0.3",
    "10.0.0.255",
    "10.0.1.1",
    "10.0.1.1",
    "10.0.1.5",
    "10.0.1.6",
    "10.0.1.255",
    "10.9.3.4",
    "8.8.8.8",
    "255.255.255.255",
    "0.0.0.0",
    "127.0.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.1.1.1",
)
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
BROADCAST = b"\xff" * 6
ROUND = 40  # packets between two looks at what came out


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def neighbour(address: bytes) -> bytes:
    """The MAC address at which the tester answers for `address`."""
    return b"\x02\xaa" + address


def number(octets: bytes, at: int) -> int:
    return int.from_bytes(octets[at : at + 2], "big")


def with_checksum(packet: bytes) -> bytes:
    size = (packet[0] & 15) * 4
    bare = packet[:10] + b"\0\0" + packet[12:]
    return bare[:10] + checksum(bare[:size]).to_bytes(2, "big") + bare[12:]


def some_packet(dice: random.Random) -> bytes:
    source, destination = (socket.inet_aton(dice.choice(ADDRESSES)) for _ in range(2))
    protocol = dice.choice((1, 1, 6, 6, 17, 17, 17, 47, dice.randrange(256)))
    data = transport(dice, protocol, source, destination)
    options = bytes((1,)) * 4 * dice.choice((0, 0, 0, 1, 5, 10))
    fragment = dice.choice((0, 0, 0, 0, 0x4000, 0x2000, 1, 0x3FFF, 0x6000))
    start = bytes((0x45 + len(options) // 4, dice.choice((0, 0, 20, 28, dice.randrange(256)))))
    start += (20 + len(options) + len(data)).to_bytes(2, "big") + dice.randrange(200).to_bytes(2, "big")
    start += fragment.to_bytes(2, "big") + bytes((dice.choice((0, 1, 2, 3, 64, 255)), protocol, 0, 0))
    packet = bytearray(with_checksum(start + source + destination + options + data))
    if dice.random() < 0.2:
        packet[dice.randrange(len(packet))] ^= 1 << dice.randrange(8)
        if dice.random() < 0.5 and 20 <= (packet[0] & 15) * 4 <= len(packet):
            packet = bytearray(with_checksum(bytes(packet)))
    if dice.random() < 0.1:
        del packet[dice.randrange(len(packet)) :]
    return bytes(packet)


class Traffic:
    """Random packets, and among them the pieces of datagrams in any order, some of them twice or over one another."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._pieces: list[bytes] = []

    def next(self) -> bytes:
        dice = self._dice
        if dice.random() < 0.1:
            self._pieces += pieces(dice)
        if not self._pieces or dice.random() < 0.4:
            return some_packet(dice)
        piece = dice.choice(self._pieces)
        if dice.random() < 0.95:
            self._pieces.remove(piece)
        return piece


def pieces(dice: random.Random) -> list[bytes]:
    protocol = dice.choice((1, 1, 1, 17, 47))
    data = bytes((8, 0, 0, 0)) + dice.randbytes(2) + bytes(dice.choice((10, 40, 1500, 3000)))
    if protocol == 1:
        data = data[:2] + checksum(data).to_bytes(2, "big") + data[4:]
    start = bytes((0x45, 0, 0, 0)) + dice.randbytes(2)
    ends = bytes((64, protocol, 0, 0)) + socket.inet_aton(dice.choice(("10.0.0.2", "10.0.1.5", "10.0.0.3")))
    ends += socket.inet_aton(dice.choice(("10.0.0.1", "10.0.0.1", "10.0.1.1", "10.0.1.255", "10.9.0.1")))
    found = []
    at = 0
    while at < len(data):
        part = data[at : at + 8 * dice.randrange(1, 2 + min(len(data), 2900) // 16)]
        more = 0x2000 if at + len(part) < len(data) else 0
        place = (at // 8 | more).to_bytes(2, "big")
        length = (20 + len(part)).to_bytes(2, "big")
        found.append(with_checksum(start[:2] + length + start[4:] + place + ends + part))
        at += len(part) - (8 if dice.random() < 0.02 and len(part) > 8 else 0)
    return found


def transport(dice: random.Random, protocol: int, source: bytes, destination: bytes) -> bytes:
    data = dice.randbytes(dice.choice((0, 1, 2, 7, 30)))
    low, high = (dice.choice((7, 20, 25, 30, 31, 53)).to_bytes(2, "big") for _ in range(2))
    if protocol == 1:
        message = bytes((dice.choice((0, 3, 5, 8, 8, 8, 11)), dice.choice((0, 0, 1)), 0, 0)) + low + high + data
        return message[:2] + checksum(message).to_bytes(2, "big") + message[4:]
    if protocol == 17:
        return low + high + (8 + len(data)).to_bytes(2, "big") + b"\0\0" + data
    if protocol != 6:
        return data
    segment = low + high + dice.randbytes(8) + bytes((0x50, dice.choice((2, 4, 16, 17, 18, dice.randrange(256)))))
    segment += b"\x04\x00\0\0\0\0" + data
    pseudo = source + destination + b"\0\x06" + len(segment).to_bytes(2, "big")
    return segment[:16] + checksum(pseudo + segment).to_bytes(2, "big") + segment[18:]


class Process:
    """The service as a process, with the tester on the other end of its two wires."""

    def __init__(self, image: Path, *more: str) -> None:
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in MACS]
        self.wires = [ours for ours, _ in pairs]
        theirs = [other.fileno() for _, other in pairs]
        nics = [part for fd, own in zip(theirs, MACS, strict=True) for part in ("--nic", f"fd={fd},mac={own}")]
        self.process = subprocess.Popen(
            [str(image), *nics, *more, "--exit-on-eof"],
            pass_fds=theirs,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for wire, (_, other) in zip(self.wires, pairs, strict=True):
            other.close()
            wire.settimeout(10)

    def send(self, nic: int, packet: bytes) -> None:
        frame = mac(MACS[nic]) + neighbour(b"\x0a\0\0\x09") + b"\x08\0" + packet
        self.wires[nic].send(frame.ljust(60, b"\0"))

    def settle(self) -> Counter[tuple[int, bytes, bytes]]:
        """What came out by (NIC, destination MAC, packet), until every NIC has answered an ARP request and nothing
        came before the answers.

        ARP requests are answered on the way; what they held back comes in a later turn, as does what left by one NIC
        because of what arrived on another after it.
        """
        out: Counter[tuple[int, bytes, bytes]] = Counter()
        for nic in range(len(self.wires)):
            self._turn(nic, out)  # afterwards, all that was sent has been received
        while any(self._turn(nic, out) for nic in range(len(self.wires))):
            pass
        return out

    def _turn(self, nic: int, out: Counter[tuple[int, bytes, bytes]]) -> bool:
        probe = b"\x0a\0" + bytes((nic, 251))
        own = b"\x0a\0" + bytes((nic, 1))
        self._arp(nic, 1, probe, b"", own)
        something = False
        while True:
            frame = self.wires[nic].recv(2048)
            if number(frame, 12) == 0x0806 and number(frame, 20) == 2 and frame[38:42] == probe:
                return something
            something = True
            if frame[12:14] == b"\x08\0":
                out[nic, frame[:6], frame[14 : 14 + number(frame, 16)]] += 1
            else:
                self._arp(nic, 2, frame[38:42], frame[6:12], own)

    def _arp(self, nic: int, operation: int, sender: bytes, target_mac: bytes, target: bytes) -> None:
        message = b"\0\1\x08\0\6\4" + operation.to_bytes(2, "big") + neighbour(sender) + sender
        message += (target_mac or bytes(6)) + target
        frame = (target_mac or BROADCAST) + neighbour(sender) + b"\x08\6" + message
        self.wires[nic].send(frame.ljust(60, b"\0"))

    def counters(self) -> list[Counter[str]]:
        """End the machine; its counters, an Iface each."""
        printed, _ = self.process.communicate(b"counters\nexit\n", timeout=10)
        assert self.process.returncode == 0, printed
        lines = re.findall(rb"^counters eth\d (.*)$", printed, re.MULTILINE)
        return [Counter({k: int(v) for k, v in re.findall(r"(\S+)=(\d+)", line.decode())}) for line in lines]


@pytest.fixture(scope="module", params=POLICIES)
def pipeline_and_image(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Pipeline, Path]:
    compilation = compile_policy(SourceFile("agrees.nacl", POLICIES[request.param]), Options())
    assert compilation.cpp is not None and compilation.pipeline is not None, compilation.diagnostics
    work = tmp_path_factory.mktemp("agrees")
    (work / "service.cpp").write_text(compilation.cpp)
    image = build_image(work / "service.cpp", Target.LINUX, work / "service", sanitize=True)
    assert isinstance(image, Image), image
    return compilation.pipeline, image.path


@pytest.fixture
def process(pipeline_and_image: tuple[Pipeline, Path]) -> Iterator[Process]:
    running = Process(pipeline_and_image[1])
    yield running
    running.process.kill()
    running.process.communicate()


@pytest.mark.parametrize("target", Target)
def test_a_service_written_by_hand_links(target: Target, tmp_path: Path) -> None:
    service = Path(__file__).parent / "net" / "router.service.cpp"
    image = build_image(service, target, tmp_path / "image")
    assert isinstance(image, Image), image
    assert image.size < 200_000


def comparable(packet: bytes) -> bytes:
    """Without what is unspecified: the identification of the machine's own packets, and so their checksum."""
    own = packet[12:16] in (b"\x0a\0\0\1", b"\x0a\0\1\1") and packet[8] >= 63
    return packet[:4] + b"\0\0" + packet[6:10] + b"\0\0" + packet[12:] if own else packet


def mac_of(hop: int) -> bytes:
    address = format_address(hop)
    broadcasts = ("255.255.255.255", "10.0.0.255", "10.0.1.255")
    return BROADCAST if address in broadcasts else neighbour(socket.inet_aton(address))


@pytest.mark.parametrize("seed", range(4))
def test_process_and_interpreter_agree(seed: int, pipeline_and_image: tuple[Pipeline, Path], process: Process) -> None:
    dice = random.Random(seed)
    machine = Machine(pipeline_and_image[0])
    dropped: Counter[int] = Counter()
    delivered: Counter[int] = Counter()
    held: Counter[int] = Counter()
    divided = 0
    traffic = Traffic(dice)
    for _ in range(50):
        nic = dice.randrange(len(MACS))  # one in a round: the process takes the frames of each NIC by themselves
        expected: Counter[tuple[int, bytes, bytes]] = Counter()
        sent = []
        for _ in range(ROUND):
            packet = traffic.next()
            sent.append((nic, packet.hex()))
            process.send(nic, packet)
            for event in machine.receive(nic, packet.ljust(46, b"\0")):
                match event:
                    case Sent(iface, leaving, hop):
                        expected[iface, mac_of(hop), comparable(leaving)] += 1
                        divided += len(leaving) == 1500
                    case Delivered(iface):
                        delivered[iface] += 1
                    case Dropped(iface, _):
                        dropped[iface] += 1
                    case Held(iface):
                        held[iface] += 1
        observed: Counter[tuple[int, bytes, bytes]] = Counter()
        for (nic, to, packet), count in process.settle().items():
            observed[nic, to, comparable(packet)] += count
        missing = [(nic, to.hex(), packet.hex()) for nic, to, packet in (expected - observed)]
        extra = [(nic, to.hex(), packet.hex()) for nic, to, packet in (observed - expected)]
        assert (missing, extra) == ([], []), sent
    for number_of_iface, counted in enumerate(process.counters()):
        every_drop = sum(count for name, count in counted.items() if name.startswith(("drop.", "own-drop.")))
        assert counted["delivered"] == delivered[number_of_iface]
        assert every_drop == dropped[number_of_iface]
        assert counted["held"] == held[number_of_iface]
        every_end = counted["delivered"] + counted["forwarded"] + counted["held"] + counted["dropped"]
        assert counted["received"] == every_end
    assert sum(held.values()) > 100 and divided > 5
