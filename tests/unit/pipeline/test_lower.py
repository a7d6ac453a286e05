"""Model to pipeline."""

from __future__ import annotations

from naclc.pipeline.dump import dump
from naclc.pipeline.lower import lower, walk
from naclc.pipeline.pipeline import (
    DEFAULT_TIMEOUTS,
    Conntrack,
    LoadBalancer,
    Node,
    Pipeline,
    SyslogServer,
    Timer,
    Translation,
)
from naclc.semantics.model import EntryState, Hook, Protocol, TimerData
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse

TCP, UDP, ICMP = Protocol.TCP, Protocol.UDP, Protocol.ICMP

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


SERVICES = """
Iface nic { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, send_queue_limit: 5, buffer_limit: 0 }
Iface both { index: 0, vlan: 7, address: 10.0.7.1, netmask: 255.255.255.0, masquerade: true, prerouting: n }
Iface hidden { index: 1, config: dhcp, dhcp_timeout: 20, masquerade: true }
Iface inward { index: 2, input: [f, n] }
Iface outward { index: 3, output: n }
Iface plain { index: 4, output: f }
Nat::IP n { dnat(10.0.0.5) snat(10.0.0.6) }
Filter::IP f { syslog(err, "x") drop }
Conntrack table { limit: 100, reserve: 50, timeout: { confirmed: { udp: 7 } }, untracked: filter, stateful_tcp: true }
Syslog far { address: 10.0.0.9, port: 514 }
Load_balancer lb { layer: tcp, clients: { iface: inward, port: 80, session_limit: 3 }, servers: {
  iface: nic, algorithm: round_robin, active_check: true, pool: [{ address: 192.0.2.9, port: 81 }] } }
Timer t { interval: 5, data: [memory, timestamp] }
"""


def services() -> Pipeline:
    program, problems = parse(SourceFile("test.nacl", SERVICES))
    assert program is not None and problems == []
    configuration, diagnostics = resolve(program)
    assert configuration is not None, diagnostics
    return lower(configuration)


def test_translations_follow_the_functions_of_a_chain() -> None:
    demasquerade, masquerade, un_snat, un_dnat = Translation
    steps = {iface.name: iface.translations for iface in services().ifaces}
    assert steps == {
        "nic": {},
        "both": {Hook.PREROUTING: (demasquerade, un_snat), Hook.POSTROUTING: (masquerade, un_dnat)},
        "hidden": {Hook.PREROUTING: (demasquerade,), Hook.POSTROUTING: (masquerade,)},
        "inward": {Hook.PREROUTING: (un_snat,), Hook.POSTROUTING: (un_dnat,), Hook.OUTPUT: (un_snat,)},
        "outward": {Hook.PREROUTING: (un_snat,), Hook.POSTROUTING: (un_dnat,), Hook.INPUT: (un_dnat,)},
        "plain": {},
    }


def test_masquerading_tracks_and_a_nat_is_known() -> None:
    facts = {iface.name: (iface.tracks, iface.has_nat) for iface in services().ifaces}
    assert facts == {
        "nic": (False, False),
        "both": (True, True),
        "hidden": (True, False),
        "inward": (True, True),
        "outward": (True, True),
        "plain": (True, False),
    }


def test_conntrack_has_all_defaults() -> None:
    conntrack = services().conntrack
    assert (conntrack.declared, conntrack.limit, conntrack.reserve, conntrack.stateful_tcp) == (True, 100, 50, True)
    times = {str(state): [conntrack.timeouts[state, p] for p in (TCP, UDP, ICMP)] for state in EntryState}
    assert times == {"unconfirmed": [10, 10, 10], "confirmed": [30, 7, 10], "established": [300, 10, 10]}
    assert services().untracked == "filter"


def test_without_a_conntrack() -> None:
    pipeline = lowered()
    assert pipeline.conntrack == Conntrack() and pipeline.untracked == "drop"
    assert not pipeline.conntrack.declared and pipeline.conntrack.timeouts[EntryState.ESTABLISHED, TCP] == 300


def test_nothing_can_change_the_default_timeouts() -> None:
    Conntrack().timeouts.clear()
    assert Conntrack().timeouts == DEFAULT_TIMEOUTS and len(DEFAULT_TIMEOUTS) == 9


def test_services() -> None:
    pipeline = services()
    assert pipeline.syslog == SyslogServer(0x0A000009, 514)
    assert pipeline.load_balancer == LoadBalancer(3, 80, 1000, 3, 0, (Node(0xC0000209, 81),), True)
    assert pipeline.timers == (Timer("t", 5, (TimerData.TIMESTAMP, TimerData.MEMORY)),)


def test_dump_of_services() -> None:
    assert dump(services()) == DUMPED


DUMPED = """\
iface 0 nic: nic 0, 192.0.2.1/24, send queue limit 5, buffer limit 0
  prerouting: -
  input: -
  output: -
  postrouting: -
iface 1 both: nic 0, vlan 7, 10.0.7.1/24, tracks, masquerade
  prerouting: n, then demasquerade, then un-snat
  input: -
  output: -
  postrouting: -, then masquerade, then un-dnat
iface 2 hidden: nic 1, dhcp timeout 20 s, tracks, masquerade
  prerouting: -, then demasquerade
  input: -
  output: -
  postrouting: -, then masquerade
iface 3 inward: nic 2, tracks
  prerouting: -, then un-snat
  input: f, n
  output: -, then un-snat
  postrouting: -, then un-dnat
iface 4 outward: nic 3, tracks
  prerouting: -, then un-snat
  input: -, then un-dnat
  output: n
  postrouting: -, then un-dnat
iface 5 plain: nic 4, tracks
  prerouting: -
  input: -
  output: f
  postrouting: -
untracked filter
conntrack: limit 100, stateful tcp
  reserve 50
  unconfirmed: TCP 10 s, UDP 10 s, ICMP 10 s
  confirmed: TCP 30 s, UDP 7 s, ICMP 10 s
  established: TCP 300 s, UDP 10 s, ICMP 10 s
syslog to 10.0.0.9:514
load balancer: clients on inward port 80, wait queue 1000, sessions 3
  servers on nic: 192.0.2.9:81, active check
timer t every 5 s: timestamp, memory
Nat::IP n
  #0 dnat 10.0.0.5
  #1 snat 10.0.0.6
Filter::IP f
  #2 syslog err "x"
  #3 drop
"""
