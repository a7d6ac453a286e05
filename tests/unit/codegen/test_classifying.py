"""Runs of rules and their tables: what becomes one, and that the C++ decides as the rules do."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from bench.rulesets import FAMILIES, Header, Rule, generate, headers, nacl
from naclc.codegen import classifying, grouping
from naclc.codegen.classifying import CHAIN_RULES, with_classifiers
from naclc.codegen.dump import dump
from naclc.codegen.plan import plan
from naclc.decision.build import build
from naclc.driver import Options, compile_policy
from naclc.interpret.walk import evaluator
from naclc.net.fields import State
from naclc.pipeline.evaluation import Facts
from naclc.source import SourceFile
from naclc.validate.validate import Proved, validate
from tests.golden.services import pipeline_of_text
from tests.native import native_evaluator

HEAD = """Iface eth0 { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, input: rules }
Conntrack flows { untracked: filter }
"""


def packet(header: Header, octets: int = 60) -> bytes:
    addresses = header.source.to_bytes(4, "big") + header.destination.to_bytes(4, "big")
    ports = header.source_port.to_bytes(2, "big") + header.destination_port.to_bytes(2, "big")
    first = bytes([0x45, 0, 0, octets, 0, 0, 0, 0, 64, header.protocol, 0, 0])
    return (first + addresses + ports + bytes(36))[:octets]


def corners(rules: tuple[Rule, ...]) -> list[Header]:
    """Packets at the ends of what rules ask, and one beyond."""
    found: list[Header] = []
    for rule in rules:
        (source, bits), (destination, other_bits) = rule.source, rule.destination
        for step in (-1, 0, 1):
            last = (1 << 32 - other_bits) - 1
            found.append(
                Header(
                    source + (1 << 32 - bits) - 1 + step & 0xFFFFFFFF,
                    destination + (last if step else 0) & 0xFFFFFFFF,
                    max(0, rule.source_ports[0] + step) & 0xFFFF,
                    rule.destination_ports[1] + step & 0xFFFF,
                    rule.protocol or 6,
                )
            )
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tables_decide_as_the_rules(family: str, tmp_path: Path) -> None:
    rules = generate(family, 200, 7)
    pipeline = pipeline_of_text(nacl(rules))
    decide, walk = native_evaluator(pipeline, tmp_path, chain_rules=100), evaluator(pipeline)
    for header in headers(rules, 400, 8) + corners(rules):
        for octets in (60, 39, 27):  # the last two: no TCP header, no header at all
            facts = Facts(packet(header, octets), State.NEW, 0, 0)
            assert decide("rules", facts) == walk("rules", facts), (header, octets)


@pytest.mark.parametrize("family", FAMILIES)
def test_rules_that_fit_no_tables_are_listed(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "_OCTETS", 0)
    monkeypatch.setattr(grouping, "_SPARE_OCTETS", 0)
    monkeypatch.setattr(classifying, "_COMPILED_RULES", 0)
    rules = generate(family, 150, 9)
    pipeline = pipeline_of_text(nacl(rules))
    unit = with_classifiers(plan(build(pipeline), pipeline), chain_rules=1)
    assert "gone through in order" in dump(unit) and isinstance(validate(unit, pipeline), Proved)
    decide, walk = native_evaluator(pipeline, tmp_path, chain_rules=1), evaluator(pipeline)
    for header in headers(rules, 300, 8) + corners(rules):
        facts = Facts(packet(header), State.NEW, 0, 0)
        assert decide("rules", facts) == walk("rules", facts), header


def numbered(rule: str, count: int) -> str:
    return "".join(f"  {rule.replace('#', str(number))}\n" for number in range(count))


# Policies that tables find hard; each is compared with the interpreter at its own boundaries.
HARD = {
    "ranges of both addresses that overlap": numbered(
        "if (ip.saddr in 10.0.0.#-10.0.1.# and ip.daddr in 10.0.0.#-10.0.2.#) { accept }", 140
    ),
    "everything is shadowed": "  if (ip.saddr < 128.0.0.0) { accept }\n"
    + numbered("if (ip.saddr == 10.0.0.#) { drop }", 140),
    "one rule is many": numbered("if (ip.saddr == 10.0.0.1) { drop }", 200),
    "many port predicates": "  Filter::TCP {\n"
    + numbered("if (tcp.sport in #-2000 and tcp.dport in 30-#0000) { accept }".replace("#0000", "6#"), 10)
    + numbered("if (tcp.sport == # and ip.saddr in 10.0.0.0/8) { accept }", 150)
    + "  }\n",
    "sets": "  Filter::UDP {\n"
    + numbered("if (ip.saddr in [10.0.0.#, 10.1.#.0/24, 10.2.0.0/16] and udp.dport in [#, 100, 200-210]) { drop }", 140)
    + "  }\n",
    "flags, types, states and protocols": "  Filter::TCP {\n"
    + numbered("if (tcp.flags == # and ip.daddr == 10.0.0.#) { accept }", 70)
    + "  }\n  Filter::ICMP {\n"
    + numbered("if (icmp.type == # and icmp.code != 3) { drop }", 40)
    + "  }\n"
    + numbered("if (ct.state == established and ip.protocol == #) { accept }", 60),
    "logs on the way": numbered("if (ip.saddr == 10.0.0.#) { log(\"#\\n\") drop }", 140)
    + "  if (ip.ttl < 5) { log(\"ttl\\n\") }\n"
    + numbered("if (ip.daddr == 10.0.0.#) { accept }", 140),
    "nested": "  if (ip.saddr in 10.0.0.0/8) {\n"
    + numbered("if (ip.daddr == 10.0.0.# or ip.ttl == #) { if (ip.dscp == 0) { accept } else { drop } }", 140)
    + "  } else {\n"
    + numbered("if (ip.daddr == 10.0.0.# and not (ip.ttl == #)) { drop }", 100)
    + "  }\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HARD)
def test_hard_policies_are_compiled_and_decide_as_written(name: str, tmp_path: Path) -> None:
    pipeline = pipeline_of_text(f"{HEAD}Filter::IP rules {{\n{HARD[name]}  drop\n}}\n")
    unit = with_classifiers(plan(build(pipeline), pipeline), chain_rules=100)
    assert sum(len(made.rules) for made in unit.functions[0].classifiers) > 100
    assert isinstance(validate(unit, pipeline), Proved)
    decide, walk = native_evaluator(pipeline, tmp_path, chain_rules=100), evaluator(pipeline)
    values = [*range(12), 99, 100, 101, 139, 140, 199, 210, 211, 255]
    for protocol in (1, 6, 17, 58):
        for number, other in pairwise([*values, *values[3:], *values[7:]]):
            source, destination = 0x0A000000 + number + (other % 3 << 16), 0x0A000000 + other
            octets = packet(Header(source, destination, number, other, protocol))
            octets = octets[:8] + bytes([number]) + octets[9:]
            for state in (State.NEW, State.ESTABLISHED):
                facts = Facts(octets, state, 0, 0)
                assert decide("rules", facts) == walk("rules", facts), (protocol, number, other)


def test_a_chain_of_few_rules_stays_one() -> None:
    few = compile_policy(SourceFile("few.nacl", nacl(generate("acl", CHAIN_RULES // 2, 1))), Options())
    many = compile_policy(SourceFile("many.nacl", nacl(generate("acl", 2 * CHAIN_RULES, 1))), Options())
    assert few.unit and not any(function.classifiers for function in few.unit.functions)
    assert many.unit and many.cpp and len(many.unit.functions[0].classifiers) == 1
    assert "  tables at step 0: " in dump(many.unit)
    assert "// line 7" in many.cpp  # the rules' places


FRONT = """  if (ct.state == established) {{ accept }}
  Filter::TCP {{
    if (ct.state == established) {{ drop }}
{rules}  }}
"""


def test_what_is_known_without_addresses_is_asked_in_front_of_the_tables() -> None:
    """Flows that are established cost one test, in a block, too."""
    rules = numbered("if (ip.saddr == 10.0.0.# and tcp.dport == #) { drop }", 200)
    rules += numbered("if (ip.saddr == 10.0.1.# and tcp.dport == #) { drop }", 200)
    text = f"{HEAD}Filter::IP rules {{\n{FRONT.format(rules=rules)}  drop\n}}\n"
    compiled = compile_policy(SourceFile("front.nacl", text), Options())
    assert compiled.cpp
    body = compiled.cpp.split("decide_rules(const Packet& packet, Log&) {")[1]
    assert body.index("ct_state() == kEstablished") < body.index("has(kTcp)") < body.index("rules0(packet)")


@pytest.mark.parametrize("step", [1, 2, 3, 257, 40961])
def test_large_sets_of_addresses_are_exact_at_every_bound(step: int, tmp_path: Path) -> None:
    """Dense, with gaps, across upper halves; at both ends of all addresses."""
    known = [first * step % (1 << 32) for first in range(9000)] + [0x7FFFFFFF, 0x80000000, 0xFFFF0000, 0xFFFFFFFF]
    dotted = ", ".join(".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0)) for value in sorted(set(known)))
    rule = "if (ip.saddr in known and ip.saddr != 0.0.0.9) { accept } if (ip.daddr in known) { drop }"
    pipeline = pipeline_of_text(f"known: [{dotted}]\n{HEAD}Filter::IP rules {{ {rule} }}")
    decide, walk = native_evaluator(pipeline, tmp_path), evaluator(pipeline)
    for value in [*known[::37], *known[-6:], 0x0000FFFF, 0x00010000]:
        for beside in (-1, 0, 1):
            address = (value + beside) & 0xFFFFFFFF
            facts = Facts(packet(Header(address, address ^ 1, 1, 1, 6)), State.NEW, 0, 0)
            assert decide("rules", facts) == walk("rules", facts), address
