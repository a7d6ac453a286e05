// Hostile wire: frames that are random, cut, or valid and then mutated. Nothing may crash, leak or go
// uncounted.
#include <cstdlib>
#include <net/vlan_manager.hpp>
#include <random>

#include "bench.hpp"

using namespace bench;

namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t end) { return random() % end; }

Octets random_octets(Random& random, std::size_t length) {
  Octets octets(length);
  for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
  return octets;
}

const char* some_address(Random& random) {
  static const char* const kAddresses[] = {
      "10.0.0.1",        "10.0.0.2", "10.0.1.1",  "10.0.1.5",   "10.0.1.77", "10.9.3.4",   "8.8.8.8",
      "255.255.255.255", "0.0.0.0",  "127.0.0.1", "10.0.0.255", "224.0.0.1", "10.0.1.255", "240.1.1.1"};
  return kAddresses[below(random, std::size(kAddresses))];
}

Ip some_header(Random& random) {
  static const std::uint16_t kFragments[] = {0, 0, 0, 0x4000, 0x2000, 1, 0x3fff, 0x8000};
  return {.from = some_address(random),
          .to = some_address(random),
          .protocol = static_cast<std::uint8_t>(random() % 3 == 0 ? 17 : random()),
          .ttl = static_cast<std::uint8_t>(random() % 2 == 0 ? random() % 4 : random()),
          .fragment = kFragments[below(random, std::size(kFragments))],
          .tos = static_cast<std::uint8_t>(random()),
          .options = random_octets(random, below(random, 4) == 0 ? 4 * below(random, 11) : 0)};
}

Octets some_packet(Random& random) {
  Ip header = some_header(random);
  const std::size_t data = below(random, 5) == 0 ? below(random, 1400) : below(random, 40);
  const auto port = static_cast<std::uint16_t>(random() % 50);
  switch (below(random, 4)) {
    case 0:
      return tcp_packet(header, {.from = port, .flags = static_cast<std::uint8_t>(random()), .data = data});
    case 1:
      header.protocol = 17;
      return ip_packet(header, udp(port, 53, data));
    case 2:
      header.protocol = 1;
      return ip_packet(header, icmp(static_cast<std::uint8_t>(random() % 14), 0, port, data));
    default:
      return ip_packet(header, random_octets(random, data));
  }
}

Octets some_frame(Random& random, const MAC::Addr& to) {
  const MAC::Addr from{2, 0xaa, 0, 0, 0, static_cast<std::uint8_t>(2 + random() % 8)};
  const MAC::Addr target = below(random, 8) == 0 ? MAC::BROADCAST : to;
  switch (below(random, 8)) {
    case 0:
      return random_octets(random, below(random, 1600));
    case 1:
      return ethernet(target, from, 0x0800, random_octets(random, below(random, 100)));
    case 2:
      return arp(random() % 2 == 0 ? Operation::kRequest : Operation::kReply, from, some_address(random),
                 some_address(random), target);
    default:
      return ethernet(target, from, 0x0800, some_packet(random));
  }
}

// Tags of VLANs that are there and that are not, one in another, and priority tags.
void tag(Random& random, Octets& frame) {
  static const std::uint16_t kControls[] = {0, 5, 5, 5, 6, 0x6005, 0xe000, 0xfff};
  for (std::size_t count = below(random, 5) / 2; count > 0 && frame.size() >= 12; --count)
    frame = with_tag(frame, kControls[below(random, std::size(kControls))], random() % 8 ? 0x8100 : 0x88a8);
}

// Leaves the frame within what a NIC can hand over.
void mutate(Random& random, Octets& frame) {
  for (std::size_t count = below(random, 4); count > 0 && !frame.empty(); --count) {
    switch (below(random, 3)) {
      case 0:
        frame[below(random, frame.size())] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        frame[below(random, frame.size())] ^= static_cast<std::uint8_t>(1U << random() % 8);
        break;
      default:
        frame.resize(below(random, frame.size() + 20), 0xcd);
    }
  }
  if (random() % 2 == 0 && frame.size() >= 14 + 20 && (frame[14] & 15U) >= 5 &&
      frame.size() >=
          14 + (frame[14] & 15U) * 4) {  // so that half of what was mutated gets past the checksum
    Octets packet{frame.begin() + 14, frame.end()};
    fix_ip_checksum(packet);
    std::copy(packet.begin(), packet.end(), frame.begin() + 14);
  }
  if (frame.size() > hw::Frame::kCapacity) frame.resize(hw::Frame::kCapacity);
}

void check_sent(Machine& machine) {
  for (std::size_t i = 0; i < kNics; ++i) {
    while (!machine.nic(i).sent.empty()) {
      const Octets packet = machine.take_sent_packet(i);
      if (packet.empty()) break;
      Octets header = packet;
      fix_ip_checksum(header);
      CHECK(header[10] == packet[10] && header[11] == packet[11]);
      CHECK(packet[8] != 0);
    }
  }
}

void bombard(std::uint64_t seed, std::size_t frames) {
  Machine machine;
  net::Inet& vlan = net::Interfaces::create(net::VLAN_manager::get(1).add(machine.nic(1), 5), 1, 5);
  vlan.network_config({10, 0, 5, 1}, {255, 255, 255, 0}, {10, 0, 5, 2});
  vlan.set_forward_delg(machine.route().forward_delg());
  machine.track(200);
  machine.meet_neighbours();
  Random random{seed};
  for (std::size_t i = 0; i < frames; ++i) {
    const std::size_t nic = below(random, kNics);
    Octets frame = some_frame(random, machine.nic(nic).mac());
    if (below(random, 3) == 0) tag(random, frame);
    if (random() % 2 == 0) mutate(random, frame);
    if (frame.size() > hw::Frame::kCapacity) frame.resize(hw::Frame::kCapacity);
    machine.receive(nic, frame);
    if (i % 16 == 0) check_sent(machine);
    if (i % 64 == 0) machine.pass_time(0.01);
    if (i % 256 == 0) machine.check_books();
    machine.nic(0).full = i % 1000 > 980;
  }
  machine.pass_time(30);
  machine.check_books();
  CHECK_EQUAL(hw::Frame_pool::available(), kFrames);
  CHECK(vlan.counters().delivered > frames / 10000 && vlan.counters().forwarded > frames / 1000);
  const net::Counters& first = machine.iface(0).counters();
  CHECK(first.delivered > frames / 100 && first.forwarded > frames / 100 && first.dropped() > frames / 100);
}

// FRAMES_SEED in the environment draws other frames.
std::uint64_t seed() {
  const char* given = std::getenv("FRAMES_SEED");
  return given == nullptr ? 20260101 : std::strtoull(given, nullptr, 10);
}

}  // namespace

TEST(a_hundred_thousand_hostile_frames_are_all_accounted_for) { bombard(seed(), 100'000); }
