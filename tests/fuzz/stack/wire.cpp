// Frames of any octets, and time, to the machine of everything.nacl.
//
//   op   op % 8 is what is done, op / 8 for which NIC
//     0..4   flags, size / 6, octets that are given, these octets; the rest is 0:
//            a frame. Flags: 1 to the NIC, 2 its IP length and checksum are right, 4 its transport checksum
//            is, 8 in VLAN 10, 16 in VLAN 20
//     5      k: 2^(k % 21) milliseconds pass
//     6      the NIC refuses frames, or takes them again
//     7      what it was asked by ARP is answered
#include <algorithm>
#include <array>

#include "input.hpp"
#include "machine.hpp"
#include "packets.hpp"

namespace {

using bench::Octets;
using bench::put16;
using fuzz::Machine;

constexpr std::size_t kSteps = 64;  // of an input, at most

enum Flag : std::uint8_t { kToNic = 1, kRightIp = 2, kRightTransport = 4, kVlan10 = 8, kVlan20 = 16 };

void make_right(Octets& frame, std::uint8_t flags) {
  if (frame.size() < 14 + 20) return;
  Octets packet{frame.begin() + 14, frame.end()};
  if ((flags & kRightIp) != 0 && packet.size() >= 60) {  // so that any header length fits
    packet[0] = static_cast<std::uint8_t>(0x40 | std::max(packet[0] & 15, 5));
    put16(packet, 2, static_cast<std::uint16_t>(std::min<std::size_t>(packet.size(), 1500)));
    bench::fix_ip_checksum(packet);
  }
  if ((flags & kRightTransport) != 0) fuzz::fix_transport_checksum(packet);
  std::copy(packet.begin(), packet.end(), frame.begin() + 14);
}

Octets some_frame(Input& input, const MAC::Addr& nic) {
  const std::uint8_t flags = input.octet();
  const std::size_t size = std::min<std::size_t>(input.octet() * std::size_t{6}, hw::Frame::kCapacity);
  Octets frame = input.octets(std::min<std::size_t>(input.octet(), size));
  frame.resize(size);
  if ((flags & kToNic) != 0 && size >= 6) std::copy(nic.part, nic.part + 6, frame.begin());
  make_right(frame, flags);
  if ((flags & (kVlan10 | kVlan20)) != 0 && size >= 14)
    frame = bench::with_tag(frame, (flags & kVlan10) != 0 ? 10 : 20);
  frame.resize(std::min(frame.size(), hw::Frame::kCapacity));
  return frame;
}

struct Wires {
  std::array<Octets, bench::kNics> asked;    // the last ARP request of each NIC
  std::array<bool, bench::kNics> refuses{};  // whether it takes no frames
};

void step(Machine& machine, Input& input, Wires& wires) {
  const std::uint8_t op = input.octet();
  const std::size_t nic = op / 8 % bench::kNics;
  switch (op % 8) {
    case 5:
      return machine.pass(std::uint64_t{1'000'000} << input.octet() % 21);
    case 6:
      wires.refuses[nic] = !wires.refuses[nic];
      return machine.refuse_frames(nic, wires.refuses[nic]);
    case 7:
      if (!wires.asked[nic].empty())
        machine.receive(nic, fuzz::arp_answer(wires.asked[nic], {2, 0xaa, 0, 0, 0, 7}));
      return;
    default:
      machine.receive(nic, some_frame(input, machine.mac(nic)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Machine& machine = Machine::get();
  Input input{data, size};
  Wires wires;
  for (std::size_t i = 0; i < kSteps && !input.empty(); ++i) {
    step(machine, input, wires);
    machine.take_sent([&](std::size_t nic, const Octets& frame) {
      if (fuzz::is_arp_request(frame)) wires.asked[nic] = frame;
    });
    machine.check();
  }
  machine.end();
  return 0;
}
