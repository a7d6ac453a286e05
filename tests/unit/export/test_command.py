"""`naclc export`: what it writes where, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """\
Iface outside { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, input: taken }
Filter::IP taken { Filter::TCP { if (tcp.dport == 22) { accept } } drop }
"""


def naclc(*arguments: str, policy: str = POLICY) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "naclc", "export", "-", "--to", "nft", *arguments]
    return subprocess.run(command, input=policy, capture_output=True, text=True, timeout=60, check=False)


def test_the_ruleset_goes_to_standard_output_under_the_names_of_the_system() -> None:
    done = naclc("--iface", "outside=eth0")
    assert done.returncode == 0, done.stderr
    assert 'iifname "eth0" jump f_taken' in done.stdout
    assert "tcp dport 22 accept" in done.stdout
    assert "outside" not in done.stdout.replace("Iface outside", "")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    rules = tmp_path / "rules.nft"
    assert naclc("-o", str(rules)).returncode == 0
    before = rules.read_text(encoding="utf-8")
    refused = naclc("-o", str(rules), policy=POLICY.replace("tcp.dport == 22", "tcp.dport == tcp.sport"))
    assert (refused.returncode, rules.read_text(encoding="utf-8")) == (1, before)
    assert "[not-exportable]" in refused.stderr


def test_the_same_policy_makes_the_same_octets() -> None:
    assert naclc().stdout == naclc().stdout != ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--iface", "outside"], "is not IFACE=DEVICE"),
        (["--iface", "outside=a device"], "is not IFACE=DEVICE"),
        (["--iface", "outside=sixteen_letters_"], "is not IFACE=DEVICE"),
        (["--iface", "inside=eth0"], "has no Iface `inside`; it has outside"),
        (["--iface", "outside=a", "--iface", "outside=b"], "`outside` is given two interfaces"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    done = naclc(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


REFUSED = {
    "a Load_balancer": POLICY
    + """
Iface i { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
Load_balancer lb {
  layer: tcp, clients: { iface: outside, port: 80 },
  servers: { iface: i, algorithm: round_robin, pool: [{ address: 10.0.0.2, port: 80 }] }
}
""",
    "the Iface config `dhcp`": "Iface e { index: 0, config: dhcp, input: f }\nFilter::IP f { drop }",
    "a comparison of two fields": POLICY.replace("tcp.dport == 22", "tcp.dport < tcp.sport"),
    "stateful_tcp with `untracked: filter`": POLICY + "Conntrack c { stateful_tcp: true, untracked: filter }",
    "a Nat that asks for `ip.ttl`": """
Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, prerouting: n }
Nat::IP n { if (ip.ttl > 3) { dnat(10.0.0.2) } }
""",
    "a second Nat in a chain": """
Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, prerouting: [n, m] }
Nat::IP n { dnat(10.0.0.2) }
Nat::IP m { dnat(10.0.0.3) }
""",
    "a Filter behind a Nat": """
Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, prerouting: [n, f], masquerade: true }
Nat::IP n { dnat(10.0.0.2) }
Filter::IP f { accept }
""",
    "a Nat with snat on the postrouting chain of an Iface that masquerades": """
Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, postrouting: n, masquerade: true }
Nat::IP n { snat(192.0.2.2) }
""",
    "`tcp.checksum` where the machine's own packets pass": """
Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, output: f }
Filter::IP f { Filter::TCP { if (tcp.checksum == 7) { drop } } accept }
""",
    "is too long for the name of a Linux interface": POLICY.replace("outside", "the_outside_world"),
    "is nested too deep for nftables": """
Iface e { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, input: f0 }
Filter::IP f0 { f1 drop }
"""
    + "".join(f"Filter::IP f{n} {{ f{n + 1} }}\n" for n in range(1, 20))
    + "Filter::IP f20 { if (ip.ttl > 7) { accept } }",
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_nftables_cannot_say_is_refused(what: str) -> None:
    done = naclc(policy=REFUSED[what])
    assert (done.returncode, done.stdout) == (1, "")
    found = [line for line in done.stderr.splitlines() if what in line and line.endswith("[not-exportable]")]
    assert len(found) == 1, done.stderr


def test_all_of_it_in_one_run() -> None:
    policy = REFUSED["a second Nat in a chain"].replace("dnat(10.0.0.2)", "if (ip.id == 1) { dnat(10.0.0.2) }")
    done = naclc(policy=policy)
    assert done.stderr.count("[not-exportable]") == 2
