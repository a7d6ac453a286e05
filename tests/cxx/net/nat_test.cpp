// Address translation as filters see it: docs/language.md 8.5, RFC 1624, RFC 768.
#include <net/nat/napt.hpp>
#include <random>

#include "bench.hpp"
#include "net/port_pool.hpp"
#include "net/readdress.hpp"

using namespace bench;
using net::Conntrack;
using net::Drop;
using net::Inet;
using net::IP4;
using net::PacketIP4;
using net::Protocol;
using net::Quadruple;
using net::Socket;
using net::ip4::Addr;
using net::nat::NAPT;
using net::nat::Port_pool;
using Verdict = net::Filter_verdict<IP4>;
using Type = net::Filter_verdict_type;

namespace {

IP4::IP_packet_ptr packet_of(Machine& machine, const Octets& octets) {
  auto packet = net::static_unique_ptr_cast<PacketIP4>(machine.iface(0).create_packet());
  packet->set_data_end(static_cast<int>(octets.size()));
  std::copy(octets.begin(), octets.end(), packet->layer_begin());
  return packet;
}

Octets octets_of(const PacketIP4& packet) { return {packet.layer_begin(), packet.data_end()}; }

// With a UDP checksum.
Octets udp_packet(const Ip& header, std::uint16_t from, std::uint16_t to, const Octets& data) {
  Octets datagram = udp(from, to, 0);
  datagram.insert(datagram.end(), data.begin(), data.end());
  put16(datagram, 4, static_cast<std::uint16_t>(datagram.size()));
  Octets packet = ip_packet(header, datagram);
  const std::size_t start = 20 + header.options.size();
  std::uint64_t sum = 17 + datagram.size();
  for (std::size_t at = 12; at < 20; at += 2) sum += get16(packet, at);
  for (std::size_t at = start; at + 1 < packet.size(); at += 2) sum += get16(packet, at);
  if (datagram.size() % 2 != 0) sum += static_cast<std::uint64_t>(packet.back()) << 8;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  const auto check = static_cast<std::uint16_t>(~sum);
  put16(packet, start + 6, check == 0 ? 0xffff : check);
  return packet;
}

Addr source_of(const Octets& packet) { return {packet[12], packet[13], packet[14], packet[15]}; }
Addr destination_of(const Octets& packet) { return {packet[16], packet[17], packet[18], packet[19]}; }

// A router between eth0 (10.0.0.1) and eth1 (10.0.1.1) whose chains translate.
struct Translating {
  Machine machine;
  Conntrack& table;
  NAPT napt;

  explicit Translating(std::size_t limit = 0)
      : table{machine.track(limit)}, napt{machine.iface(0).conntrack()} {
    machine.route();
    machine.meet_neighbours();
  }

  template <class Translation>
  void in(net::Filter_chain<IP4>& chain, Translation translation) {
    chain.chain.push_back(
        [this, translation](IP4::IP_packet_ptr packet, Inet& stack, Conntrack::Entry_ptr entry) -> Verdict {
          const Octets before = octets_of(*packet);
          const bool done = translation(*this, *packet, stack, entry);
          if (!done) CHECK(octets_of(*packet) == before);
          return done ? Verdict{std::move(packet), Type::ACCEPT} : Verdict{};
        });
  }

  // What leaves eth1 is masqueraded, what comes back is not.
  void masquerade() {
    in(machine.iface(1).ip_obj().postrouting_chain(),
       [](Translating& t, PacketIP4& packet, Inet& stack, Conntrack::Entry_ptr entry) {
         if (entry == nullptr || !entry->is_original(Conntrack::quadruple_of(packet))) return true;
         const Addr source = packet.ip_src();
         t.napt.masquerade(packet, stack, entry);
         return packet.ip_src() != source;
       });
    in(machine.iface(1).ip_obj().prerouting_chain(),
       [](Translating& t, PacketIP4& packet, Inet& stack, Conntrack::Entry_ptr entry) {
         if (entry != nullptr && !entry->is_original(Conntrack::quadruple_of(packet)))
           t.napt.demasquerade(packet, stack, entry);
         return true;
       });
  }

