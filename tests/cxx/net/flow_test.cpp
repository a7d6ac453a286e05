// Connection tracking and the chains: docs/language.md 8.2, 8.3 and the order of 8.1.
#include <algorithm>

#include "bench.hpp"

using namespace bench;
using net::Conntrack;
using net::Drop;
using net::Inet;
using net::IP4;
using Verdict = net::Filter_verdict<IP4>;
using Type = net::Filter_verdict_type;

namespace {

// What a chain saw, in order: "prerouting:U", and so on. '-' is no entry.
std::string seen;

char letter(Conntrack::Entry_ptr entry) {
  if (entry == nullptr) return '-';
  switch (entry->state) {
    case Conntrack::State::UNCONFIRMED:
      return 'U';
    case Conntrack::State::NEW:
      return 'N';
    case Conntrack::State::ESTABLISHED:
      return 'E';
    default:
      return '?';
  }
}

auto watch(const char* name) {
  return [name](IP4::IP_packet_ptr packet, Inet& stack, Conntrack::Entry_ptr entry) -> Verdict {
    seen += std::string{name} + stack.ifname().substr(3) + ":" + letter(entry) + " ";
    return {std::move(packet), Type::ACCEPT};
  };
}

Verdict refuse(IP4::IP_packet_ptr, Inet&, Conntrack::Entry_ptr) { return {nullptr, Type::DROP}; }

void watch_everything(Machine& machine, net::Router<IP4>& router) {
  for (std::size_t i = 0; i < 2; ++i) {
    IP4& ip = machine.iface(i).ip_obj();
    ip.prerouting_chain().chain.push_back(watch("pre"));
    ip.input_chain().chain.push_back(watch("in"));
    ip.output_chain().chain.push_back(watch("out"));
    ip.postrouting_chain().chain.push_back(watch("post"));
  }
  router.forward_chain.chain.push_back(watch("fwd"));
}

std::string take_seen() {
  std::string result = std::move(seen);
  seen.clear();
  return result;
}

void expect_seen(const char* expected, int line) {
  const std::string found = take_seen();
  check(found == expected, ("saw " + found + ", expected " + expected).c_str(), __FILE__, line);
}
#define EXPECT_SEEN(expected) expect_seen(expected, __LINE__)

}  // namespace

TEST(a_flow_is_new_until_it_is_answered) {
  Machine machine;
  watch_everything(machine, machine.route());
  machine.track();
  machine.meet_neighbours();
  const Octets request = ip_packet({.to = "10.0.1.5"}, udp(1000, 53));
  const Octets answer = ip_packet({.from = "10.0.1.5", .to = "10.0.0.2"}, udp(53, 1000));
  machine.receive_packet(0, request);
  EXPECT_SEEN("pre0:U fwd0:U post1:N ");
  machine.receive_packet(0, request);
  EXPECT_SEEN("pre0:N fwd0:N post1:N ");
  machine.receive_packet(1, answer);
  EXPECT_SEEN("pre1:E fwd1:E post0:E ");
  machine.receive_packet(0, request);
  EXPECT_SEEN("pre0:E fwd0:E post1:E ");
}

TEST(a_delivered_packet_and_its_answer_are_one_flow) {
  Machine machine;
  watch_everything(machine, machine.route());
  machine.track();
  machine.meet_neighbours();
  machine.receive_packet(0, ip_packet({.protocol = 1}, icmp(8, 0, 9)));
  EXPECT_SEEN("pre0:U in0:N out0:E fwd0:E post0:E ");
  machine.receive_packet(0, ip_packet({.to = "10.0.1.1", .protocol = 1}, icmp(8, 0, 10)));
  EXPECT_SEEN("pre0:U fwd0:U pre1:U in1:N out1:E fwd1:E post0:E ");
}

TEST(a_machine_that_does_not_forward_ships) {
  Machine machine;
  machine.iface(0).ip_obj().output_chain().chain.push_back(watch("out"));
  machine.iface(0).ip_obj().postrouting_chain().chain.push_back(watch("post"));
  machine.meet_neighbours();
  machine.receive_packet(0, ip_packet({.protocol = 1}, icmp(8, 0, 9)));
  EXPECT_SEEN("out0:- post0:- ");
  machine.receive_packet(0, ip_packet({.from = "8.8.8.8", .protocol = 1}, icmp(8, 0, 9)));
  EXPECT_SEEN("out0:- post0:- ");
  CHECK_EQUAL(machine.iface(0).arp().waiting(), 1);  // for the gateway
}

