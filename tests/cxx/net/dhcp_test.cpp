// The DHCP client in virtual time: what it asks for when, and that no answer that lies changes anything.
#include <algorithm>
#include <map>

#include "bench.hpp"

using namespace bench;
using net::Drop;

namespace {

constexpr std::uint8_t kDiscover = 1, kOffer = 2, kRequest = 3, kAck = 5, kNak = 6;
constexpr std::size_t kIface = 2;     // the one without an address
constexpr std::size_t kMessage = 28;  // where it begins in a packet

std::vector<bool> told;  // what the handler was told

void negotiate(Machine& machine, double timeout = 10) {
  told.clear();
  machine.iface(kIface).negotiate_dhcp(timeout, [](bool timed_out) { told.push_back(timed_out); });
}

std::map<std::uint8_t, Octets> options_of(const Octets& packet) {
  std::map<std::uint8_t, Octets> options;
  std::size_t at = kMessage + 240;
  while (packet[at] != 255) {
    const std::size_t length = packet[at + 1];
    CHECK(at + 2 + length < packet.size());
    CHECK(options.count(packet[at]) == 0);
    options[packet[at]] = {packet.begin() + static_cast<std::ptrdiff_t>(at) + 2,
                           packet.begin() + static_cast<std::ptrdiff_t>(at + 2 + length)};
    at += 2 + length;
  }
  return options;
}

// What a server says. `options` follow those that the fields make; "" for a field: without that option.
struct Reply {
  std::uint8_t type = kOffer;
  const char* address = "10.0.2.9";
  const char* netmask = "255.255.255.0";
  const char* router = "10.0.2.254";
  const char* server = "10.0.2.5";
  const char* dns = "10.0.2.3";
  std::uint32_t lease = 3600;
  Octets options = {};
  std::uint32_t t1 = 0, t2 = 0;
  bool end = true;
};

void add(Octets& octets, std::uint8_t code, std::uint32_t value) {
  octets.insert(octets.end(), {code, 4, 0, 0, 0, 0});
  put16(octets, octets.size() - 4, static_cast<std::uint16_t>(value >> 16));
  put16(octets, octets.size() - 2, static_cast<std::uint16_t>(value));
}

void add_address(Octets& octets, std::uint8_t code, const char* dotted) {
  if (*dotted != '\0') add(octets, code, address(dotted));
}

Octets message(const Octets& asked, const Reply& reply) {
  Octets octets(240);
  octets[0] = 2;
  octets[1] = 1;
  octets[2] = 6;
  std::copy_n(asked.begin() + kMessage + 4, 4, octets.begin() + 4);    // the transaction
  std::copy_n(asked.begin() + kMessage + 28, 6, octets.begin() + 28);  // the MAC address
  put16(octets, 16, static_cast<std::uint16_t>(address(reply.address) >> 16));
  put16(octets, 18, static_cast<std::uint16_t>(address(reply.address)));
  put16(octets, 236, 0x6382);
  put16(octets, 238, 0x5363);
  octets.insert(octets.end(), {53, 1, reply.type});
  add_address(octets, 54, reply.server);
  add_address(octets, 1, reply.netmask);
  add_address(octets, 3, reply.router);
  add_address(octets, 6, reply.dns);
  if (reply.lease != 0) add(octets, 51, reply.lease);
  if (reply.t1 != 0) add(octets, 58, reply.t1);
  if (reply.t2 != 0) add(octets, 59, reply.t2);
  octets.insert(octets.end(), reply.options.begin(), reply.options.end());
  if (reply.end) octets.push_back(255);
  return octets;
}

void say(Machine& machine, const Octets& octets, const char* to = "255.255.255.255",
         std::uint16_t port = 67) {
  Octets datagram = udp(port, 68, octets.size());
  std::copy(octets.begin(), octets.end(), datagram.begin() + 8);
  const Octets packet = ip_packet({.from = "10.0.2.5", .to = to}, datagram);
  machine.receive_packet(kIface, packet);
}

void answer(Machine& machine, const Octets& asked, const Reply& reply) {
  say(machine, message(asked, reply));
}

// The oldest message sent, which must be of that type.
Octets asked(Machine& machine, std::uint8_t type) {
  const Octets packet = machine.take_sent_packet(kIface);
  CHECK(packet.size() == kMessage + 300 && checksums_hold(packet));
  CHECK_EQUAL(get16(packet, 20), 68);
  CHECK_EQUAL(get16(packet, 22), 67);
  CHECK_EQUAL(options_of(packet)[53].at(0), type);
  return packet;
}

bool is_silent(Machine& machine) { return machine.take_sent_packet(kIface).empty(); }

Octets discover(Machine& machine) {
  negotiate(machine);
  CHECK(machine.nic(kIface).sent.empty());  // not before the event loop runs
  machine.pass_time(0.01);
  return asked(machine, kDiscover);
}

// The REQUEST, once the offer was taken.
Octets request(Machine& machine) {
  answer(machine, discover(machine), {});
  return asked(machine, kRequest);
}

void lease(Machine& machine, Reply reply = {}) {
  reply.type = kAck;
  answer(machine, request(machine), reply);
  CHECK(told == std::vector<bool>{false});
  machine.nic(kIface).sent.clear();  // the announcement
}

void meet_server(Machine& machine) {
  machine.receive(kIface, arp(Operation::kRequest, {2, 0xaa, 2, 0, 0, 5}, "10.0.2.5", "10.0.2.9"));
  machine.nic(kIface).sent.clear();
}

std::uint64_t refused(Machine& machine, Drop reason) { return machine.drops(kIface, reason); }

}  // namespace

