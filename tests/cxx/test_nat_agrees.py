"""Translation and TCP's states on the skeleton OS as a process and in the reference interpreter, side by side.

The traffic is of flows: first packets, answers to what came out, repetitions of both, and time that passes, so that
entries end and ports come free. What is sent, out of which NIC, to which neighbour, octet for octet, and how much is
delivered and dropped must be the same.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from naclc.driver import Options, compile_policy
from naclc.image.build import build_image
from naclc.image.target import Image, Target
from naclc.interpret import header
from naclc.interpret.events import Delivered, Dropped, Sent
from naclc.interpret.machine import Machine
from naclc.pipeline.pipeline import Pipeline
from naclc.source import SourceFile
from tests.cxx.test_net_agrees import ROUTER, Process, comparable, mac_of, with_checksum

NAT = """
a.prerouting: forwards
a.postrouting: hide
a.input: turn
a.output: elsewhere
b.prerouting: seen
b.input: turn
router.forward: seen
Nat::IP forwards {
  Nat::TCP {
    if (ip.daddr == 10.0.0.1 and tcp.dport == 20) { dnat(10.0.1.5, 7) }
    if (tcp.dport == 25) { dnat(10.0.1.6) }
    if (ip.daddr == 10.0.0.1 and tcp.dport == 30) { dnat(31) }
    if (ip.daddr == 10.0.0.1 and tcp.dport == 31) { dnat(10.0.1.1, 53) }
  }
  Nat::UDP {
    if (ip.daddr == 10.0.0.1 and udp.dport in 20-30) { dnat(10.0.1.1, 53) }
    if (ip.daddr == 10.0.0.1) { dnat(10.0.1.5) }
  }
  if (ip.daddr == 10.0.0.1 and ip.dscp == 5) { dnat(10.0.1.5) }
}
Nat::IP hide {
  if (ip.saddr == 10.0.1.5) { snat(10.0.0.77) }
  Nat::TCP { if (tcp.sport == 7) { snat(10.0.0.1, 30000) } if (tcp.sport == 25) { snat(2500) } }
  Nat::UDP { if (udp.sport in 20-25) { snat(10.0.0.78) } if (udp.dport == 53) { snat(10.0.0.1, 5353) } }
}
Nat::IP turn { Nat::TCP { if (tcp.dport == 53) { snat(10.0.0.99, 99) } } if (ip.ttl == 3) { snat(10.0.0.98) } }
Nat::TCP elsewhere { if (tcp.dport == 7) { dnat(10.0.0.3, 8) } }
Filter::IP seen {
  if (ct.state == established and ip.dscp == 9) { drop }
  if (ct.state == new and ip.dscp == 8) { drop }
  accept
}
"""
MASQUERADE = """
a.masquerade: true
a.postrouting: before
b.masquerade: true
b.prerouting: inward
a.output: own
router.forward: seen
Nat::UDP before { if (udp.sport == 20) { snat(10.0.0.77) } if (udp.sport == 25) { snat(10.0.0.1, 49153) } }
Nat::TCP inward { if (tcp.dport == 30) { dnat(10.0.0.3, 80) } }
Filter::IP own { if (ip.dscp == 9) { drop } accept }
Filter::IP seen { if (ct.state == new and ip.dscp == 8) { drop } accept }
"""
SETTINGS = """
Conntrack table { limit: 60, stateful_tcp: true, untracked: filter, timeout: {
  unconfirmed: { udp: 3, icmp: 4 }, confirmed: { udp: 25, icmp: 12 }, established: { udp: 41, icmp: 30 } } }
