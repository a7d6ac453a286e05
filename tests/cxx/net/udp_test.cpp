// UDP: who gets a datagram, what is refused, and what is sent.
#include <cstring>

#include "bench.hpp"

using namespace bench;
using net::Drop;

namespace {

struct Heard {
  std::string data;
  std::uint32_t from = 0;  // host order
  std::uint16_t port = 0;
  int times = 0;
};
Heard heard;

net::udp::Socket& listen(Machine& machine, std::uint16_t port, std::size_t iface = 0) {
  heard = {};
  net::udp::Socket& socket = machine.iface(iface).udp().bind(port);
  socket.on_read([](net::Addr from, std::uint16_t source_port, const char* data, std::size_t length) {
    heard = {{data, length}, net::ntohl(from.v4().whole), source_port, heard.times + 1};
  });
  return socket;
}

Octets datagram(std::uint16_t to, std::string_view text) {
  Octets made = udp(4000, to, text.size());
  std::memcpy(made.data() + 8, text.data(), text.size());
  return made;
}

constexpr net::Addr kNeighbour{10, 0, 0, 2};

}  // namespace

TEST(a_datagram_gets_to_the_socket_of_its_port) {
  Machine machine;
  listen(machine, 53);
  machine.receive_packet(0, ip_packet({}, datagram(53, "what?")));
  CHECK_EQUAL(heard.times, 1);
  CHECK(heard.data == "what?");
  CHECK_EQUAL(heard.from, address("10.0.0.2"));
  CHECK_EQUAL(heard.port, 4000);
  for (const char* everybody : {"10.0.0.255", "255.255.255.255"})
    machine.receive_packet(0, ip_packet({.to = everybody}, datagram(53, "all")));
  CHECK_EQUAL(heard.times, 3);
  CHECK(machine.nic(0).sent.empty());
  machine.check_books();
}

TEST(a_datagram_that_is_longer_than_it_says_is_cut) {
  Machine machine;
  listen(machine, 53);
  Octets longer = datagram(53, "shortlong");
  put16(longer, 4, 8 + 5);
  machine.receive_packet(0, ip_packet({}, longer));
  CHECK(heard.data == "short");
}

TEST(other_ports_and_other_ifaces_have_no_listener) {
  Machine machine;
  machine.meet_neighbours();
  listen(machine, 53);
  machine.receive_packet(0, ip_packet({}, datagram(54, "no")));
  machine.receive_packet(0, ip_packet({}, datagram(0, "no")));
  machine.receive_packet(1, ip_packet({.from = "10.0.1.2", .to = "10.0.1.1"}, datagram(53, "no")));
  CHECK_EQUAL(heard.times, 0);
  for (std::size_t nic : {0, 0, 1}) {
    const Octets answer = machine.take_sent_packet(nic);
    CHECK(answer.size() > 22 && answer[20] == 3 && answer[21] == 3);  // port unreachable
    CHECK(checksums_hold(answer));
  }
  machine.receive_packet(0, ip_packet({.to = "10.0.0.255"}, datagram(54, "no")));
  CHECK(machine.take_sent_packet(0).empty());
  machine.check_books();
}

TEST(datagrams_that_lie_are_refused) {
  Machine machine;
  listen(machine, 53);
  Octets wrong_checksum = datagram(53, "data");
  put16(wrong_checksum, 6, 0x1234);
  machine.receive_packet(0, ip_packet({}, wrong_checksum));
  CHECK_EQUAL(machine.drops(0, Drop::kUdpBadChecksum), 1);
  for (std::uint16_t length : {0, 7, 13, 65535}) {
    Octets lying = datagram(53, "data");
    put16(lying, 4, length);
    machine.receive_packet(0, ip_packet({}, lying));
  }
  machine.receive_packet(0, ip_packet({}, Octets(7)));
  CHECK_EQUAL(machine.drops(0, Drop::kUdpMalformed), 5);
  CHECK_EQUAL(heard.times, 0);
  CHECK(machine.nic(0).sent.empty());
  machine.check_books();
}

TEST(input_comes_before_the_socket) {
  Machine machine;
  listen(machine, 53);
  machine.iface(0).ip_obj().input_chain().chain.push_back(
      [](net::IP4::IP_packet_ptr, net::Inet&, net::Conntrack::Entry_ptr) -> net::Filter_verdict<net::IP4> {
        return {};
      });
  machine.receive_packet(0, ip_packet({}, datagram(53, "what?")));
  CHECK_EQUAL(heard.times, 0);
  CHECK_EQUAL(machine.drops(0, Drop::kInput), 1);
}