TEST(an_address_is_asked_for_in_two_steps) {
  Machine machine;
  const Octets first = discover(machine);
  CHECK_EQUAL(get32(first, 12), 0);
  CHECK_EQUAL(get32(first, 16), 0xffffffff);
  CHECK_EQUAL(get16(first, kMessage + 10), 0x8000);  // answers to everybody
  CHECK(std::equal(first.begin() + kMessage + 28, first.begin() + kMessage + 34,
                   machine.nic(kIface).mac().part));
  CHECK(options_of(first).count(50) == 0 && options_of(first).count(54) == 0);

  answer(machine, first, {});
  const Octets second = asked(machine, kRequest);
  CHECK_EQUAL(get32(second, 12), 0);
  CHECK(options_of(second)[50] == (Octets{10, 0, 2, 9}));
  CHECK(options_of(second)[54] == (Octets{10, 0, 2, 5}));
  CHECK(!machine.iface(kIface).is_configured() && told.empty());

  answer(machine, second, {.type = kAck});
  net::Inet& iface = machine.iface(kIface);
  CHECK(iface.ip_addr() == net::ip4::Addr(10, 0, 2, 9));
  CHECK(iface.netmask() == net::ip4::Addr(255, 255, 255, 0));
  CHECK(iface.gateway() == net::ip4::Addr(10, 0, 2, 254));
  CHECK(iface.dns_addr() == net::ip4::Addr(10, 0, 2, 3));
  CHECK(iface.broadcast_addr() == net::ip4::Addr(10, 0, 2, 255));
  CHECK(told == std::vector<bool>{false});
  CHECK(console() == "DHCP: eth2 has 10.0.2.9, netmask 255.255.255.0, router 10.0.2.254\n");
  machine.check_books();
}

TEST(a_new_address_is_announced_and_answers) {
  Machine machine;
  answer(machine, request(machine), {.type = kAck});
  const Octets announcement = machine.take_sent(kIface);
  CHECK_EQUAL(get16(announcement, 12), 0x0806);
  CHECK_EQUAL(get16(announcement, 20), 1);
  CHECK_EQUAL(get32(announcement, 28), address("10.0.2.9"));
  CHECK_EQUAL(get32(announcement, 38), address("10.0.2.9"));
  machine.receive(kIface, arp(Operation::kRequest, {2, 0xaa, 2, 0, 0, 5}, "10.0.2.5", "10.0.2.9"));
  CHECK_EQUAL(get16(machine.take_sent(kIface), 20), 2);
}