"""
SMALL = "Conntrack table { limit: 24, timeout: { established: { tcp: 20 } } }\n"
POLICIES = {
    "nat": ROUTER + NAT,
    "masquerade": ROUTER + MASQUERADE,
    "nat with settings": ROUTER + NAT + SETTINGS,
    "masquerade with settings": ROUTER + MASQUERADE + SETTINGS,
    "masquerade in a small table": ROUTER + MASQUERADE + SMALL,
}
HOSTS = (
    ("10.0.0.2", "10.0.0.3", "8.8.8.8", "10.0.0.1"),  # on the side of each NIC
    ("10.0.1.5", "10.0.1.6", "10.9.3.4", "10.0.1.1"),
)
PORTS = (7, 20, 25, 30, 31, 53, 5353, 49152, 49153)
SYN, ACK, FIN, RST = 2, 16, 1, 4
ROUND = 12  # packets between two looks at what came out


def address(dotted: str) -> int:
    return int.from_bytes(bytes(map(int, dotted.split("."))), "big")


def packet(dice: random.Random, protocol: int, ends: tuple[int, int, int, int], flags: int) -> bytes:
    """A packet with these source and destination addresses and ports; a wrong transport checksum now and then."""
    source, sport, destination, dport = ends
    ports, data = sport.to_bytes(2, "big") + dport.to_bytes(2, "big"), dice.randbytes(dice.choice((0, 1, 8)))
    if protocol == header.ICMP:
        kind = 0 if flags & ACK else 8
        message = bytes((kind, 0, 0, 0)) + ports[:2] + b"\0\1" + data
        message = message[:2] + header.checksum(message).to_bytes(2, "big") + message[4:]
    elif protocol == header.UDP:
        message = ports + (8 + len(data)).to_bytes(2, "big") + b"\0\0" + data
    else:
        message = ports + dice.randbytes(8) + bytes((0x50, flags)) + b"\x04\0\0\0\0\0" + data
    options = b"\1" * 4 * dice.choice((0, 0, 0, 2))
    start = bytes((0x45 + len(options) // 4, dice.choice((0, 0, 0, 20, 32, 36))))
    start += (20 + len(options) + len(message)).to_bytes(2, "big") + b"\x12\x34\0\0"
    start += bytes((dice.choice((64, 64, 64, 4, 2, 1)), protocol, 0, 0))
    bare = start + source.to_bytes(4, "big") + destination.to_bytes(4, "big") + options + message
    at = 20 + len(options) + {header.ICMP: 2, header.UDP: 6, header.TCP: 16}[protocol]
    if protocol != header.ICMP and not (protocol == header.UDP and dice.random() < 0.3):
        bare = bare[:at] + (header.transport_checksum(bare) or 0xFFFF).to_bytes(2, "big") + bare[at + 2 :]
    return with_checksum(bare)


class Traffic:
    """Packets for one NIC after the other, of flows that it has seen begin."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._came: list[tuple[int, bytes]] = []
        self._left: list[tuple[int, bytes]] = []

    def left(self, nic: int, octets: bytes) -> None:
        if header.has_transport_header(octets):
            self._left = [*self._left[-40:], (nic, octets)]

    def next(self, nic: int) -> bytes:
        known = [octets for at, octets in self._left if at == nic]
        before = [octets for at, octets in self._came if at == nic]
        throw = self._dice.random()
        if known and throw < 0.45:
            octets = self._answer(self._dice.choice(known))
        elif before and throw < 0.65:
            octets = self._dice.choice(before)
        else:
            octets = self._first(nic)
        self._came = [*self._came[-40:], (nic, octets)]
        return octets

    def _first(self, nic: int) -> bytes:
        hosts = [address(self._dice.choice(HOSTS[side])) for side in (nic, 1 - nic)]
        if self._dice.random() < 0.4:
            hosts[1] = address(("10.0.0.1", "10.0.1.1")[nic])
        ports = [self._dice.choice(PORTS) for _ in hosts]
        protocol = self._dice.choice((header.TCP, header.TCP, header.UDP, header.UDP, header.ICMP))
        flags = self._dice.choice((SYN, SYN, SYN, ACK, SYN | ACK, SYN | RST))
        return packet(self._dice, protocol, (hosts[0], ports[0], hosts[1], ports[1]), flags)

    def _answer(self, octets: bytes) -> bytes:
        protocol, at = header.protocol(octets), header.hdrlength(octets)
        sport, dport = (int.from_bytes(octets[at + n : at + n + 2], "big") for n in (0, 2))
        if protocol == header.ICMP:
            sport = dport = int.from_bytes(octets[at + 4 : at + 6], "big")
        ends = (header.destination(octets), dport, header.source(octets), sport)
        flags = self._dice.choice((SYN | ACK, SYN | ACK, ACK, ACK, FIN | ACK, RST))
        return packet(self._dice, protocol, ends, flags)


