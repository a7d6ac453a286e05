// ARP: who is answered, what is learned, what waits, and that nothing on the wire exhausts anything.
#include <algorithm>

#include "bench.hpp"

using namespace bench;
using net::Arp;
using net::Drop;

namespace {

const MAC::Addr kNeighbour{2, 0xaa, 0, 0, 0, 2};

std::size_t requests_in(std::deque<Octets>& sent) {
  const auto count = std::count_if(sent.begin(), sent.end(), [](const Octets& frame) {
    return get16(frame, 12) == 0x0806 && get16(frame, 20) == 1;
  });
  sent.clear();
  return static_cast<std::size_t>(count);
}

std::string host(unsigned number) { return "10.0.1." + std::to_string(number); }

}  // namespace

TEST(a_request_for_the_own_address_is_answered) {
  Machine machine;
  machine.receive(0, arp(Operation::kRequest, kNeighbour, "10.0.0.2", "10.0.0.1"));
  const Octets reply = machine.take_sent(0);
  CHECK_EQUAL(reply.size(), 60);
  CHECK(std::equal(reply.begin(), reply.begin() + 6, kNeighbour.part));
  CHECK_EQUAL(get16(reply, 20), 2);
  CHECK(std::equal(reply.begin() + 22, reply.begin() + 28, machine.nic(0).mac().part));
  CHECK_EQUAL(get32(reply, 28), address("10.0.0.1"));
  CHECK(std::equal(reply.begin() + 32, reply.begin() + 38, kNeighbour.part));
  CHECK_EQUAL(get32(reply, 38), address("10.0.0.2"));
  CHECK(machine.iface(0).arp().knows({10, 0, 0, 2}));
  CHECK_EQUAL(machine.iface(0).counters().arp, 1);
  CHECK_EQUAL(machine.iface(0).counters().arp_sent, 1);
  machine.check_books();
}

TEST(a_request_for_another_address_is_not_answered) {
  Machine machine;
  machine.route();
  for (const char* asked : {"10.0.1.1", "10.0.0.9", "0.0.0.0", "255.255.255.255", "10.0.0.255"})
    machine.receive(0, arp(Operation::kRequest, kNeighbour, "10.0.0.2", asked));
  machine.receive(2, arp(Operation::kRequest, kNeighbour, "10.0.0.2", "0.0.0.0"));  // eth2 has no address
  CHECK(machine.nic(0).sent.empty() && machine.nic(1).sent.empty() && machine.nic(2).sent.empty());
  CHECK(!machine.iface(0).arp().knows({10, 0, 0, 2}));
  machine.check_books();
}

TEST(a_probe_is_answered_and_not_learned) {
  Machine machine;
  machine.receive(0, arp(Operation::kRequest, kNeighbour, "0.0.0.0", "10.0.0.1"));
  CHECK_EQUAL(get16(machine.take_sent(0), 20), 2);
  CHECK(!machine.iface(0).arp().knows({0, 0, 0, 0}));
}

TEST(who_claims_the_own_address_is_not_believed) {
  Machine machine;
  for (Operation operation : {Operation::kRequest, Operation::kReply})
    for (const char* target : {"10.0.0.1", "10.0.0.2"})
      machine.receive(0, arp(operation, kNeighbour, "10.0.0.1", target));
  machine.receive(0, arp(Operation::kReply, machine.nic(0).mac(), "10.0.0.2", "10.0.0.1"));
  CHECK_EQUAL(machine.drops(0, Drop::kArpOwnAddress), 5);
  CHECK(machine.nic(0).sent.empty());
  CHECK(!machine.iface(0).arp().knows({10, 0, 0, 1}));
  machine.check_books();
}

TEST(only_what_concerns_us_is_learned) {
  Machine machine;
  Arp& table = machine.iface(0).arp();
  machine.receive(0, arp(Operation::kReply, kNeighbour, "10.0.0.2", "10.0.0.1"));  // nobody asked
  CHECK(!table.knows({10, 0, 0, 2}));
  machine.receive(0, arp(Operation::kRequest, kNeighbour, "10.0.0.2", "10.0.0.2"));  // announces itself
  CHECK(!table.knows({10, 0, 0, 2}));
  machine.receive(0, arp(Operation::kRequest, kNeighbour, "172.16.0.2", "10.0.0.1"));  // not of this subnet
  CHECK(!table.knows({172, 16, 0, 2}));
  machine.receive(0, arp(Operation::kRequest, kNeighbour, "10.0.0.255", "10.0.0.1"));
  CHECK(!table.knows({10, 0, 0, 255}));
  machine.receive(0, arp(Operation::kRequest, kNeighbour, "10.0.0.2", "10.0.0.1"));
  CHECK(table.knows({10, 0, 0, 2}));
  const MAC::Addr moved{2, 0xaa, 0, 0, 0, 0x77};
  machine.receive(0, arp(Operation::kRequest, moved, "10.0.0.2", "10.0.0.2"));  // news of one we know
  machine.nic(0).sent.clear();
  machine.receive_packet(0, ip_packet({.protocol = 1}, icmp(8, 0, 1)));
  const Octets reply = machine.take_sent(0);
  CHECK(std::equal(reply.begin(), reply.begin() + 6, moved.part));
}

