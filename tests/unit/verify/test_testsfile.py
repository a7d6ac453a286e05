"""What a tests file may say, and what is said of one that is wrong."""

# ruff: noqa: E501  rows of tables stay on one line

from __future__ import annotations

import pytest

from naclc.net.addresses import format_address
from naclc.pipeline.pipeline import Pipeline
from naclc.source import SourceFile
from naclc.verify.cases import Cidr, Outcome, ReplyStep, SendStep, WaitStep
from naclc.verify.testsfile import read_tests

from .conftest import pipeline_of

WHOLE = """\
neighbours:
  outside: [192.0.2.0/28, 192.0.2.77]
tests:
  - name: one step
    in: outside
    packet: {src: 192.0.2.9, dst: 10.0.0.5, ttl: 3, dscp: 0x2e, options: 94040000, tcp: {dport: http, flags: [syn, ece]}}
    expect: {out: inside, ttl: 2, tcp: {sport: 40000}}
  - name: several
    todo: not yet
    steps:
      - {in: outside, packet: {src: 192.0.2.9, dst: 10.0.0.5, icmp: {type: echo-request}}, expect: {drop: true, log: "x\\n"}}
      - {in: inside, reply: 1, ttl: 9, icmp: {code: 2}, expect: {answer: {icmp: {type: 0}}, on: outside}}
      - {wait: 41}
      - {nic: 0, vlan: 10, raw: 4500, expect: drop}
      - {in: inside, packet: {src: 10.0.0.6, dst: 10.0.0.1, protocol: gre, payload: "00 11"}, expect: {local: true, answer: none}}
  - name: rules
    in: outside
    packet: {src: 192.0.2.9, dst: 10.0.0.5, udp: {dport: 53}, checksum: 1}
    expect: {drop: true, rule: "fw.nacl:12"}
"""


def test_reads_the_whole_format(firewall: Pipeline) -> None:
    file, findings = read_tests(SourceFile("fw.tests.yaml", WHOLE), firewall)
    assert not findings
    assert file is not None
    assert file.neighbours == {
        "outside": (Cidr(0xC0000200, 0xFFFFFFF0), Cidr(0xC000024D, 0xFFFFFFFF)),
    }
    one, several, rules = file.cases
    (step,) = one.steps
    assert isinstance(step, SendStep)
    assert step.packet.values == {
        "src": 0xC0000209,
        "dst": 0x0A000005,
        "ttl": 3,
        "dscp": 46,
        "options": bytes.fromhex("94040000"),
        "tcp.dport": 80,
        "tcp.flags": 66,
    }
    assert step.expect is not None
    assert (step.expect.outcome, step.expect.iface) == (Outcome.OUT, "inside")
    assert several.todo == "not yet"
    first, reply, wait, raw, last = several.steps
    assert isinstance(first, SendStep) and first.expect is not None and first.expect.log == "x\n"
    assert isinstance(reply, ReplyStep) and reply.expect is not None
    assert (reply.to, reply.changes.values, reply.expect.iface) == (1, {"ttl": 9, "icmp.code": 2}, "outside")
    assert isinstance(wait, WaitStep) and wait.seconds == 41
    assert isinstance(raw, SendStep) and (raw.port, raw.packet.raw) == ("#0.10", b"\x45\x00")
    assert isinstance(last, SendStep) and last.expect is not None and last.expect.answer is False
    assert isinstance(rules.steps[0], SendStep) and rules.steps[0].expect is not None
    assert rules.steps[0].expect.rule == ("fw.nacl", 12)
    assert format_address(0xC000024D) == "192.0.2.77"


STEP = "  - name: t\n    in: outside\n"
PACKET = "    packet: {src: 192.0.2.9, dst: 10.0.0.5, udp: {dport: 53}}\n"

