"""Two machines that pick other ports for the same flow are compared as if they had picked the same."""

# ruff: noqa: E501  steps of tests stay on one line

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from naclc.interpret.machine import Machine
from naclc.pipeline.pipeline import Pipeline
from naclc.source import SourceFile
from naclc.verify.executor import Observation, Sent, Session
from naclc.verify.executors.inside import InsideExecutor, MachineSession
from naclc.verify.masquerade import MasqueradePorts
from naclc.verify.neighbours import EVERYBODY
from naclc.verify.packets import build, fields, inet, reply
from naclc.verify.packetspec import PacketSpec
from naclc.verify.run import run_tests
from naclc.verify.testsfile import read_tests

from .conftest import pipeline_of

OFFICE = """\
Iface wan { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, masquerade: true, prerouting: all }
Iface lan { index: 1, address: 10.0.0.1, netmask: 255.255.255.0, prerouting: all }
Gateway g {
  a: { net: 192.0.2.0, netmask: 255.255.255.0, iface: wan },
  b: { net: 10.0.0.0, netmask: 255.255.255.0, iface: lan }
}
Filter::IP all { accept }
"""
OUR_PORT, THEIR_PORT = 49152, 60001
WAN, LAN = "wan", "lan"


class Elsewhere(InsideExecutor):
    """A reference machine that picks ports from the other end, and may mistake one flow for another."""

    def __init__(self, pipeline: Pipeline, ports: range) -> None:
        super().__init__("process", pipeline)
        self._ports = ports

    def session(self, label: str) -> AbstractContextManager[Session]:
        return self._other()

    @contextmanager
    def _other(self) -> Iterator[Session]:
        yield MachineSession(self._pipeline, Machine(self._pipeline, masquerade_ports=self._ports), EVERYBODY)


@pytest.fixture(scope="module")
def office() -> Pipeline:
    return pipeline_of(OFFICE)


STEPS = """\
tests:
  - name: out and back
    steps:
      - {in: lan, packet: {src: 10.0.0.5, dst: 192.0.2.9, udp: {sport: 7, dport: 53}}, expect: {out: wan, src: 192.0.2.1}}
      - {in: wan, reply: 1, expect: {out: lan, dst: 10.0.0.5, udp: {dport: 7}}}
      - {in: lan, packet: {src: 10.0.0.6, dst: 192.0.2.9, udp: {sport: 7, dport: 53}}, expect: {out: wan}}
      - {in: wan, reply: 3, expect: {out: lan, dst: 10.0.0.6}}
      - {in: lan, packet: {src: 10.0.0.5, dst: 192.0.2.9, udp: {sport: 7, dport: 53}}, expect: {out: wan}}
      - {in: lan, packet: {src: 10.0.0.5, dst: 192.0.2.9, tcp: {sport: 7, dport: 80}}, expect: {out: wan}}
      - {in: wan, reply: 6, tcp: {flags: [rst, ack]}, expect: {out: lan, dst: 10.0.0.5}}
      - {wait: 3600}
      - {in: lan, packet: {src: 10.0.0.8, dst: 192.0.2.9, udp: {sport: 9, dport: 53}}, expect: {out: wan}}
      - {in: wan, reply: 9, expect: {out: lan, dst: 10.0.0.8}}
      - {in: wan, reply: 3, expect: local}
"""


@pytest.mark.parametrize("ports", [range(60000, 61000), range(49153, 49160), range(50000, 49152, -1)])
def test_flows_are_the_same_whatever_their_ports(office: Pipeline, ports: range) -> None:
    file, findings = read_tests(SourceFile("t.yaml", STEPS), office)
    assert file is not None, findings
    report = run_tests(office, file.cases, None, InsideExecutor("interpreter", office), [Elsewhere(office, ports)])
    (result,) = report.results
    assert [problem for step in result.steps for problem in step.problems] == []
    assert result.passed and len(result.steps) == 11


def sent(iface: str, packet: bytes) -> Sent:
    return Sent(iface, packet, 0xC0000209)


