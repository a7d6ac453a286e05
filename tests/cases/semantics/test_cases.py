"""Runs the case files beside it: a program, `---`, and all that is said about it.

A case begins with `== title`. What is expected is one line a diagnostic, in source order,

    error[code] at LINE:COLUMN `text`

with LINE from 1 and COLUMN from 0, and below them, if the program is without errors, the text dump of its model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from naclc.diagnostics import Diagnostic
from naclc.semantics.dump import dump
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse


@dataclass(frozen=True)
class Case:
    title: str
    program: str
    expected: str


def read_cases(path: Path) -> list[Case]:
    cases = []
    for chunk in ("\n" + path.read_text(encoding="utf-8")).split("\n== ")[1:]:
        title, rest = chunk.split("\n", 1)
        program, expected = f"{rest}\n".split("\n---\n")
        cases.append(Case(title, program + "\n", expected.strip("\n")))
    return cases


def describe(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    assert span is not None
    return f"{diagnostic.severity}[{diagnostic.code}] at {span.line}:{span.column} `{span.text}`"


def outcome(case: Case) -> str:
    program, problems = parse(SourceFile("case.nacl", case.program))
    assert program is not None and problems == []
    nics = 2 if "two NICs" in case.title else None
    configuration, diagnostics = resolve(program, nics)
    assert (configuration is None) == any(diagnostic.is_error for diagnostic in diagnostics)
    model = dump(configuration) if configuration else ""
    return "".join(f"{line}\n" for line in map(describe, diagnostics)) + model


CASES = {
    f"{path.stem}: {case.title}": case
    for path in sorted(Path(__file__).parent.glob("*.case"))
    for case in read_cases(path)
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    assert outcome(case).rstrip("\n") == case.expected


CODES = [
    "duplicate-name",
    "duplicate-key",
    "bad-name",
    "duplicate-element",
    "unknown-name",
    "unknown-member",
    "unknown-key",
    "unknown-type",
    "unknown-subtype",
    "unknown-field",
    "unknown-action",
    "unknown-iface",
    "unknown-function",
    "unknown-word",
    "missing-key",
    "missing-name",
    "bad-assignment",
    "value-cycle",
    "call-cycle",
    "type-mismatch",
    "not-a-value",
    "not-a-set",
    "set-not-allowed",
    "element-as-set",
    "empty-set",
    "not-a-condition",
    "port-out-of-range",
    "value-out-of-range",
    "bad-address",
    "bad-netmask",
    "bad-mac",
    "iface-incomplete",
    "duplicate-iface",
    "nic-missing",
    "duplicate-address",
    "vlan-out-of-range",
    "dhcp-with-static",
    "limit-on-vlan",
    "masquerade-no-address",
    "no-effect",
    "conntrack-unused",
    "limit-too-small",
    "timeout-ignored",
    "duplicate-node",
    "duplicate-word",
    "lb-without-balancer",
    "nat-port-icmp",
    "nat-wrong-hook",
    "net-and-host",
    "wrong-function",
    "wrong-subtype",
    "bad-arguments",
    "field-not-available",
    "shadows-builtin",
    "nested-name",
    "empty-body",
    "unused",
    "constant-condition",
    "set-overlap",
    "host-bits",
    "after-verdict",
    "accept-continues",
    "duplicate-in-chain",
    "gateway-outside",
    "address-not-host",
    "subnet-overlap",
    "nexthop-outside",
    "duplicate-route",
    "route-no-nexthop",
    "no-routes",
]


def test_every_code_is_raised_by_a_case() -> None:
    expected = "\n".join(case.expected for case in CASES.values())
    assert [code for code in CODES if f"[{code}]" not in expected] == []
