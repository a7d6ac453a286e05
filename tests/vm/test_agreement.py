"""Random packets, whole and broken, through a policy with functions on every hook: process and VM do what the
interpreter does."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from naclc.driver import Compilation, Options, compile_policy
from naclc.image import Image, Target, build_image
from naclc.probes.plan import plan_probes
from naclc.probes.probe import Plan, Probe, ProbeStep
from naclc.source import SourceFile
from naclc.verify.executor import Executor
from naclc.verify.executors.inside import InsideExecutor
from naclc.verify.executors.process import ProcessExecutor
from naclc.verify.executors.vm import VmExecutor
from naclc.verify.packets import build, summary
from naclc.verify.packetspec import PacketSpec, Value
from naclc.verify.run import run_tests
from naclc.verify.wire.session import Surroundings

OFFICE = Path(__file__).parents[1] / "unit" / "probes" / "office.nacl"

# Own, on-link, broadcast, multicast, loopback, nowhere.
ADDRESSES = [0xC0000209, 0xC0000201, 0xC00002FF, 0x0A000005, 0x0A000001, 0x0A000105, 0x0A000101, 0x0A000150]
ADDRESSES += [0xFFFFFFFF, 0xE0000001, 0x7F000001, 0, 0x08080808]


@pytest.fixture(scope="module")
def compiled() -> Compilation:
    result = compile_policy(SourceFile("office.nacl", OFFICE.read_text("utf-8")), Options())
    assert result.ok
    return result


@pytest.fixture(params=["process", pytest.param("vm", marks=pytest.mark.vm)])
def executor(request: pytest.FixtureRequest, compiled: Compilation, tmp_path: Path) -> Executor:
    assert compiled.pipeline is not None
    (tmp_path / "service.cpp").write_text(compiled.cpp or "", encoding="utf-8")
    target = Target.PC if request.param == "vm" else Target.LINUX
    built = build_image(tmp_path / "service.cpp", target, tmp_path / "image")
    assert isinstance(built, Image), built
    if request.param == "vm":
        return VmExecutor(Surroundings(compiled.pipeline), built.path)
    return ProcessExecutor(Surroundings(compiled.pipeline), built.path)


def random_packet(chance: random.Random) -> bytes:
    transport = chance.choice(["tcp", "udp", "icmp", None])
    values: dict[str, Value] = {"src": chance.choice(ADDRESSES), "dst": chance.choice(ADDRESSES)}
    values["ttl"] = chance.choice([0, 1, 2, 3, 64, 255])
    rare: list[tuple[str, Value]] = [
        ("options", chance.randbytes(chance.choice([4, 8, 40]))),
        ("frag-off", chance.randrange(8192)),
        ("more-fragments", True),
        ("length", chance.randrange(100)),
        ("checksum", chance.randrange(65536)),
        ("transport-checksum", chance.choice([0, chance.randrange(65536)])),
        ("payload", bytes(chance.randrange(1400))),
        ("dscp", chance.randrange(64)),
    ]
    values |= {key: value for key, value in rare if chance.random() < 0.1}
    if transport in ("tcp", "udp"):
        values |= {f"{transport}.sport": chance.choice([80, 22, 5]), f"{transport}.dport": chance.choice([80, 22, 53])}
    if transport == "tcp":
        values |= {"tcp.flags": chance.randrange(256), "tcp.doff": chance.choice([5, 5, 5, 0, 6, 15])}
    if transport == "icmp":
        values |= {"icmp.type": chance.choice([8, 0, 3, 11, 13, 5]), "icmp.id": chance.randrange(3)}
    if transport is None:
        values["protocol"] = chance.choice([6, 17, 1, 47, 2])
    packet = build(PacketSpec(transport, values))
    if chance.random() < 0.1:
        packet = packet[: chance.randrange(len(packet) + 1)]
    if chance.random() < 0.05 and packet:
        at = chance.randrange(min(len(packet), 20))
        packet = packet[:at] + chance.randbytes(1) + packet[at + 1 :]
    return packet


def random_plan(seed: int, count: int) -> Plan:
    chance = random.Random(seed)
    steps = [ProbeStep(chance.choice(["wan", "lan", "dmz"]), random_packet(chance)) for _ in range(count)]
    return Plan(tuple(Probe(summary(step.packet), "", "", None, (step,)) for step in steps), (), count)


@pytest.mark.parametrize("seed", [1, 2])
def test_random_packets(seed: int, executor: Executor, compiled: Compilation) -> None:
    assert compiled.pipeline is not None
    interpreter = InsideExecutor("interpreter", compiled.pipeline)
    report = run_tests(compiled.pipeline, (), random_plan(seed, 1000), interpreter, [executor])
    assert [(r.name, r.steps[0].problems if r.steps else r.failure) for r in report.results if not r.passed] == []
    assert len(report.results) == 1000


def test_planned_probes(executor: Executor, compiled: Compilation) -> None:
    assert compiled.pipeline is not None and compiled.graphs is not None
    plan = plan_probes(compiled.graphs, compiled.pipeline)
    interpreter = InsideExecutor("interpreter", compiled.pipeline)
    report = run_tests(compiled.pipeline, (), plan, interpreter, [executor])
    assert [(r.about, r.failure) for r in report.results if not r.passed] == []
    assert len(report.results) == len(plan.probes) > 50