  // What comes to 10.0.0.1:80 on eth0 goes to 10.0.1.5:8080.
  void forward_a_port() {
    in(machine.iface(0).ip_obj().prerouting_chain(),
       [](Translating& t, PacketIP4& packet, Inet&, Conntrack::Entry_ptr entry) {
         const Quadruple tuple = Conntrack::quadruple_of(packet);
         if (!(tuple.dst == Socket{Addr{10, 0, 0, 1}, 80})) return true;
         t.napt.dnat(packet, entry, Socket{Addr{10, 0, 1, 5}, 8080});
         return packet.ip_dst() == Addr{10, 0, 1, 5};
       });
    in(machine.iface(0).ip_obj().postrouting_chain(),
       [](Translating& t, PacketIP4& packet, Inet&, Conntrack::Entry_ptr entry) {
         t.napt.snat(packet, entry);
         return true;
       });
  }

  Octets send_out(const char* from, std::uint16_t port, std::uint16_t to = 53) {
    machine.receive_packet(0, udp_packet({.from = from, .to = "10.0.1.5"}, port, to, Octets(4, 1)));
    return machine.take_sent_packet(1);
  }
};

}  // namespace

// --- checksums ---

TEST(checksums_are_right_after_any_translation) {
  Machine machine;
  std::mt19937 dice{1};
  const auto word = [&dice] { return static_cast<std::uint16_t>(dice()); };
  for (int i = 0; i < 4000; ++i) {
    Ip header{.options = Octets(4U * (dice() % 3), 1)};
    const Octets data{static_cast<std::uint8_t>(dice()), static_cast<std::uint8_t>(dice())};
    const bool tcp = i % 2 == 0;
    auto packet = packet_of(machine, tcp ? tcp_packet(header, {.from = word(), .to = word(), .data = 3})
                                         : udp_packet(header, word(), word(), data));
    const Socket to{Addr{static_cast<std::uint32_t>(dice())}, word()};
    net::readdress(*packet, i % 3 == 0 ? net::End::kSource : net::End::kDestination, to);
    const Octets result = octets_of(*packet);
    CHECK(checksums_hold(result));
    const Quadruple tuple = Conntrack::quadruple_of(*packet);
    CHECK((i % 3 == 0 ? tuple.src : tuple.dst) == to);
    if (!tcp) CHECK(get16(result, packet->ip_header_length() + 6U) != 0);
  }
}

// RFC 1624 §4: the case for which RFC 1141 gave the other zero.
TEST(checksum_arithmetic_keeps_to_one_zero) {
  CHECK_EQUAL(net::checksum_update(0xdd2f, 0x5555, 0x3285), 0);
  CHECK_EQUAL(net::checksum_adjusted(0xdd2f, net::checksum_change(0x5555, 0x3285)), 0);
  CHECK_EQUAL(net::checksum_adjusted(0x1234, net::checksum_change(0xffffffff, 0xffffffff)), 0x1234);
  CHECK_EQUAL(net::checksum_adjusted(0x1234, net::checksum_change(0, 0)), 0x1234);
  CHECK_EQUAL(net::checksum_adjusted(0x1234, net::checksum_change(0, 0xffff)), 0x1234);
}

// RFC 768: 0 says that there is no checksum, so one that is 0 travels as ffff.
TEST(a_udp_checksum_that_becomes_zero_is_sent_as_ffff) {
  Machine machine;
  bool met = false;
  for (unsigned low = 0; low < 65536; ++low) {
    auto packet = packet_of(machine, udp_packet({}, 1, 2, {0x12, 0x34}));
    net::readdress(*packet, net::End::kSource, {Addr{10, 0, 0, 2}, static_cast<std::uint16_t>(low)});
    const Octets result = octets_of(*packet);
    CHECK(checksums_hold(result) && get16(result, 26) != 0);
    met = met || get16(result, 26) == 0xffff;
  }
  CHECK(met);
}