@pytest.fixture(scope="module", params=POLICIES)
def pipeline_and_image(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Pipeline, Path]:
    compilation = compile_policy(SourceFile("agrees.nacl", POLICIES[request.param]), Options())
    assert compilation.cpp is not None and compilation.pipeline is not None, compilation.diagnostics
    work = tmp_path_factory.mktemp("nat")
    (work / "service.cpp").write_text(compilation.cpp)
    image = build_image(work / "service.cpp", Target.LINUX, work / "service", sanitize=True)
    assert isinstance(image, Image), image
    return compilation.pipeline, image.path


@pytest.fixture
def process(pipeline_and_image: tuple[Pipeline, Path]) -> Iterator[Process]:
    running = Process(pipeline_and_image[1], "--virtual-clock")
    yield running
    running.process.kill()
    running.process.communicate()


def let_pass(process: Process, seconds: int) -> None:
    """Advance the machine's clock, and wait until it has."""
    assert process.process.stdin is not None and process.process.stdout is not None
    process.process.stdin.write(b"advance %d\nmemory\n" % seconds)
    process.process.stdin.flush()
    while not process.process.stdout.readline().startswith(b"memory "):
        pass


@pytest.mark.parametrize("seed", range(3))
def test_process_and_interpreter_agree(seed: int, pipeline_and_image: tuple[Pipeline, Path], process: Process) -> None:
    dice = random.Random(seed)
    machine, traffic = Machine(pipeline_and_image[0]), Traffic(dice)
    counted: Counter[tuple[int, str]] = Counter()
    history: list[str] = []
    for _ in range(120):
        nic = dice.randrange(2)
        expected: Counter[tuple[int, bytes, bytes]] = Counter()
        for _ in range(ROUND):
            octets = traffic.next(nic)
            history.append(f"{nic} {octets.hex()}")
            process.send(nic, octets)
            for event in machine.receive(nic, octets.ljust(46, b"\0")):
                match event:
                    case Sent(iface, leaving, hop):
                        expected[iface, mac_of(hop), comparable(leaving)] += 1
                        traffic.left(iface, leaving)
                    case Delivered(iface):
                        counted[iface, "delivered"] += 1
                    case Dropped(iface, reason):
                        counted[iface, "dropped"] += 1
                        counted[iface, reason] += 1
        observed: Counter[tuple[int, bytes, bytes]] = Counter()
        for (out, to, leaving), count in process.settle().items():
            observed[out, to, comparable(leaving)] += count
        missing = [(out, to.hex(), leaving.hex()) for out, to, leaving in (expected - observed)]
        extra = [(out, to.hex(), leaving.hex()) for out, to, leaving in (observed - expected)]
        assert (missing, extra) == ([], []), history
        if dice.random() < 0.3:
            seconds = dice.choice((1, 2, 5, 9, 10, 11, 31, 130))
            history.append(f"+{seconds}s")
            assert machine.wait(seconds) == ()
            let_pass(process, seconds)
    for number, counters in enumerate(process.counters()):
        drops = {name: count for name, count in counters.items() if name.startswith(("drop.", "own-drop."))}
        assert counters["delivered"] == counted[number, "delivered"]
        assert sum(drops.values()) == counted[number, "dropped"]
        for reason in ("nat-collision", "ports-exhausted"):
            assert drops.get(f"drop.{reason}", 0) + drops.get(f"own-drop.{reason}", 0) == counted[number, reason]
    assert sum(counted[number, "delivered"] for number in (0, 1)) > 20
