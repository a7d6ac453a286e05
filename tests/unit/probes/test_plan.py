"""Probes: each goal has one that reaches it, or a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naclc.decision.build import build
from naclc.decision.evaluate import evaluator
from naclc.decision.graph import Graphs
from naclc.interpret.machine import Machine
from naclc.net.fields import FIELDS, State
from naclc.pipeline.evaluation import Facts
from naclc.pipeline.lower import lower
from naclc.pipeline.pipeline import Pipeline
from naclc.probes.edges import Ways
from naclc.probes.plan import plan_probes
from naclc.probes.probe import Plan
from naclc.probes.sets import Space
from naclc.probes.trace import Recorder, Taken, Tracer
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse

OFFICE = (Path(__file__).parent / "office.nacl").read_text("utf-8")

TWO_NETS = """
Iface a {{ index: 0, address: 192.0.2.1, netmask: 255.255.255.0 }}
Iface b {{ index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }}
Gateway g {{
  a: {{ net: 192.0.2.0, netmask: 255.255.255.0, iface: a }},
  b: {{ net: 10.0.0.0, netmask: 255.255.255.0, iface: b }},
  forward: f
}}
Filter::IP f {{ {} }}
"""


def lowered(text: str) -> tuple[Pipeline, Graphs]:
    program, findings = parse(SourceFile("fw.nacl", text))
    assert program is not None, findings
    configuration, findings = resolve(program, None)
    assert configuration is not None, findings
    pipeline = lower(configuration)
    return pipeline, build(pipeline)


def planned(text: str) -> Plan:
    pipeline, graphs = lowered(text)
    return plan_probes(graphs, pipeline)


def forwarding(body: str) -> Plan:
    return planned(TWO_NETS.format(body))


def reached(text: str, plan: Plan) -> set[Taken]:
    """The ways taken by the last packet of each probe, each probe on a fresh machine."""
    pipeline, graphs = lowered(text)
    tracer, decide = Tracer(Ways(graphs)), evaluator(graphs, pipeline)
    numbers = {iface.name: iface.number for iface in pipeline.ifaces}
    taken: set[Taken] = set()
    for probe in plan.probes:
        last: list[Taken] = []

        def watch(function: str, facts: Facts, last: list[Taken] = last):  # type: ignore[no-untyped-def]
            last += tracer.walk_all(function, facts)
            return decide(function, facts)

        machine = Machine(pipeline, watch)
        for step in probe.steps:
            last.clear()
            machine.receive(numbers[step.iface], step.packet)
        taken |= set(last)
    return taken


def test_every_goal_is_reached_or_has_a_reason() -> None:
    pipeline, graphs = lowered(OFFICE)
    plan = plan_probes(graphs, pipeline)
    taken = reached(OFFICE, plan)
    ways = {way for way, _ in taken}
    goals = list(Ways(graphs).goals(pipeline))
    missed = {g.about for g in goals if not (g.way in ways if g.value is None else (g.way, g.value) in taken)}
    assert missed <= {item.about for item in plan.unreachable}
    assert plan.goals == len(goals) > 80
    assert len(plan.unreachable) < 12


def test_equal_policies_give_equal_plans() -> None:
    assert planned(OFFICE) == planned(OFFICE)


# why | body of the forward filter | what there is no packet for, and why
UNREACHABLE = [
    ("all is reached", "if (ip.ttl < 9) { drop } accept", {}),
    ("an earlier rule takes it all", "if (ip.ttl < 9) { drop } if (ip.ttl == 5) { drop } accept",
     {"ip.ttl is 5": "masked", "ip.ttl is 4": "masked", "ip.ttl is 6": "masked"}),
    ("a TTL that no packet still has behind a router", "if (ip.ttl == 255) { drop } accept",
     {"ip.ttl is 255": "not reachable from the wire"}),
    ("a packet longer than a frame", "if (ip.length > 1500) { drop } accept",
     {"ip.length is 1501": "not reachable from the wire"}),
    ("a state that never is", "if (ct.state == related) { drop } accept",
     {"ct.state is related": "masked", "ct.state is invalid": "masked"}),
    ("protocols without an entry", "if (ip.protocol == gre) { drop } accept",
     {"ip.protocol is 46": "masked", "ip.protocol is 47": "masked", "ip.protocol is 48": "masked"}),
    ("a source that nobody may have", "if (ip.saddr >= 224.0.0.0) { drop } accept",
     {"ip.saddr is 224.0.0.0": "not reachable from the wire"}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), [row[1:] for row in UNREACHABLE], ids=[row[0] for row in UNREACHABLE])
def test_unreachable(body: str, expected: dict[str, str]) -> None:
    found = {item.about: item.reason for item in forwarding(body).unreachable}
    assert {about: reason.split(":")[0] for about, reason in found.items()} == expected


# why | body | steps of the longest probe
SEQUENCES = [
    ("a reply is established", "if (ct.state == established) { accept } if (iface.in == a) { accept } drop", 2),
    ("only one direction opens flows, and is then established itself",
     "if (iface.in == b) { if (ct.state == established) { accept } drop } "
     "if (ip.saddr not in 192.0.2.64/26 or ip.daddr not in 10.0.0.0/25) { drop } "
     "if (ct.state == established) { accept } accept", 3),
    ("established replies by port",
     "if (ct.state == established) { Filter::TCP { if (tcp.sport == 80) { accept } } drop } accept", 2),
]  # fmt: skip


@pytest.mark.parametrize(("body", "steps"), [row[1:] for row in SEQUENCES], ids=[row[0] for row in SEQUENCES])
def test_flows_are_opened_first(body: str, steps: int) -> None:
    plan = forwarding(body)
    assert max(len(probe.steps) for probe in plan.probes) == steps
    assert [item for item in plan.unreachable if "related" not in item.about and "no Iface" not in item.about] == []


def test_the_machines_own_answers_are_provoked() -> None:
    text = """
    Iface a { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, output: out }
    Filter::IP out {
      Filter::TCP { if (tcp.has-ack) { accept } if (tcp.sport == 22) { drop } accept }
      Filter::ICMP { if (icmp.type == destination-unreachable) { drop } if (ip.daddr == 192.0.2.7) { drop } }
      accept
    }
    """
    plan = planned(text)
    missed = {item.about for item in plan.unreachable}
    # It answers with TCP and with ICMP types 0 and 3 only.
    assert missed == {"icmp.type is 2", "icmp.type is 4", "the packet is not ICMP with its header"}
    pipeline, graphs = lowered(text)
    recorder = Recorder(Ways(graphs), evaluator(graphs, pipeline))
    machine = Machine(pipeline, recorder)
    for probe in plan.probes:
        machine.receive(0, probe.steps[0].packet)
    taken, ways = recorder.count()
    assert taken == ways - 2


@pytest.mark.parametrize("field", sorted(name for name in FIELDS if name.startswith(("ip.", "tcp.", "udp.", "icmp."))))
def test_both_sides_of_a_boundary_of(field: str) -> None:
    boundary = {"ip.version": 4, "ip.hdrlength": 24, "ip.frag-off": 0, "ip.protocol": 6, "ip.length": 50}
    value = boundary.get(field, 1 if FIELDS[field].width < 8 else 77)
    shown = f"0.0.0.{value}" if FIELDS[field].type == "Addr" else str(value)
    test = (
        field if FIELDS[field].type == "Bool" else f"{field} <= {shown}" if "flags" not in field else f"{field} == 77"
    )
    kind = FIELDS[field].protocol.upper()
    body = f"Filter::{kind} {{ if ({test}) {{ drop }} }} accept"
    if field == "ip.daddr":
        body = "if (ip.daddr <= 10.0.0.77) { drop } accept"
    plan = forwarding(body)
    beyond = {"ip.version": 1, "ip.frag-off": 1, "ip.hdrlength": 1, "ip.protocol": 1}
    assert len(plan.unreachable) == beyond.get(field, 0), plan.unreachable


def test_a_policy_beyond_the_budget_is_listed_as_not_planned() -> None:
    pipeline, graphs = lowered(OFFICE)
    plan = plan_probes(graphs, pipeline, nodes=2000)
    assert plan.probes == ()
    assert len(plan.unreachable) == plan.goals > 0
    assert {item.reason for item in plan.unreachable} == {"not planned: the analysis budget is used up"}


def test_a_function_that_tests_nothing_gets_a_packet() -> None:
    plan = forwarding('log("seen") accept')
    assert [probe.about for probe in plan.probes] == ["f: a packet gets there"] and not plan.unreachable


def test_no_probes_without_functions() -> None:
    plan = planned("Iface a { index: 0, address: 192.0.2.1, netmask: 255.255.255.0 }")
    assert (plan.probes, plan.unreachable, plan.goals) == ((), (), 0)


def test_doubling_calls_stay_linear() -> None:
    calls = "".join(f"Filter::IP f{n} {{ f{n + 1}() f{n + 1}() }}\n" for n in range(1, 40))
    text = TWO_NETS.format("f1() accept") + calls + "Filter::IP f40 { if (ip.ttl == 7) { drop } }\n"
    assert len(planned(text).probes) == 3


def space() -> Space:
    return Space([FIELDS["ip.saddr"], FIELDS["tcp.flags"]], [], 1_000_000)


def test_replies_change_ends() -> None:
    s = space()
    packets = s.equal("ip.saddr", 1) & s.equal("ip.daddr", 2) & s.between("tcp.sport", 3, 4) & s.equal("udp.dport", 5)
    swapped = s.equal("ip.saddr", 2) & s.equal("ip.daddr", 1) & s.between("tcp.dport", 3, 4) & s.equal("udp.sport", 5)
    assert s.replies(packets) == swapped


@given(st.integers(0, 255), st.integers(0, 255))
@settings(max_examples=50, deadline=None)
def test_decremented(first: int, last: int) -> None:
    s = space()
    after = s.decremented(s.between("ip.ttl", min(first, last), max(first, last)))
    low, high = max(min(first, last), 1), max(first, last)
    assert after == (s.between("ip.ttl", low - 1, high - 1) if high else s.none)


def test_next_to() -> None:
    s = Space([FIELDS["tcp.sport"]], [(FIELDS["tcp.sport"], FIELDS["tcp.dport"])], 1_000_000)
    adjacent = s.next_to(FIELDS["tcp.sport"], FIELDS["tcp.dport"])
    both = lambda low, high: s.equal("tcp.sport", low) & s.equal("tcp.dport", high)  # noqa: E731
    assert (adjacent & both(7, 8)).satisfiable()
    assert not (adjacent & both(8, 7)).satisfiable()
    assert not (adjacent & both(65535, 0)).satisfiable()


def test_wishes_hold_where_there_is_a_choice() -> None:
    s = space()
    packets = s.between("ip.ttl", 1, 9) & s.equal("ct.state", State.NEW)
    assert (s.one(packets, [("ip.ttl", 64), ("ip.ttl", 5), ("ip.saddr", 3)]) or {})["ip.ttl"] == 5
    assert s.one(s.none, []) is None
