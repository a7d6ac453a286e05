// Messages: their text on the wire and on the console.
#include <syslogd>

#include "bench.hpp"

using namespace bench;

extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*taken)(const volatile void*, std::size_t),
                                                         void (*given_back)(const volatile void*));

namespace {

constexpr std::uint64_t kDate = 1'491'831'420;  // 2017-04-10 13:37:00 UTC

void send_to_collector() {
  Syslog::set_facility(std::make_unique<Syslog_udp>());
  Syslog::settings(net::Addr{10, 0, 0, 5}, 514);
}

// The text of the oldest datagram sent, which must come from NIC 0 to the collector.
std::string sent_text(Machine& machine) {
  const Octets packet = machine.take_sent_packet(0);
  CHECK(packet.size() > 28 && checksums_hold(packet));
  CHECK_EQUAL(get32(packet, 16), address("10.0.0.5"));
  CHECK(get16(packet, 20) >= 49152);
  CHECK_EQUAL(get16(packet, 22), 514);
  return {packet.begin() + 28, packet.end()};
}

int allocations = 0;

}  // namespace

TEST(a_message_goes_out_in_one_datagram) {
  Machine machine;
  machine.meet_neighbours();
  set_wall_clock(kDate);
  send_to_collector();
  Syslog::syslog(5, "%s", "closed: 10.0.0.2");
  CHECK(sent_text(machine) == "<69>1 2017-04-10T13:37:00.000Z 10.0.0.1 service 1 UDPOUT - closed: 10.0.0.2");
  Syslog::syslog(0, "up");
  CHECK(sent_text(machine) == "<64>1 2017-04-10T13:37:00.000Z 10.0.0.1 service 1 UDPOUT - up");
  CHECK(console().empty());
  machine.check_books();
}

TEST(a_machine_without_a_date_says_so) {
  Machine machine;
  machine.meet_neighbours();
  send_to_collector();
  Syslog::syslog(7, "%s", "");
  CHECK(sent_text(machine) == "<71>1 - 10.0.0.1 service 1 UDPOUT - ");
}

TEST(without_a_server_messages_go_to_the_console) {
  Machine machine;
  set_wall_clock(kDate);
  Syslog::syslog(3, "%s", "text");
  CHECK(console() == "<67> <USER.ERR> 2017-04-10T13:37:00.000Z service: text\n");
  CHECK(machine.nic(0).sent.empty());
}

TEST(conversions_of_a_message) {
  Machine machine;
  Syslog::syslog(6, "%s|%d|%i|%u|%x|%c|%%", "s", -5, -2147483647 - 1, 4294967295U, 0xbeefU, 'c');
  CHECK(console().ends_with("service: s|-5|-2147483648|4294967295|beef|c|%\n"));
  console().clear();
  Syslog::syslog(6, "%d %ld %s", 1, 2L, "never read");  // what is not known is text, and all behind it
  CHECK(console().ends_with("service: 1 %ld %s\n"));
  console().clear();
  Syslog::syslog(9, "%s", "text");
  CHECK(console() == "<67> <USER.ERR> - service: Syslog: Unknown priority 9. Message: text\n");
}

TEST(a_message_is_cut_at_the_size_of_a_packet) {
  Machine machine;
  machine.meet_neighbours();
  send_to_collector();
  Syslog::syslog(6, "%s", std::string(5000, 'x').c_str());
  const std::string text = sent_text(machine);
  CHECK_EQUAL(text.size(), 1472);
  CHECK(text.ends_with("xxx"));
  machine.check_books();
}

TEST(messages_are_departures_like_any_other) {
  Machine machine;
  machine.meet_neighbours();
  send_to_collector();
  machine.iface(0).ip_obj().output_chain().chain.push_back(
      [](net::IP4::IP_packet_ptr, net::Inet&, net::Conntrack::Entry_ptr) -> net::Filter_verdict<net::IP4> {
        return {};
      });
  Syslog::syslog(6, "x");
  CHECK(machine.nic(0).sent.empty());
  CHECK_EQUAL(machine.iface(0).counters().own_of(net::Drop::kOutput), 1);
  machine.check_books();
}

TEST(a_message_takes_no_memory) {
  Machine machine;
  machine.meet_neighbours();
  set_wall_clock(kDate);
  send_to_collector();
  machine.nic(0).full = true;  // the bench's own NIC would keep it
  __sanitizer_install_malloc_and_free_hooks([](const volatile void*, std::size_t) { ++allocations; },
                                            [](const volatile void*) {});
  Syslog::syslog(5, "%s %d", "closed", 5);
  CHECK_EQUAL(allocations, 0);
  CHECK_EQUAL(machine.drops(0, net::Drop::kTransmitFull), 1);
}

TEST(a_server_that_is_given_up_leaves_its_port) {
  Machine machine;
  machine.meet_neighbours();
  send_to_collector();
  Syslog::syslog(5, "x");
  const std::uint16_t port = get16(machine.take_sent_packet(0), 20);
  CHECK(machine.iface(0).udp().is_bound(port));
  Syslog::set_facility(nullptr);
  CHECK(!machine.iface(0).udp().is_bound(port));
}
