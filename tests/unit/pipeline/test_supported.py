"""What cannot be compiled yet is refused, each part at its own place; what can is not."""

from __future__ import annotations

import pytest

from naclc.driver import Options, check_policy
from naclc.pipeline.supported import unsupported
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse

PROGRAM = """\
Iface a { index: 0, send_queue_limit: 1, buffer_limit: 0, address: 10.0.0.1, netmask: 255.0.0.0, masquerade: true }
Iface b { index: 1, CONFIG: dhcp, input: f, prerouting: n }
Iface c dhcp
c.index: 2
Iface d { index: 3, Vlan: 5, address: 11.0.0.1, netmask: 255.0.0.0 }
Filter::IP f { if (ip.ttl == 1) { Filter::TCP { SYSLOG(info, "x") } } drop }
NAT::IP n { syslog(info, "x") dnat(10.0.0.1) }
Conntrack table { limit: 5 }
Load_balancer lb { layer: tcp, clients: { iface: a, port: 80 }, servers: {
  iface: a, algorithm: round_robin, pool: [{ address: 10.0.0.2, port: 80 }] } }
Syslog sl { address: 10.0.0.1, port: 514 }
Timer t { interval: 5, data: [memory] }
"""


def refused(text: str) -> list[tuple[int, int, str]]:
    """(line, column, text under it) of each refusal."""
    program, problems = parse(SourceFile("test.nacl", text))
    assert program is not None and problems == []
    configuration, diagnostics = resolve(program)
    assert configuration is not None, diagnostics
    found = unsupported(configuration)
    assert {diagnostic.code for diagnostic in found} <= {"not-supported-yet"}
    return [(d.span.line, d.span.column, d.span.text) for d in found if d.span]


def test_each_part_is_refused_where_it_is_written() -> None:
    assert refused(PROGRAM) == [
        (1, 20, "send_queue_limit"),
        (1, 41, "buffer_limit"),
        (1, 97, "masquerade"),
        (2, 20, "CONFIG"),
        (3, 8, "dhcp"),
        (5, 20, "Vlan"),
        (6, 48, "SYSLOG"),
        (7, 0, "NAT"),
        (8, 10, "table"),
        (9, 14, "lb"),
        (11, 7, "sl"),
        (12, 6, "t"),
    ]


@pytest.mark.parametrize("key", ["masquerade: false", "config: static", "dhcp_timeout: 5", "output: []"])
def test_what_asks_for_nothing_new_is_not_refused(key: str) -> None:
    assert refused(f"Iface e {{ index: 0, address: 10.0.0.1, netmask: 255.0.0.0, {key} }}\n") == []


def test_the_compiler_stops_there() -> None:
    result = check_policy(SourceFile("test.nacl", PROGRAM), Options())
    assert result.configuration is not None and result.pipeline is None
    assert [d.code for d in result.diagnostics if d.is_error] == ["not-supported-yet"] * 12