TEST(no_udp_checksum_stays_none_and_a_wrong_one_wrong) {
  Machine machine;
  auto bare = packet_of(machine, ip_packet({}, udp(1, 2)));
  net::readdress(*bare, net::End::kDestination, {Addr{192, 0, 2, 9}, 99});
  CHECK_EQUAL(get16(octets_of(*bare), 26), 0);
  Octets wrong = tcp_packet({}, {});
  put16(wrong, 36, static_cast<std::uint16_t>(get16(wrong, 36) + 1));
  auto packet = packet_of(machine, wrong);
  net::readdress(*packet, net::End::kDestination, {Addr{192, 0, 2, 9}, 99});
  Octets result = octets_of(*packet);
  CHECK(!checksums_hold(result));
  put16(result, 36, static_cast<std::uint16_t>(get16(result, 36) - 1));
  CHECK(checksums_hold(result));
}

TEST(icmp_is_translated_by_its_address_alone) {
  Machine machine;
  auto packet = packet_of(machine, ip_packet({.protocol = 1}, icmp(8, 0, 7)));
  net::readdress(*packet, net::End::kSource, {Addr{192, 0, 2, 9}, 99});
  const Octets result = octets_of(*packet);
  CHECK(checksums_hold(result) && source_of(result) == Addr(192, 0, 2, 9) && get16(result, 24) == 7);
}

// --- forwarding a port ---

TEST(a_forwarded_port_there_and_back) {
  Translating t;
  t.forward_a_port();
  t.machine.receive_packet(0, tcp_packet({}, {.from = 1000, .to = 80}));
  const Octets there = t.machine.take_sent_packet(1);
  CHECK(destination_of(there) == Addr(10, 0, 1, 5) && get16(there, 22) == 8080 && checksums_hold(there));
  t.machine.receive_packet(1, tcp_packet({.from = "10.0.1.5", .to = "10.0.0.2"}, {.from = 8080, .to = 1000}));
  const Octets back = t.machine.take_sent_packet(0);
  CHECK(source_of(back) == Addr(10, 0, 0, 1) && get16(back, 20) == 80 && checksums_hold(back));
  CHECK_EQUAL(t.table.number_of_entries(), 2);
  t.machine.check_books();
}

TEST(a_forward_that_looks_like_another_flow_is_dropped_and_counted) {
  Translating t;
  t.forward_a_port();
  t.machine.receive_packet(0, tcp_packet({.to = "10.0.1.5"}, {.from = 1000, .to = 8080}));
  CHECK(!t.machine.take_sent_packet(1).empty());
  t.machine.receive_packet(0, tcp_packet({}, {.from = 1000, .to = 80}));
  CHECK(t.machine.take_sent_packet(1).empty());
  CHECK_EQUAL(t.machine.drops(0, Drop::kNatCollision), 1);
  CHECK_EQUAL(t.machine.drops(0, Drop::kPrerouting), 0);
  t.machine.receive_packet(0, tcp_packet({}, {.from = 1001, .to = 80}));
  CHECK(!t.machine.take_sent_packet(1).empty());
  t.machine.check_books();
}

// docs/language.md 13: it is routed, arrives by (S1), and keeps its entry.
TEST(a_packet_for_another_own_address_keeps_its_entry) {
  Translating t;
  std::vector<Conntrack::Entry_ptr> seen;
  t.in(t.machine.iface(0).ip_obj().prerouting_chain(),
       [](Translating& self, PacketIP4& packet, Inet&, Conntrack::Entry_ptr entry) {
         self.napt.dnat(packet, entry, Addr{10, 0, 1, 1});
         return true;
       });
  for (net::Filter_chain<IP4>* chain :
       {&t.machine.iface(1).ip_obj().prerouting_chain(), &t.machine.iface(1).ip_obj().input_chain()})
    t.in(*chain, [&seen](Translating&, PacketIP4&, Inet&, Conntrack::Entry_ptr entry) {
      seen.push_back(entry);
      return true;
    });
  t.in(t.machine.iface(1).ip_obj().input_chain(),  // from here on the tuple is of both ends
       [](Translating& self, PacketIP4& packet, Inet&, Conntrack::Entry_ptr entry) {
         self.napt.snat(packet, entry, Socket{Addr{10, 0, 0, 9}, 4000});
         return true;
       });
  for (int i = 0; i < 2; ++i) t.machine.receive_packet(0, udp_packet({}, 1000, 53, {1, 2}));
  const Quadruple first{{Addr{10, 0, 0, 2}, 1000}, {Addr{10, 0, 0, 1}, 53}};
  const Conntrack::Entry_ptr entry = t.table.get(first, Protocol::UDP);
  CHECK_EQUAL(seen.size(), 4);
  for (const Conntrack::Entry_ptr each : seen) CHECK(each == entry && each != nullptr);
  CHECK((entry->second == Quadruple{{Addr{10, 0, 1, 1}, 53}, {Addr{10, 0, 0, 9}, 4000}}));
  t.machine.check_books();
}