TEST(what_is_not_answered_is_asked_again_and_less_often) {
  Machine machine;
  negotiate(machine, 0);
  std::vector<std::size_t> counts;
  for (int minute = 0; minute < 10; ++minute) {
    std::size_t count = 0;
    for (int i = 0; i < 60; ++i) {
      machine.pass_time(1);
      while (!is_silent(machine)) ++count;
    }
    counts.push_back(count);
  }
  CHECK(counts[0] >= 6 && counts[0] <= 8);  // 0, 1, 3, 7, 15, 31 (and a little)
  CHECK(counts[8] <= 2 && counts[9] <= 2);
  CHECK(counts[8] + counts[9] >= 1);
  CHECK(told.empty());
  machine.check_books();
}

TEST(an_offer_that_is_not_kept_is_given_up) {
  Machine machine;
  negotiate(machine, 0);
  machine.pass_time(0.01);
  const Octets first = asked(machine, kDiscover);
  answer(machine, first, {});
  asked(machine, kRequest);
  machine.pass_time(30);
  for (int i = 0; i < 3; ++i) asked(machine, kRequest);
  const Octets again = asked(machine, kDiscover);
  CHECK(get32(again, kMessage + 4) != get32(first, kMessage + 4));  // another transaction
}

TEST(without_a_server_the_handler_is_told_and_the_client_goes_on) {
  Machine machine;
  negotiate(machine);
  machine.pass_time(9.9);
  CHECK(told.empty());
  machine.pass_time(0.2);
  CHECK(told == std::vector<bool>{true});
  machine.nic(kIface).sent.clear();
  machine.pass_time(70);
  CHECK(told.size() == 1);
  while (machine.nic(kIface).sent.size() > 1) machine.nic(kIface).sent.pop_front();
  answer(machine, asked(machine, kDiscover), {});
  answer(machine, asked(machine, kRequest), {.type = kAck});
  CHECK((told == std::vector<bool>{true, false}));
}

TEST(a_handler_that_gives_an_address_ends_the_client) {
  Machine machine;
  machine.iface(kIface).negotiate_dhcp(2, [](bool timed_out) {
    if (timed_out) net::Interfaces::get(2).network_config({10, 0, 2, 1}, {255, 255, 255, 0}, {});
  });
  machine.pass_time(2.1);
  CHECK(machine.iface(kIface).is_configured());
  machine.nic(kIface).sent.clear();
  machine.pass_time(600);
  CHECK(machine.nic(kIface).sent.empty());
  CHECK(!machine.iface(kIface).udp().is_bound(68));
}

TEST(a_refusal_begins_again_but_not_at_once) {
  Machine machine;
  answer(machine, request(machine), {.type = kNak, .address = "0.0.0.0", .netmask = "", .lease = 0});
  CHECK(is_silent(machine));
  machine.pass_time(1.2);
  asked(machine, kDiscover);
  machine.check_books();
}

TEST(a_lease_is_renewed_by_its_server) {
  Machine machine;
  lease(machine);
  meet_server(machine);
  CHECK(!machine.iface(kIface).udp().is_bound(68));  // between times nobody listens
  machine.pass_time(1799);
  meet_server(machine);
  CHECK(is_silent(machine));
  machine.pass_time(2);
  const Octets renewal = asked(machine, kRequest);
  CHECK_EQUAL(get32(renewal, 12), address("10.0.2.9"));
  CHECK_EQUAL(get32(renewal, 16), address("10.0.2.5"));
  CHECK_EQUAL(get32(renewal, kMessage + 12), address("10.0.2.9"));
  CHECK(options_of(renewal).count(50) == 0 && options_of(renewal).count(54) == 0);
  say(machine, message(renewal, {.type = kAck, .router = "10.0.2.253"}), "10.0.2.9");
  CHECK(machine.iface(kIface).gateway() == net::ip4::Addr(10, 0, 2, 253));
  CHECK_EQUAL(told.size(), 1);
  machine.pass_time(1700);  // the old lease would be over, the new one is not due
  CHECK(is_silent(machine) && machine.iface(kIface).is_configured());
  machine.check_books();
}

