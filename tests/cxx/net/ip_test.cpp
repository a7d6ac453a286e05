// Arrival, delivery, answers and forwarding: docs/language.md 8.1 and 13.
#include <algorithm>

#include "bench.hpp"
#include "net/stack.hpp"

using namespace bench;
using net::Drop;

namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kMoreFragments = 0x2000;

struct Fault {
  Drop reason;
  const char* why;
  void (*spoil)(Octets& packet);
};

const Fault kFaults[] = {
    {Drop::kBadVersion, "version 5", [](Octets& p) { p[0] = 0x55; }},
    {Drop::kBadHeaderLength, "IHL 4", [](Octets& p) { p[0] = 0x44; }},
    {Drop::kBadHeaderLength, "IHL beyond the frame", [](Octets& p) { p.resize(46), p[0] = 0x4f; }},
    {Drop::kBadTotalLength, "total length 19", [](Octets& p) { put16(p, 2, 19); }},
    {Drop::kBadTotalLength, "one octet more than there is", [](Octets& p) { put16(p, 2, 47); }},
    {Drop::kBadTotalLength, "65535", [](Octets& p) { put16(p, 2, 65535); }},
    {Drop::kBadChecksum, "checksum off by one", [](Octets& p) { ++p[11]; }},
    {Drop::kBadSource, "multicast source", [](Octets& p) { p[12] = 224, fix_ip_checksum(p); }},
    {Drop::kBadSource, "source of 239.x", [](Octets& p) { p[12] = 239, fix_ip_checksum(p); }},
    {Drop::kBadSource, "source 10.0.0.255", [](Octets& p) { p[15] = 255, fix_ip_checksum(p); }},
    {Drop::kMulticast, "multicast destination", [](Octets& p) { p[16] = 224, fix_ip_checksum(p); }},
    {Drop::kNotForwarding, "for somebody else", [](Octets& p) { p[19] = 7, fix_ip_checksum(p); }},
    {Drop::kNotForwarding, "for another Iface", [](Octets& p) { p[18] = 1, fix_ip_checksum(p); }},
    {Drop::kFragmentMalformed, "12 octets, and more",
     [](Octets& p) { put16(p, 6, kMoreFragments), fix_ip_checksum(p); }},
};

}  // namespace

TEST(every_fault_of_arrival_has_its_reason) {
  Machine machine;
  std::uint64_t received = 0;
  for (const Fault& fault : kFaults) {
    Octets packet = ip_packet({}, udp(1, 2));
    fault.spoil(packet);
    const std::uint64_t before = machine.drops(0, fault.reason);
    machine.receive_packet(0, packet);
    check(machine.drops(0, fault.reason) == before + 1, fault.why, __FILE__, __LINE__);
    CHECK_EQUAL(machine.iface(0).counters().received, ++received);
  }
  CHECK_EQUAL(machine.iface(0).counters().delivered, 0);
  CHECK(machine.nic(0).sent.empty());
  machine.check_books();
}

TEST(a_packet_cut_in_its_header_is_truncated) {
  Machine machine;
  const Octets packet = ip_packet({}, {});
  for (std::size_t length = 0; length < 20; ++length) {
    machine.receive(0, ethernet(machine.nic(0).mac(), {2, 0, 0, 0, 9, 9}, 0x0800,
                                {packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length)}));
  }
  CHECK_EQUAL(machine.drops(0, Drop::kTruncated), 20);
  machine.check_books();
}