// --- masquerading ---

TEST(a_masqueraded_flow_there_and_back_and_there_again) {
  Translating t;
  t.masquerade();
  const Octets there = t.send_out("10.0.0.2", 1000);
  CHECK(source_of(there) == Addr(10, 0, 1, 1) && get16(there, 20) == 49152 && checksums_hold(there));
  t.machine.receive_packet(1, udp_packet({.from = "10.0.1.5", .to = "10.0.1.1"}, 53, 49152, {9, 9}));
  const Octets back = t.machine.take_sent_packet(0);
  CHECK(destination_of(back) == Addr(10, 0, 0, 2) && get16(back, 22) == 1000 && checksums_hold(back));
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1000), 20), 49152);
  CHECK_EQUAL(get16(t.send_out("10.0.0.3", 1000), 20), 49153);
  t.machine.receive_packet(0, tcp_packet({.to = "10.0.1.5"}, {.from = 1000}));
  CHECK_EQUAL(get16(t.machine.take_sent_packet(1), 20), 49152);  // TCP has ports of its own
  t.machine.check_books();
}

TEST(a_port_is_free_again_with_its_entry) {
  Translating t;
  t.masquerade();
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1000), 20), 49152);
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1001), 20), 49153);
  t.machine.pass_time(8);
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1001), 20), 49153);
  t.machine.pass_time(4);  // past the first sweep
  CHECK_EQUAL(t.table.number_of_entries(), 2);
  CHECK_EQUAL(get16(t.send_out("10.0.0.4", 7), 20), 49152);
  CHECK_EQUAL(get16(t.send_out("10.0.0.4", 8), 20), 49154);
}

TEST(without_a_port_left_new_flows_are_dropped_and_old_ones_go_on) {
  Translating t{200000};
  t.masquerade();
  for (std::uint32_t i = 0; i < Port_pool::kPorts; ++i) {
    const Octets sent = t.send_out("10.0.0.2", static_cast<std::uint16_t>(1000 + i));
    CHECK_EQUAL(get16(sent, 20), Port_pool::kFirst + i);
  }
  CHECK(t.send_out("10.0.0.3", 1000).empty());
  CHECK_EQUAL(t.machine.drops(0, Drop::kPortsExhausted), 1);
  CHECK_EQUAL(t.machine.drops(0, Drop::kPostrouting), 0);
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1005), 20), Port_pool::kFirst + 5);
  t.machine.receive_packet(0, tcp_packet({.to = "10.0.1.5"}, {.from = 1000}));
  CHECK_EQUAL(get16(t.machine.take_sent_packet(1), 20), 49152);
  t.machine.pass_time(20.1);
  CHECK_EQUAL(get16(t.send_out("10.0.0.3", 1000), 20), 49152);
  t.machine.check_books();
}

TEST(a_port_where_another_flow_expects_its_replies_is_passed_over) {
  Translating t;
  t.masquerade();
  for (std::uint16_t port = 49152; port < 49155; ++port)  // from the server, to the ports that would be taken
    t.machine.receive_packet(1, udp_packet({.from = "10.0.1.5", .to = "10.0.1.1"}, 53, port, {1}));
  while (!t.machine.take_sent_packet(1).empty()) continue;
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1000), 20), 49155);
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1000, 54), 20), 49152);  // to another port of the server
}

