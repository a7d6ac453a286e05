"""The fates of all packets at once against the reference machine, packet by packet."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from naclc.analyze.example import example_of
from naclc.analyze.fates import WAY_FIELDS, Explorer, Fate, Outcome
from naclc.decision.evaluate import has_header, read
from naclc.decision.symbolic import Symbols, reads
from naclc.decision.witness import TRANSPORT
from naclc.driver import Compilation, Options, check_policy
from naclc.interpret.events import Delivered, Dropped, Event, Held, Rewritten, Sent, Visit
from naclc.interpret.machine import Machine
from naclc.net.fields import FIELDS, State
from naclc.pipeline.evaluation import Facts
from naclc.semantics.model import Protocol
from naclc.source import SourceFile
from naclc.verify import packets as wire
from naclc.verify.packetspec import PacketSpec

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

CHECKOUT = Path(__file__).resolve().parents[3]
# Where messages go to a server, what becomes of them stands among the events too.
POLICIES = [
    path
    for path in (*sorted(CHECKOUT.glob("examples/*/*.nacl")), *sorted(CHECKOUT.glob("tests/verdicts/*.nacl")))
    if "Syslog " not in path.read_text()
]
HIDDEN = "original direction"
_PACKETS = 40  # for each Iface


class World:
    def __init__(self, path: Path) -> None:
        self.checked: Compilation = check_policy(SourceFile(path.name, path.read_text()), Options())
        assert self.checked.pipeline is not None and self.checked.graphs is not None
        self.pipeline = self.checked.pipeline
        tested, pairs = reads(self.checked.graphs.graphs.values())
        self.symbols = Symbols(tested | WAY_FIELDS, pairs, 1 << 22)
        self.fields = tested | WAY_FIELDS
        everywhere = frozenset(iface.name for iface in self.pipeline.ifaces)  # as on the machine: fallback, or none
        self.explorer = Explorer(self.pipeline, self.checked.graphs, self.symbols, everywhere)

    def values(self, packet: bytes, state: State) -> dict[str, int]:
        facts = Facts(packet, state)
        protocols = (Protocol.TCP, Protocol.UDP, Protocol.ICMP)
        there = {protocol for protocol in protocols if has_header(protocol, packet)}
        found = {TRANSPORT: int(bool(there)), HIDDEN: 1}
        for field in self.fields:
            if field.protocol in ("ip", "ct") or field.protocol.upper() in there:
                found["tcp.flags" if field.flag_bit is not None else field.name] = (
                    read(FIELDS["tcp.flags"], facts) if field.flag_bit is not None else read(field, facts)
                )
        return found

    def holds(self, fate: Fate, values: dict[str, int]) -> bool:
        return self.symbols.number([fate.packets], values) == 1


def outcome(events: tuple[Event, ...]) -> tuple[Outcome, int | None]:
    """What became of the packet that arrived: the machine's answer to it does not count."""
    for event in events:
        match event:
            case Sent(iface):
                return Outcome.OUT, iface
            case Delivered(iface):
                return Outcome.LOCAL, iface
            case Held(iface):
                return Outcome.HELD, iface
            case Dropped():
                return Outcome.DROP, None
    raise AssertionError(events)