TEST(each_chain_can_drop) {
  Machine machine;
  auto& router = machine.route();
  machine.meet_neighbours();
  const Octets through = ip_packet({.to = "10.0.1.5"}, udp(1, 2));
  IP4& in = machine.iface(0).ip_obj();
  IP4& out = machine.iface(1).ip_obj();
  out.postrouting_chain().chain.push_back(refuse);
  machine.receive_packet(0, through);
  CHECK_EQUAL(machine.drops(0, Drop::kPostrouting), 1);
  router.forward_chain.chain.push_back(refuse);
  machine.receive_packet(0, through);
  CHECK_EQUAL(machine.drops(0, Drop::kForward), 1);
  in.prerouting_chain().chain.push_back(refuse);
  machine.receive_packet(0, through);
  CHECK_EQUAL(machine.drops(0, Drop::kPrerouting), 1);
  in.prerouting_chain().chain.clear();
  in.output_chain().chain.push_back(refuse);
  machine.receive_packet(0, ip_packet({.protocol = 1}, icmp(8, 0, 9)));
  CHECK_EQUAL(machine.iface(0).counters().own_of(Drop::kOutput), 1);
  in.input_chain().chain.push_back(refuse);
  machine.receive_packet(0, ip_packet({.protocol = 1}, icmp(8, 0, 9)));
  CHECK_EQUAL(machine.drops(0, Drop::kInput), 1);
  CHECK_EQUAL(machine.iface(0).counters().delivered, 1);
  CHECK(machine.nic(0).sent.empty() && machine.nic(1).sent.empty());
  machine.check_books();
}

TEST(accept_goes_on_and_drop_ends_the_chain) {
  Machine machine;
  auto& chain = machine.iface(0).ip_obj().prerouting_chain().chain;
  chain.push_back(watch("a"));
  chain.push_back(watch("b"));
  chain.push_back(refuse);
  chain.push_back(watch("c"));
  machine.receive_packet(0, ip_packet({}, udp(1, 2)));
  EXPECT_SEEN("a0:- b0:- ");
  CHECK_EQUAL(machine.drops(0, Drop::kPrerouting), 1);
  machine.check_books();
}

TEST(a_filter_may_return_another_packet) {
  Machine machine;
  machine.route();
  machine.meet_neighbours();
  Inet& out = machine.iface(1);
  out.ip_obj().postrouting_chain().chain.push_back(
      [](IP4::IP_packet_ptr packet, Inet& stack, Conntrack::Entry_ptr) -> Verdict {
        auto copy = net::static_unique_ptr_cast<net::PacketIP4>(stack.create_packet());
        copy->increment_data_end(packet->size());
        std::copy(packet->layer_begin(), packet->data_end(), copy->layer_begin());
        return {std::move(copy), Type::ACCEPT};
      });
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, 2)));
  CHECK(checksums_hold(machine.take_sent_packet(1)));
  CHECK_EQUAL(machine.iface(0).counters().forwarded, 1);
  machine.check_books();
}

TEST(a_filter_may_capture_64_octets) {
  Machine machine;
  std::array<std::uint64_t, 8> captured{1, 2, 3, 4, 5, 6, 7, 8};
  machine.iface(0).ip_obj().prerouting_chain().chain.push_back(
      [captured](IP4::IP_packet_ptr packet, Inet&, Conntrack::Entry_ptr) -> Verdict {
        seen += std::to_string(captured[7]);
        return {std::move(packet), Type::ACCEPT};
      });
  machine.receive_packet(0, ip_packet({}, udp(1, 2)));
  EXPECT_SEEN("8");
}

