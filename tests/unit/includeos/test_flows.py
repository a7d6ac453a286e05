"""Translation, tracking, messages and Ifaces of generated services on a double of the operating system: what
docs/language.md 8.5 and 11 say, on a system with the faults that the guards are for and on one without."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from naclc.decision.witness import packet_from_assignment
from naclc.interpret.header import End, readdressed
from tests.golden.services import service_of_text

DOUBLE = Path(__file__).parent / "double"
STRICT = ("-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{DOUBLE}")
OUTSIDE, INSIDE, CLIENT, SERVER, WEB = "192.0.2.2", "10.0.0.1", "10.0.0.9", "198.51.100.7", "10.0.0.80"
NAT = """
Iface outside { index: 0, address: 192.0.2.2, netmask: 255.255.255.0, masquerade: true,
                prerouting: ports, input: as_local, output: elsewhere }
Iface inside { index: 1, address: 10.0.0.1, netmask: 255.255.255.0, postrouting: wrong_hook }
Gateway router { all: { net: 0.0.0.0, netmask: 0.0.0.0, iface: outside },
                 office: { net: 10.0.0.0, netmask: 255.255.255.0, iface: inside } }
Nat::IP ports {
  if (ip.ttl == 1) { snat(10.0.0.3) }
  Nat::TCP { if (ip.daddr == outside.address and tcp.dport == 80) { dnat(10.0.0.80, 8080) } }
  Nat::UDP { if (ip.daddr == outside.address and udp.dport == 53) { dnat(10.0.0.80) } }
  if (ip.daddr == outside.address and ip.ttl == 2) { dnat(10.0.0.80, 99) }
  if (ip.daddr == outside.address and ip.ttl == 3) { dnat(10.0.0.80) }
}
Nat::TCP as_local { if (tcp.dport == 22) { snat(10.0.0.1, 7777) } }
Nat::UDP elsewhere { if (udp.dport == 514) { dnat(198.51.100.1, 5514) } }
Nat::IP wrong_hook { if (ip.ttl == 5) { dnat(10.0.0.66) } }
"""
Run = Callable[..., list[str]]


def number(dotted: str) -> int:
    return int.from_bytes(bytes(map(int, dotted.split("."))), "big")


def packet(source: str, to: str, protocol: str = "tcp", sport: int = 4000, dport: int = 80, **fields: int) -> bytes:
    ports = {} if protocol == "icmp" else {f"{protocol}.sport": sport, f"{protocol}.dport": dport}
    others = {name.replace("_", "."): value for name, value in fields.items()}
    numbers = {"icmp": 1, "tcp": 6, "udp": 17}
    ends = {"ip.saddr": number(source), "ip.daddr": number(to), "ip.protocol": numbers[protocol]}
    return packet_from_assignment({**ends, **ports, **others})


def to(octets: bytes, address: str, port: int | None = None) -> bytes:
    return readdressed(octets, End.DESTINATION, number(address), port)


def fro(octets: bytes, address: str, port: int | None = None) -> bytes:
    return readdressed(octets, End.SOURCE, number(address), port)


def accepted(octets: bytes) -> str:
    return f"accept {octets.hex()}"


def built(folder: Path, policy: str, *options: str) -> Run:
    service = folder / "service.cpp"
    service.write_text(service_of_text(policy)[2])
    program = folder / "machine"
    subprocess.run(["g++", *STRICT, *options, service, DOUBLE / "flow_probe.cpp", "-o", program], check=True)

    def run(*steps: str | tuple[str, int, str, bytes | None], status: int = 0) -> list[str]:
        lines = [step if isinstance(step, str) else _line(*step) for step in steps]
        done = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return [line for line in done.stdout.splitlines() if not line.startswith("NaCl: ") or "interface" not in line]

    return run


def _line(chain: str, iface: int, entry: str, octets: bytes | None) -> str:
    return f"{chain} {iface} {entry} {'-' if octets is None else octets.hex()}"


@pytest.fixture(scope="module", params=["faulty", "sound"])
def nat(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return built(tmp_path_factory.mktemp(request.param), NAT, *(["-DFAULTY"] if request.param == "faulty" else []))


# --- masquerading ---


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_masqueraded_flow_there_and_back_and_there_again(nat: Run, protocol: str) -> None:
    there = packet(CLIENT, SERVER, protocol)
    hidden = fro(there, OUTSIDE, 50000)
    back = packet(SERVER, OUTSIDE, protocol, 80, 50000)
    steps = [("postrouting", 0, "track", there), ("prerouting", 0, "track", back), ("postrouting", 0, "track", there)]
    assert nat(*steps) == [accepted(hidden), accepted(to(back, CLIENT, 4000)), accepted(hidden)]


def test_icmp_is_masqueraded_by_its_address(nat: Run) -> None:
    echo = packet(CLIENT, SERVER, "icmp")
    assert nat(("postrouting", 0, "track", echo)) == [accepted(fro(echo, OUTSIDE))]


def test_replies_of_inbound_connections_keep_their_source(nat: Run) -> None:
    request, reply = packet(SERVER, WEB, dport=443), packet(WEB, SERVER, sport=443, dport=4000)
    steps = [("prerouting", 0, "track", request), ("postrouting", 0, "track", reply)]
    assert nat(*steps) == [accepted(request), accepted(reply)]


@pytest.mark.parametrize("own", [OUTSIDE, INSIDE])
def test_own_packets_are_not_masqueraded(nat: Run, own: str) -> None:
    assert nat(("postrouting", 0, "track", packet(own, SERVER))) == [accepted(packet(own, SERVER))]


def test_no_inside_address_leaves_untracked(nat: Run) -> None:
    fragment = packet(CLIENT, SERVER, "udp")[:6] + b"\0\1" + packet(CLIENT, SERVER, "udp")[8:]
    assert nat(("postrouting", 0, "none", packet(CLIENT, SERVER))) == ["drop"]
    assert nat(("postrouting", 0, "track", fragment)) == ["drop"]
    assert nat(("postrouting", 0, "none", packet(INSIDE, SERVER))) == ["drop"]
    assert nat(("postrouting", 0, "none", packet(OUTSIDE, SERVER))) == [accepted(packet(OUTSIDE, SERVER))]


def test_without_a_port_left_new_flows_are_dropped_and_old_ones_go_on(nat: Run) -> None:
    old, new = packet(CLIENT, SERVER), packet(CLIENT, SERVER, sport=4001)
    steps = [("postrouting", 0, "track", old), "exhaust", ("postrouting", 0, "track", new)]
    hidden = accepted(fro(old, OUTSIDE, 50000))
    assert nat(*steps, ("postrouting", 0, "track", old)) == [hidden, "drop", hidden]


def test_two_identifiers_alike_do_not_become_one_flow(nat: Run) -> None:
    one, other = packet(CLIENT, SERVER, "icmp"), packet("10.0.0.10", SERVER, "icmp")
    assert nat(("postrouting", 0, "track", one), ("postrouting", 0, "track", other))[1] == "drop"


# --- dnat and snat ---


def test_a_forwarded_port_there_and_back(nat: Run) -> None:
    request = packet(SERVER, OUTSIDE)
    reply = packet(WEB, SERVER, sport=8080, dport=4000)
    steps = [("prerouting", 0, "track", request), ("postrouting", 1, "same", None), ("postrouting", 0, "track", reply)]
    inside = accepted(to(request, WEB, 8080))
    assert nat(*steps) == [inside, inside, accepted(fro(reply, OUTSIDE, 80))]


@pytest.mark.parametrize("checksum", [True, False], ids=["with checksum", "without"])
def test_checksums_of_udp_are_right_after_a_dnat(nat: Run, checksum: bool) -> None:
    query = (
        packet(SERVER, OUTSIDE, "udp", dport=53)
        if checksum
        else packet(SERVER, OUTSIDE, "udp", dport=53, udp_checksum=0)
    )
    assert nat(("prerouting", 0, "track", query)) == [accepted(to(query, WEB, 53))]


@pytest.mark.parametrize(
    ("chain", "iface", "octets"),
    [
        ("prerouting", 0, packet(SERVER, OUTSIDE, ip_ttl=1)),
        ("postrouting", 1, packet(SERVER, WEB, ip_ttl=5)),
        ("prerouting", 0, packet(SERVER, OUTSIDE, "icmp", ip_ttl=2)),
    ],
    ids=["snat in prerouting", "dnat in postrouting", "a port of ICMP"],
)
def test_what_has_no_effect_at_a_hook_changes_nothing(nat: Run, chain: str, iface: int, octets: bytes) -> None:
    assert nat((chain, iface, "track", octets)) == [accepted(octets)]


def test_a_reply_is_not_rewritten(nat: Run) -> None:
    request, reply = packet(OUTSIDE, SERVER, sport=80, dport=4000), packet(SERVER, OUTSIDE)
    assert nat(("output", 0, "track", request), ("prerouting", 0, "track", reply))[1] == accepted(reply)


def test_a_tuple_that_another_connection_has_is_not_taken(nat: Run) -> None:
    direct, request = packet(SERVER, WEB, dport=8080), packet(SERVER, OUTSIDE)
    assert nat(("prerouting", 0, "track", direct), ("prerouting", 0, "track", request)) == [accepted(direct), "drop"]


def test_snat_at_input_and_back_at_output(nat: Run) -> None:
    request, reply = packet(SERVER, OUTSIDE, dport=22), packet(OUTSIDE, INSIDE, sport=22, dport=7777)
    steps = [("input", 0, "track", request), ("output", 0, "track", reply)]
    assert nat(*steps) == [accepted(fro(request, INSIDE, 7777)), accepted(to(reply, SERVER, 4000))]


def test_what_a_snat_hides_is_still_addressed_as_before(nat: Run) -> None:
    """Its entry looks like that of a masqueraded flow, but these packets go the other way."""
    request = packet(SERVER, OUTSIDE, dport=22)
    steps = [("prerouting", 0, "track", request), ("input", 0, "same", None), ("prerouting", 0, "track", request)]
    assert nat(*steps) == [accepted(request), accepted(fro(request, INSIDE, 7777)), accepted(request)]


def test_a_nat_of_one_protocol_leaves_the_others_alone(nat: Run) -> None:
    query = packet(SERVER, OUTSIDE, "udp", dport=22)
    assert nat(("input", 0, "track", query)) == [accepted(query)]


def test_dnat_at_output_and_back_at_input(nat: Run) -> None:
    sent, answer = packet(OUTSIDE, SERVER, "udp", dport=514), packet("198.51.100.1", OUTSIDE, "udp", 5514, 4000)
    steps = [("output", 0, "track", sent), ("input", 0, "track", answer)]
    assert nat(*steps) == [accepted(to(sent, "198.51.100.1", 5514)), accepted(fro(answer, SERVER, 514))]


@pytest.mark.parametrize("chain", ["prerouting", "input", "output", "postrouting"])
def test_what_is_untracked_is_dropped(nat: Run, chain: str) -> None:
    assert nat((chain, 0, "none", packet(SERVER, OUTSIDE))) == ["drop"]


def test_under_untracked_filter_nats_and_steps_leave_it_alone(tmp_path: Path) -> None:
    run = built(tmp_path, NAT + "Conntrack table { untracked: filter }")
    for chain in ("prerouting", "output", "postrouting"):
        assert run((chain, 0, "none", packet(SERVER, OUTSIDE))) == [accepted(packet(SERVER, OUTSIDE))]


# --- the connection table ---

TRACKING = """
Iface eth0 { index: 0, address: 192.0.2.2, netmask: 255.255.255.0, prerouting: all }
Conntrack table { limit: 2, reserve: 64, stateful_tcp: true, timeout: { established: { udp: 77 } } }
Filter::IP all { accept }
"""
SYN, ACK, RST, FIN = 0x02, 0x10, 0x04, 0x01


def test_settings_of_the_connection_table(tmp_path: Path) -> None:
    assert built(tmp_path, TRACKING)("table") == ["table 2 64 established 0 77 0"]


def test_only_a_lone_syn_opens_a_connection_and_a_full_table_none(tmp_path: Path) -> None:
    run = built(tmp_path, TRACKING)
    opening = packet(CLIENT, SERVER, tcp_flags=SYN)
    for flags in (0, ACK, SYN | ACK, SYN | RST, SYN | FIN, RST):
        assert run(("prerouting", 0, "track", packet(CLIENT, SERVER, tcp_flags=flags))) == ["drop"]
    second = packet(CLIENT, SERVER, sport=4001, tcp_flags=SYN)
    follows = packet(CLIENT, SERVER, tcp_flags=ACK)
    steps = [("prerouting", 0, "track", octets) for octets in (opening, second, follows)]
    assert run(*steps) == [accepted(opening), "drop", accepted(follows)]
    assert run(("prerouting", 0, "track", packet(CLIENT, SERVER, tcp_flags=SYN)[:39])) == ["drop"]


# --- messages ---

MESSAGES = """
Iface eth0 { index: 0, address: 192.0.2.2, netmask: 255.255.255.0, prerouting: all, output: all }
Syslog server { address: 192.0.2.9, port: 514 }
Filter::IP all { syslog(err, "100 %m %s %% ", ip.saddr) accept }
"""


def test_messages_reach_syslog_as_they_are_but_for_m(tmp_path: Path) -> None:
    octets = packet(SERVER, OUTSIDE)
    text = f"syslog 3 100 % m %s %% {SERVER}"
    assert built(tmp_path, MESSAGES)(("prerouting", 0, "track", octets)) == [text, accepted(octets)]


def test_a_message_about_a_message_is_not_sent(tmp_path: Path) -> None:
    octets, message = packet(SERVER, OUTSIDE), packet(OUTSIDE, SERVER, "udp", dport=514)
    lines = built(tmp_path, MESSAGES)(f"loop output 0 {message.hex()}", ("prerouting", 0, "track", octets))
    assert [line.split()[0] for line in lines] == ["syslog", "inner", "accept"]
    assert lines[1] == "inner accept"


# --- Ifaces ---

IFACES = """
Iface fallback { index: 0, config: dhcp-with-fallback, address: 192.0.2.2, netmask: 255.255.255.0, dhcp_timeout: 30,
                 send_queue_limit: 1000, buffer_limit: 0 }