def some_packets(world: World, seed: int, count: int = _PACKETS) -> list[bytes]:
    """Packets between addresses that mean something to the policy, and others."""
    rng = random.Random(seed)
    addresses = [0xC0000209, 0x08080808, 0x7F000001, 0xFFFFFFFF, 0xE0000001]
    for iface in world.pipeline.ifaces:
        if iface.address is not None and iface.netmask is not None:
            net = iface.address & iface.netmask
            addresses += [iface.address, net + 5, net | ~iface.netmask & 0xFFFFFFFF]
    found = []
    for _ in range(count):
        transport = rng.choice(["tcp", "udp", "icmp", None])
        values = {"src": rng.choice(addresses), "dst": rng.choice(addresses), "ttl": rng.choice([0, 1, 2, 64])}
        if transport in ("tcp", "udp"):
            ports = [22, 25, 53, 80, 443, 2222, 123, 40000]
            values |= {f"{transport}.sport": rng.choice(ports), f"{transport}.dport": rng.choice(ports)}
        elif transport is None:
            values["protocol"] = rng.choice([2, 47, 6])
        if rng.random() < 0.1:
            values["frag-off"] = 3
        found.append(wire.build(PacketSpec(transport, values)))
    return found


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_packet_has_one_fate_and_the_machine_agrees(path: Path) -> None:
    world = World(path)
    checked = 0
    for iface in world.pipeline.ifaces:
        fates = world.explorer.fates(iface.number)
        together = world.symbols.none
        for fate in fates:
            assert not (together & fate.packets).satisfiable()
            together = together | fate.packets
        for packet in some_packets(world, iface.number):
            events = Machine(world.pipeline).receive(iface.number, packet)
            state = first_state(world, iface.number, packet)
            mine = [fate for fate in fates if world.holds(fate, world.values(packet, state))]
            assert len(mine) == 1, packet.hex()
            if mine[0].outcome is Outcome.HELD and outcome(events)[0] is Outcome.DROP:
                assert str(events[-1].reason).startswith("fragment-")  # type: ignore[union-attr]
            else:
                assert (mine[0].outcome, mine[0].iface) == outcome(events), (iface.name, packet.hex(), mine[0].why)
            checked += 1
    assert checked == _PACKETS * len(world.pipeline.ifaces)


def first_state(world: World, iface: int, packet: bytes) -> State:
    """The state that a packet has which is the first of all."""
    receiver = next(each for each in world.pipeline.ifaces if each.number == iface)
    protocols = (Protocol.TCP, Protocol.UDP, Protocol.ICMP)
    tracked = receiver.tracks and any(has_header(protocol, packet) for protocol in protocols)
    stateful = world.pipeline.conntrack.stateful_tcp and has_header(Protocol.TCP, packet)
    if tracked and stateful and packet[(packet[0] & 15) * 4 + 13] & 0x17 != 2:
        return State.UNTRACKED
    return State.NEW if tracked else State.UNTRACKED


def facts_of(seen: Visit | Rewritten) -> list[Facts]:
    return [seen.facts] if isinstance(seen, Visit) else []


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_what_becomes_of_replies_is_among_what_may(path: Path) -> None:
    world = World(path)
    replies = 0
    known: dict[int, list[tuple[Fate, BDDFunction]]] = {}
    for iface in world.pipeline.ifaces:
        for packet in some_packets(world, 100 + iface.number, 4 * _PACKETS):
            machine = Machine(world.pipeline)
            sent = next((e for e in machine.receive(iface.number, packet) if isinstance(e, Sent)), None)
            answer = wire.reply(sent.packet, PacketSpec()) if sent else None
            if sent is None or answer is None:
                continue
            facts: list[Facts] = []
            watched = Machine(world.pipeline, watch=lambda seen, facts=facts: facts.extend(facts_of(seen)))
            watched.receive(iface.number, packet)
            facts.clear()
            events = watched.receive(sent.iface, answer)
            if not facts or facts[0].state is not State.ESTABLISHED:
                continue
            if sent.iface not in known:
                fates = world.explorer.fates(sent.iface)
                hidden = world.symbols.extras()
                known[sent.iface] = [(fate, world.symbols.without(fate.packets, hidden)) for fate in fates]
            values = world.values(answer, State.ESTABLISHED)
            there = [world.symbols.number([some], values) for _, some in known[sent.iface]]
            ways = zip(known[sent.iface], there, strict=True)
            may = {(fate.outcome, fate.iface) for (fate, _), holds in ways if holds}
            assert outcome(events) in may, (iface.name, packet.hex(), answer.hex(), may)
            replies += 1
    assert replies or path.stem not in ("office", "dmz", "vlans")


def test_an_example_is_a_packet_of_its_set() -> None:
    world = World(CHECKOUT / "examples/dmz/dmz.nacl")
    for fate in world.explorer.fates(0):
        example = example_of(fate.packets, world.symbols)
        if example is not None:
            assert world.symbols.number([fate.packets], example.values) == 1