# why | text after `tests:` | code | line | column
BROKEN = [
    ("an unknown key of a test", STEP + PACKET + "    expct: drop\n", "tests-key", 5, 4),
    ("an Iface that is not there", "  - name: t\n    in: outsid\n" + PACKET, "tests-iface", 3, 8),
    ("an unknown key of a packet", STEP + "    packet: {scr: 1.2.3.4, src: 1.2.3.4, dst: 1.2.3.4, udp: {dport: 1}}\n",
     "tests-key", 4, 13),
    ("an unknown field of tcp", STEP + "    packet: {src: 1.2.3.4, dst: 1.2.3.4, tcp: {dport: 1, seq: 1}}\n",
     "tests-key", 4, 57),
    ("an address that is none", STEP + "    packet: {src: 1.2.3.256, dst: 1.2.3.4, udp: {dport: 1}}\n",
     "tests-value", 4, 18),
    ("a port beyond the last", STEP + "    packet: {src: 1.2.3.4, dst: 1.2.3.4, udp: {dport: 65536}}\n",
     "tests-value", 4, 54),
    ("a port nobody knows", STEP + "    packet: {src: 1.2.3.4, dst: 1.2.3.4, udp: {dport: htpp}}\n",
     "tests-value", 4, 54),
    ("a flag nobody knows", STEP + "    packet: {src: 1.2.3.4, dst: 1.2.3.4, tcp: {dport: 1, flags: [sny]}}\n",
     "tests-value", 4, 65),
    ("half an octet", STEP + "    packet: {src: 1.2.3.4, dst: 1.2.3.4, protocol: 47, payload: abc}\n", "tests-value", 4, 64),
    ("no destination port", STEP + "    packet: {src: 1.2.3.4, dst: 1.2.3.4, tcp: {sport: 1}}\n", "tests-missing", 4, 41),
    ("no source", STEP + "    packet: {dst: 1.2.3.4, udp: {dport: 1}}\n", "tests-missing", 4, 12),
    ("two transports", STEP + "    packet: {src: 1.2.3.4, dst: 1.2.3.4, udp: {dport: 1}, tcp: {dport: 1}}\n",
     "tests-key", 4, 58),
    ("no transport", STEP + "    packet: {src: 1.2.3.4, dst: 1.2.3.4}\n", "tests-missing", 4, 12),
    ("an outcome nobody knows", STEP + PACKET + "    expect: dorp\n", "tests-value", 5, 12),
    ("two outcomes", STEP + PACKET + "    expect: {drop: true, out: inside}\n", "tests-value", 5, 12),
    ("not dropped", STEP + PACKET + "    expect: {drop: false}\n", "tests-value", 5, 19),
    ("fields of a dropped packet", STEP + PACKET + "    expect: {drop: true, ttl: 3}\n", "tests-key", 5, 25),
    ("an answer that is no packet", STEP + PACKET + "    expect: {answer: nothing}\n", "tests-value", 5, 21),
    ("a rule in another file", STEP + PACKET + '    expect: {drop: true, rule: "other.nacl:12"}\n',
     "tests-value", 5, 31),
    ("a rule in a line without verdict", STEP + PACKET + '    expect: {drop: true, rule: "fw.nacl:11"}\n',
     "tests-value", 5, 31),
    ("a reply to what comes later", "  - name: t\n    steps:\n      - {in: inside, reply: 2}\n", "tests-value", 4, 28),
    ("neither packet nor reply nor wait", "  - name: t\n    in: inside\n", "tests-missing", 2, 4),
    ("no Iface and no NIC", "  - name: t\n" + PACKET, "tests-missing", 2, 4),
    ("a NIC that is not there", "  - name: t\n    nic: 2\n" + PACKET, "tests-value", 3, 9),
    ("a test without a name", "  - in: outside\n" + PACKET, "tests-missing", 2, 4),
    ("steps and a packet", STEP + PACKET + "    steps: [{wait: 1}]\n", "tests-key", 3, 4),
    ("no steps", "  - name: t\n    steps: []\n", "tests-empty", 3, 11),
    ("a key twice", STEP + PACKET + "    in: inside\n", "tests-key", 5, 4),
    ("a vlan beside an Iface", STEP + PACKET + "    vlan: 5\n", "tests-key", 5, 4),
    ("a vlan that is none", "  - name: t\n    nic: 0\n    vlan: 4096\n" + PACKET, "tests-value", 4, 10),
    ("no list of tests", "  name: t\n", "tests-value", 2, 2),
    ("no tests", "  []\n", "tests-empty", 1, 0),
    ("not YAML", "  - {name: t\n", "tests-syntax", 3, 0),
    ("an alias of itself", "  - &a [*a]\n", "tests-syntax", 2, 4),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "line", "column"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_refuses(text: str, code: str, line: int, column: int, firewall: Pipeline) -> None:
    file, findings = read_tests(SourceFile("fw.tests.yaml", f"tests:\n{text}"), firewall)
    assert file is None
    places = [(d.code, d.span.line, d.span.column) for d in findings if d.span is not None]
    assert (code, line, column) in places


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "[]", "tests: []", "neighbours: {}", "\ufefftests: []"])
def test_a_file_without_tests_fails(text: str, firewall: Pipeline) -> None:
    file, findings = read_tests(SourceFile("fw.tests.yaml", text), firewall)
    assert file is None
    assert findings and all(finding.is_error for finding in findings)


