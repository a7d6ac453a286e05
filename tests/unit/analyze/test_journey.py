"""What `naclc explain-packet` knows: the tests a packet met, what settled them, and which rules nearly decided."""

from __future__ import annotations

import pytest

from naclc.analyze.atoms import reasons, unmet
from naclc.analyze.journey import Guide, Journey
from naclc.analyze.trace import Went
from naclc.driver import Options, check_policy
from naclc.interpret.events import Dropped
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import If
from naclc.source import SourceFile
from naclc.verify import packets
from naclc.verify.packetspec import PacketSpec

POLICY = """Iface outside { index: 0, address: 192.0.2.1, netmask: 255.255.255.0 }
Iface inside { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
Gateway g {
  out: { net: 192.0.2.0, netmask: 255.255.255.0, iface: outside },
  in: { net: 10.0.0.0, netmask: 255.255.255.0, iface: inside },
  forward: through,
}
Filter::TCP shared {
  if (tcp.dport == 22 and ip.saddr == 192.0.2.77) { accept }
}
Filter::IP through {
  if (not (ct.state == new or ct.state == untracked)) { accept }
  shared()
  shared()
  Filter::UDP {
    accept
  }
  if (ip.daddr in 10.0.0.0/24 and (ip.ttl < 3 or ip.dscp == 1)) { drop } else { log("odd") }
  if (iface.in == outside) {
    Filter::TCP {
      if (tcp.dport in [80, 443]) { accept }
    }
  }
  drop
}
"""


def pipeline_of(text: str) -> Pipeline:
    checked = check_policy(SourceFile("fw.nacl", text), Options())
    assert checked.ok and checked.pipeline is not None
    return checked.pipeline


def tcp(dport: int, **values: int) -> bytes:
    source, target = 0xC0000209, 0x0A000005
    return packets.build(PacketSpec("tcp", {"src": source, "dst": target, "tcp.dport": dport, **values}))


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return pipeline_of(POLICY)


@pytest.fixture
def journey(pipeline: Pipeline) -> Journey:
    return Guide(pipeline).send(0, tcp(22))


def lines_of(journey: Journey) -> list[tuple[int, Went | None]]:
    return [(line.span.line, line.went) for line in journey.stops[0].lines]


def test_each_test_is_met_in_order_up_to_the_verdict(journey: Journey) -> None:
    assert lines_of(journey) == [
        *((12, Went.PAST), (13, Went.IN), (9, Went.PAST), (14, Went.AGAIN), (15, Went.PAST)),
        *((18, Went.PAST), (18, None), (19, Went.IN), (20, Went.IN), (21, Went.PAST), (24, None)),
    ]
    assert journey.stops[0].visit.decision.statement == journey.stops[0].lines[-1].statement.id
    assert any(isinstance(event, Dropped) for event in journey.events)


def test_what_settled_a_test_is_named_with_its_values(journey: Journey) -> None:
    first, _, in_callee, *_ = journey.stops[0].lines
    assert [str(reading) for reading in first.because] == ["ct.state is new"]
    assert [str(reading) for reading in in_callee.because] == ["ip.saddr is 192.0.2.9"]  # the port was right
    odd = next(line for line in journey.stops[0].lines if line.span.line == 18 and line.went)
    assert [str(reading) for reading in odd.because] == ["ip.ttl is 63", "ip.dscp is 0"]  # both sides of an `or`


def test_rules_that_lacked_one_test_are_near_and_single_tests_are_not(journey: Journey) -> None:
    assert [(near.statement.span.line, str(near.unmet)) for near in journey.stops[0].near] == [
        (12, "ct.state is new"),
        (9, "ip.saddr is 192.0.2.9"),
        (18, "ip.ttl is 63"),
        (21, "tcp.dport is 22"),
    ]


def test_another_protocol_is_a_near_miss_behind_a_test() -> None:
    text = POLICY.replace("  Filter::UDP {\n    accept\n  }\n", "  if (ip.ttl > 1) { Filter::UDP { accept } }\n")
    near = Guide(pipeline_of(text)).send(0, tcp(22)).stops[0].near
    assert [miss.protocol and miss.protocol.value for miss in near] == [None, None, "UDP", None, None]


def test_rules_behind_the_one_that_decided_are_not_near(pipeline: Pipeline) -> None:
    stop = Guide(pipeline).send(0, tcp(80)).stops[0]
    assert stop.lines[-1].span.line == 21
    assert all(near.statement.span.line <= 21 for near in stop.near) and stop.near


def test_a_second_packet_meets_what_the_first_has_left(pipeline: Pipeline) -> None:
    guide = Guide(pipeline)
    guide.send(0, tcp(80))
    answer = {"src": 0x0A000005, "dst": 0xC0000209, "tcp.sport": 80, "tcp.dport": 40000, "tcp.flags": 18}
    back = guide.send(1, packets.build(PacketSpec("tcp", answer)))
    assert lines_of(back) == [(12, Went.IN), (12, None)]
    assert [str(reading) for reading in back.stops[0].lines[0].because] == ["ct.state is established"] * 2
    guide.wait(3600)
    assert lines_of(guide.send(1, packets.build(PacketSpec("tcp", answer))))[0] == (12, Went.PAST)


def test_the_fewest_tests_are_looked_for(pipeline: Pipeline) -> None:
    guide = Guide(pipeline)
    facts = guide.send(0, tcp(22)).stops[0].visit.facts
    odd = next(s for s in pipeline.functions["through"].body if isinstance(s, If) and s.span.line == 18)
    assert unmet(odd.condition, False, facts, {}) == []
    assert [str(reading) for reading in unmet(odd.condition, True, facts, {})] == ["ip.ttl is 63"]
    assert [str(reading) for reading in reasons(odd.condition, facts, {})] == ["ip.ttl is 63", "ip.dscp is 0"]


def test_a_thousand_brackets_are_no_trouble() -> None:
    condition = "(" * 900 + "ip.ttl == 1" + ")" * 900
    text = "Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, prerouting: f }\n" + (
        f"Filter::IP f {{ if (not {condition}) {{ drop }} accept }}"
    )
    stop = Guide(pipeline_of(text)).send(0, tcp(22)).stops[0]
    assert [line.went for line in stop.lines] == [Went.IN, None]


def test_thirty_doubling_calls_are_looked_at_thirty_times() -> None:
    calls = "".join(f"Filter::IP f{n} {{ f{n - 1}() f{n - 1}() }}\n" for n in range(1, 31))
    text = "Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, prerouting: top }\n" + calls
    text += "Filter::IP f0 { if (ip.ttl == 1 and ip.dscp == 0) { accept } }\nFilter::IP top { f30() drop }"
    stop = Guide(pipeline_of(text)).send(0, tcp(22)).stops[0]
    assert len(stop.near) == 1 and len(stop.lines) == 63
