"""What a system does not have is refused where it is chosen, each part at its own place; all else is not."""

from __future__ import annotations

import pytest

from naclc.driver import Options, check_policy
from naclc.pipeline.supported import Part, not_on_target
from naclc.semantics.model import Configuration
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
NAT::IP n { log("x") dnat(10.0.0.1) }
Conntrack table { limit: 5 }
Load_balancer lb { layer: tcp, clients: { iface: a, port: 80 }, servers: {
  iface: a, algorithm: round_robin, pool: [{ address: 10.0.0.2, port: 80 }] } }
Syslog sl { address: 10.0.0.1, port: 514 }
Timer t { interval: 5, data: [memory] }
Timer u { interval: 5, data: [memory, stats] }
"""

PLACES = {(9, 14, "lb"): Part.LOAD_BALANCER, (13, 6, "u"): Part.TIMER_STATS}


def configuration(text: str) -> Configuration:
    program, problems = parse(SourceFile("test.nacl", text))
    assert program is not None and problems == []
    found, diagnostics = resolve(program)
    assert found is not None, diagnostics
    return found


def refused(text: str) -> list[tuple[int, int, str]]:
    """(line, column, text under it) of each refusal."""
    found = not_on_target(configuration(text), "skeleton")
    assert {diagnostic.code for diagnostic in found} <= {"not-on-target"}
    return [(d.span.line, d.span.column, d.span.text) for d in found if d.span]


def test_what_it_lacks_is_refused_where_it_is_written_and_nothing_else() -> None:
    assert refused(PROGRAM) == list(PLACES)
    found = not_on_target(configuration(PROGRAM), "skeleton")
    assert [part.value in d.message for part, d in zip(PLACES.values(), found, strict=True)] == [True, True]
    assert set(PLACES.values()) == set(Part)


def test_the_compiler_stops_there() -> None:
    result = check_policy(SourceFile("test.nacl", PROGRAM), Options(system="skeleton"))
    assert result.configuration is not None and result.pipeline is None
    refusals = [diagnostic for diagnostic in result.diagnostics if diagnostic.is_error]
    assert {diagnostic.code for diagnostic in refusals} == {"not-on-target"}
    places = {d.span.text for d in refusals if d.span}
    assert {"lb", "u"} <= places


@pytest.mark.parametrize("system", ["any", "includeos"])
def test_includeos_has_all_of_it(system: str) -> None:
    result = check_policy(SourceFile("test.nacl", PROGRAM), Options(system=system))
    assert result.ok and result.pipeline is not None, result.diagnostics
