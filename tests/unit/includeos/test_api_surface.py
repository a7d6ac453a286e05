"""The part of IncludeOS's API that generated services use, one construct a line, compiled against the headers of the
skeleton OS; and against IncludeOS's own, where INCLUDEOS_SOURCE names a checkout (api/, lib/)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
INCLUDES = (
    *("syslogd", "timers", "isotime", "profile", "chrono", "cstring"),
    *("net/interfaces", "net/router.hpp", "net/vlan_manager.hpp", "net/nat/napt.hpp", "net/tcp/tcp_conntrack.hpp"),
    *("os", "service", "cstdint", "memory", "type_traits", "utility"),
)

# What the construct is for: the construct, as the body of a function with `stack`, `packet` and `entry`.
CONSTRUCTS = {
    "an Iface by NIC number": "net::Inet& found = net::Interfaces::get(0); (void)found;",
    "an Iface by MAC address": 'net::Inet& found = net::Interfaces::get("02:00:5e:10:00:01"); (void)found;',
    "address, netmask, gateway": "stack.network_config({192, 0, 2, 1}, {255, 255, 255, 0}, {0, 0, 0, 0});",
    "and name server": "stack.network_config({192, 0, 2, 1}, {255, 255, 255, 0}, {192, 0, 2, 9}, {192, 0, 2, 3});",
    "connection tracking": "auto table = std::make_shared<net::Conntrack>(); stack.enable_conntrack(table);",
    "a table known at compile time": "constinit static std::shared_ptr<net::Conntrack> table; (void)table;",
    "a router known at compile time": "constinit static std::unique_ptr<net::Router<net::IP4>> router; (void)router;",
    "the entry of a packet": "const net::Conntrack::Entry_ptr own = net::Conntrack{}.get(*packet); (void)own;",
    "states of entries": "switch (entry->state) { case net::Conntrack::State::ESTABLISHED: case "
    "net::Conntrack::State::RELATED: break; default: break; }",
    "a filter in prerouting": "stack.ip_obj().prerouting_chain().chain.push_back(FILTER);",
    "a filter in input": "stack.ip_obj().input_chain().chain.push_back(FILTER);",
    "a filter in output": "stack.ip_obj().output_chain().chain.push_back(FILTER);",
    "a filter in postrouting": "stack.ip_obj().postrouting_chain().chain.push_back(FILTER);",
    "a named function as a filter": "stack.ip_obj().input_chain().chain.push_back(named_filter);",
    "a filter with captured state": "const std::ptrdiff_t n = 1; stack.ip_obj().output_chain().chain.push_back("
    "[n](Packet_ptr p, net::Inet&, Entry_ptr) { return n > 0 ? Verdict{std::move(p), ACCEPT} : Verdict{}; });",
    "accept with the packet": "const Verdict verdict{std::move(packet), ACCEPT}; (void)verdict;",
    "drop with nothing": "const Verdict verdict{}; static_assert(noexcept(Verdict{})); (void)verdict;",
    "the octets of a packet": "const std::uint8_t* ip = packet->layer_begin(); const int n = packet->size(); "
    "(void)ip; (void)n;",
    "lengths of a packet": "int n = packet->ip_header_length() + packet->ip_total_length() + packet->ip_data_length(); "
    "(void)n;",
    "TTL and fragment offset": "const bool zero = packet->ip_ttl() == 0 && packet->ip_frag_offs() == 0; (void)zero;",
    "where a packet goes": "const net::ip4::Addr to = packet->ip_dst(); const bool n = to.is_multicast(); (void)n;",
    "whether it is for an Iface": "const bool own = packet->ip_dst() == stack.ip_addr() || packet->ip_dst() == "
    "stack.broadcast_addr() || packet->ip_dst() == net::IP4::ADDR_BCAST; (void)own;",
    "the NIC of an Iface": "static_assert(std::is_lvalue_reference_v<decltype(stack.nic())>);",
    "a routing table": "net::Router<net::IP4> router{net::Router<net::IP4>::Routing_table{{{192, 0, 2, 0}, "
    "{255, 255, 255, 0}, {0, 0, 0, 0}, stack, 1}}};",
    "the router's options and chain": "net::Router<net::IP4> router{net::Router<net::IP4>::Routing_table{}}; "
    "router.send_time_exceeded = false; router.forward_chain.chain.push_back(named_filter); "
    "stack.set_forward_delg(router.forward_delg());",
    "text on the console": 'os::print("text", sizeof "text" - 1);',
    "what a panic does": "os::set_panic_action(os::Panic_action::reboot);",
    "a VLAN": "net::Interfaces::create(net::VLAN_manager::get(0).add(net::Interfaces::get_nic(0), 10), 0, 10); "
    "net::Inet& vlan = net::Interfaces::get(0, 10); (void)vlan;",
    "the number of a NIC": 'const int n = net::Interfaces::get_nic_index(MAC::Addr{"02:00:5e:10:00:01"}); (void)n;',
    "a stop with a message": 'os::panic("why");',
    "limits of a NIC": "stack.nic().set_sendq_limit(1); stack.nic().set_buffer_limit(0);",
    "settings of the connection table": "auto table = std::make_shared<net::Conntrack>(); table->reserve(8); "
    "table->maximum_entries = 8; table->timeout.established.tcp = net::Conntrack::Timeout_duration{1}; "
    "table->timeout.confirmed.udp = table->timeout.unconfirmed.icmp = net::Conntrack::Timeout_duration{1};",
    "TCP by its flags": "auto table = std::make_shared<net::Conntrack>(); table->tcp_in = track_tcp; "
    "const std::size_t n = table->number_of_entries(); (void)n;",
    "the tuple of a packet": "net::Quadruple tuple = packet->ip_protocol() == net::Protocol::ICMPv4 ? "
    "net::Conntrack::get_quadruple_icmp(*packet) : net::Conntrack::get_quadruple(*packet); tuple.swap();",
    "tuples of an entry": "const bool same = entry->first == entry->second || entry->first.src == entry->second.dst; "
    "const net::ip4::Addr to = entry->second.src.address().v4(); const std::uint16_t port = entry->second.src.port(); "
    "(void)same; (void)to; (void)port;",
    "an entry by its tuple": "const Entry_ptr own = net::Conntrack{}.get(entry->first, entry->proto); (void)own;",
    "a translator known at compile time": "constinit static std::unique_ptr<net::nat::NAPT> napt; (void)napt;",
    "translation of one end": "net::nat::NAPT napt{std::make_shared<net::Conntrack>()}; const net::Socket to{"
    "net::ip4::Addr{192, 0, 2, 1}, 80}; napt.dnat(*packet, entry, to); napt.dnat(*packet, entry, to.address().v4()); "
    "napt.snat(*packet, entry, to); napt.snat(*packet, entry, to.address().v4());",
    "translation of replies": "net::nat::NAPT napt{std::make_shared<net::Conntrack>()}; napt.dnat(*packet, entry); "
    "napt.snat(*packet, entry);",
    "masquerading": "net::nat::NAPT napt{std::make_shared<net::Conntrack>()}; napt.masquerade(*packet, stack, entry); "
    "napt.demasquerade(*packet, stack, entry); const bool unset = packet->ip_src() == net::ip4::Addr{}; (void)unset;",
    "DHCP": "stack.negotiate_dhcp(10, [](bool timed_out) { (void)timed_out; });",
    "a syslog server": "Syslog::set_facility(std::make_unique<Syslog_udp>()); "
    "Syslog::settings(net::ip4::Addr{192, 0, 2, 1}, 514);",
    "a message": 'Syslog::syslog(std::uint8_t{7}, "%s", "text");',
    "a timer": "Timers::periodic(std::chrono::seconds{1}, std::chrono::seconds{60}, [](Timers::id_t) {});",
    "numbers of timers": "const std::uint64_t n = Timers::active() + Timers::existing() + Timers::free(); (void)n;",
    "samples of the stack": "StackSampler::begin(); StackSampler::print(5); "
    "const std::uint64_t n = StackSampler::samples_total() - StackSampler::samples_asleep(); (void)n;",
    "date and memory": "const std::uint64_t n = os::total_memuse() + std::strlen(isotime::now().c_str()); (void)n;",
}
# Beside those, only IncludeOS has what the guards use: they are compiled where NICs have frame_offset_link().
OF_GUARDS = {
    "a packet of a NIC": "auto made = net::static_unique_ptr_cast<net::PacketIP4>(stack.create_packet()); "
    "made->set_data_end(made->capacity() > 20 ? 20 : 0);",
    "the room before a packet": "const std::ptrdiff_t room = packet->layer_begin() - packet->buf(); (void)room;",
    "the sign of a fixed place": "const std::size_t offset = stack.nic().frame_offset_link(); (void)offset;",
}

# What policies can ask for and only IncludeOS has so far; `naclc build --os skeleton` refuses them.
NOT_ON_SKELETON = {
    "ports that are left": "const bool left = stack.tcp_ports()[stack.ip_addr()].has_free_ephemeral() && "
    "stack.udp_ports()[stack.ip_addr()].has_free_ephemeral(); (void)left;",
}
EVERYTHING = CONSTRUCTS | OF_GUARDS | NOT_ON_SKELETON
SERVICES = sorted(
    policy for folder in ("expected", "includeos/expected") for policy in (ROOT / "tests/golden" / folder).iterdir()
)

PROLOGUE = """
using Packet_ptr = net::IP4::IP_packet_ptr;
using Verdict = net::Filter_verdict<net::IP4>;
using Entry_ptr = net::Conntrack::Entry_ptr;
constexpr auto ACCEPT = net::Filter_verdict_type::ACCEPT;
[[maybe_unused]] static Verdict named_filter(Packet_ptr p, net::Inet&, Entry_ptr) { return {std::move(p), ACCEPT}; }
#define FILTER [](Packet_ptr p, net::Inet&, Entry_ptr) -> Verdict { return named_filter(std::move(p), *of_nobody, {}); }
static net::Inet* of_nobody;
[[maybe_unused]] static net::Conntrack::Entry* track_tcp(net::Conntrack& t, net::Quadruple q, const net::PacketIP4& p) {
  return net::tcp::tcp4_conntrack(t, q, p);
}
"""
SKELETON = ("g++", "-std=c++20", "-fno-exceptions", "-fno-rtti", f"-I{ROOT / 'includeos_skeleton' / 'os' / 'include'}")
INCLUDEOS = (
    *("clang++-19", "-std=c++23", "-stdlib=libc++"),
    *("-D__includeos__", "-DARCH_x86_64", '-DARCH="x86_64"', "-ferror-limit=0"),
)


def refused(
    compiler: tuple[str, ...],
    constructs: dict[str, str],
    folder: Path,
    headers: tuple[str, ...] = INCLUDES,
    prologue: str = PROLOGUE,
) -> dict[str, str]:
    """The constructs that the compiler does not take, with what it says; all in one run."""
    lines = [f"#include <{header}>" for header in headers] + prologue.splitlines()
    first = len(lines) + 1
    for number, construct in enumerate(constructs.values()):
        arguments = "net::Inet& stack, Packet_ptr packet, Entry_ptr entry"
        lines.append(f"void f{number}({arguments}) {{ (void)stack; (void)packet; (void)entry; {construct} }}")
    source = folder / "surface.cpp"
    source.write_text("\n".join(lines) + "\n")
    run = subprocess.run([*compiler, "-fsyntax-only", source], capture_output=True, text=True, check=False)
    names = list(constructs)
    failures: dict[str, str] = {}
    for line, what in re.findall(rf"{re.escape(str(source))}:(\d+):.*?error: (.*)", run.stderr):
        number = int(line) - first
        failures.setdefault(names[number] if 0 <= number < len(names) else "the prologue", what)
    assert run.returncode == 0 or failures, run.stderr
    return failures


@pytest.fixture(scope="module")
def refused_by_skeleton(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return refused(SKELETON, CONSTRUCTS, tmp_path_factory.mktemp("skeleton"))


@pytest.fixture(scope="module")
def refused_by_includeos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    checkout = os.environ.get("INCLUDEOS_SOURCE")
    if checkout is None or shutil.which("clang++-19") is None:
        pytest.skip("INCLUDEOS_SOURCE names no checkout of IncludeOS, or there is no clang++-19")
    compiler = (*INCLUDEOS, f"-I{checkout}/api", f"-I{checkout}/lib")
    folder = tmp_path_factory.mktemp("includeos")
    return refused(compiler, EVERYTHING, folder, INCLUDES)


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_the_skeleton_os_offers(construct: str, refused_by_skeleton: dict[str, str]) -> None:
    assert construct not in refused_by_skeleton, refused_by_skeleton[construct]


def test_a_construct_that_is_not_there_is_seen(tmp_path: Path) -> None:
    wrong = {"right": "(void)stack.ip_addr();", "wrong": "stack.no_such_member();"}
    assert list(refused(SKELETON, wrong, tmp_path)) == ["wrong"]


def test_nothing_else_is_refused(refused_by_skeleton: dict[str, str]) -> None:
    assert refused_by_skeleton == {}


@pytest.mark.parametrize("construct", EVERYTHING)
def test_includeos_offers(construct: str, refused_by_includeos: dict[str, str]) -> None:
    assert construct not in refused_by_includeos, refused_by_includeos[construct]


@pytest.mark.parametrize("policy", SERVICES, ids=lambda path: str(path.name))
def test_includeos_takes_whole_services(policy: Path, refused_by_includeos: dict[str, str]) -> None:
    checkout = os.environ["INCLUDEOS_SOURCE"]
    absent = f"-I{Path(__file__).parent / 'absent'}"  # libraries that IncludeOS does not bring
    headers = (f"-I{checkout}/api", f"-I{checkout}/lib", absent)
    command = [*INCLUDEOS, *headers, "-Wall", "-Wextra", "-fsyntax-only", str(policy / "service.cpp")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "service.cpp" not in run.stderr, "a warning about the service"


def test_the_list_holds_all_that_generated_services_use() -> None:
    """Names of IncludeOS in the templates and in the text of registrations, each in some construct."""
    paths = [*(ROOT / "emit").glob("*.j2"), *(ROOT / "naclc/codegen").glob("glue*.py")]
    emitted = "\n".join(path.read_text() for path in paths)
    listed = "\n".join((*EVERYTHING.values(), PROLOGUE))
    for name in set(re.findall(r"\b(?:net|os|MAC|nat|tcp|Timers|Syslog|StackSampler)::(\w+)", emitted)):
        assert re.search(rf"\b{name}\b", listed), name
    objects = r"packet|copy|stack|out|router|connections|translator|table|tuple|entry|nic\(\)|ifaces\[[^]]*\]"
    for member in set(re.findall(rf"(?:{objects})(?:->|\.)(\w+)\(", emitted)):
        assert re.search(rf"\b{member}\b", listed), member


def test_the_list_includes_all_headers_of_generated_services() -> None:
    texts = [(policy / "service.cpp").read_text() for policy in SERVICES]
    headers = {header for text in texts for header in re.findall(r"^#include <(.*)>$", text, re.MULTILINE)}
    absent = {"microLB", "uplink/uplink.hpp"}
    assert headers - {"cstddef"} - absent <= set(INCLUDES)
    assert absent | {"syslogd", "timers", "isotime", "profile"} <= headers