TEST(a_server_may_say_when_to_renew) {
  Machine machine;
  lease(machine, {.t1 = 100, .t2 = 200});
  meet_server(machine);
  machine.pass_time(99);
  CHECK(is_silent(machine));
  machine.pass_time(2);
  CHECK_EQUAL(get32(asked(machine, kRequest), 16), address("10.0.2.5"));
  machine.pass_time(100);
  Octets last;
  for (Octets sent = machine.take_sent_packet(kIface); !sent.empty(); sent = machine.take_sent_packet(kIface))
    last = sent;
  CHECK_EQUAL(get32(last, 16), 0xffffffff);  // anybody, from T2 on
}

TEST(times_that_cannot_be_are_not_kept_to) {
  Machine machine;
  lease(machine, {.t1 = 3000, .t2 = 2000});
  for (const auto& [t1, t2] : {std::pair{2000U, 3600U}, {4000U, 5000U}, {5U, 0U}, {0U, 5U}}) {
    machine.pass_time(1798);
    meet_server(machine);
    CHECK(is_silent(machine));
    machine.pass_time(3);  // half of the lease
    say(machine, message(asked(machine, kRequest), {.type = kAck, .t1 = t1, .t2 = t2}), "10.0.2.9");
  }
  CHECK(machine.iface(kIface).is_configured());
}

TEST(a_lease_that_nobody_renews_ends) {
  Machine machine;
  lease(machine);
  machine.pass_time(3590);
  CHECK(machine.iface(kIface).is_configured());
  CHECK(machine.nic(kIface).sent.size() > 3);
  machine.nic(kIface).sent.clear();
  machine.pass_time(11);
  CHECK(!machine.iface(kIface).is_configured());
  CHECK(machine.iface(kIface).gateway() == net::IP4::ADDR_ANY);
  CHECK(console().find("DHCP: eth2 has no longer 10.0.2.9\n") != std::string::npos);
  CHECK_EQUAL(get32(asked(machine, kDiscover), 12), 0);
  machine.pass_time(10);
  CHECK((told == std::vector<bool>{false, true}));  // so that a fallback is taken
  machine.check_books();
}

TEST(anybody_may_renew_from_the_second_time_on) {
  Machine machine;
  lease(machine);
  machine.pass_time(3151);
  Octets last;
  for (Octets sent = machine.take_sent_packet(kIface); !sent.empty(); sent = machine.take_sent_packet(kIface))
    last = sent;
  CHECK_EQUAL(get32(last, 12), address("10.0.2.9"));
  CHECK_EQUAL(get32(last, 16), 0xffffffff);
  say(machine, message(last, {.type = kAck, .server = "10.0.2.6"}));
  machine.pass_time(1000);
  CHECK(machine.iface(kIface).is_configured());
}

TEST(a_refused_renewal_takes_the_address_away) {
  Machine machine;
  lease(machine);
  meet_server(machine);
  machine.pass_time(1799);
  meet_server(machine);
  machine.pass_time(2);
  const Octets renewal = asked(machine, kRequest);
  say(machine, message(renewal, {.type = kNak, .server = "10.0.2.6"}));  // another server's word
  CHECK(machine.iface(kIface).is_configured());
  CHECK_EQUAL(refused(machine, Drop::kDhcpUnasked), 1);
  say(machine, message(renewal, {.type = kNak}));
  CHECK(!machine.iface(kIface).is_configured());
  machine.pass_time(0.01);
  asked(machine, kDiscover);
}

