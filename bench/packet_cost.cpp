// The stack of the skeleton OS with a compiled policy, without devices: what a packet and a look-up cost.
//
//   packet_cost forward   one line: ns=N      median of nanoseconds a packet, UDP of 60 octets in 64 flows
//   from
//                                       10.0.0.9 on NIC 1 to 198.51.100.9, which leaves by NIC 0
//   packet_cost table     one line: hit=N miss=N add=N octets=N
//                                       a table of 1,000,000 flows: nanoseconds a look-up of a random one, of
//                                       one that is not there, and for a new one; memory
//
// Linked with the policy's service; NIC 0 is 192.0.2.1/24 with the gateway 192.0.2.254, NIC 1 is 10.0.0.1/24.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <hw/nic.hpp>
#include <net/conntrack.hpp>
#include <net/interfaces.hpp>
#include <service>
#include <vector>

#include "net/stack.hpp"
#include "platform/platform.hpp"

namespace platform {

std::span<hw::Nic* const> nics() { return {}; }
void console_write(const char*, std::size_t) {}
std::uint64_t wall_seconds() { return 0; }
std::uint64_t unforeseen() { return 0; }
std::uint64_t nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}
Heap_use heap_use() { return {.used = 0, .capacity = 0}; }
void exit(int status, Last_resort) { std::_Exit(status); }

}  // namespace platform

namespace {

// Of the processor, so that what else runs on this machine costs its caches only.
std::uint64_t own_time() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

using Octets = std::vector<std::uint8_t>;

class Sink final : public hw::Nic {
 public:
  explicit Sink(MAC::Addr mac) : mac_{mac} {}
  const MAC::Addr& mac() const override { return mac_; }
  const char* driver_name() const override { return "sink"; }
  std::size_t receive(hw::Frame**, std::size_t) override { return 0; }
  bool transmit(hw::Frame* frame) override {
    taken += frame->data[12] == 8 && frame->data[13] == 0 ? 1 : 0;
    hw::Frame_pool::give_back(frame);
    return true;
  }
  void flush() override {}
  bool arm() override { return true; }

  std::uint64_t taken = 0;  // IPv4 packets

 private:
  MAC::Addr mac_;
};

void receive(std::size_t nic, const Octets& octets) {
  hw::Frame* const frame = hw::Frame_pool::take();
  std::memcpy(frame->data, octets.data(), octets.size());
  frame->length = static_cast<std::uint16_t>(octets.size());
  net::receive(nic, frame);
}

// A question of a neighbour for the Iface's address, from which the stack learns the neighbour's.
Octets arp_question(std::array<std::uint8_t, 4> asker, std::array<std::uint8_t, 4> own) {
  Octets frame{255, 255, 255, 255, 255, 255, 2, 0xaa, 0, 0,    0, 9, 8, 6,
               0,   1,   8,   0,   6,   4,   0, 1,    2, 0xaa, 0, 0, 0, 9};
  frame.insert(frame.end(), asker.begin(), asker.end());
  frame.insert(frame.end(), 6, 0);
  frame.insert(frame.end(), own.begin(), own.end());
  frame.resize(60);
  return frame;
}

Octets datagram(std::uint16_t port) {
  Octets frame{2,
               0,
               0,
               0,
               0,
               2,
               2,
               0xaa,
               0,
               0,
               0,
               9,
               8,
               0,
               0x45,
               0,
               0,
               46,
               0,
               1,
               0,
               0,
               64,
               17,
               0,
               0,
               10,
               0,
               0,
               9,
               198,
               51,
               100,
               9,
               static_cast<std::uint8_t>(port >> 8),
               static_cast<std::uint8_t>(port),
               0,
               53,
               0,
               26,
               0x12,
               0x34};
  frame.resize(60);
  const std::uint16_t check = net::checksum(frame.data() + 14, 20);
  std::memcpy(frame.data() + 24, &check, sizeof check);
  return frame;
}

void forward() {
  hw::Frame_pool::start(512);
  static Sink outside{MAC::Addr{2, 0, 0, 0, 0, 1}}, inside{MAC::Addr{2, 0, 0, 0, 0, 2}};
  static hw::Nic* const cards[] = {&outside, &inside};
  net::start(cards);
  Service::start();
  receive(0, arp_question({192, 0, 2, 254}, {192, 0, 2, 1}));
  std::vector<Octets> flows;
  for (std::uint16_t port = 0; port < 64; ++port)
    flows.push_back(datagram(static_cast<std::uint16_t>(10000 + port)));
  std::vector<double> rounds;
  constexpr int kRounds = 41, kPackets = 64 * 500;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t start = own_time();
    for (int i = 0; i < kPackets; ++i) receive(1, flows[static_cast<std::size_t>(i) % flows.size()]);
    rounds.push_back(static_cast<double>(own_time() - start) / kPackets);
  }
  std::sort(rounds.begin(), rounds.end());
  if (outside.taken != std::uint64_t{kRounds} * kPackets) {
    std::fprintf(stderr, "%llu packets left\n", static_cast<unsigned long long>(outside.taken));
    std::exit(1);
  }
  std::printf("ns=%.1f\n", rounds[rounds.size() / 2]);
}

net::Quadruple flow(std::uint32_t number) {
  const net::ip4::Addr client{net::htonl(0x0a000000 + number / 50000)};
  return {{client, static_cast<std::uint16_t>(number % 50000)}, {net::ip4::Addr{192, 0, 2, 9}, 443}};
}

// Nanoseconds for one of `count` calls of `work`.
template <class Work>
double each(std::uint32_t count, Work work) {
  const std::uint64_t start = own_time();
  for (std::uint32_t i = 0; i < count; ++i) work(i);
  return static_cast<double>(own_time() - start) / count;
}

void table() {
  constexpr std::uint32_t kFlows = 1'000'000, kLooks = 4'000'000;
  net::Conntrack flows{2 * kFlows};
  flows.start();
  std::uint64_t found = 0;
  std::uint32_t next = 12345;
  const auto any = [&next] { return (next = next * 1664525 + 1013904223) % kFlows; };
  const auto look = [&](std::uint32_t number) {
    found += flows.get(flow(number), net::Protocol::TCP) != nullptr ? 1 : 0;
  };
  const double add = each(kFlows, [&](std::uint32_t i) { flows.add_entry(flow(i), net::Protocol::TCP); });
  const double hit = each(kLooks, [&](std::uint32_t) { look(any()); });
  const double miss = each(kLooks, [&](std::uint32_t) { look(kFlows + any()); });
  if (found != kLooks) std::exit(1);
  std::printf("hit=%.1f miss=%.1f add=%.1f octets=%zu\n", hit, miss, add, flows.octets());
}

}  // namespace

int main(int count, char** words) {
  const char* const what = count == 2 ? words[1] : "";
  if (std::strcmp(what, "forward") == 0) {
    forward();
  } else if (std::strcmp(what, "table") == 0) {
    table();
  } else {
    std::fputs("usage: packet_cost forward|table\n", stderr);
    return 2;
  }
}