Iface lease { index: 1, config: dhcp }
Iface tagged { index: "02:00:5e:00:53:01", vlan: 7, address: 10.7.0.1, netmask: 255.255.0.0 }
Iface also { index: 3, vlan: 8, address: 10.8.0.1, netmask: 255.255.0.0 }
"""


def test_dhcp_falls_back_when_it_has_timed_out(tmp_path: Path) -> None:
    run = built(tmp_path, IFACES)
    before, after = "0.0.0.0 dhcp 30 limits 1000 0 headroom 24", "192.0.2.2 dhcp 30 limits 1000 0 headroom 24"
    assert run("iface 0 0", "dhcp 0 0 0", "iface 0 0", "dhcp 0 0 1", "iface 0 0") == [before, before, after]
    assert run("dhcp 1 0 0", "dhcp 1 0 1") == ["NaCl: no address for lease by DHCP"]


def test_vlans_by_number_and_by_mac_address(tmp_path: Path) -> None:
    lines = built(tmp_path, IFACES)("iface 1 7", "iface 3 8")
    assert [line.split()[0] for line in lines] == ["10.7.0.1", "10.8.0.1"]


def test_a_vlan_on_a_nic_that_is_not_there_stops_with_its_address(tmp_path: Path) -> None:
    run = built(tmp_path, IFACES.replace("53:01", "53:99"))
    assert run(status=3) == [
        "NaCl: no NIC has the MAC address 02:00:5e:00:53:99",
        "panic: a NIC of the policy is missing",
    ]


# --- load balancer and timers ---

BALANCER = """
Iface clients { index: 0, address: 192.0.2.2, netmask: 255.255.255.0, input: open }
Iface servers { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
Load_balancer front {
  layer: tcp,
  clients: { iface: clients, port: 443, wait_queue_limit: 10, session_limit: 20 },
  servers: { iface: servers, algorithm: round_robin, pool: [{ address: 10.0.0.11, port: 8443 }] },
}
Filter::IP open { if (ip.ttl == 9) { drop } accept }
Timer often { interval: 10, data: [timestamp, stats, memory, cpu] }
Timer seldom { interval: 3600, data: [lb, stack-sampling, timers] }
"""
STARTED = ["balancer, active check 0", "open for tcp 443"]


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return built(tmp_path_factory.mktemp("balancer"), BALANCER)


@pytest.mark.parametrize(
    ("waiting", "sessions", "full"), [(0, 0, False), (9, 19, False), (10, 0, True), (0, 20, True), (11, 21, True)]
)
def test_new_clients_wait_outside_at_the_limits(balancer: Run, waiting: int, sessions: int, full: bool) -> None:
    opening = packet(SERVER, OUTSIDE, dport=443, tcp_flags=SYN)
    lines = balancer(f"balancer {waiting} {sessions}", ("input", 0, "track", opening))
    assert lines == [*STARTED, "drop" if full else accepted(opening)]


@pytest.mark.parametrize(
    "octets",
    [
        packet(SERVER, OUTSIDE, dport=443, tcp_flags=ACK),
        packet(SERVER, OUTSIDE, dport=443, tcp_flags=SYN | ACK),
        packet(SERVER, OUTSIDE, dport=444, tcp_flags=SYN),
        packet(SERVER, OUTSIDE, "udp", dport=443),
    ],
    ids=["goes on", "answers", "another port", "another protocol"],
)
def test_the_limits_are_for_new_clients_only(balancer: Run, octets: bytes) -> None:
    assert balancer("balancer 99 99", ("input", 0, "track", octets)) == [*STARTED, accepted(octets)]


def test_the_policy_comes_before_the_limits(balancer: Run) -> None:
    refused = packet(SERVER, OUTSIDE, dport=443, tcp_flags=SYN, ip_ttl=9)
    assert balancer(("input", 0, "track", refused)) == [*STARTED, "drop"]


def test_timers_print_in_the_order_of_the_language(balancer: Run) -> None:
    timers = ["1 10 1 3600 samples"]
    first = ["2018-02-03T04:05:06Z", "uplink", "memory in use: 23 KiB", "CPU: no samples"]
    second = [*first[:3], "CPU: 25 %"]
    seldom = [
        "load balancer: 12 sessions, 0 open, 0 waiting",
        "  node on, 3 connections ready",
        "the 5 functions seen most",
        "timers: 2 active, 8 existing, 6 free",
    ]
    run = ("timers", "tick 0 0 0", "tick 0 100 75", "tick 1 100 75")
    assert balancer(*run) == [*STARTED, *timers, *first, *second, *seldom]