TEST(frames_that_are_not_for_us_are_counted) {
  Machine machine;
  const Octets packet = ip_packet({}, udp(1, 2, 40));
  const MAC::Addr from{2, 0xaa, 0, 0, 0, 2};
  machine.receive(0, ethernet({2, 0, 0, 0, 0, 9}, from, 0x0800, packet));
  machine.receive(0, ethernet({1, 0, 0x5e, 0, 0, 1}, from, 0x0800, packet));
  machine.receive(0, ethernet({0x33, 0x33, 0, 0, 0, 1}, from, 0x86dd, packet));
  machine.receive(0, ethernet(machine.nic(0).mac(), from, 0x86dd, packet));
  machine.receive(0, Octets(13));
  machine.receive(0, Octets(0));
  machine.receive(0, ethernet(machine.nic(0).mac(), from, 0x0800, Octets(1501)));
  machine.receive(0, Octets(hw::Frame::kBufferSize - hw::Frame::kHeadroom, 0xff));
  CHECK_EQUAL(machine.drops(0, Drop::kNotForUs), 1);
  CHECK_EQUAL(machine.drops(0, Drop::kMulticastFrame), 2);
  CHECK_EQUAL(machine.drops(0, Drop::kEthertype), 1);
  CHECK_EQUAL(machine.drops(0, Drop::kRunt), 2);
  CHECK_EQUAL(machine.drops(0, Drop::kGiant), 2);
  CHECK_EQUAL(machine.iface(0).counters().received, 0);
  machine.check_books();
}

TEST(an_echo_request_is_answered) {
  Machine machine;
  machine.meet_neighbours();
  for (std::size_t size : {0, 1, 4, 17, 18, 19, 1472}) {
    machine.receive_packet(0, ip_packet({.protocol = kIcmp, .ttl = 1, .tos = 0xb9}, icmp(8, 0, 77, size)));
    const Octets reply = machine.take_sent_packet(0);
    CHECK_EQUAL(reply.size(), 28 + size);
    CHECK(checksums_hold(reply));
    CHECK_EQUAL(reply[1], 0xb8);  // DSCP comes back, ECN does not
    CHECK_EQUAL(get16(reply, 6), 0);
    CHECK_EQUAL(reply[8], 64);
    CHECK_EQUAL(get32(reply, 12), address("10.0.0.1"));
    CHECK_EQUAL(get32(reply, 16), address("10.0.0.2"));
    CHECK_EQUAL(get16(reply, 20), 0);
    CHECK_EQUAL(get16(reply, 24), 77);
    for (std::size_t i = 28; i < reply.size(); ++i) CHECK_EQUAL(reply[i], 0x66);
  }
  CHECK_EQUAL(machine.iface(0).counters().delivered, 7);
  CHECK_EQUAL(machine.iface(0).counters().sent, 7);
  machine.check_books();
}

// RFC 1071: the sum of nothing but zeros is 0, and its complement ffff; an update by RFC 1624 alone gives 0.
TEST(an_echo_reply_of_zeros_has_a_right_checksum) {
  Machine machine;
  machine.meet_neighbours();
  for (std::size_t size : {0, 1, 56}) {
    Octets message(8 + size);
    message[0] = 8;
    put16(message, 2, 0xf7ff);
    machine.receive_packet(0, ip_packet({.protocol = kIcmp}, message));
    const Octets reply = machine.take_sent_packet(0);
    CHECK_EQUAL(get16(reply, 22), 0xffff);
    CHECK(checksums_hold(reply));
  }
}

TEST(identification_counts_up) {
  Machine machine;
  machine.meet_neighbours();
  std::uint16_t last = 0;
  for (int i = 0; i < 3; ++i) {
    machine.receive_packet(0, ip_packet({.protocol = kIcmp}, icmp(8, 0, 1)));
    const std::uint16_t id = get16(machine.take_sent_packet(0), 4);
    if (i != 0) CHECK_EQUAL(id, last + 1);
    last = id;
  }
}

TEST(an_echo_reply_leaves_options_out_and_code_is_0) {
  Machine machine;
  machine.meet_neighbours();
  machine.receive_packet(0, ip_packet({.protocol = kIcmp, .options = Octets(40, 1)}, icmp(8, 3, 5, 9)));
  const Octets reply = machine.take_sent_packet(0);
  CHECK_EQUAL(reply[0], 0x45);
  CHECK_EQUAL(reply.size(), 20 + 8 + 9);
  CHECK_EQUAL(get16(reply, 20), 0);
  CHECK(checksums_hold(reply));
}