TEST(a_lease_without_end_is_not_renewed) {
  Machine machine;
  lease(machine, {.lease = 0xffffffff});
  machine.pass_time(100'000);
  CHECK(is_silent(machine) && machine.iface(kIface).is_configured());
}

TEST(the_shortest_lease_is_renewed_at_a_bounded_rate) {
  Machine machine;
  lease(machine, {.lease = 1});
  int renewals = 0;
  for (int i = 0; i < 100; ++i) {
    machine.pass_time(0.1);
    meet_server(machine);
    for (Octets sent = machine.take_sent_packet(kIface); !sent.empty();
         sent = machine.take_sent_packet(kIface)) {
      ++renewals;
      if (sent.size() > 300) say(machine, message(sent, {.type = kAck, .lease = 1}));
    }
  }
  CHECK(renewals <= 25);
  machine.check_books();
}

// Each lie is counted by its reason, and the client waits on for a true answer.
TEST(offers_that_lie_are_refused) {
  struct Lie {
    Reply reply;
    Drop reason;
  };
  const Lie lies[] = {
      {{.address = "0.0.0.0"}, Drop::kDhcpBadLease},
      {{.address = "0.0.2.9"}, Drop::kDhcpBadLease},
      {{.address = "127.0.0.1"}, Drop::kDhcpBadLease},
      {{.address = "224.0.0.1"}, Drop::kDhcpBadLease},
      {{.address = "255.255.255.255"}, Drop::kDhcpBadLease},
      {{.address = "10.0.2.255"}, Drop::kDhcpBadLease},
      {{.address = "10.0.2.0"}, Drop::kDhcpBadLease},
      {{.address = "10.0.0.1", .router = "10.0.0.254"}, Drop::kDhcpBadLease},  // eth0's own
      {{.netmask = ""}, Drop::kDhcpBadLease},
      {{.netmask = "0.0.0.0"}, Drop::kDhcpBadLease},
      {{.netmask = "255.0.255.0"}, Drop::kDhcpBadLease},
      {{.netmask = "0.255.255.255"}, Drop::kDhcpBadLease},
      {{.router = "10.0.3.1"}, Drop::kDhcpBadLease},
      {{.router = "10.0.2.9"}, Drop::kDhcpBadLease},
      {{.router = "10.0.2.255"}, Drop::kDhcpBadLease},
      {{.router = "224.0.0.1"}, Drop::kDhcpBadLease},
      {{.dns = "127.0.0.1"}, Drop::kDhcpBadLease},
      {{.dns = "239.1.1.1"}, Drop::kDhcpBadLease},
      {{.lease = 0}, Drop::kDhcpBadLease},
      {{.lease = 0, .options = {51, 4, 0, 0, 0, 0}}, Drop::kDhcpBadLease},
      {{.server = ""}, Drop::kDhcpMalformed},
      {{.server = "255.255.255.255"}, Drop::kDhcpMalformed},
      {{.type = 9}, Drop::kDhcpMalformed},
      {{.type = kRequest}, Drop::kDhcpMalformed},
      {{.options = {1, 4, 255, 255, 0, 0}}, Drop::kDhcpMalformed},  // twice
      {{.options = {53, 1, kOffer}}, Drop::kDhcpMalformed},         // twice
      {{.netmask = "", .options = {1, 3, 255, 255, 0}}, Drop::kDhcpMalformed},
      {{.router = "", .options = {3, 0}}, Drop::kDhcpMalformed},
      {{.router = "", .options = {3, 5, 10, 0, 2, 254, 10}}, Drop::kDhcpMalformed},
      {{.options = {58, 2, 0, 1}}, Drop::kDhcpMalformed},
      {{.options = {12, 200, 'x'}}, Drop::kDhcpMalformed},      // past the end
      {{.options = {12}, .end = false}, Drop::kDhcpMalformed},  // without a length
      {{.end = false}, Drop::kDhcpMalformed},
      {{.options = {52, 1, 4}}, Drop::kDhcpMalformed},
      {{.options = {52, 1, 1}}, Drop::kDhcpMalformed},  // the file holds no options
      {{.options = {52, 1, 3}}, Drop::kDhcpMalformed},
      {{.type = kAck}, Drop::kDhcpUnasked},
      {{.type = kNak}, Drop::kDhcpUnasked},
  };
  Machine machine;
  const Octets question = discover(machine);
  for (const Lie& lie : lies) {
    const std::uint64_t before = refused(machine, lie.reason);
    answer(machine, question, lie.reply);
    CHECK_EQUAL(refused(machine, lie.reason), before + 1);
    CHECK(machine.nic(kIface).sent.empty());
  }
  answer(machine, question, {});
  asked(machine, kRequest);
  machine.check_books();
}

TEST(answers_to_somebody_else_are_refused) {
  Machine machine;
  const Octets question = discover(machine);
  const Octets offer = message(question, {});
  const auto changed = [&](std::size_t at, std::uint8_t to) {
    Octets other = offer;
    other[at] = to;
    return other;
  };
  say(machine, changed(4, static_cast<std::uint8_t>(offer[4] + 1)));  // the transaction
  say(machine, changed(28, 4));                                       // the MAC address
  say(machine, offer, "255.255.255.255", 6767);                       // not from a server's port
  CHECK_EQUAL(refused(machine, Drop::kDhcpNotOurs), 3);
  say(machine, changed(0, 1));    // a question
  say(machine, changed(1, 6));    // other hardware
  say(machine, changed(2, 16));   // a longer address
  say(machine, changed(236, 1));  // BOOTP without the cookie
  say(machine, Octets(239));
  say(machine, Octets(1));
  CHECK_EQUAL(refused(machine, Drop::kDhcpMalformed), 6);
  CHECK(machine.nic(kIface).sent.empty());
  machine.check_books();
}

TEST(every_way_to_cut_an_offer_short_is_refused) {
  Machine machine;
  const Octets question = discover(machine);
  const Octets offer = message(question, {});
  for (std::size_t length = 0; length < offer.size(); ++length)
    say(machine, {offer.begin(), offer.begin() + static_cast<std::ptrdiff_t>(length)});
  CHECK_EQUAL(refused(machine, Drop::kDhcpMalformed), offer.size());
  CHECK(machine.nic(kIface).sent.empty());
}

TEST(an_acknowledgement_must_be_of_the_offer) {
  Machine machine;
  const Octets question = request(machine);
  answer(machine, question, {.type = kAck, .address = "10.0.2.10"});
  answer(machine, question, {.type = kAck, .server = "10.0.2.6"});
  answer(machine, question, {.type = kNak, .server = "10.0.2.6"});
  answer(machine, question, {});
  CHECK_EQUAL(refused(machine, Drop::kDhcpUnasked), 4);
  answer(machine, question, {.type = kAck, .netmask = "255.255.255.252"});
  CHECK_EQUAL(refused(machine, Drop::kDhcpBadLease), 1);  // now the router is outside
  CHECK(!machine.iface(kIface).is_configured());
  answer(machine, question, {.type = kAck});
  CHECK(machine.iface(kIface).is_configured());
  machine.check_books();
}

TEST(options_may_go_on_in_the_file_and_the_name) {
  Machine machine;
  const Octets question = discover(machine);
  Octets offer = message(question, {.netmask = "", .router = "", .options = {52, 1, 3}});
  const Octets in_file{1, 4, 255, 255, 255, 0, 255};
  const Octets in_name{0, 3, 4, 10, 0, 2, 254, 255};
  std::copy(in_file.begin(), in_file.end(), offer.begin() + 108);
  std::copy(in_name.begin(), in_name.end(), offer.begin() + 44);
  say(machine, offer);
  asked(machine, kRequest);
}

TEST(a_lease_needs_no_router_and_may_be_a_pair_of_addresses) {
  Machine machine;
  const Octets question = discover(machine);
  Reply reply{.address = "10.0.2.8", .netmask = "255.255.255.254", .router = "", .dns = ""};
  answer(machine, question, reply);
  reply.type = kAck;
  answer(machine, asked(machine, kRequest), reply);
  CHECK(machine.iface(kIface).ip_addr() == net::ip4::Addr(10, 0, 2, 8));
  CHECK(machine.iface(kIface).gateway() == net::IP4::ADDR_ANY);
}

TEST(neighbours_of_the_old_address_are_forgotten) {
  Machine machine;
  lease(machine);
  meet_server(machine);
  CHECK(machine.iface(kIface).arp().knows({10, 0, 2, 5}));
  machine.iface(kIface).udp().bind(9).sendto(net::Addr{10, 0, 2, 7}, 9, "x", 1);
  CHECK_EQUAL(machine.iface(kIface).arp().waiting(), 1);
  machine.iface(kIface).network_config({10, 0, 3, 9}, {255, 255, 255, 0}, {});
  CHECK(!machine.iface(kIface).arp().knows({10, 0, 2, 5}));
  CHECK_EQUAL(machine.iface(kIface).arp().waiting(), 0);
  machine.check_books();
}

TEST(the_chains_decide_about_dhcp) {
  using Verdict = net::Filter_verdict<net::IP4>;
  Machine machine;
  static int seen = 0;
  const auto pass = [](net::IP4::IP_packet_ptr packet, net::Inet&, net::Conntrack::Entry_ptr) -> Verdict {
    ++seen;
    return {std::move(packet), net::Filter_verdict_type::ACCEPT};
  };
  net::IP4& ip = machine.iface(kIface).ip_obj();
  for (auto* chain : {&ip.prerouting_chain(), &ip.input_chain(), &ip.output_chain(), &ip.postrouting_chain()})
    chain->chain.push_back(pass);
  const Octets question = request(machine);
  CHECK_EQUAL(seen, 2 * 2 + 2);  // two left, one came
  ip.input_chain().chain.push_back(
      [](net::IP4::IP_packet_ptr, net::Inet&, net::Conntrack::Entry_ptr) -> Verdict { return {}; });
  answer(machine, question, {.type = kAck});
  CHECK(!machine.iface(kIface).is_configured());
  ip.output_chain().chain.push_back(
      [](net::IP4::IP_packet_ptr, net::Inet&, net::Conntrack::Entry_ptr) -> Verdict { return {}; });
  machine.nic(kIface).sent.clear();
  machine.pass_time(20);
  CHECK(machine.nic(kIface).sent.empty());
  CHECK(machine.iface(kIface).counters().own_of(Drop::kOutput) > 1);
  machine.check_books();
}

TEST(a_router_asks_where_a_route_leads) {
  Machine machine;
  using net::ip4::Addr;
  static net::Router<net::IP4> router{
      net::Router<net::IP4>::Routing_table{{Addr{0}, Addr{0}, Addr{10, 0, 2, 254}, machine.iface(kIface)}}};
  machine.iface(kIface).set_forward_delg(router.forward_delg());
  const Octets question = discover(machine);
  CHECK_EQUAL(get32(question, 16), 0xffffffff);  // to everybody, not to the next hop
  answer(machine, question, {});
  asked(machine, kRequest);
  router.set_routing_table({});
  machine.pass_time(5);
  CHECK(machine.nic(kIface).sent.empty());
  CHECK(machine.iface(kIface).counters().own_of(Drop::kNoRoute) > 0);
  machine.check_books();
}

TEST(a_full_nic_loses_questions_and_nothing_else) {
  Machine machine;
  machine.nic(kIface).full = true;
  negotiate(machine, 0);
  machine.pass_time(100);
  machine.nic(kIface).full = false;
  machine.pass_time(100);
  CHECK(!machine.nic(kIface).sent.empty());
  machine.check_books();
}

// What a hostile server can do is give a wrong address, never a broken machine.
TEST(random_answers_do_no_harm) {
  Machine machine;
  Octets question = discover(machine);
  std::uint64_t state = 1;
  const auto random = [&state](std::size_t below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state >> 33) % below;
  };
  std::size_t leases = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint8_t types[] = {kOffer, kAck, kNak};
    Octets octets =
        message(question, {.type = types[random(3)], .lease = static_cast<std::uint32_t>(random(100))});
    for (std::size_t changes = random(4); changes-- > 0;)
      octets[random(octets.size())] = static_cast<std::uint8_t>(random(256));
    if (random(8) == 0) octets.resize(random(octets.size()) + 1);
    if (random(4) == 0) octets.insert(octets.end(), random(200), static_cast<std::uint8_t>(random(256)));
    say(machine, octets);
    machine.pass_time(static_cast<double>(random(40)) / 10);
    for (Octets sent = machine.take_sent_packet(kIface); !sent.empty();
         sent = machine.take_sent_packet(kIface))
      if (sent.size() == kMessage + 300) question = sent;
    const net::Inet& iface = machine.iface(kIface);
    if (!iface.is_configured()) continue;
    ++leases;
    const net::ip4::Addr own = iface.ip_addr();
    CHECK(own.part(3) != 0 && !own.is_loopback() && own.part(3) < 224 && own != iface.broadcast_addr());
    CHECK(own != net::ip4::Addr(10, 0, 0, 1) && own != net::ip4::Addr(10, 0, 1, 1));
  }
  CHECK(leases > 100);
  for (Drop reason : {Drop::kDhcpMalformed, Drop::kDhcpNotOurs, Drop::kDhcpUnasked, Drop::kDhcpBadLease})
    CHECK(refused(machine, reason) > 0);
  machine.check_books();
}