TEST(the_search_for_a_port_is_bounded) {
  Translating t{4000};
  t.masquerade();
  for (std::uint16_t i = 0; i < NAPT::kTries; ++i)
    t.machine.receive_packet(1, udp_packet({.from = "10.0.1.5", .to = "10.0.1.1"}, 53,
                                           static_cast<std::uint16_t>(49152 + i), {1}));
  while (!t.machine.take_sent_packet(1).empty()) continue;
  CHECK(t.send_out("10.0.0.2", 1000).empty());
  CHECK_EQUAL(t.machine.drops(0, Drop::kPortsExhausted), 1);
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1000, 54), 20), 49152);
}

// RFC 6056: who watches flows does not know the port of the next one.
TEST(a_port_is_searched_for_from_a_place_that_nobody_can_foresee) {
  Translating t;
  t.masquerade();
  set_chance(Port_pool::kPorts * std::uint64_t{7} + 5000);
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1000), 20), 54152);
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1001), 20), 54153);
  set_chance(Port_pool::kPorts - 1);
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1002), 20), 65535);
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1003), 20), 49152);  // behind the last comes the first
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1000), 20), 54152);
}

// A stranger who sends as if he were the server, to each port that would be taken.
TEST(flows_to_a_server_cannot_be_kept_off_by_a_few_packets_in_its_name) {
  Translating t{4000};
  t.masquerade();
  for (std::uint16_t i = 0; i < 4 * NAPT::kTries; ++i)
    t.machine.receive_packet(1, udp_packet({.from = "10.0.1.5", .to = "10.0.1.1"}, 53,
                                           static_cast<std::uint16_t>(49152 + i), {1}));
  while (!t.machine.take_sent_packet(1).empty()) continue;
  std::mt19937_64 dice{1};
  for (std::uint16_t i = 0; i < 50; ++i) {
    set_chance(dice());
    CHECK(!t.send_out("10.0.0.2", static_cast<std::uint16_t>(1000 + i)).empty());
  }
  CHECK_EQUAL(t.machine.drops(0, Drop::kPortsExhausted), 0);
}

TEST(a_port_at_which_the_machine_listens_is_passed_over) {
  Translating t;
  t.masquerade();
  t.machine.iface(1).udp().bind(49152);
  CHECK_EQUAL(get16(t.send_out("10.0.0.2", 1000), 20), 49153);
  t.machine.receive_packet(0, tcp_packet({.to = "10.0.1.5"}, {.from = 1000}));
  CHECK_EQUAL(get16(t.machine.take_sent_packet(1), 20), 49152);  // not at TCP's
}

TEST(two_identifiers_alike_do_not_become_one_flow) {
  Translating t;
  t.masquerade();
  const auto ping = [&t](const char* from, std::uint16_t id) {
    t.machine.receive_packet(0, ip_packet({.from = from, .to = "10.0.1.5", .protocol = 1}, icmp(8, 0, id)));
    return t.machine.take_sent_packet(1);
  };
  const Octets there = ping("10.0.0.2", 7);
  CHECK(source_of(there) == Addr(10, 0, 1, 1) && get16(there, 24) == 7 && checksums_hold(there));
  CHECK(ping("10.0.0.3", 7).empty());
  CHECK_EQUAL(t.machine.drops(0, Drop::kNatCollision), 1);
  CHECK(!ping("10.0.0.3", 8).empty());
  t.machine.receive_packet(1,
                           ip_packet({.from = "10.0.1.5", .to = "10.0.1.1", .protocol = 1}, icmp(0, 0, 7)));
  CHECK(destination_of(t.machine.take_sent_packet(0)) == Addr(10, 0, 0, 2));
}

