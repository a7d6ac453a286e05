#include "bench.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernel/timer_table.hpp"
#include "net/stack.hpp"
#include "platform/platform.hpp"

namespace {

std::uint64_t clock_ns = 1'000'000;
std::uint64_t wall_clock_s = 0;
std::uint64_t chance = 0;
std::string printed;

std::uint16_t sum_of(const bench::Octets& octets, std::size_t from, std::size_t to, std::uint64_t sum = 0) {
  for (std::size_t i = from; i < to; ++i) sum += (i - from) % 2 == 0 ? octets[i] << 8 : octets[i];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint64_t pseudo_header(const bench::Octets& packet, std::size_t start) {
  std::uint64_t sum = packet[9] + (packet.size() - start);
  for (std::size_t at = 12; at < 20; at += 2) sum += bench::get16(packet, at);
  return sum;
}

}  // namespace

namespace platform {

std::span<hw::Nic* const> nics() { return {}; }
void console_write(const char* text, std::size_t length) { printed.append(text, length); }
std::uint64_t nanoseconds() { return clock_ns; }
std::uint64_t wall_seconds() { return wall_clock_s; }
std::uint64_t unforeseen() { return chance; }
Heap_use heap_use() { return {.used = 0, .capacity = 0}; }
void exit(int status, Last_resort) {
  std::fputs(printed.c_str(), stderr);
  if (bench::exits_by_abort) std::abort();
  std::_Exit(status);
}

}  // namespace platform

namespace bench {

std::string& console() { return printed; }
void set_wall_clock(std::uint64_t seconds) { wall_clock_s = seconds; }
void set_chance(std::uint64_t number) { chance = number; }

void check(bool held, const char* what, const char* file, int line) {
  if (held) return;
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  net::print_counters();
  std::fputs(printed.c_str(), stderr);
  std::abort();
}

void check_equal(std::uint64_t found, std::uint64_t expected, const char* what, const char* file, int line) {
  if (found == expected) return;
  std::fprintf(stderr, "%s:%d: %s is %llu (0x%llx), expected %llu (0x%llx)\n", file, line, what,
               static_cast<unsigned long long>(found), static_cast<unsigned long long>(found),
               static_cast<unsigned long long>(expected), static_cast<unsigned long long>(expected));
  check(false, what, file, line);
}

bool Nic::transmit(hw::Frame* frame) {
  if (full) return false;
  CHECK(frame->headroom() >= hw::Frame::kDriverHeadroom);
  CHECK(frame->length >= 60 && frame->length <= 1518);
  CHECK(frame->headroom() + frame->length <= hw::Frame::kBufferSize);
  sent.emplace_back(frame->data, frame->data + frame->length);
  hw::Frame_pool::give_back(frame);
  return true;
}

Machine::Machine(bool configured) {
  hw::Frame_pool::start(kFrames);
  for (std::size_t i = 0; i < kNics; ++i)
    nics_.push_back(new Nic{MAC::Addr{2, 0, 0, 0, 0, static_cast<std::uint8_t>(i + 1)}});
  static std::vector<hw::Nic*> cards;
  cards.assign(nics_.begin(), nics_.end());
  net::start(cards);
  if (!configured) return;
  iface(0).network_config({10, 0, 0, 1}, {255, 255, 255, 0}, {10, 0, 0, 254});
  iface(1).network_config({10, 0, 1, 1}, {255, 255, 255, 0}, net::IP4::ADDR_ANY);
}

net::Router<net::IP4>& Machine::route() {
  using net::ip4::Addr;
  const Addr mask{255, 255, 255, 0};
  auto* router = new net::Router<net::IP4>{net::Router<net::IP4>::Routing_table{
      {Addr{10, 9, 0, 0}, Addr{255, 255, 0, 0}, Addr{10, 0, 1, 9}, iface(1)},
      {Addr{10, 0, 0, 0}, mask, Addr{0}, iface(0)},
      {Addr{10, 0, 1, 0}, mask, Addr{0}, iface(1)},
  }};
  static std::vector<void*> kept;
  kept.push_back(router);
  iface(0).set_forward_delg(router->forward_delg());
  iface(1).set_forward_delg(router->forward_delg());
  return *router;
}

net::Conntrack& Machine::track(std::size_t limit) {
  auto table = std::make_shared<net::Conntrack>(limit);
  iface(0).enable_conntrack(table);
  iface(1).enable_conntrack(table);
  return *table;
}

void Machine::meet_neighbours() {
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::uint8_t last = 2; last < 10; ++last) {
      const std::string ip = "10.0." + std::to_string(i) + "." + std::to_string(last);
      const std::string own = "10.0." + std::to_string(i) + ".1";
      const MAC::Addr mac{2, 0xaa, static_cast<std::uint8_t>(i), 0, 0, last};
      receive(i, arp(Operation::kRequest, mac, ip.c_str(), own.c_str()));
    }
    nic(i).sent.clear();
  }
}