TEST(an_echo_request_to_everybody_is_answered_from_the_own_address) {
  Machine machine;
  machine.meet_neighbours();
  for (const char* to : {"10.0.0.255", "255.255.255.255"}) {
    machine.receive_packet(0, ip_packet({.to = to, .protocol = kIcmp}, icmp(8, 0, 1)));
    CHECK_EQUAL(get32(machine.take_sent_packet(0), 12), address("10.0.0.1"));
  }
  machine.check_books();
}

TEST(a_narrow_subnet_has_no_broadcast_address) {
  Machine machine;
  machine.iface(0).network_config({10, 0, 0, 0}, {255, 255, 255, 254}, net::IP4::ADDR_ANY);
  machine.receive_packet(0,
                         ip_packet({.from = "10.0.0.1", .to = "10.0.0.0", .protocol = kIcmp}, icmp(8, 0, 1)));
  CHECK_EQUAL(machine.iface(0).counters().delivered, 1);
  machine.receive_packet(0,
                         ip_packet({.from = "10.0.0.9", .to = "10.0.0.1", .protocol = kIcmp}, icmp(8, 0, 1)));
  CHECK_EQUAL(machine.drops(0, Drop::kNotForwarding), 1);
  machine.iface(0).network_config({10, 0, 0, 3}, {255, 255, 255, 255}, net::IP4::ADDR_ANY);
  machine.receive_packet(0,
                         ip_packet({.from = "10.0.0.3", .to = "10.0.0.3", .protocol = kIcmp}, icmp(8, 0, 1)));
  CHECK_EQUAL(machine.drops(0, Drop::kBadSource), 0);
  machine.check_books();
}

TEST(an_iface_without_address_answers_nobody) {
  Machine machine{false};
  machine.receive_packet(0, ip_packet({.to = "0.0.0.0", .protocol = kIcmp}, icmp(8, 0, 1)));
  machine.receive_packet(0, ip_packet({.to = "255.255.255.255", .protocol = kIcmp}, icmp(8, 0, 1)));
  CHECK_EQUAL(machine.drops(0, Drop::kNotForwarding), 1);
  CHECK_EQUAL(machine.iface(0).counters().own_of(Drop::kBadSource), 1);
  CHECK(machine.nic(0).sent.empty());
  machine.check_books();
}

TEST(udp_to_nobody_is_port_unreachable) {
  Machine machine;
  machine.meet_neighbours();
  const Octets request = ip_packet({.options = Octets(8, 1)}, udp(5000, 53, 100));
  machine.receive_packet(0, request);
  const Octets error = machine.take_sent_packet(0);
  CHECK(checksums_hold(error));
  CHECK_EQUAL(error[9], kIcmp);
  CHECK_EQUAL(get16(error, 20), 0x0303);
  CHECK_EQUAL(get32(error, 24), 0);
  CHECK_EQUAL(error.size(), 20 + 8 + 28 + 8);
  CHECK(std::equal(error.begin() + 28, error.end(), request.begin()));
  CHECK_EQUAL(error[1], 0);
}

TEST(an_unknown_protocol_is_protocol_unreachable) {
  Machine machine;
  machine.meet_neighbours();
  machine.receive_packet(0, ip_packet({.protocol = 47}, {1, 2, 3}));
  const Octets error = machine.take_sent_packet(0);
  CHECK_EQUAL(get16(error, 20), 0x0302);
  CHECK_EQUAL(error.size(), 28 + 23);  // all there is
  CHECK_EQUAL(machine.iface(0).counters().delivered, 1);
}

