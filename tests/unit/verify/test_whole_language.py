"""A policy with all that the language has, through `naclc test`; and what fails when the machine gets no lease or its
messages are lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

POLICY = """\
Iface wan {
  index: 0, config: dhcp, masquerade: true, prerouting: [answers, ports], input: taken
}
Iface office { index: 1, vlan: 10, address: 10.0.10.1, netmask: 255.255.255.0, prerouting: answers }
Iface guests { index: 1, vlan: 20, address: 10.0.20.1, netmask: 255.255.255.0 }
Gateway g {
  office: { net: 10.0.10.0, netmask: 255.255.255.0, iface: office },
  guests: { net: 10.0.20.0, netmask: 255.255.255.0, iface: guests },
  rest: { net: 0.0.0.0, netmask: 0.0.0.0, iface: wan },
  forward: through
}
Conntrack c { stateful_tcp: true, timeout: { established: { udp: 200 } }, limit: 5000 }
Syslog collector { address: 192.0.2.99, port: 514 }
Timer t { interval: 5, data: [memory, timers] }
Filter::IP answers {
  Filter::UDP { if (udp.dport == 9) { syslog(warning, "discarded ", ip.saddr, " 5%m") drop } }
  accept
}
Nat::TCP ports { if (tcp.dport == http) { dnat(10.0.10.80) } }
Filter::IP taken { LET_IN accept }
Filter::IP through {
  if (iface.in == guests and ip.daddr in 10.0.10.0/24) { log("guest ", ip.saddr, "\\n") drop }
  LET_OUT
  accept
}
"""
TESTS = """\
dhcp: {wan: {address: 192.0.2.7, netmask: 255.255.255.0, router: 192.0.2.254}}
tests:
  - name: a guest does not get into the office
    in: guests
    packet: {src: 10.0.20.9, dst: 10.0.10.9, icmp: {type: echo-request}}
    expect: {drop: true, log: "guest 10.0.20.9\\n"}
  - name: the office gets out, for as long as it likes
    steps:
      - {in: office, packet: {src: 10.0.10.9, dst: 203.0.113.5, udp: {sport: 7, dport: 53}}, expect: {out: wan, src: 192.0.2.7}}
      - {in: wan, reply: 1, expect: {out: office, dst: 10.0.10.9, udp: {dport: 7}}}
      - {wait: 190}
      - {in: wan, reply: 1, expect: {out: office, dst: 10.0.10.9}}
      - {wait: 300}
      - {in: wan, reply: 1, expect: local}
  - name: a port forward, followed by its flags
    steps:
      - {in: wan, packet: {src: 203.0.113.5, dst: 192.0.2.7, tcp: {dport: 80}}, expect: {out: office, dst: 10.0.10.80}}
      - {in: office, reply: 1, tcp: {flags: [syn, ack]}, expect: {out: wan, src: 192.0.2.7, tcp: {sport: 80}}}
      - {in: wan, packet: {src: 203.0.113.6, dst: 192.0.2.7, tcp: {dport: 80, flags: [ack]}}, expect: drop}
  - name: a message, and nothing that leaves
    in: office
    packet: {src: 10.0.10.9, dst: 203.0.113.5, udp: {dport: 9}}
    expect: drop
  - name: a datagram in two pieces
    steps:
      - {nic: 1, vlan: 20, packet: {src: 10.0.20.9, dst: 10.0.20.1, id: 7, more-fragments: true, protocol: 99, payload: 0011223344556677}, expect: drop}
      - {in: guests, packet: {src: 10.0.20.9, dst: 10.0.20.1, id: 7, frag-off: 1, protocol: 99, payload: 00}, expect: {answer: {icmp: {type: 3, code: 2}}}}
"""  # noqa: E501
LOCAL = "the syslog message `warning: discarded 10.0.10.9 5% m` did not arrive"


def outcome_of(folder: Path, *options: str, let_in: str = "", let_out: str = "") -> dict[str, Any]:
    """The report of `naclc test`."""
    (folder / "p.nacl").write_text(POLICY.replace("LET_IN", let_in).replace("LET_OUT", let_out))
    (folder / "p.tests.yaml").write_text(TESTS)
    command = [sys.executable, "-m", "naclc", "test", str(folder / "p.nacl"), "--generated", "40", "--format", "json"]
    run = subprocess.run([*command, *options], capture_output=True, text=True, timeout=200, check=False)
    assert run.returncode in (0, 1) and run.stdout.startswith("{"), run.stdout + run.stderr
    report: dict[str, Any] = json.loads(run.stdout)
    report["failed"] = [test for test in report["tests"] if not test["passed"]]
    return report


def test_all_of_it_runs_without_a_machine_of_its_own_time(tmp_path: Path) -> None:
    report = outcome_of(tmp_path)
    assert report["failed"] == [] and len(report["tests"]) > 80
    assert list(report["summary"]["executors"]) == ["interpreter", "decision", "native", "process"]
    for test in report["tests"]:
        if test["name"] == "a message, and nothing that leaves":
            (message,) = test["steps"][0]["observed"]["syslog"]
            assert message["severity"] == 4 and message["text"].startswith("discarded 10.0.10.9 5%")
            assert test["steps"][0]["observed"]["sent"] == []


def test_no_lease_is_told_as_that(tmp_path: Path) -> None:
    report = outcome_of(tmp_path, "--on", "process", let_in="Filter::UDP { if (udp.sport == dhcp-server) { drop } }")
    assert report["failed"] == report["tests"]
    failure = report["tests"][0]["failure"]
    assert failure["code"] == "dhcp-no-lease"
    assert "Iface wan took no DHCP lease: it asked" in failure["message"]
    assert failure["help"].startswith("the answers pass")


@pytest.mark.parametrize("on", ["interpreter", "process"])
def test_a_message_that_the_policy_itself_drops_is_lost_everywhere(tmp_path: Path, on: str) -> None:
    kept_in = "Filter::UDP { if (udp.dport == syslog-udp) { drop } }"
    report = outcome_of(tmp_path, "--on", on, "-k", "a message", let_out=kept_in)
    (test,) = [test for test in report["tests"] if test["kind"] == "written"]
    assert test["passed"] and test["steps"][0]["observed"]["syslog"] == []


def test_a_message_that_a_machine_loses_fails_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tester overhears nothing: as if the datagrams were lost on the way."""
    from naclc.driver import Options, compile_policy
    from naclc.source import SourceFile
    from naclc.testing import PolicyTestOptions, run_policy_tests
    from naclc.verify import syslog

    monkeypatch.setattr(syslog, "in_datagram", lambda payload: None)
    compiled = compile_policy(SourceFile("p.nacl", POLICY.replace("LET_IN", "").replace("LET_OUT", "")), Options())
    options = PolicyTestOptions(on=("process",), generated=0, keep="a message")
    report, findings = run_policy_tests(compiled, SourceFile("p.tests.yaml", TESTS), options)
    assert report is not None, findings
    (result,) = report.results
    problems = [problem for step in result.steps for problem in step.problems]
    assert not result.passed and LOCAL in problems
