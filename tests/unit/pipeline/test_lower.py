"""Model to pipeline."""

from __future__ import annotations

from naclc.pipeline.dump import dump
from naclc.pipeline.lower import lower, walk
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse

PROGRAM = """
Filter::IP late { early Filter::TCP { web } drop }
Filter::IP unused { accept }
Iface lan { index: 0, address: 10.0.0.1, netmask: 255.255.255.0, input: [late, other], output: [] }
Iface wan { index: 1, address: 192.0.2.1, netmask: 255.255.255.0, gateway: 192.0.2.254 }
Iface spare { index: "02-00-5E-00-53-01", address: 198.51.100.1, netmask: 255.255.255.0 }
Iface dmz { index: 3, address: 203.0.113.1, netmask: 255.255.255.0, postrouting: other }
Gateway gw {
  default: { net: 0.0.0.0, netmask: 0.0.0.0, iface: wan },
  dear: { net: 10.1.0.0, netmask: 255.255.0.0, iface: lan, nexthop: 10.0.0.3, cost: 5 },
  cheap: { net: 10.2.0.0, netmask: 255.255.0.0, iface: lan, nexthop: 10.0.0.2 },
  first: { net: 10.3.0.0, netmask: 255.255.0.0, iface: lan, nexthop: 10.0.0.4 },
  one: { host: 10.1.0.1, iface: lan, nexthop: 10.0.0.9, cost: 9 },
  forward: late,
}
Filter::TCP web { if (tcp.dport == 80) { accept } else { early } }
Filter::IP other { drop }
Filter::IP early { if (ip.ttl == 1) { drop } }
"""


def lowered() -> Pipeline:
    program, problems = parse(SourceFile("test.nacl", PROGRAM))
    assert program is not None and problems == []
    configuration, diagnostics = resolve(program)
    assert configuration is not None, diagnostics
    return lower(configuration)


def test_routes_by_netmask_then_cost_then_source_order() -> None:
    router = lowered().router
    assert router is not None
    assert [(route.net >> 16, route.cost) for route in router.routes] == [
        (0x0A01, 9),
        (0x0A02, 1),
        (0x0A03, 1),
        (0x0A01, 5),
        (0, 1),
    ]
    assert [route.iface for route in router.routes] == [0, 0, 0, 0, 1]


def test_callees_come_before_callers_and_unused_functions_are_gone() -> None:
    assert list(lowered().functions) == ["early", "web", "late", "other"]


def test_who_tracks_and_who_forwards() -> None:
    facts = {iface.name: (iface.tracks, iface.forwards) for iface in lowered().ifaces}
    assert facts == {"lan": (True, True), "wan": (True, True), "spare": (False, False), "dmz": (True, False)}


def test_every_hook_but_forward_is_there() -> None:
    chains = lowered().ifaces[0].chains
    assert chains == {Hook.PREROUTING: (), Hook.INPUT: ("late", "other"), Hook.OUTPUT: (), Hook.POSTROUTING: ()}


def test_places_of_attachment() -> None:
    assert lowered().attached() == {
        "late": frozenset({(Hook.INPUT, 0), (Hook.FORWARD, None)}),
        "other": frozenset({(Hook.INPUT, 0), (Hook.POSTROUTING, 3)}),
    }


def test_statements_are_those_of_the_used_functions_in_source_order() -> None:
    pipeline = lowered()
    bodies = [statement for function in pipeline.functions.values() for statement in walk(function.body)]
    assert {statement.id: statement.span for statement in bodies} == pipeline.statements
    places = [span.start for _, span in sorted(pipeline.statements.items())]
    assert places == sorted(places)


def test_dump() -> None:
    assert dump(lowered()).splitlines()[:3] == [
        "iface 0 lan: nic 0, 10.0.0.1/24, tracks, forwards",
        "  prerouting: -",
        "  input: late, other",
    ]
    assert "  0.0.0.0/0 on wan direct cost 1\n  forward: late\nuntracked drop\n" in dump(lowered())