TEST(what_has_no_transport_header_has_no_entry) {
  Machine machine;
  auto& table = machine.track();
  machine.iface(0).ip_obj().prerouting_chain().chain.push_back(watch("pre"));
  machine.receive_packet(0, ip_packet({}, Octets(7)));
  machine.receive_packet(0, ip_packet({.protocol = 1}, Octets(7)));
  machine.receive_packet(0, ip_packet({.protocol = 6}, Octets(19)));
  machine.receive_packet(0, ip_packet({.fragment = 1}, udp(1, 2)));
  machine.receive_packet(0, ip_packet({.protocol = 47}, Octets(40)));
  EXPECT_SEEN("pre0:- pre0:- pre0:- pre0:- pre0:- ");
  machine.receive_packet(0, ip_packet({.fragment = 0x2000}, udp(1, 2)));  // a first fragment is a packet
  machine.receive_packet(0, ip_packet({}, udp(3, 4, 0)));
  EXPECT_SEEN("pre0:U pre0:U ");
  CHECK_EQUAL(table.number_of_entries(), 2 * 3);  // these two, and the ICMP errors sent
}

TEST(tuples_keep_protocols_and_ports_apart) {
  Machine machine;
  auto& table = machine.track();
  machine.receive_packet(0, ip_packet({}, udp(1, 2)));
  machine.receive_packet(0, ip_packet({}, udp(1, 3)));
  machine.receive_packet(0, tcp_packet({}, {.from = 1, .to = 2}));
  machine.receive_packet(0, ip_packet({.protocol = 1}, icmp(8, 0, 1)));
  machine.receive_packet(0, ip_packet({.protocol = 1}, icmp(8, 0, 2)));
  // Five flows, and those of the port-unreachable errors: one, as the unused word is 0 in both.
  CHECK_EQUAL(table.number_of_entries(), 2 * 6);
  const net::Quadruple quad{{net::ip4::Addr{10, 0, 0, 2}, 1}, {net::ip4::Addr{10, 0, 0, 1}, 2}};
  CHECK(table.get(quad, net::Protocol::UDP) != nullptr);
  CHECK(table.get(quad, net::Protocol::TCP) != table.get(quad, net::Protocol::UDP));
  CHECK(table.get(quad, net::Protocol::ICMPv4) == nullptr);
  net::Quadruple reversed = quad;
  reversed.swap();
  CHECK(table.get(reversed, net::Protocol::UDP) == table.get(quad, net::Protocol::UDP));
}

TEST(a_full_table_gives_no_entry) {
  Machine machine;
  auto& table = machine.track(6);
  machine.iface(0).ip_obj().input_chain().chain.push_back(refuse);
  machine.iface(0).ip_obj().prerouting_chain().chain.push_back(watch("pre"));
  for (std::uint16_t port = 1; port < 6; ++port) machine.receive_packet(0, ip_packet({}, udp(1, port)));
  EXPECT_SEEN("pre0:U pre0:U pre0:U pre0:- pre0:- ");
  CHECK_EQUAL(table.number_of_entries(), 6);
  machine.receive_packet(0, ip_packet({}, udp(1, 2)));
  EXPECT_SEEN("pre0:N ");  // CONFIRM comes before INPUT
  machine.pass_time(21);
  CHECK_EQUAL(table.number_of_entries(), 0);
  machine.receive_packet(0, ip_packet({}, udp(1, 5)));
  EXPECT_SEEN("pre0:U ");
}

TEST(a_limit_beyond_the_memory_is_cut) {
  Machine machine;
  const auto& table = machine.track(2147483647);
  CHECK(table.octets() > 100000000 && table.octets() < 128 * 1024 * 1024);
  CHECK(console().find("conntrack: room for ") != std::string::npos);
}

TEST(a_table_of_one_tuple_holds_nothing) {
  Machine machine;
  auto& table = machine.track(1);
  machine.iface(0).ip_obj().prerouting_chain().chain.push_back(watch("pre"));
  machine.receive_packet(0, ip_packet({}, udp(1, 2)));
  EXPECT_SEEN("pre0:- ");
  CHECK_EQUAL(table.number_of_entries(), 0);
}