TEST(a_flow_whose_iface_gets_another_address_keeps_its_port) {
  Translating t;
  const auto hidden = [&t](std::uint16_t from) {
    const Octets octets = udp_packet({.to = "10.0.1.5"}, from, 53, {1});
    auto packet = packet_of(t.machine, octets);
    t.napt.masquerade(*packet, t.machine.iface(1), t.table.in(*packet));
    CHECK(checksums_hold(octets_of(*packet)));
    return Conntrack::quadruple_of(*packet).src;
  };
  CHECK((hidden(1) == Socket{Addr{10, 0, 1, 1}, 49152}));
  CHECK((hidden(2) == Socket{Addr{10, 0, 1, 1}, 49153}));
  t.machine.iface(1).network_config({10, 0, 1, 77}, {255, 255, 255, 0}, IP4::ADDR_ANY);
  CHECK((hidden(2) == Socket{Addr{10, 0, 1, 77}, 49153}));
  CHECK((hidden(3) == Socket{Addr{10, 0, 1, 77}, 49154}));
}

TEST(a_flow_that_leaves_by_another_iface_hides_anew_and_frees_its_port) {
  Translating t;
  t.machine.iface(2).network_config({10, 0, 2, 1}, {255, 255, 255, 0}, IP4::ADDR_ANY);
  const auto hidden = [&t](std::uint16_t from, std::size_t iface) {
    auto packet = packet_of(t.machine, udp_packet({.to = "10.0.1.5"}, from, 53, {1}));
    t.napt.masquerade(*packet, t.machine.iface(iface), t.table.in(*packet));
    return Conntrack::quadruple_of(*packet).src;
  };
  CHECK((hidden(1, 1) == Socket{Addr{10, 0, 1, 1}, 49152}));
  CHECK((hidden(1, 2) == Socket{Addr{10, 0, 2, 1}, 49152}));
  CHECK((hidden(2, 1) == Socket{Addr{10, 0, 1, 1}, 49152}));
  CHECK((hidden(2, 2) == Socket{Addr{10, 0, 2, 1}, 49153}));
}

// --- what changes nothing ---

TEST(what_cannot_be_translated_stays_as_it_is) {
  Translating t;
  const Socket to{Addr{192, 0, 2, 9}, 99};
  const Quadruple ping{{Addr{10, 0, 0, 2}, 7}, {Addr{10, 0, 0, 1}, 7}};
  Conntrack::Entry* const icmp_entry = t.table.add_entry(ping, Protocol::ICMPv4);
  const Octets echo = ip_packet({.protocol = 1}, icmp(8, 0, 7));
  auto packet = packet_of(t.machine, echo);
  t.napt.dnat(*packet, icmp_entry, to);
  t.napt.snat(*packet, icmp_entry, to);
  t.napt.dnat(*packet, icmp_entry, std::uint16_t{99});
  t.napt.snat(*packet, icmp_entry, std::uint16_t{99});
  t.napt.dnat(*packet, icmp_entry);
  t.napt.snat(*packet, icmp_entry);
  for (const Conntrack::Entry_ptr none : {Conntrack::Entry_ptr{nullptr}}) {
    t.napt.dnat(*packet, none, to.address().v4());
    t.napt.snat(*packet, none, to);
    t.napt.masquerade(*packet, t.machine.iface(1), none);
    t.napt.demasquerade(*packet, t.machine.iface(1), none);
  }
  CHECK(octets_of(*packet) == echo && icmp_entry->is_mirrored());
  t.napt.masquerade(*packet, t.machine.iface(2), icmp_entry);  // has no address
  CHECK(octets_of(*packet) == echo && icmp_entry->is_mirrored());

  auto fragment = packet_of(t.machine, ip_packet({.fragment = 1}, udp(1, 2)));
  const Octets before = octets_of(*fragment);
  Conntrack::Entry* const entry =
      t.table.add_entry({{Addr{10, 0, 0, 2}, 1}, {Addr{10, 0, 0, 1}, 2}}, Protocol::UDP);
  t.napt.dnat(*fragment, entry, to);
  CHECK(octets_of(*fragment) == before && entry->is_mirrored());
}