def test_tells_all_problems_in_one_run_in_source_order(firewall: Pipeline) -> None:
    text = f"dchp: {{}}\ntests:\n{STEP}    packet: {{src: x, dst: y, udp: {{dport: z}}}}\n    expect: what\n"
    _, findings = read_tests(SourceFile("fw.tests.yaml", text), firewall)
    assert [finding.code for finding in findings] == ["tests-key", *["tests-value"] * 4]
    starts = [finding.span.start for finding in findings if finding.span]
    assert starts == sorted(starts)


def test_names_the_nearest_word(firewall: Pipeline) -> None:
    text = f"tests:\n  - name: t\n    in: insid\n{PACKET}"
    _, (finding,) = read_tests(SourceFile("fw.tests.yaml", text), firewall)
    assert finding.help == "did you mean `inside`?"


TOO_MUCH = {
    "too deep": "tests: " + "[" * 5000,
    "too deep for the tree, not for its loader": "tests: " + "[" * 400 + "]" * 400,
    "too long": "tests: " + "a" * 4_000_001,
    "too many aliases": "tests:\n- &a\n  steps:\n  - &s {wait: 1}\n" + "  - *s\n" * 800 + "- *a\n" * 800,
}


@pytest.mark.parametrize("text", TOO_MUCH.values(), ids=TOO_MUCH)
def test_survives(text: str, firewall: Pipeline) -> None:
    _, findings = read_tests(SourceFile("fw.tests.yaml", text), firewall)
    assert "tests-syntax" in [finding.code for finding in findings]
    assert all(len(finding.message) < 100 for finding in findings)


@pytest.mark.parametrize("rule", ["fw.nacl:" + "9" * 5000, '"fw\\n\\nwall:1"'], ids=["a long line", "many lines"])
def test_a_message_is_one_short_line(rule: str, firewall: Pipeline) -> None:
    _, (finding,) = read_tests(
        SourceFile("t.yaml", f"tests:\n{STEP}{PACKET}    expect: {{drop: true, rule: {rule}}}\n"), firewall
    )
    assert finding.code == "tests-value"
    assert finding.message.isprintable() and len(finding.message) < 100


# seconds of the waits between a first packet and a later one | refused
WAITS = [
    ([9], False), ([10], True), ([15], True), ([20], True), ([21], False), ([30], True), ([40], True), ([41], False),
    ([5, 5], True), ([5, 4], False), ([41, 260], True), ([311], False),
]  # fmt: skip


@pytest.mark.parametrize(("seconds", "refused"), WAITS)
def test_waits_end_where_executors_agree(seconds: list[int], refused: bool, firewall: Pipeline) -> None:
    send = "{in: outside, packet: {src: 192.0.2.9, dst: 10.0.0.5, tcp: {dport: 80}}}"
    steps = ", ".join([send, *(f"{{wait: {n}}}" for n in seconds), send])
    _, findings = read_tests(SourceFile("fw.tests.yaml", f"tests: [{{name: t, steps: [{steps}]}}]"), firewall)
    assert [finding.code for finding in findings] == ["tests-wait"] * refused


def test_a_last_wait_may_end_anywhere(firewall: Pipeline) -> None:
    send = "{in: outside, packet: {src: 192.0.2.9, dst: 10.0.0.5, udp: {dport: 80}}}"
    _, findings = read_tests(SourceFile("t.yaml", f"tests: [{{name: t, steps: [{send}, {{wait: 12}}]}}]"), firewall)
    assert not findings


LEASED = """\
Iface wan { index: 0, config: dhcp, input: taken }
Iface lan { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
Filter::IP taken { accept }
"""
LEASE = "{address: 192.0.2.7, netmask: 255.255.255.0, router: 192.0.2.254}"


