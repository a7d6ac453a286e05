"""Random flows through a policy, with an eye on the numbers that it compares fields with.

A flow is an opening packet from a neighbour, the answer to what leaves, and another packet of the opener.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from naclc.interpret.machine import Machine
from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.probes.probe import ProbeStep
from naclc.verify.packets import build, reply
from naclc.verify.packetspec import PacketSpec, Value
from tests.kernel.agreement import split
from tests.properties.strategies import boundaries

FAR = (0xC6336463, 0x08080808, 0xCB007114)  # 198.51.100.99, 8.8.8.8, 203.0.113.20
PORTS = (7, 22, 53, 80, 443, 4500, 33000)
ICMP_TYPES = (8, 8, 8, 0, 3, 13)
OTHER_PROTOCOLS = (47, 50, 99)
ANSWERS = {8: 0, 13: 14, 15: 16, 17: 18}  # ICMP type of the answer, by the request's
SYN, ACK = 2, 16


def flows(pipeline: Pipeline, count: int, seed: int) -> Iterator[list[ProbeStep]]:
    """`count` flows; the same for the same seed."""
    drawing = _Drawing(pipeline, random.Random(seed))
    for _ in range(count):
        yield drawing.flow()


def _as_answer(opener: PacketSpec) -> dict[str, Value]:
    """What makes a packet the answer to `opener` and no request of its own."""
    if opener.transport == "tcp":
        return {"tcp.flags": SYN | ACK}
    kind = opener.number("icmp.type", 0)
    return {"icmp.type": ANSWERS[kind]} if opener.transport == "icmp" and kind in ANSWERS else {}


class _Drawing:
    def __init__(self, pipeline: Pipeline, chance: random.Random) -> None:
        self._pipeline = pipeline
        self._chance = chance
        self._values = boundaries(pipeline)
        self._names = {iface.number: iface.name for iface in pipeline.ifaces}

    def flow(self) -> list[ProbeStep]:
        iface = self._chance.choice(self._pipeline.ifaces)
        opener = self._opener(iface)
        steps = [ProbeStep(iface.name, build(opener))]
        events = Machine(self._pipeline).receive(iface.number, steps[0].packet)
        sent = next(iter(split(events)[0]), None)
        if sent is None:
            return steps
        answer = reply(sent.packet, PacketSpec(None, _as_answer(opener)))
        again = PacketSpec(opener.transport, opener.values | ({"tcp.flags": ACK} if opener.transport == "tcp" else {}))
        if answer is not None:
            steps.append(ProbeStep(self._names[sent.iface], answer))
        return [*steps, ProbeStep(iface.name, build(again))]

    def _opener(self, iface: Iface) -> PacketSpec:
        chance = self._chance
        transport = chance.choice(["tcp", "tcp", "udp", "udp", "icmp", None])
        values: dict[str, Value] = {"src": self._source(iface), "dst": self._destination(iface)}
        values["ttl"] = chance.choice([64, 64, 64, 2, *self._values.get("ip.ttl", [])])
        values["id"] = chance.choice([1, *self._values.get("ip.id", [])])
        values["dscp"] = chance.choice([0, 0, *self._values.get("ip.dscp", [])])
        values["ecn"] = chance.choice([0, 0, *self._values.get("ip.ecn", [])])
        if transport in ("tcp", "udp"):
            values[f"{transport}.sport"] = chance.choice([40000, *self._values.get(f"{transport}.sport", [])])
            values[f"{transport}.dport"] = chance.choice([*PORTS, *2 * self._values.get(f"{transport}.dport", [])])
        if transport == "tcp" and chance.random() < 0.2:
            values["tcp.flags"] = chance.choice([ACK, 0, SYN | ACK, 1, 4, *self._values.get("tcp.flags", [])])
        if transport == "icmp":
            values["icmp.type"] = chance.choice([*ICMP_TYPES, *self._values.get("icmp.type", [])])
            values["icmp.id"] = chance.randrange(1, 65536)
        if transport is None:
            values["protocol"] = chance.choice([*OTHER_PROTOCOLS, *self._values.get("ip.protocol", [])])
            values["payload"] = b"sixteen octets.."
        if chance.random() < 0.05:
            values["frag-off"] = chance.choice([1, 5, 6, 100])
        return PacketSpec(transport, values)

    def _source(self, iface: Iface) -> int:
        assert iface.address is not None
        return self._chance.choice([iface.address + 8, iface.address + 8, *self._values.get("ip.saddr", FAR)])

    def _destination(self, iface: Iface) -> int:
        behind = [i.address + 8 for i in self._pipeline.ifaces if i.address is not None]
        own = [iface.address] if iface.address is not None else []
        named = self._values.get("ip.daddr", [])
        all_own = [i.address for i in self._pipeline.ifaces if i.address is not None]
        return self._chance.choice(
            [*behind, *own, *own, *named, self._chance.choice(all_own), self._chance.choice(FAR)]
        )
