"""A config.json and the same settings in NaCl give the same model and the same C++, but for places."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from naclc.config.translate import translate
from naclc.driver import Options, check_policy, compile_policy
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile, Span
from naclc.syntax.parse import parse

PAIRS = {
    "static": (
        """{ "net": [ { "iface": 0, "config": "static", "address": "192.0.2.1/24", "gateway": "192.0.2.254" },
                      { "iface": 3, "config": "static4", "address": ["10.0.0.1"], "netmask": "255.0.0.0",
                        "dns": "10.0.0.53" } ] }""",
        """Iface nic0 { index: 0, config: static, address: 192.0.2.1, netmask: 255.255.255.0, gateway: 192.0.2.254 }
           Iface nic3 { index: 3, config: static, address: 10.0.0.1, netmask: 255.0.0.0, dns: 10.0.0.53 }""",
    ),
    "DHCP": (
        """{ "net": [ { "iface": 0, "config": "dhcp" }, { "iface": 1, "config": ["dhcp4"], "timeout": 30.0 },
                      { "iface": 2, "config": "dhcp-with-fallback", "address": "10.0.0.1/8", "timeout": 5 } ] }""",
        """Iface nic0 dhcp
           nic0.index: 0
           Iface nic1 { index: 1, config: dhcp, dhcp_timeout: 30 }
           Iface nic2 { index: 2, config: dhcp-with-fallback, address: 10.0.0.1, netmask: 255.0.0.0, dhcp_timeout: 5 }
        """,
    ),
    "VLANs and routes": (
        """{ "net": [ { "iface": 0, "config": "static", "address": "192.0.2.1/24", "vlan": [
                        { "id": 7, "address": "10.7.0.1", "netmask": "255.255.0.0", "gateway": "10.7.0.2" } ] },
                      { "iface": 1, "config": "static", "address": "10.0.1.1/24" } ],
             "router": [[ { "address": "0.0.0.0", "netmask": "0.0.0.0", "iface": 0, "nexthop": "192.0.2.9" },
                          { "address": "10.0.1.0", "netmask": "255.255.255.0", "iface": 1, "cost": 3 } ]] }""",
        """Iface nic0 { index: 0, config: static, address: 192.0.2.1, netmask: 255.255.255.0 }
           Iface nic0_vlan7 { index: 0, vlan: 7, address: 10.7.0.1, netmask: 255.255.0.0, gateway: 10.7.0.2 }
           Iface nic1 { index: 1, config: static, address: 10.0.1.1, netmask: 255.255.255.0 }
           Gateway router [
             { net: 0.0.0.0, netmask: 0.0.0.0, iface: nic0, nexthop: 192.0.2.9, cost: 100 },
             { net: 10.0.1.0, netmask: 255.255.255.0, iface: nic1, cost: 3 }
           ]""",
    ),
    "load balancer and syslog": (
        """{ "net": [ { "iface": 0, "config": "static", "address": "192.0.2.1/24" },
                      { "iface": 1, "config": "static", "address": "10.0.1.1/24" } ],
             "load_balancer": {
               "clients": { "iface": 0, "port": 80, "waitq_limit": 10, "session_limit": 20 },
               "nodes": { "iface": 1, "algo": "round_robin", "list": [ ["10.0.1.7", 8080], ["10.0.1.8", 8081] ] } },
             "syslog": { "type": "udp", "iface": 0, "address": "192.0.2.9" } }""",
        """Iface nic0 { index: 0, config: static, address: 192.0.2.1, netmask: 255.255.255.0 }
           Iface nic1 { index: 1, config: static, address: 10.0.1.1, netmask: 255.255.255.0 }
           Load_balancer load_balancer {
             layer: tcp,
             clients: { iface: nic0, port: 80, wait_queue_limit: 10, session_limit: 20 },
             servers: { iface: nic1, algorithm: round_robin, active_check: true,
                        pool: [ { address: 10.0.1.7, port: 8080 }, { address: 10.0.1.8, port: 8081 } ] }
           }
           Syslog syslog { address: 192.0.2.9, port: 6514 }""",
    ),
}


def without_places(value: Any) -> Any:
    """A model as plain values: no spans, and no record of where a key is written."""
    if isinstance(value, Span):
        return None
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value) if field.name != "keys"]
        return type(value).__name__, {name: without_places(getattr(value, name)) for name in fields}
    if isinstance(value, tuple):
        return [without_places(item) for item in value]
    return value


@pytest.mark.parametrize("name", PAIRS)
def test_the_model_is_the_same(name: str) -> None:
    text, nacl = PAIRS[name]
    translated = translate(SourceFile("config.json", text))
    program, problems = parse(SourceFile("policy.nacl", nacl))
    assert program is not None and problems == []
    model, _ = resolve(program)
    assert model is not None and translated.configuration is not None, translated.diagnostics
    assert without_places(translated.configuration) == without_places(model)


@pytest.mark.parametrize("name", PAIRS)
def test_every_place_of_the_model_lies_in_the_json(name: str) -> None:
    configuration = translate(SourceFile("config.json", PAIRS[name][0])).configuration
    assert configuration is not None
    spans = [span for iface in configuration.ifaces for span in (iface.span, *iface.keys.values())]
    assert len(spans) > len(configuration.ifaces)
    assert all(span.source.name == "config.json" and span.start < span.end for span in spans)


@pytest.mark.parametrize("name", PAIRS)
def test_the_code_is_the_same(name: str) -> None:
    text, nacl = (compile_policy(SourceFile("same", each), Options(system="includeos")) for each in PAIRS[name])
    assert text.cpp is not None and nacl.cpp is not None

    def lines(cpp: str) -> list[str]:
        return [line.split("// ")[0].rstrip() for line in cpp.splitlines()]

    assert lines(text.cpp) == lines(nacl.cpp)


def test_what_the_skeleton_has_not_is_refused() -> None:
    text = PAIRS["load balancer and syslog"][0]
    found = check_policy(SourceFile("config.json", text), Options(system="skeleton")).diagnostics
    assert "not-on-target" in {diagnostic.code for diagnostic in found}
    assert '"load_balancer"' in [d.span.text for d in found if d.span and d.code == "not-on-target"]


def test_a_comment_that_allows_is_no_comment_in_json() -> None:
    text = '{ "net": [ { "iface": 0, "config": "none" } ], "x": "# naclc: allow(unused) no" }'
    assert [d.code for d in check_policy(SourceFile("config.json", text), Options()).diagnostics] == ["unused"]