def dhcp(text: str) -> str:
    return f"dhcp: {{{text}}}\ntests: [{{name: t, in: wan, packet: {{src: 192.0.2.9, dst: 192.0.2.7, icmp: {{type: 8}}}}}}]\n"


def test_reads_leases() -> None:
    file, findings = read_tests(SourceFile("t.yaml", dhcp(f"wan: {LEASE}")), pipeline_of(LEASED))
    assert file is not None and not findings
    assert file.leases == {"wan": (0xC0000207, 0xFFFFFF00, 0xC00002FE)}
    file, _ = read_tests(
        SourceFile("t.yaml", dhcp(f"wan: {LEASE.replace(', router: 192.0.2.254', '')}")), pipeline_of(LEASED)
    )
    assert file is not None and file.leases["wan"].router is None


# why | what stands under `dhcp` | code
BAD_LEASES = [
    ("an Iface that asks for none", f"lan: {LEASE}", "tests-value"),
    ("an Iface that is not there", f"dmz: {LEASE}", "tests-iface"),
    ("no address", "wan: {netmask: 255.255.255.0}", "tests-missing"),
    ("no netmask", "wan: {address: 192.0.2.7}", "tests-missing"),
    ("no lease at all", "wan: 192.0.2.7", "tests-value"),
    ("a netmask with a hole", "wan: {address: 192.0.2.7, netmask: 255.0.255.0}", "tests-value"),
    ("a netmask of 0", "wan: {address: 192.0.2.7, netmask: 0.0.0.0}", "tests-value"),
    ("the broadcast address", "wan: {address: 192.0.2.255, netmask: 255.255.255.0}", "tests-value"),
    ("a multicast address", "wan: {address: 224.0.0.7, netmask: 255.255.255.0}", "tests-value"),
    ("a router elsewhere", "wan: {address: 192.0.2.7, netmask: 255.255.255.0, router: 10.0.0.1}", "tests-value"),
    ("a router that is the client", "wan: {address: 192.0.2.7, netmask: 255.255.255.0, router: 192.0.2.7}", "tests-value"),
    ("a key nobody knows", "wan: {address: 192.0.2.7, netmask: 255.255.255.0, dns: 192.0.2.1}", "tests-key"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), [row[1:] for row in BAD_LEASES], ids=[row[0] for row in BAD_LEASES])
def test_refuses_a_lease(text: str, code: str) -> None:
    file, findings = read_tests(SourceFile("t.yaml", dhcp(text)), pipeline_of(LEASED))
    assert file is None and [finding.code for finding in findings] == [code]


# Conntrack element | protocol | seconds | refused
TIMED = [
    ("timeout: { established: { udp: 100 } }", "udp", 99, False),
    ("timeout: { established: { udp: 100 } }", "udp", 105, True),
    ("timeout: { established: { udp: 100 } }", "tcp", 105, False),
    ("stateful_tcp: true", "tcp", 305, False),
    ("stateful_tcp: true", "tcp", 725, True),
    ("stateful_tcp: true", "udp", 725, False),
]


@pytest.mark.parametrize(("settings", "protocol", "seconds", "refused"), TIMED)
def test_waits_are_for_the_timeouts_of_the_policy(settings: str, protocol: str, seconds: int, refused: bool) -> None:
    pipeline = pipeline_of(f"{LEASED}Conntrack c {{ {settings} }}\n")
    send = f"{{in: lan, packet: {{src: 10.0.0.9, dst: 10.0.0.1, {protocol}: {{dport: 80}}}}}}"
    _, findings = read_tests(
        SourceFile("t.yaml", f"tests: [{{name: t, steps: [{send}, {{wait: {seconds}}}, {send}]}}]"), pipeline
    )
    assert [finding.code for finding in findings] == ["tests-wait"] * refused


def test_a_fragment_waits_for_the_rest_of_its_datagram(firewall: Pipeline) -> None:
    fragment = "{in: outside, packet: {src: 192.0.2.9, dst: 192.0.2.1, frag-off: 1, protocol: 47}}"
    text = f"tests: [{{name: t, steps: [{fragment}, {{wait: 35}}, {fragment}]}}]"
    _, findings = read_tests(SourceFile("t.yaml", text), firewall)
    assert [finding.code for finding in findings] == ["tests-wait"]
