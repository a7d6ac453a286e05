"""Every key of every element with every kind of value, alone and by name: always a model or an error, and a value that
is accepted is in the model."""

from __future__ import annotations

import pytest

from naclc.pipeline.dump import dump as dump_pipeline
from naclc.pipeline.lower import lower
from naclc.semantics.dump import dump
from naclc.semantics.gateway import OPTIONS, ROUTE_KEYS
from naclc.semantics.ifaces import KEYS as IFACE_KEYS

from .programs import resolved

BALANCER = "iface: eth, algorithm: round_robin, pool: [{ address: 10.0.0.2, port: 80 }]"
PLACES = {
    **{f"Iface {key}": f"Iface x {{ index: 5, {key}: @ }}" for key in IFACE_KEYS if key != "index"},
    "Iface index": "Iface x { index: @, input: [] }",
    "Iface": "Iface x @",
    **{f"Gateway {key}": f"Gateway x {{ {key}: @ }}" for key in OPTIONS},
    **{f"route {key}": f"Gateway x {{ r: {{ {key}: @ }} }}" for key in ROUTE_KEYS},
    "route": "Gateway x { r: @ }",
    "routes": "Gateway x [@]",
    "Gateway": "Gateway x @",
    **{f"Conntrack {key}": f"Conntrack x {{ {key}: @ }}" for key in ("limit", "reserve", "stateful_tcp", "untracked")},
    "timeout": "Conntrack x { timeout: @ }",
    "timeout state": "Conntrack x { timeout: { established: @ } }",
    "timeout protocol": "Conntrack x { timeout: { established: { udp: @ } } }",
    "Conntrack": "Conntrack x @",
    "layer": f"Load_balancer x {{ layer: @, clients: {{ iface: eth, port: 80 }}, servers: {{ {BALANCER} }} }}",
    "clients": f"Load_balancer x {{ layer: tcp, clients: @, servers: {{ {BALANCER} }} }}",
    "client iface": f"Load_balancer x {{ layer: tcp, clients: {{ iface: @, port: 80 }}, servers: {{ {BALANCER} }} }}",
    "client port": f"Load_balancer x {{ layer: tcp, clients: {{ iface: eth, port: @ }}, servers: {{ {BALANCER} }} }}",
    "servers": "Load_balancer x { layer: tcp, clients: { iface: eth, port: 80 }, servers: @ }",
    "pool": "Load_balancer x { layer: tcp, clients: { iface: eth, port: 80 }, servers: { iface: eth, "
    "algorithm: round_robin, pool: @ } }",
    "node": "Load_balancer x { layer: tcp, clients: { iface: eth, port: 80 }, servers: { iface: eth, "
    "algorithm: round_robin, pool: [@] } }",
    "algorithm": "Load_balancer x { layer: tcp, clients: { iface: eth, port: 80 }, servers: { iface: eth, "
    "pool: [{ address: 10.0.0.2, port: 80 }], algorithm: @ } }",
    "Syslog address": "Syslog x { address: @, port: 514 }",
    "Syslog port": "Syslog x { address: 10.0.0.9, port: @ }",
    "Syslog": "Syslog x @",
    "interval": "Timer x { interval: @, data: [cpu] }",
    "data": "Timer x { interval: 5, data: @ }",
    "word": "Timer x { interval: 5, data: [@] }",
    "Timer": "Timer x @",
    "severity": 'Filter::IP x { syslog(@, "x") drop } eth.output: x',
    "log": "Filter::IP x { log(@) drop } eth.output: x",
    "dnat": "Nat::TCP x { dnat(@) } eth.output: x",
    "snat port": "Nat::TCP x { snat(10.0.0.9, @) } eth.input: x",
    "test": "Filter::IP x { if (@ == @) { drop } drop } eth.output: x",
    "set": "Filter::IP x { if (ip.ttl in @) { drop } drop } eth.output: x",
    "addition": "thing: { a: 1 } thing.b: @ thing.a.c: @",
}
VALUES = (
    *("0", "1", "80", "(-1)", "4294967296", "0x1f", "1.5", "true", '"x"', '"02:00:5e:00:53:01"'),
    *("10.0.0.7", "0.0.0.0", "255.255.255.0", "10.0.0.0/24", "1-5", "10.0.0.1-10.0.0.9", "1.5-2.5"),
    *("http", "tcp", "fin", "new", "echo-request", "dhcp", "static", "round_robin", "filter", "lb", "info", "cpu"),
    *("ip.ttl", "iface.in", "eth", "eth.address", "eth.nothing", "f", "n", "x", "x.y", "nosuch", "no.such"),
    *("[]", "{}", "[[], {}]", "[80, 10.0.0.1, eth, f, lb]", "{ address: 10.0.0.2, port: 80 }", "{ a: { b: [f] } }"),
    *("{ iface: eth, port: 80 }", "{ host: 10.0.0.9, iface: eth }", "[{ host: 10.0.0.9, iface: eth }]", "circle"),
)
HEAD = (
    "Iface eth { index: 0, address: 10.0.0.1, netmask: 255.255.255.0 }\nFilter::IP f { drop }\nNat::IP n { }\n"
    "circle: [circle]\n"
)


def check(text: str) -> bool:
    """Whether there is a model; its dumps are made."""
    configuration, diagnostics = resolved(text)
    assert (configuration is None) == any(diagnostic.is_error for diagnostic in diagnostics), text
    assert all(diagnostic.span is not None for diagnostic in diagnostics), text
    if configuration:
        assert dump(configuration) and dump_pipeline(lower(configuration)), text
    return configuration is not None


@pytest.mark.parametrize("place", PLACES)
def test_every_value(place: str) -> None:
    head = HEAD.replace("circle: [circle]\n", "")
    accepted = [
        value for value in VALUES if check((HEAD if value == "circle" else head) + PLACES[place].replace("@", value))
    ]
    assert len(accepted) < len(VALUES)
    for value in VALUES:
        by_name = head + PLACES[place].replace("@", "named") + f"\nnamed: {value}\n"
        same = value in accepted
        if value not in ("circle", "x", "x.y"):
            check(by_name)
        if same and value not in ("ip.ttl", "iface.in", "f", "n", "x", "eth"):
            assert check(by_name), by_name