def udp(sport: int, source: int = 0xC0000201, dport: int = 53, target: int = 0xC0000209, **more: int) -> bytes:
    return build(PacketSpec("udp", {"src": source, "dst": target, "udp.sport": sport, "udp.dport": dport, **more}))


def test_a_pair_holds(office: Pipeline) -> None:
    ports = MasqueradePorts(office)
    ours, theirs = sent(WAN, udp(OUR_PORT)), sent(WAN, udp(THEIR_PORT))
    assert ports.here([ours], [theirs]) == (ours,)
    assert ports.here([ours], [theirs]) == (ours,)
    # The same flow at another port, or another flow at the same one, is a difference.
    assert ports.here([ours], [sent(WAN, udp(THEIR_PORT + 1))]) == (sent(WAN, udp(THEIR_PORT + 1)),)
    assert ports.here([sent(WAN, udp(OUR_PORT + 1))], [theirs]) == (ours,)
    assert ports.there(udp(53, 0xC0000209, OUR_PORT, 0xC0000201)) == udp(53, 0xC0000209, THEIR_PORT, 0xC0000201)
    ports.time_passed()
    other = sent(WAN, udp(OUR_PORT + 1))
    assert ports.here([other], [theirs]) == (other,)


# why | the interpreter's packet | the machine's
DIFFERENT = [
    ("a port that masquerading does not pick", sent(WAN, udp(80)), sent(WAN, udp(81))),
    ("an Iface that hides nothing", sent(LAN, udp(OUR_PORT)), sent(LAN, udp(THEIR_PORT))),
    ("another source", sent(WAN, udp(OUR_PORT)), sent(WAN, udp(THEIR_PORT, source=0xC0000203))),
    ("another target", sent(WAN, udp(OUR_PORT)), sent(WAN, udp(THEIR_PORT, target=0xC000020A))),
    ("another target port", sent(WAN, udp(OUR_PORT)), sent(WAN, udp(THEIR_PORT, dport=54))),
    ("a wrong checksum", sent(WAN, udp(OUR_PORT)), sent(WAN, udp(THEIR_PORT, **{"transport-checksum": 1}))),
    ("no packet of its own", sent(WAN, udp(OUR_PORT)), sent(WAN, b"\x45")),
]


@pytest.mark.parametrize(("truth", "seen"), [row[1:] for row in DIFFERENT], ids=[row[0] for row in DIFFERENT])
def test_a_difference_stays_one(office: Pipeline, truth: Sent, seen: Sent) -> None:
    assert MasqueradePorts(office).here([truth], [seen]) == (seen,)


def test_a_packet_quoted_in_an_icmp_error_is_renamed_too(office: Pipeline) -> None:
    ports = MasqueradePorts(office)
    ports.here([sent(WAN, udp(OUR_PORT))], [sent(WAN, udp(THEIR_PORT))])

    def error(port: int) -> bytes:
        return bytes(inet().IP(src="192.0.2.9", dst="192.0.2.1") / inet().ICMP(type=11) / udp(port)[:28])

    assert ports.there(error(OUR_PORT)) == error(THEIR_PORT)


@pytest.mark.parametrize("start", range(0, 65536, 4099))
def test_checksums_stay_right(office: Pipeline, start: int) -> None:
    ports = MasqueradePorts(office)
    port = max(start, 1)
    ports.here([sent(WAN, udp(OUR_PORT))], [sent(WAN, udp(port))])
    back = ports.there(udp(53, 0xC0000209, OUR_PORT, 0xC0000201))
    assert back == udp(53, 0xC0000209, port, 0xC0000201)


def test_replies_are_to_what_each_machine_sent(office: Pipeline) -> None:
    seen: list[Observation] = []
    with Elsewhere(office, range(60000, 61000)).session("") as session:
        seen.append(session.send(LAN, udp(7, 0x0A000005)))
        back = reply(seen[0].sent[0].packet, PacketSpec())
        assert back is not None and fields(back)["udp.dport"] == 60000
        seen.append(session.send(WAN, back))
    assert fields(seen[1].sent[0].packet)["dst"] == 0x0A000005