TEST(malformed_messages_are_counted) {
  Machine machine;
  const Octets good = arp(Operation::kRequest, kNeighbour, "10.0.0.2", "10.0.0.1");
  for (std::size_t length : {14, 15, 41})
    machine.receive(0, {good.begin(), good.begin() + static_cast<int>(length)});
  for (std::size_t at : {14, 15, 16, 17, 18, 19, 20, 21}) {  // hardware, protocol, sizes, operation
    Octets bad = good;
    bad[at] = 0x99;
    machine.receive(0, bad);
  }
  machine.receive(0, arp(Operation::kRequest, MAC::BROADCAST, "10.0.0.2", "10.0.0.1"));
  machine.receive(0, arp(Operation::kRequest, {3, 0, 0, 0, 0, 1}, "10.0.0.2", "10.0.0.1"));
  machine.receive(0, arp(Operation::kRequest, MAC::EMPTY, "10.0.0.2", "10.0.0.1"));
  CHECK_EQUAL(machine.drops(0, Drop::kArpMalformed), 14);
  CHECK_EQUAL(machine.iface(0).counters().arp, 14);
  CHECK(machine.nic(0).sent.empty());
  machine.check_books();
}

TEST(packets_wait_for_their_neighbour_and_go_in_order) {
  Machine machine;
  machine.route();
  for (std::uint16_t i = 0; i < 5; ++i) machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, i)));
  CHECK_EQUAL(machine.iface(1).arp().waiting(), 5);
  const Octets request = machine.take_sent(1);
  CHECK(machine.nic(1).sent.empty());  // one request for all
  CHECK(std::equal(request.begin(), request.begin() + 6, MAC::BROADCAST.part));
  CHECK_EQUAL(get16(request, 20), 1);
  CHECK_EQUAL(get32(request, 28), address("10.0.1.1"));
  CHECK_EQUAL(get32(request, 38), address("10.0.1.5"));
  machine.check_books();
  machine.receive(1, arp(Operation::kReply, kNeighbour, "10.0.1.5", "10.0.1.1", machine.nic(1).mac()));
  for (std::uint16_t i = 0; i < 5; ++i) CHECK_EQUAL(get16(machine.take_sent_packet(1), 22), i);
  CHECK_EQUAL(machine.iface(1).arp().waiting(), 0);
  CHECK_EQUAL(machine.iface(1).counters().sent, 5);
  machine.check_books();
}

TEST(an_unanswered_search_ends_after_three_requests) {
  Machine machine;
  machine.route();
  for (int i = 0; i < 4; ++i) machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, 2)));
  machine.pass_time(2.9);
  CHECK_EQUAL(requests_in(machine.nic(1).sent), 3);
  CHECK_EQUAL(machine.iface(1).arp().waiting(), 4);
  machine.pass_time(0.5);
  CHECK_EQUAL(requests_in(machine.nic(1).sent), 0);
  CHECK_EQUAL(machine.iface(1).arp().waiting(), 0);
  CHECK_EQUAL(machine.drops(1, Drop::kArpTimeout), 4);
  CHECK_EQUAL(machine.iface(0).counters().forwarded, 4);
  machine.check_books();
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, 2)));
  CHECK_EQUAL(requests_in(machine.nic(1).sent), 1);
}

TEST(the_oldest_of_too_many_waiting_packets_is_dropped) {
  Machine machine;
  machine.route();
  for (std::uint16_t i = 0; i < 40; ++i) machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, i)));
  CHECK_EQUAL(machine.iface(1).arp().waiting(), Arp::kWaitingPerNeighbour);
  CHECK_EQUAL(machine.drops(1, Drop::kArpQueueFull), 8);
  machine.check_books();
  machine.receive(1, arp(Operation::kReply, kNeighbour, "10.0.1.5", "10.0.1.1"));
  CHECK_EQUAL(get16(machine.take_sent_packet(1), 22), 8);
  machine.check_books();
}

TEST(a_scan_of_the_subnet_is_bounded) {
  Machine machine;
  machine.iface(1).network_config({10, 0, 1, 1}, {255, 0, 0, 0}, net::IP4::ADDR_ANY);
  machine.route().set_routing_table(
      {{net::ip4::Addr{10, 0, 0, 0}, net::ip4::Addr{255, 0, 0, 0}, net::ip4::Addr{0}, machine.iface(1)}});
  for (unsigned i = 0; i < 20000; ++i) {
    const std::string to =
        "10." + std::to_string(1 + i / 65536) + "." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    machine.receive_packet(0, ip_packet({.to = to.c_str()}, udp(1, 2)));
  }
  CHECK(machine.iface(1).arp().waiting() <= 256 / kNics);
  CHECK(requests_in(machine.nic(1).sent) <= 258);  // the burst: no time has passed
  machine.check_books();
  machine.pass_time(1);
  CHECK(requests_in(machine.nic(1).sent) <= 1010);
  machine.pass_time(20);
  CHECK_EQUAL(machine.iface(1).arp().waiting(), 0);
  machine.check_books();
}