TEST(about_some_packets_no_error_is_sent) {
  Machine machine;
  machine.route();
  machine.meet_neighbours();
  machine.receive_packet(0, ip_packet({.to = "10.0.0.255"}, udp(1, 2)));  // to many
  machine.receive_packet(0, ip_packet({.to = "255.255.255.255"}, udp(1, 2)));
  machine.receive(0, ethernet(MAC::BROADCAST, {2, 0xaa, 0, 0, 0, 2}, 0x0800, ip_packet({}, udp(1, 2, 40))));
  machine.receive_packet(0, ip_packet({.from = "0.0.0.0"}, udp(1, 2)));  // from nobody
  machine.receive_packet(0, ip_packet({.from = "127.0.0.1"}, udp(1, 2)));
  machine.receive_packet(0, ip_packet({.from = "240.0.0.1"}, udp(1, 2)));
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5", .ttl = 0, .fragment = 1}, udp(1, 2)));
  for (std::uint8_t type : {3, 4, 5, 11, 12})  // about errors
    machine.receive_packet(0, ip_packet({.to = "10.0.1.5", .protocol = kIcmp, .ttl = 0}, icmp(type, 0, 1)));
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5", .protocol = kIcmp, .ttl = 0}, {}));
  CHECK_EQUAL(machine.iface(0).counters().originated, 0);
  CHECK_EQUAL(machine.drops(0, Drop::kTtlExpired), 7);
  machine.check_books();
}

TEST(what_is_malformed_is_delivered_and_not_answered) {
  Machine machine;
  machine.meet_neighbours();
  Octets bad_icmp = icmp(8, 0, 1);
  ++bad_icmp[2];
  machine.receive_packet(0, ip_packet({.protocol = kIcmp}, bad_icmp));
  machine.receive_packet(0, ip_packet({.protocol = kIcmp}, Octets(7)));
  Octets bad_udp = udp(1, 2);
  put16(bad_udp, 6, 1);
  machine.receive_packet(0, ip_packet({}, bad_udp));
  for (std::uint16_t length : {7, 13}) {
    put16(bad_udp, 4, length);
    machine.receive_packet(0, ip_packet({}, bad_udp));
  }
  machine.receive_packet(0, ip_packet({}, Octets(7)));
  machine.receive_packet(0, ip_packet({.protocol = 6}, Octets(19)));
  Octets bad_tcp = tcp_packet({}, {});
  bad_tcp[20 + 12] = 4 << 4;
  machine.receive_packet(0, bad_tcp);
  bad_tcp[20 + 12] = 6 << 4;
  machine.receive_packet(0, bad_tcp);
  bad_tcp[20 + 12] = 5 << 4;
  ++bad_tcp[20 + 17];
  machine.receive_packet(0, bad_tcp);
  CHECK_EQUAL(machine.iface(0).counters().delivered, 10);
  CHECK_EQUAL(machine.drops(0, Drop::kIcmpBadChecksum), 1);
  CHECK_EQUAL(machine.drops(0, Drop::kIcmpMalformed), 1);
  CHECK_EQUAL(machine.drops(0, Drop::kUdpBadChecksum), 1);
  CHECK_EQUAL(machine.drops(0, Drop::kUdpMalformed), 3);
  CHECK_EQUAL(machine.drops(0, Drop::kTcpMalformed), 3);
  CHECK_EQUAL(machine.drops(0, Drop::kTcpBadChecksum), 1);
  CHECK(machine.nic(0).sent.empty());
  machine.check_books();
}

namespace {

struct Reset_row {
  Segment segment;
  std::uint32_t sequence, acknowledge;
  std::uint8_t flags;
};

// RFC 9293 §3.10.7.1. Flags: FIN 1, SYN 2, RST 4, ACK 16.
const Reset_row kResets[] = {
    {{.flags = 2}, 0, 1001, 4 + 16},
    {{.flags = 0}, 0, 1000, 4 + 16},
    {{.flags = 1, .data = 5}, 0, 1006, 4 + 16},
    {{.flags = 3, .data = 9}, 0, 1011, 4 + 16},
    {{.sequence = 0xffffffff, .flags = 2}, 0, 0, 4 + 16},
    {{.acknowledge = 4242, .flags = 16}, 4242, 0, 4},
    {{.acknowledge = 4242, .flags = 18, .data = 30}, 4242, 0, 4},
};

}  // namespace

