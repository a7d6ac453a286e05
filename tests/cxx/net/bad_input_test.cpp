// What no honest host sends: docs/runtime-stack.md, "Bad input", names the test for each.
#include <net/tcp/tcp_conntrack.hpp>

#include "bench.hpp"

using namespace bench;
using net::Conntrack;
using net::Drop;
using net::Inet;
using net::IP4;
using Verdict = net::Filter_verdict<IP4>;
using Type = net::Filter_verdict_type;

namespace {

constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
constexpr std::uint8_t kOpening = kFin | kSyn | kRst | kAck;

// As the Filters of a policy do with what belongs to no connection.
Verdict refuse_untracked(IP4::IP_packet_ptr packet, Inet&, Conntrack::Entry_ptr entry) {
  if (entry == nullptr) return {nullptr, Type::DROP};
  return {std::move(packet), Type::ACCEPT};
}

Octets segment(const char* to, unsigned port, unsigned flags) {
  return tcp_packet(
      {.to = to},
      {.from = static_cast<std::uint16_t>(port), .to = 80, .flags = static_cast<std::uint8_t>(flags)});
}

Octets error_about(const char* to, const Octets& packet, std::uint8_t type) {
  Octets message = icmp(type, 0, 0, packet.size());
  std::copy(packet.begin(), packet.end(), message.begin() + 8);
  put16(message, 2, 0);
  Octets error = ip_packet({.from = "10.0.1.7", .to = to, .protocol = 1}, message);
  std::uint32_t sum = 0;
  for (std::size_t at = 20; at < error.size(); at += 2) sum += get16(error, at);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  put16(error, 22, static_cast<std::uint16_t>(~sum));
  return error;
}

}  // namespace

TEST(every_combination_of_tcp_flags_opens_is_dropped_or_is_reset) {
  Machine machine;
  auto& router = machine.route();
  machine.track().tcp_in = net::tcp::tcp4_conntrack;
  router.forward_chain.chain.push_back(refuse_untracked);
  machine.meet_neighbours();
  std::size_t opened = 0, reset = 0;
  for (unsigned flags = 0; flags < 256; ++flags) {
    machine.receive_packet(0, segment("10.0.1.5", 1000 + flags, flags));
    opened += machine.take_sent_packet(1).empty() ? 0U : 1U;
    machine.receive_packet(0, segment("10.0.0.1", 2000 + flags, flags));
    reset += machine.take_sent_packet(0).empty() ? 0U : 1U;
    CHECK((machine.drops(0, Drop::kForward) + opened) == flags + 1);
  }
  CHECK_EQUAL(opened, 16);  // SYN without ACK, RST and FIN, and any of the others
  // A reset is of no connection for a machine that forwards, but when it answers a SYN alone.
  CHECK_EQUAL(reset + machine.iface(0).counters().own_of(Drop::kForward), 128);
  CHECK_EQUAL(machine.iface(0).counters().delivered, 256);
  machine.check_books();
}

TEST(every_combination_of_tcp_flags_in_a_connection_is_counted) {
  Machine machine;
  auto& router = machine.route();
  Conntrack& table = machine.track();
  table.tcp_in = net::tcp::tcp4_conntrack;
  router.forward_chain.chain.push_back(refuse_untracked);
  machine.meet_neighbours();
  for (unsigned first = 0; first < 256; ++first) {
    machine.receive_packet(0, segment("10.0.1.5", 1000 + first, kSyn));
    for (unsigned flags = 0; flags < 256; ++flags)
      machine.receive_packet(0, segment("10.0.1.5", 1000 + first, flags ^ first));
    machine.nic(1).sent.clear();
  }
  CHECK_EQUAL(machine.iface(0).counters().forwarded, 256 * 257);  // a segment of a known connection passes
  CHECK_EQUAL(table.number_of_entries(), 512);
  machine.check_books();
  machine.pass_time(140);
  CHECK_EQUAL(table.number_of_entries(), 0);
}

TEST(an_error_that_quotes_a_flow_changes_nothing_of_it) {
  Machine machine;
  machine.route();
  Conntrack& table = machine.track();
  machine.meet_neighbours();
  const Octets request = ip_packet({.to = "10.0.1.5"}, udp(1000, 53));
  machine.receive_packet(0, request);
  machine.receive_packet(1, ip_packet({.from = "10.0.1.5", .to = "10.0.0.2"}, udp(53, 1000)));
  const Conntrack::Entry* const flow =
      table.get({{net::ip4::Addr{10, 0, 0, 2}, 1000}, {net::ip4::Addr{10, 0, 1, 5}, 53}}, net::Protocol::UDP);
  CHECK(flow != nullptr && flow->state == Conntrack::State::ESTABLISHED);
  const Conntrack::Entry before = *flow;
  machine.nic(1).sent.clear();
  for (const std::uint8_t type : {3, 4, 5, 11, 12}) {
    machine.receive_packet(1, error_about("10.0.0.2", request, type));  // to the host, by the router
    machine.receive_packet(1, error_about("10.0.1.1", request, type));  // to the machine itself
  }
  CHECK(flow->state == before.state && flow->timeout == before.timeout);
  CHECK(flow->first == before.first && flow->second == before.second);
  CHECK_EQUAL(machine.iface(1).counters().delivered, 5);
  CHECK_EQUAL(machine.iface(1).counters().forwarded, 1 + 5);
  CHECK(machine.take_sent_packet(1).empty());  // no error about an error
  CHECK_EQUAL(table.number_of_entries(),
              2 + 2 * 2);  // the errors have entries of their own, one for each way
  machine.check_books();
}
