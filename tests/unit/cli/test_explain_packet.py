"""`naclc explain-packet` as somebody runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.utils import wrpcap, wrpcapng

EXAMPLE = Path(__file__).resolve().parents[3] / "examples/firewall/firewall.nacl"


def explain(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "naclc", "explain-packet", str(EXAMPLE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


PING = ("--in", "outside", "--src", "192.168.100.9", "--dst", "10.0.0.5", "--protocol", "icmp")


def test_the_way_of_a_packet_made_of_options() -> None:
    done = explain(*PING)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.splitlines()[0] == "outside ▸ icmp 192.168.100.9 -> 10.0.0.5 echo-request ttl 64"
    assert "      firewall.nacl:29  if (icmp.type == echo-request): yes, icmp.type is 8" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "  ◂ dropped: forward"


def test_the_same_packet_as_a_tests_file_writes_it() -> None:
    spec = "{src: 192.168.100.9, dst: 10.0.0.5, icmp: {type: echo-request}}"
    assert explain("--in", "outside", "--packet", spec).stdout == explain(*PING).stdout


def test_the_answer_as_data() -> None:
    (packet,) = json.loads(explain(*PING, "--format", "json").stdout)["packets"]
    (function,) = packet["functions"]
    assert (function["hook"], function["function"], function["state"]) == ("forward", "no_pings", "new")
    assert function["steps"][1]["because"] == [{"icmp.type": "8"}] and function["steps"][1]["went"] == "in"
    assert function["steps"][-1]["statement"] == "drop" and function["steps"][-1]["line"] == 31
    assert packet["outcome"] == [{"drop": "forward"}]


def test_a_written_test_with_all_that_it_sends() -> None:
    done = explain("--test", "its answer comes back")
    first, second = done.stdout.split("\n\n")
    assert first.startswith("outside ▸ tcp") and second.startswith("inside ▸ tcp")
    assert explain("--test", "its answer comes back", "--number", "2").stdout == second


@pytest.mark.parametrize("write", [wrpcap, wrpcapng])
def test_the_packets_of_a_capture(write: object, tmp_path: Path) -> None:
    seen = str(tmp_path / "seen.pcap")
    inner = IP(src="192.168.100.9", dst="10.0.0.5") / UDP(sport=1, dport=2)
    tagged = Ether() / Dot1Q(vlan=7) / IP(src="192.168.100.9", dst="10.0.0.5") / TCP(dport=80)
    write(seen, [Ether() / ARP(), Ether(bytes(Ether() / inner) + bytes(18)), tagged])  # type: ignore[operator]
    done = explain("--in", "outside", "--pcap", seen)
    heads = [line for line in done.stdout.splitlines() if line.startswith("outside")]
    assert heads == [
        "outside ▸ udp 192.168.100.9:1 -> 10.0.0.5:2 ttl 64",
        "outside ▸ tcp 192.168.100.9:20 -> 10.0.0.5:80 syn ttl 64",
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "give one of"),
        ((*PING, "--test", "x"), 2, "give one of"),
        (PING[2:], 2, "outside, inside"),
        (("--in", "outsid", *PING[2:]), 1, "no Iface `outsid`"),
        (("--in", "outside", "--src", "1.2.3", "--dst", "10.0.0.5", "--protocol", "icmp"), 1, "not an IPv4 address"),
        (("--in", "outside", "--src", "1.2.3.4", "--dst", "10.0.0.5", "--dport", "1"), 2, "wants the protocol"),
        (("--test", "nowhere to be found"), 2, "no test"),
        (("--test", "a"), 2, "tests hold"),
        (("--test", "dropped too", "--number", "7"), 2, "only 1 packet"),
        (("--test", "x", "--tests", "nowhere.yaml"), 2, "no tests file"),
        (("--in", "outside", "--pcap", "nowhere.pcap"), 1, "not-a-capture"),
        (("--in", "outside", "--pcap", str(EXAMPLE)), 1, "not-a-capture"),
    ],
)
def test_what_cannot_be_explained_is_said_so(arguments: tuple[str, ...], status: int, words: str) -> None:
    done = explain(*arguments)
    assert done.returncode == status and done.stdout == ""
    assert words in done.stderr and "Traceback" not in done.stderr and "internal" not in done.stderr


def test_a_packet_without_protocol_is_asked_for_one() -> None:
    done = explain("--in", "outside", "--src", "203.0.113.99", "--dst", "198.51.100.2")
    assert done.returncode == 2 and "say with --protocol" in done.stderr


def test_a_lease_of_the_tests_file_is_known(tmp_path: Path) -> None:
    policy, tests = tmp_path / "fw.nacl", tmp_path / "leases.yaml"
    policy.write_text("Iface wan { index: 0, config: dhcp, input: all }\nFilter::IP all { drop }\n")
    tests.write_text(
        "dhcp: {wan: {address: 192.0.2.7, netmask: 255.255.255.0}}\n"
        "tests:\n- {name: t, in: wan, packet: {src: 192.0.2.9, dst: 192.0.2.7, udp: {dport: 1}}, expect: drop}\n"
    )
    command = [sys.executable, "-m", "naclc", "explain-packet", str(policy), "--in", "wan"]
    command += ["--src", "192.0.2.9", "--dst", "192.0.2.7", "--protocol", "udp", "--dport", "1"]
    alone = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    known = subprocess.run([*command, "--tests", str(tests)], capture_output=True, text=True, timeout=60, check=False)
    assert "dropped: not-forwarding" in alone.stdout and "input of wan: all" in known.stdout