TEST(a_datagram_is_sent_with_its_checksum) {
  Machine machine;
  machine.meet_neighbours();
  for (std::size_t length : {std::size_t{1}, std::size_t{6}, std::size_t{1472}}) {
    const std::string text(length, 'x');
    machine.iface(0)
        .udp()
        .bind(static_cast<std::uint16_t>(1000 + length))
        .sendto(kNeighbour, 99, text.data(), length);
    const Octets sent = machine.take_sent_packet(0);
    CHECK_EQUAL(sent.size(), 28 + length);
    CHECK(get16(sent, 26) != 0 && checksums_hold(sent));
    CHECK_EQUAL(get32(sent, 12), address("10.0.0.1"));
    CHECK_EQUAL(get32(sent, 16), address("10.0.0.2"));
    CHECK_EQUAL(get16(sent, 20), 1000 + length);
    CHECK_EQUAL(get16(sent, 22), 99);
    CHECK_EQUAL(sent[28], 'x');
  }
  machine.check_books();
}

// RFC 768: a checksum that comes to 0 travels as all ones.
TEST(a_checksum_of_zero_is_not_sent) {
  Machine machine;
  machine.meet_neighbours();
  net::udp::Socket& socket = machine.iface(0).udp().bind(7);
  Octets first{0, 0};
  socket.sendto(kNeighbour, 7, first.data(), first.size());
  put16(first, 0, get16(machine.take_sent_packet(0), 26));  // with it in the data, the sum comes to 0
  socket.sendto(kNeighbour, 7, first.data(), first.size());
  CHECK_EQUAL(get16(machine.take_sent_packet(0), 26), 0xffff);
}

TEST(what_cannot_be_sent_is_counted) {
  Machine machine;
  machine.meet_neighbours();
  const std::string text(1473, 'x');
  net::udp::Socket& socket = machine.iface(0).udp().bind(7);
  socket.sendto(kNeighbour, 7, text.data(), text.size());
  CHECK_EQUAL(machine.iface(0).counters().own_of(Drop::kTooBig), 1);
  socket.sendto(kNeighbour, 7, text.data(), 0);
  CHECK_EQUAL(machine.iface(0).counters().originated, 1);
  machine.iface(2).udp().bind(7).sendto(kNeighbour, 7, text.data(), 5);  // without an address
  CHECK_EQUAL(machine.iface(2).counters().own_of(Drop::kBadSource), 1);
  machine.check_books();
  std::vector<hw::Frame*> taken;
  while (hw::Frame* frame = hw::Frame_pool::take()) taken.push_back(frame);
  socket.sendto(kNeighbour, 7, text.data(), 5);
  CHECK_EQUAL(machine.iface(0).counters().own_of(Drop::kNoFrame), 1);
  for (hw::Frame* frame : taken) hw::Frame_pool::give_back(frame);
  machine.check_books();
}

TEST(without_an_address_everybody_can_be_asked) {
  Machine machine;
  machine.iface(2).udp().bind(68).bcast(net::Addr{}, 67, "?", 1);
  const Octets sent = machine.take_sent_packet(2);
  CHECK_EQUAL(get32(sent, 12), 0);
  CHECK_EQUAL(get32(sent, 16), 0xffffffff);
  machine.iface(0).udp().bind(68).bcast(net::Addr{}, 67, "?", 1);  // has an address, and must send from it
  CHECK_EQUAL(machine.iface(0).counters().own_of(Drop::kBadSource), 1);
  machine.check_books();
}

TEST(a_handler_may_answer_and_close_its_socket) {
  Machine machine;
  machine.meet_neighbours();
  net::udp::Socket* const socket = &machine.iface(0).udp().bind(53);
  socket->on_read([socket](net::Addr from, std::uint16_t port, const char* data, std::size_t length) {
    socket->sendto(from, port, data, length);
    socket->close();
  });
  machine.receive_packet(0, ip_packet({}, datagram(53, "echo")));
  CHECK_EQUAL(get16(machine.take_sent_packet(0), 22), 4000);
  CHECK(!machine.iface(0).udp().is_bound(53));
  machine.receive_packet(0, ip_packet({}, datagram(53, "echo")));
  CHECK_EQUAL(machine.take_sent_packet(0)[20], 3);
  machine.check_books();
}

TEST(free_ports_are_different_ones) {
  Machine machine;
  net::UDP& udp = machine.iface(0).udp();
  udp.bind(65534);
  const std::uint16_t first = udp.bind().local_port();
  const std::uint16_t second = udp.bind().local_port();
  CHECK(first >= 49152 && second >= 49152 && first != second && second != 65534);
}

TEST(panics_when_a_port_is_bound_twice) {
  Machine machine;
  machine.iface(0).udp().bind(53);
  machine.iface(0).udp().bind(53);
}

TEST(panics_when_there_are_too_many_sockets) {
  Machine machine;
  for (std::uint16_t port = 1; port < 20; ++port) machine.iface(0).udp().bind(port);
}