TEST(entries_live_as_long_as_their_state_says) {
  Machine machine;
  machine.route();
  auto& table = machine.track();
  machine.meet_neighbours();
  bool confirms = true;
  machine.iface(0).ip_obj().prerouting_chain().chain.push_back(
      [&confirms](IP4::IP_packet_ptr packet, Inet&, Conntrack::Entry_ptr) -> Verdict {
        return {std::move(packet), confirms ? Type::ACCEPT : Type::DROP};
      });
  const Ip out{.to = "10.0.1.5"};
  const Ip back{.from = "10.0.1.5", .to = "10.0.0.2"};
  const std::pair<Octets, Octets> tcp{tcp_packet(out, {}), tcp_packet(back, {.from = 80, .to = 40000})};
  const std::pair<Octets, Octets> dns{ip_packet(out, udp(1, 2)), ip_packet(back, udp(2, 1))};
  const struct {
    std::pair<Octets, Octets> packets;
    bool confirmed, answered;
    double gone_after;  // seconds; the sweep comes within 10 s
  } rows[] = {{tcp, false, false, 10}, {tcp, true, false, 30}, {tcp, true, true, 300},
              {dns, false, false, 10}, {dns, true, false, 10}, {dns, true, true, 10}};
  for (const auto& row : rows) {
    confirms = row.confirmed;
    machine.receive_packet(0, row.packets.first);
    confirms = true;
    if (row.answered) machine.receive_packet(1, row.packets.second);
    CHECK_EQUAL(table.number_of_entries(), 2);
    machine.pass_time(row.gone_after - 0.1);
    CHECK_EQUAL(table.number_of_entries(), 2);
    machine.pass_time(10.2);
    CHECK_EQUAL(table.number_of_entries(), 0);
  }
}

TEST(an_expired_entry_is_renewed_until_the_sweep) {
  Machine machine;
  auto& table = machine.track();
  machine.pass_time(5);  // sweeps come at 10, 20, …
  machine.receive_packet(0, ip_packet({.protocol = 1}, icmp(0, 0, 7)));
  machine.pass_time(14.5);
  machine.receive_packet(0, ip_packet({.protocol = 1}, icmp(0, 0, 7)));
  machine.pass_time(5);
  CHECK_EQUAL(table.number_of_entries(), 2);
}

TEST(the_table_finds_what_it_holds_after_many_removals) {
  Machine machine;
  auto& table = machine.track(4096);
  machine.iface(0).ip_obj().prerouting_chain().chain.push_back(refuse);
  for (int round = 0; round < 20; ++round) {
    for (std::uint16_t port = 0; port < 100; ++port)
      machine.receive_packet(0, ip_packet({}, udp(static_cast<std::uint16_t>(round * 100 + port), 9)));
    machine.pass_time(1);
    std::size_t found = 0;
    for (std::uint16_t port = 0; port < 2000; ++port) {
      const net::Quadruple quad{{net::ip4::Addr{10, 0, 0, 2}, port}, {net::ip4::Addr{10, 0, 0, 1}, 9}};
      net::Quadruple reversed = quad;
      const bool there = table.get(quad, net::Protocol::UDP) != nullptr;
      CHECK(there == (table.get(reversed.swap(), net::Protocol::UDP) != nullptr));
      found += there ? 2 : 0;
    }
    CHECK_EQUAL(found, table.number_of_entries());
  }
  machine.pass_time(30);
  CHECK_EQUAL(table.number_of_entries(), 0);
}

TEST(a_flow_to_itself_takes_one_tuple) {
  Machine machine;
  auto& table = machine.track();
  machine.receive_packet(0, ip_packet({.from = "10.0.0.1"}, udp(5, 5)));
  CHECK(table.number_of_entries() >= 1);
  machine.pass_time(30);
  CHECK_EQUAL(table.number_of_entries(), 0);
}

// The next ones end the machine; the runner looks for the message.
TEST(panics_when_tracking_is_enabled_twice) {
  Machine machine;
  machine.track();
  machine.iface(0).enable_conntrack(std::make_shared<Conntrack>());
}

TEST(panics_when_there_is_no_such_nic) {
  Machine machine;
  net::Interfaces::get(3);
}

TEST(panics_when_there_is_no_such_mac) {
  Machine machine;
  net::Interfaces::get("02:00:00:00:00:02");
  net::Interfaces::get("02:00:5e:00:53:01");
}

TEST(panics_when_a_filter_accepts_nothing) {
  Machine machine;
  machine.iface(0).ip_obj().input_chain().chain.push_back(
      [](IP4::IP_packet_ptr, Inet&, Conntrack::Entry_ptr) -> Verdict { return {nullptr, Type::ACCEPT}; });
  machine.receive_packet(0, ip_packet({}, udp(1, 2)));
}