TEST(a_scan_does_not_cut_off_a_neighbour_in_use) {
  Machine machine;
  machine.iface(1).network_config({10, 0, 1, 1}, {255, 0, 0, 0}, net::IP4::ADDR_ANY);
  machine.route().set_routing_table(
      {{net::ip4::Addr{10, 0, 0, 0}, net::ip4::Addr{255, 0, 0, 0}, net::ip4::Addr{0}, machine.iface(1)}});
  machine.receive(1, arp(Operation::kRequest, kNeighbour, "10.0.1.5", "10.0.1.1"));
  machine.nic(1).sent.clear();  // the answer
  machine.pass_time(85);
  unsigned scanned = 0;
  for (int step = 0; step < 400; ++step) {  // 100 ms each, with more searches than may be asked for
    for (int i = 0; i < 120; ++i, ++scanned) {
      const std::string to =
          "10.77." + std::to_string(scanned / 250 % 250) + "." + std::to_string(1 + scanned % 250);
      machine.receive_packet(0, ip_packet({.to = to.c_str()}, udp(1, 2)));
    }
    machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, 2)));
    bool asked = false;
    for (const Octets& frame : machine.nic(1).sent)
      asked = asked || (get16(frame, 12) == 0x0806 && get32(frame, 38) == address("10.0.1.5"));
    machine.nic(1).sent.clear();
    if (asked)
      machine.receive(1, arp(Operation::kReply, kNeighbour, "10.0.1.5", "10.0.1.1", machine.nic(1).mac()));
    machine.pass_time(0.1);
    CHECK(machine.iface(1).arp().knows({10, 0, 1, 5}));
  }
  machine.check_books();
}

TEST(a_storm_is_answered_and_exhausts_nothing) {
  Machine machine;
  machine.route();
  for (unsigned i = 0; i < 20000; ++i) {
    const MAC::Addr mac{2,
                        0xbb,
                        0,
                        static_cast<std::uint8_t>(i >> 16),
                        static_cast<std::uint8_t>(i >> 8),
                        static_cast<std::uint8_t>(i)};
    const std::string from = host(2 + i % 250);
    machine.receive(1, arp(Operation::kRequest, mac, from.c_str(), "10.0.1.1"));
    machine.nic(1).sent.clear();
  }
  CHECK_EQUAL(machine.iface(1).counters().arp, 20000);
  CHECK_EQUAL(hw::Frame_pool::available(), kFrames);
  CHECK(machine.iface(1).arp().knows({10, 0, 1, 251}));
  machine.check_books();
}

TEST(a_neighbour_in_use_is_asked_again_before_it_expires) {
  Machine machine;
  machine.route();
  machine.receive(1, arp(Operation::kRequest, kNeighbour, "10.0.1.5", "10.0.1.1"));
  machine.nic(1).sent.clear();
  machine.pass_time(85);
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, 2)));
  CHECK_EQUAL(requests_in(machine.nic(1).sent), 0);
  machine.pass_time(10);
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, 2)));
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, 2)));
  CHECK_EQUAL(requests_in(machine.nic(1).sent), 1);  // and both packets went
  CHECK_EQUAL(machine.iface(1).counters().sent, 3);
  machine.pass_time(30);
  CHECK(!machine.iface(1).arp().knows({10, 0, 1, 5}));
  machine.receive_packet(0, ip_packet({.to = "10.0.1.5"}, udp(1, 2)));
  CHECK_EQUAL(machine.iface(1).arp().waiting(), 1);
  machine.check_books();
}

TEST(news_of_a_neighbour_long_gone_is_not_believed) {
  Machine machine;
  machine.route();
  machine.receive(1, arp(Operation::kRequest, kNeighbour, "10.0.1.5", "10.0.1.1"));
  CHECK(machine.iface(1).arp().knows({10, 0, 1, 5}));
  machine.pass_time(121);
  machine.receive(1, arp(Operation::kReply, {2, 6, 6, 6, 6, 6}, "10.0.1.5", "10.0.1.9"));
  CHECK(!machine.iface(1).arp().knows({10, 0, 1, 5}));
  machine.receive(1, arp(Operation::kRequest, kNeighbour, "10.0.1.5", "10.0.1.1"));
  CHECK(machine.iface(1).arp().knows({10, 0, 1, 5}));
  machine.check_books();
}

TEST(a_broadcast_needs_no_neighbour) {
  Machine machine;
  machine.route();
  machine.receive_packet(0, ip_packet({.to = "10.0.1.255"}, udp(1, 2)));
  const Octets frame = machine.take_sent(1);
  CHECK(std::equal(frame.begin(), frame.begin() + 6, MAC::BROADCAST.part));
  CHECK_EQUAL(get16(frame, 12), 0x0800);
}