TEST(tcp_to_nobody_is_reset) {
  Machine machine;
  machine.meet_neighbours();
  for (const Reset_row& row : kResets) {
    machine.receive_packet(0, tcp_packet({}, row.segment));
    const Octets reset = machine.take_sent_packet(0);
    CHECK_EQUAL(reset.size(), 40);
    CHECK(checksums_hold(reset));
    CHECK_EQUAL(get16(reset, 20), 80);
    CHECK_EQUAL(get16(reset, 22), 40000);
    CHECK_EQUAL(get32(reset, 24), row.sequence);
    CHECK_EQUAL(get32(reset, 28), row.acknowledge);
    CHECK_EQUAL(reset[32], 0x50);
    CHECK_EQUAL(reset[33], row.flags);
  }
  machine.check_books();
}

TEST(a_reset_is_never_answered_nor_is_tcp_to_everybody) {
  Machine machine;
  machine.meet_neighbours();
  machine.receive_packet(0, tcp_packet({}, {.flags = 4}));
  machine.receive_packet(0, tcp_packet({}, {.flags = 4 + 2 + 16}));
  machine.receive_packet(0, tcp_packet({.to = "10.0.0.255"}, {}));
  CHECK_EQUAL(machine.iface(0).counters().delivered, 3);
  CHECK(machine.nic(0).sent.empty());
}

TEST(a_packet_is_forwarded_as_it_came_but_for_its_ttl) {
  Machine machine;
  machine.route();
  machine.meet_neighbours();
  const Octets packet = ip_packet(
      {.to = "10.0.1.5", .fragment = kDontFragment, .tos = 3, .options = Octets(12, 1)}, udp(7, 8, 3));
  machine.receive_packet(0, packet);
  const Octets frame = machine.nic(1).sent.at(0);
  CHECK_EQUAL(frame.size(), 60);
  CHECK(std::equal(frame.begin(), frame.begin() + 6, MAC::Addr(2, 0xaa, 1, 0, 0, 5).part));
  CHECK(std::equal(frame.begin() + 6, frame.begin() + 12, machine.nic(1).mac().part));
  Octets forwarded = machine.take_sent_packet(1);
  CHECK(checksums_hold(forwarded));
  CHECK_EQUAL(forwarded[8], 63);
  forwarded[8] = packet[8];
  fix_ip_checksum(forwarded);
  CHECK(forwarded == packet);
  CHECK_EQUAL(machine.iface(0).counters().forwarded, 1);
  CHECK_EQUAL(machine.iface(1).counters().sent, 1);
  machine.check_books();
}

TEST(the_checksum_stays_right_whatever_the_ttl) {
  Machine machine;
  machine.route();
  machine.meet_neighbours();
  for (unsigned ttl = 2; ttl < 256; ++ttl) {
    for (std::uint16_t fragment : {0, 0x4000, 0x1fff, 0x00ff}) {
      machine.receive_packet(
          0, ip_packet({.to = "10.0.1.5", .ttl = static_cast<std::uint8_t>(ttl), .fragment = fragment},
                       udp(1, 2)));
      const Octets forwarded = machine.take_sent_packet(1);
      CHECK_EQUAL(forwarded.at(8), ttl - 1);
      CHECK(checksums_hold(forwarded) || fragment % 0x2000 != 0);
    }
  }
}