TEST(each_form_writes_what_it_says_and_undo_takes_it_back) {
  Translating t;
  const Quadruple first{{Addr{10, 0, 0, 2}, 1000}, {Addr{10, 0, 0, 1}, 80}};
  Conntrack::Entry* const entry = t.table.add_entry(first, Protocol::TCP);
  const auto there = [&t] { return packet_of(t.machine, tcp_packet({}, {.from = 1000, .to = 80})); };
  auto packet = there();
  t.napt.dnat(*packet, entry, std::uint16_t{8080});
  t.napt.dnat(*packet, entry, Addr{10, 0, 1, 5});
  t.napt.snat(*packet, entry, std::uint16_t{6000});
  t.napt.snat(*packet, entry, Addr{10, 0, 1, 1});
  const Quadruple changed{{Addr{10, 0, 1, 1}, 6000}, {Addr{10, 0, 1, 5}, 8080}};
  CHECK(Conntrack::quadruple_of(*packet) == changed && checksums_hold(octets_of(*packet)));
  CHECK(entry->second.is_reverse(changed));
  auto back =
      packet_of(t.machine, tcp_packet({.from = "10.0.1.5", .to = "10.0.1.1"}, {.from = 8080, .to = 6000}));
  t.napt.dnat(*back, entry);
  t.napt.snat(*back, entry);
  CHECK(Conntrack::quadruple_of(*back).is_reverse(first) && checksums_hold(octets_of(*back)));
  auto again = there();  // not a reply: undo leaves it alone
  t.napt.dnat(*again, entry);
  t.napt.snat(*again, entry);
  CHECK(Conntrack::quadruple_of(*again) == first);
}

TEST(a_translator_that_ends_leaves_no_handler_behind) {
  Machine machine;
  Conntrack& table = machine.track();
  const Quadruple first{{Addr{10, 0, 0, 2}, 1000}, {Addr{10, 0, 1, 5}, 53}};
  Conntrack::Entry* const entry = table.add_entry(first, Protocol::UDP);
  {
    NAPT napt{machine.iface(0).conntrack()};
    auto packet = packet_of(machine, udp_packet({.to = "10.0.1.5"}, 1000, 53, {}));
    napt.masquerade(*packet, machine.iface(1), entry);
    CHECK(entry->on_close.call != nullptr && entry->masquerade_port == 49152);
  }
  CHECK(entry->on_close.call == nullptr);
  machine.pass_time(30);
  CHECK_EQUAL(table.number_of_entries(), 0);
}

// --- ports ---

TEST(ports_are_given_from_a_place_on_and_each_once) {
  Port_pool pool;
  std::vector<bool> taken(65536);
  std::mt19937 dice{7};
  for (int i = 0; i < 4000; ++i) {
    if (i % 3 != 2) {
      std::uint32_t lowest = Port_pool::kFirst;
      const std::uint32_t from = Port_pool::kFirst + dice() % Port_pool::kPorts / (1 + dice() % 200);
      for (lowest = from; lowest < 65536 && taken[lowest]; ++lowest) continue;
      if (lowest == 65536)
        for (lowest = Port_pool::kFirst; taken[lowest]; ++lowest) continue;
      CHECK_EQUAL(pool.next(from), lowest);
      pool.take(static_cast<std::uint16_t>(lowest));
      taken[lowest] = true;
    } else {
      const auto port = static_cast<std::uint16_t>(Port_pool::kFirst + dice() % 500);
      pool.give_back(port);
      taken[port] = false;
    }
  }
  for (std::uint32_t port = Port_pool::kFirst; port < 65536; ++port)
    pool.take(static_cast<std::uint16_t>(port));
  CHECK_EQUAL(pool.next(Port_pool::kFirst), 0);
  CHECK_EQUAL(pool.next(65535), 0);
  pool.give_back(65535);
  CHECK_EQUAL(pool.next(Port_pool::kFirst), 65535);
  CHECK_EQUAL(pool.next(65535), 65535);
  pool.give_back(Port_pool::kFirst + 1);
  pool.take(65535);
  CHECK_EQUAL(pool.next(65535), Port_pool::kFirst + 1);  // behind the last one
}
