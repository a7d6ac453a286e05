"""Large policies: gates and skipping find what looking at everything finds, in time that grows with the policy."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naclc.decision.build import build
from naclc.decision.evaluate import evaluator
from naclc.decision.graph import Graphs
from naclc.decision.witness import facts_from_assignment
from naclc.net.fields import State
from naclc.pipeline.lower import lower
from naclc.pipeline.pipeline import Pipeline
from naclc.probes import passage
from naclc.probes.edges import Ways
from naclc.probes.plan import plan_probes
from naclc.probes.trace import Tracer
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse
from tests.unit.probes.test_flows import POLICIES, planned

HEAD = """
Iface a { index: 0, address: 192.0.2.1, netmask: 255.255.255.0 }
Iface b { index: 1, address: 10.0.0.1, netmask: 255.255.0.0, postrouting: out }
Gateway g {
  a: { net: 0.0.0.0, netmask: 0.0.0.0, iface: a, nexthop: 192.0.2.254 },
  b: { net: 10.0.0.0, netmask: 255.255.0.0, iface: b },
  forward: f
}
Filter::IP out { if (ct.state == established) { accept } Filter::UDP { if (udp.dport < 1000) { drop } } accept }
"""


def rules(count: int, spread: int, seed: int = 1) -> str:
    """A policy of `count` rules; the smaller `spread`, the more packets are of several of them."""
    made = random.Random(seed)
    lines = []
    for _ in range(count):
        source = f"{made.randint(1, spread % 223)}.{made.randint(0, spread)}.0.0/16"
        target, port = f"10.0.{made.randint(0, spread)}.{made.randint(2, 250)}", made.randint(1, 65_000)
        verdict = made.choice(("accept", "drop"))
        lines.append(
            made.choice(
                (
                    f"Filter::TCP {{ if (ip.saddr in {source} and tcp.dport == {port}) {{ {verdict} }} }}",
                    f"Filter::TCP {{ if (ip.daddr == {target} and tcp.dport in [{port}, 80]) {{ {verdict} }} }}",
                    f"Filter::UDP {{ if (ip.daddr == {target} or udp.dport == {port}) {{ {verdict} }} }}",
                    f"if (ip.saddr in {source} and ip.daddr == {target}) {{ {verdict} }}",
                    f"if (ip.saddr in {source}) {{ if (ip.ttl < {made.randint(2, 60)}) {{ {verdict} }} }}",
                )
            )
        )
    return HEAD + "Filter::IP f { if (ct.state == established) { accept }\n" + "\n".join(lines) + "\ndrop }\n"


def lowered(text: str) -> tuple[Pipeline, Graphs]:
    program, findings = parse(SourceFile("fw.nacl", text))
    assert program is not None, findings
    configuration, findings = resolve(program, None)
    assert configuration is not None, findings
    pipeline = lower(configuration)
    return pipeline, build(pipeline)


@pytest.mark.parametrize("path", [row[0] for row in POLICIES])
def test_gates_find_all_that_is_found_without(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, graphs, exact = planned(path)
    monkeypatch.setattr(passage, "_LARGE", 0)
    gated = plan_probes(graphs, pipeline)
    assert gated.unreachable == exact.unreachable


@pytest.mark.parametrize("spread", [3, 200])
def test_rules_that_overlap(spread: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, graphs = lowered(rules(40, spread))
    monkeypatch.setattr(passage, "_LARGE", 10**9)
    exact = plan_probes(graphs, pipeline)
    monkeypatch.setattr(passage, "_LARGE", 0)
    gated = plan_probes(graphs, pipeline)
    named = [{(item.function, item.about, item.reason) for item in plan.unreachable} for plan in (exact, gated)]
    assert named[0] == named[1]
    assert len(exact.probes) > 200


PIPELINE, GRAPHS = lowered(rules(60, 3))
DECIDE, WAYS = evaluator(GRAPHS, PIPELINE), Ways(GRAPHS)
TRACER = Tracer(WAYS)
PACKETS = st.fixed_dictionaries(
    {
        "ip.saddr": st.builds(lambda a, b: a << 24 | b << 16 | 5, st.integers(1, 4), st.integers(0, 4)),
        "ip.daddr": st.builds(lambda a, b: 10 << 24 | a << 8 | b, st.integers(0, 4), st.integers(1, 255)),
        "ip.protocol": st.sampled_from((1, 6, 17)),
        "ip.ttl": st.integers(1, 64),
        "ct.state": st.sampled_from((State.NEW, State.ESTABLISHED)),
        "tcp.dport": st.sampled_from((79, 80, 81, 5000)),
    }
)


@given(PACKETS)
@settings(max_examples=200, deadline=None)
def test_skipping_decides_as_walking_does(values: dict[str, int]) -> None:
    facts = facts_from_assignment(values)
    decision, taken = TRACER.walk("f", facts)
    assert (decision.verdict, decision.statement) == (DECIDE("f", facts).verdict, DECIDE("f", facts).statement)
    complete = TRACER.walk_all("f", facts)
    assert set(taken) <= set(complete)
    for way, value in complete[:5] + complete[-5:]:
        assert (way, value) in TRACER.walk("f", facts, way)[1]
        assert TRACER.visits("f", facts, way[:2])


def test_time_grows_with_the_policy() -> None:
    seconds = []
    for count in (100, 600):
        pipeline, graphs = lowered(rules(count, 200))
        start = time.process_time()
        plan = plan_probes(graphs, pipeline)
        seconds.append(time.process_time() - start)
        assert len(plan.unreachable) < plan.goals // 20
    assert seconds[1] < 16 * seconds[0]  # 6 where it is proportional, 36 where it grows with the square