void Machine::receive(std::size_t nic_number, const Octets& frame) {
  hw::Frame* taken = hw::Frame_pool::take();
  CHECK(taken != nullptr);
  CHECK(frame.size() <= hw::Frame::kBufferSize - hw::Frame::kHeadroom);
  std::copy(frame.begin(), frame.end(), taken->data);
  taken->length = static_cast<std::uint16_t>(frame.size());
  net::receive(nic_number, taken);
}

void Machine::receive_packet(std::size_t nic_number, const Octets& packet) {
  Octets frame = ethernet(nic(nic_number).mac(), {2, 0xaa, 0, 0, 0, 2}, 0x0800, packet);
  if (frame.size() < 60) frame.resize(60, 0xee);
  receive(nic_number, frame);
}

Octets Machine::take_sent(std::size_t nic_number) {
  auto& sent = nic(nic_number).sent;
  if (sent.empty()) return {};
  Octets frame = std::move(sent.front());
  sent.pop_front();
  return frame;
}

Octets Machine::take_sent_packet(std::size_t nic_number) {
  for (;;) {
    Octets frame = take_sent(nic_number);
    if (frame.empty()) return {};
    if (get16(frame, 12) != 0x0800) continue;
    const std::size_t length = get16(frame, 16);
    CHECK(length + 14 <= frame.size());
    for (std::size_t i = 14 + length; i < frame.size(); ++i) CHECK_EQUAL(frame[i], 0);
    return {frame.begin() + 14, frame.begin() + 14 + static_cast<std::ptrdiff_t>(length)};
  }
}

void Machine::pass_time(double seconds) {
  constexpr std::uint64_t kStep = 10'000'000;
  const std::uint64_t end = clock_ns + static_cast<std::uint64_t>(seconds * 1e9);
  while (clock_ns < end) skip_time(kStep);
}

void Machine::skip_time(std::uint64_t nanoseconds) {
  clock_ns += nanoseconds;
  timers::run(clock_ns);
}

void Machine::check_books() {
  std::size_t waiting = 0;
  for (const net::Inet* stack : net::Interfaces::all()) {
    const net::Counters& counted = stack->counters();
    CHECK_EQUAL(counted.received, counted.delivered + counted.forwarded + counted.held + counted.dropped());
    CHECK_EQUAL(counted.originated, counted.departed + counted.own_dropped());
    waiting += const_cast<net::Inet*>(stack)->arp().waiting();
  }
  CHECK_EQUAL(hw::Frame_pool::available() + waiting, kFrames);
}