TEST(the_last_hop_is_used_up_in_the_router) {
  Machine machine;
  machine.route();
  machine.meet_neighbours();
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5", .ttl = 1}, udp(1, 2)));
  CHECK_EQUAL(machine.drops(0, Drop::kTtlExpired), 1);
  CHECK(machine.nic(0).sent.empty() && machine.nic(1).sent.empty());
  machine.check_books();
}

TEST(a_ttl_of_0_is_reported) {
  Machine machine;
  auto& router = machine.route();
  machine.meet_neighbours();
  const Octets packet = ip_packet({.to = "10.0.1.5", .ttl = 0}, udp(1, 2));
  machine.receive_packet(0, packet);
  const Octets error = machine.take_sent_packet(0);
  CHECK_EQUAL(get16(error, 20), 0x0b00);
  CHECK_EQUAL(get32(error, 12), address("10.0.0.1"));
  CHECK(std::equal(error.begin() + 28, error.end(), packet.begin()));
  CHECK(checksums_hold(error));
  router.send_time_exceeded = false;
  machine.receive_packet(0, packet);
  CHECK(machine.nic(0).sent.empty());
  CHECK_EQUAL(machine.drops(0, Drop::kTtlExpired), 2);
  machine.check_books();
}

// RFC 1122 §3.2.2: nothing is reported about what came in a frame to everybody, wherever it was for.
TEST(a_frame_to_everybody_for_another_own_address_is_not_reported_about) {
  Machine machine;
  machine.route();
  machine.meet_neighbours();
  const MAC::Addr sender{2, 0xaa, 0, 0, 0, 2};
  const Ip header{.to = "10.0.1.1"};
  machine.receive(0, ethernet(MAC::BROADCAST, sender, 0x0800, ip_packet(header, udp(1, 2, 40))));
  machine.receive(0, ethernet(MAC::BROADCAST, sender, 0x0800, tcp_packet(header, {})));
  CHECK(machine.take_sent_packet(0).empty() && machine.take_sent_packet(1).empty());
  CHECK_EQUAL(machine.iface(1).counters().delivered, 2);
  machine.receive_packet(0, ip_packet(header, udp(1, 2, 40)));
  CHECK(!machine.take_sent_packet(0).empty());
  machine.check_books();
}

TEST(another_own_address_is_reached_through_the_router) {
  Machine machine;
  machine.route();
  machine.meet_neighbours();
  machine.receive_packet(0, ip_packet({.to = "10.0.1.1", .protocol = kIcmp}, icmp(8, 0, 1)));
  CHECK_EQUAL(machine.iface(0).counters().forwarded, 1);
  CHECK_EQUAL(machine.iface(1).counters().received, 1);
  CHECK_EQUAL(machine.iface(1).counters().delivered, 1);
  const Octets reply = machine.take_sent_packet(0);
  CHECK_EQUAL(get32(reply, 12), address("10.0.1.1"));
  CHECK_EQUAL(reply[8], 64);  // its own source: not decremented on the Iface that sends it
  machine.receive_packet(0, ip_packet({.to = "10.0.1.1", .protocol = kIcmp, .ttl = 2}, icmp(8, 0, 1)));
  CHECK_EQUAL(machine.iface(1).counters().delivered, 2);
  machine.receive_packet(0, ip_packet({.to = "10.0.1.1", .protocol = kIcmp, .ttl = 1}, icmp(8, 0, 1)));
  CHECK_EQUAL(machine.drops(0, Drop::kTtlExpired), 1);
  machine.check_books();
}

TEST(a_packet_from_ourselves_to_ourselves_ends) {
  Machine machine;
  machine.route();
  for (const char* from : {"10.0.0.1", "10.0.1.1"}) {
    for (const char* to : {"10.0.0.1", "10.0.1.1"}) {
      machine.receive_packet(0, ip_packet({.from = from, .to = to, .protocol = kIcmp}, icmp(8, 0, 1)));
      machine.receive_packet(0, ip_packet({.from = from, .to = to}, udp(1, 2)));
      machine.receive_packet(0, tcp_packet({.from = from, .to = to}, {.from = 5, .to = 5}));
    }
  }
  CHECK(machine.nic(0).sent.empty() && machine.nic(1).sent.empty());
  machine.check_books();
}

