"""What a tests file asserts of all packets: what is read, what is refused, what is proved and what refuted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from naclc.analyze.question import Policy
from naclc.driver import Options, check_policy
from naclc.source import SourceFile
from naclc.verify import cases
from naclc.verify import result as results
from naclc.verify.assertions import prove
from naclc.verify.testsfile import read_tests

POLICY = """Iface outside { index: 0, address: 192.0.2.1, netmask: 255.255.255.0 }
Iface inside { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
Gateway g {
  out: { net: 192.0.2.0, netmask: 255.255.255.0, iface: outside },
  in: { net: 10.0.0.0, netmask: 255.255.255.0, iface: inside },
  forward: through,
}
servers: [10.0.0.5, 10.0.0.6]
Filter::IP through {
  if (ct.state == established) { accept }
  Filter::TCP { if (ip.daddr in servers and tcp.dport == 80 and iface.in == outside) { accept } }
  drop
}
"""
NEW = "iface.in == outside and ct.state == new"


def read(text: str, policy: str = POLICY) -> tuple[cases.TestsFile | None, list[str]]:
    source = SourceFile("fw.nacl", policy)
    checked = check_policy(source, Options())
    assert checked.pipeline is not None
    file, findings = read_tests(SourceFile("fw.tests.yaml", f"tests:\n{text}"), checked.pipeline, source)
    return file, [f"{finding.code}: {finding.message}" for finding in findings]


def outcome(text: str, nodes: int = 4_000_000) -> results.TestResult:
    file, findings = read(text)
    assert file is not None, findings
    checked = check_policy(SourceFile("fw.nacl", POLICY), Options())
    assert checked.pipeline is not None and checked.graphs is not None
    (assertion,) = file.assertions
    return prove(assertion, Policy(checked.pipeline, checked.graphs), nodes)


@pytest.mark.parametrize(
    ("kind", "where", "verdict", "holds"),
    [
        ("never", f"{NEW} and tcp.dport == 22 and iface.out == inside", "accept", True),
        ("never", f"{NEW} and tcp.dport == 80 and iface.out == inside", "accept", False),
        ("never", f"{NEW} and tcp.dport == 80 and ip.daddr not in servers and iface.out == inside", "out", True),
        ("always", f"{NEW} and udp.dport == 80 and ip.daddr in servers", "drop", True),
        (
            "always",
            f"{NEW} and tcp.dport == 80 and ip.daddr == 10.0.0.5 and ip.ttl > 1 and ip.saddr == 192.0.2.9",
            "out",
            True,
        ),
        ("always", f"{NEW} and tcp.dport == 80 and ip.daddr == 10.0.0.5", "out", False),  # its TTL may run out
        ("never", "iface.in == outside and ip.daddr == 192.0.2.1", "local", False),
    ],
)
def test_what_holds_for_all_packets_is_proved_and_nothing_else(
    kind: str, where: str, verdict: str, holds: bool
) -> None:
    result = outcome(f'- {{assert: {kind}, where: "{where}", verdict: {verdict}}}')
    assert (result.kind, result.executor, result.passed) == (results.TestKind.ASSERTED, "analysis", holds)
    assert bool(result.steps[0].problems) is not holds


def test_a_refuted_one_shows_packets_rule_and_example() -> None:
    where = f"{NEW} and tcp.dport == 80 and iface.out == inside and ip.ttl > 9"
    (problem, *_) = outcome(f'- {{assert: never, where: "{where}", verdict: accept}}').steps[0].problems
    assert problem.startswith(
        "on outside: ip.daddr 10.0.0.5, 10.0.0.6: leaves by inside (fw.nacl:11), for example tcp "
    )


def test_a_todo_turns_it_round() -> None:
    text = f'- {{assert: never, where: "{NEW} and tcp.dport == 80", verdict: out, todo: later}}'
    assert outcome(text).passed
    assert not outcome(text.replace("80", "22")).passed


def test_beyond_the_budget_it_fails() -> None:
    result = outcome(f'- {{assert: never, where: "{NEW} and tcp.dport == 22", verdict: accept}}', 2000)
    assert not result.passed and result.failure is not None and result.failure.code == "analysis-limit"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("- {assert: never, verdict: accept}", "tests-missing: an `assert` needs `where`"),
        ("- {assert: never, where: ip.ttl == 1}", "tests-missing: an `assert` needs `verdict`"),
        ("- {assert: sometimes, where: ip.ttl == 1, verdict: drop}", "tests-value: this is none of never, always"),
        ("- {assert: never, where: ip.ttl == 1, verdict: reject}", "tests-value: this is none of accept, drop, out"),
        ("- {assert: never, where: ip.ttl == 1, verdict: drop, in: outside}", "tests-key: "),
        ("- {assert: never, where: ip.tll == 1, verdict: drop}", "unknown-field: in `where`: "),
        ('- {assert: never, where: "ip.ttl == 1) {} if (true", verdict: drop}', "syntax: in `where`: "),
    ],
)
def test_a_mistake_in_one_is_said(text: str, finding: str) -> None:
    file, findings = read(text)
    assert file is None and len(findings) == 1 and findings[0].startswith(finding)


def test_a_run_reports_them_beside_the_tests(tmp_path: Path) -> None:
    (tmp_path / "fw.nacl").write_text(POLICY)
    (tmp_path / "fw.tests.yaml").write_text(
        f"tests:\n- {{assert: never, where: '{NEW} and tcp.dport == 22', verdict: out}}\n"
        f"- {{name: no web, assert: never, where: '{NEW} and tcp.dport == 80', verdict: out}}\n"
    )
    command = [sys.executable, "-m", "naclc", "test", "fw.nacl", "--on", "interpreter", "--format", "json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    tests = [test for test in json.loads(done.stdout)["tests"] if test["kind"] == "asserted"]
    assert done.returncode == 1
    assert [(test["name"], test["executor"], test["passed"]) for test in tests] == [
        (f"never out: {NEW} and tcp.dport == 22", "analysis", True),
        ("no web", "analysis", False),
    ]