void put16(Octets& octets, std::size_t at, std::uint16_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint16_t get16(const Octets& octets, std::size_t at) {
  CHECK(at + 2 <= octets.size());
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

std::uint32_t get32(const Octets& octets, std::size_t at) {
  return static_cast<std::uint32_t>(get16(octets, at)) << 16 | get16(octets, at + 2);
}

std::uint32_t address(const char* dotted) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  CHECK(std::sscanf(dotted, "%u.%u.%u.%u", &a, &b, &c, &d) == 4);
  return a << 24 | b << 16 | c << 8 | d;
}

void fix_ip_checksum(Octets& packet) {
  put16(packet, 10, 0);
  put16(packet, 10, sum_of(packet, 0, (packet[0] & 15U) * 4));
}

Octets ip_packet(const Ip& header, const Octets& data) {
  const std::size_t size = 20 + header.options.size();
  Octets packet(size);
  packet[0] = static_cast<std::uint8_t>(0x40 | size / 4);
  packet[1] = header.tos;
  put16(packet, 2, static_cast<std::uint16_t>(size + data.size()));
  put16(packet, 4, 0x1234);
  put16(packet, 6, header.fragment);
  packet[8] = header.ttl;
  packet[9] = header.protocol;
  for (int i = 0; i < 4; ++i) {
    packet[12 + i] = static_cast<std::uint8_t>(address(header.from) >> (24 - 8 * i));
    packet[16 + i] = static_cast<std::uint8_t>(address(header.to) >> (24 - 8 * i));
  }
  std::copy(header.options.begin(), header.options.end(), packet.begin() + 20);
  fix_ip_checksum(packet);
  packet.insert(packet.end(), data.begin(), data.end());
  return packet;
}

Octets udp(std::uint16_t from, std::uint16_t to, std::size_t data) {
  Octets datagram(8 + data, 0x55);
  put16(datagram, 0, from);
  put16(datagram, 2, to);
  put16(datagram, 4, static_cast<std::uint16_t>(datagram.size()));
  put16(datagram, 6, 0);
  return datagram;
}

Octets icmp(std::uint8_t type, std::uint8_t code, std::uint16_t id, std::size_t data) {
  Octets message(8 + data, 0x66);
  message[0] = type;
  message[1] = code;
  put16(message, 2, 0);
  put16(message, 4, id);
  put16(message, 6, 1);
  put16(message, 2, sum_of(message, 0, message.size()));
  return message;
}

Octets tcp_packet(const Ip& header, const Segment& segment) {
  Octets data(20 + segment.data, 0x77);
  put16(data, 0, segment.from);
  put16(data, 2, segment.to);
  put16(data, 4, static_cast<std::uint16_t>(segment.sequence >> 16));
  put16(data, 6, static_cast<std::uint16_t>(segment.sequence));
  put16(data, 8, static_cast<std::uint16_t>(segment.acknowledge >> 16));
  put16(data, 10, static_cast<std::uint16_t>(segment.acknowledge));
  data[12] = 5 << 4;
  data[13] = segment.flags;
  put16(data, 14, 1024);
  put16(data, 16, 0);
  put16(data, 18, 0);
  Ip tcp_header = header;
  tcp_header.protocol = 6;
  Octets packet = ip_packet(tcp_header, data);
  const std::size_t start = 20 + header.options.size();
  put16(packet, start + 16, sum_of(packet, start, packet.size(), pseudo_header(packet, start)));
  return packet;
}

bool checksums_hold(const Octets& packet) {
  const std::size_t start = (packet[0] & 15U) * 4;
  if (sum_of(packet, 0, start) != 0) return false;
  if (packet[9] == 1) return sum_of(packet, start, packet.size()) == 0;
  if (packet[9] == 17 && get16(packet, start + 6) == 0) return true;
  return sum_of(packet, start, packet.size(), pseudo_header(packet, start)) == 0;
}

Octets ethernet(const MAC::Addr& to, const MAC::Addr& from, std::uint16_t type, const Octets& payload) {
  Octets frame(14);
  std::copy(to.part, to.part + 6, frame.begin());
  std::copy(from.part, from.part + 6, frame.begin() + 6);
  put16(frame, 12, type);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

Octets with_tag(Octets frame, std::uint16_t control, std::uint16_t tag_type) {
  frame.insert(frame.begin() + 12, 4, 0);
  put16(frame, 12, tag_type);
  put16(frame, 14, control);
  return frame;
}

Octets arp(Operation operation, const MAC::Addr& sender_mac, const char* sender_ip, const char* target_ip,
           const MAC::Addr& to) {
  Octets message{0, 1, 8, 0, 6, 4, 0, static_cast<std::uint8_t>(operation)};
  message.resize(28);
  std::copy(sender_mac.part, sender_mac.part + 6, message.begin() + 8);
  for (int i = 0; i < 4; ++i) {
    message[14 + i] = static_cast<std::uint8_t>(address(sender_ip) >> (24 - 8 * i));
    message[24 + i] = static_cast<std::uint8_t>(address(target_ip) >> (24 - 8 * i));
  }
  Octets frame = ethernet(to, sender_mac, 0x0806, message);
  frame.resize(60);
  return frame;
}

}  // namespace bench