TEST(the_longest_mask_wins_and_then_the_first) {
  Machine machine;
  using net::ip4::Addr;
  net::Router<net::IP4> router{net::Router<net::IP4>::Routing_table{
      {Addr{0}, Addr{0}, Addr{10, 0, 0, 2}, machine.iface(0)},
      {Addr{10, 9, 0, 0}, Addr{255, 255, 0, 0}, Addr{10, 0, 1, 2}, machine.iface(1)},
      {Addr{10, 9, 9, 0}, Addr{255, 255, 255, 0}, Addr{10, 0, 0, 3}, machine.iface(0), 7},
      {Addr{10, 9, 9, 0}, Addr{255, 255, 255, 0}, Addr{10, 0, 0, 4}, machine.iface(0), 1},
      {Addr{10, 9, 9, 9}, Addr{255, 255, 255, 255}, Addr{10, 0, 1, 5}, machine.iface(1)},
  }};
  const auto hop = [&](Addr to) { return router.get_most_specific_route(to)->nexthop(to); };
  CHECK(hop({8, 8, 8, 8}) == Addr(10, 0, 0, 2));
  CHECK(hop({10, 9, 8, 9}) == Addr(10, 0, 1, 2));
  CHECK(hop({10, 9, 9, 8}) == Addr(10, 0, 0, 3));
  CHECK(hop({10, 9, 9, 9}) == Addr(10, 0, 1, 5));
  router.set_routing_table({});
  CHECK(!router.route_check({8, 8, 8, 8}));
}

TEST(what_cannot_be_routed_is_counted) {
  Machine machine;
  auto& router = machine.route();
  machine.meet_neighbours();
  machine.receive_packet(0, ip_packet({.to = "8.8.8.8"}, udp(1, 2)));
  CHECK_EQUAL(machine.drops(0, Drop::kNoRoute), 1);
  using net::ip4::Addr;
  router.set_routing_table({{Addr{0}, Addr{0}, Addr{0}, machine.iface(1)}});
  machine.receive_packet(0, ip_packet({.to = "8.8.8.8"}, udp(1, 2)));
  CHECK_EQUAL(machine.drops(0, Drop::kNoNextHop), 1);
  machine.receive_packet(0, ip_packet({.to = "127.0.0.1"}, udp(1, 2)));
  CHECK_EQUAL(machine.drops(0, Drop::kLoopbackAddress), 1);
  router.set_routing_table({{Addr{0}, Addr{0}, Addr{0}, machine.iface(0)}});
  machine.receive_packet(1, ip_packet({.from = "10.0.1.2", .to = "8.8.8.8"}, udp(1, 2)));
  CHECK_EQUAL(machine.iface(1).counters().forwarded, 1);  // by eth0's gateway
  CHECK_EQUAL(machine.iface(0).arp().waiting(), 1);
  machine.check_books();
}

TEST(a_next_hop_is_asked_for_in_place_of_the_destination) {
  Machine machine;
  machine.route();
  machine.meet_neighbours();
  machine.receive_packet(0, ip_packet({.to = "10.9.1.2"}, udp(1, 2)));
  const Octets frame = machine.take_sent(1);
  CHECK(std::equal(frame.begin(), frame.begin() + 6, MAC::Addr(2, 0xaa, 1, 0, 0, 9).part));
}

TEST(a_refused_frame_goes_back_to_the_pool) {
  Machine machine;
  machine.route();
  machine.meet_neighbours();
  machine.nic(0).full = machine.nic(1).full = true;
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, 2)));
  machine.receive_packet(0, ip_packet({.protocol = kIcmp}, icmp(8, 0, 1)));
  machine.receive(0, arp(Operation::kRequest, {2, 0xaa, 0, 0, 0, 2}, "10.0.0.2", "10.0.0.1"));
  CHECK_EQUAL(machine.drops(1, Drop::kTransmitFull), 1);
  CHECK_EQUAL(machine.drops(0, Drop::kTransmitFull), 2);
  machine.check_books();
}

TEST(an_empty_pool_stops_nothing_that_holds_its_frame) {
  Machine machine;
  machine.route();
  machine.meet_neighbours();
  std::vector<hw::Frame*> taken;
  while (hw::Frame_pool::available() > 1) taken.push_back(hw::Frame_pool::take());
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, 2)));
  machine.receive_packet(0, ip_packet({}, udp(1, 2)));
  machine.receive_packet(0, ip_packet({.to = "10.9.1.2", .ttl = 0}, udp(1, 2)));
  CHECK_EQUAL(machine.nic(1).sent.size(), 1);
  CHECK_EQUAL(machine.nic(0).sent.size(), 2);
  machine.receive_packet(0, ip_packet({.to = "10.0.1.77"}, udp(1, 2)));  // waits; no frame for the request
  CHECK_EQUAL(machine.iface(1).arp().waiting(), 1);
  CHECK(machine.iface(0).create_packet() == nullptr);
  for (hw::Frame* frame : taken) hw::Frame_pool::give_back(frame);
  machine.check_books();
}

TEST(a_packet_of_our_own_needs_our_own_source) {
  Machine machine;
  machine.meet_neighbours();
  auto packet = machine.iface(0).create_ip_packet(net::Protocol::UDP);
  packet->set_ip_src({10, 0, 0, 9});
  packet->set_ip_dst({10, 0, 0, 2});
  packet->increment_data_end(8);
  machine.iface(0).ip_obj().transmit(std::move(packet));
  CHECK_EQUAL(machine.iface(0).counters().own_of(Drop::kBadSource), 1);
  packet = machine.iface(0).create_ip_packet(net::Protocol::UDP);
  packet->set_ip_src({10, 0, 0, 1});
  packet->set_ip_dst({10, 0, 0, 2});
  packet->increment_data_end(8);
  machine.iface(0).ip_obj().transmit(std::move(packet));
  CHECK_EQUAL(machine.take_sent_packet(0).size(), 28);
  CHECK_EQUAL(machine.iface(0).counters().departed, 1);
  machine.check_books();
}

TEST(counters_print_one_line_an_iface) {
  Machine machine;
  machine.meet_neighbours();
  machine.receive_packet(0, ip_packet({.protocol = kIcmp}, icmp(8, 0, 1)));
  machine.receive_packet(0, ip_packet({.to = "10.0.0.7"}, udp(1, 2)));
  console().clear();
  net::print_counters();
  CHECK(
      console().starts_with("counters eth0 received=2 delivered=1 forwarded=0 held=0 dropped=1 sent=1 arp=8 "
                            "arp-sent=8 originated=1 departed=1 drop.not-forwarding=1\ncounters eth1 "));
  CHECK(console().find("\ncounters machine received=2 ") != std::string::npos);
  CHECK_EQUAL(std::count(console().begin(), console().end(), '\n'), 4);
}

TEST(a_line_of_counters_is_whole_whatever_they_are) {
  Machine machine;
  net::Counters& counters = machine.iface(0).counters();
  counters.drop.fill(UINT64_MAX);
  counters.own_drop.fill(UINT64_MAX);
  counters.received = counters.originated = counters.arp = counters.arp_sent = UINT64_MAX;
  counters.delivered = counters.forwarded = counters.departed = counters.sent = UINT64_MAX;
  console().clear();
  net::print_counters();
  const std::string last = net::name_of(static_cast<net::Drop>(net::kDropReasons - 1));
  CHECK(console().find(" own-drop." + last + "=18446744073709551615\ncounters eth1 ") != std::string::npos);
}
