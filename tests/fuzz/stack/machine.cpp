#include "machine.hpp"

#include <service>
#include <timers>

#include "audit.hpp"

namespace fuzz {

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;  // nanoseconds
constexpr std::size_t kAddresses = 12;            // octets of a frame before its type, or its tag

Octets without_tag(const Octets& frame) {
  if (bench::get16(frame, kAddresses) != 0x8100) return frame;
  Octets untagged = frame;
  untagged.erase(untagged.begin() + kAddresses, untagged.begin() + kAddresses + 4);
  return untagged;
}

// Frames that came in: what ARP and IPv4 took, and what was dropped before it was known to be either.
std::uint64_t frames_counted(const net::Counters& counted) {
  std::uint64_t frames = counted.arp + counted.received;
  for (std::size_t i = 0; i < net::kDropReasons; ++i) {
    const auto reason = static_cast<net::Drop>(i);
    const bool of_arp = reason == net::Drop::kArpMalformed || reason == net::Drop::kArpOwnAddress;
    if (net::class_of(reason) == net::Drop_class::kFrame && !of_arp) frames += counted.drop[i];
  }
  return frames;
}

}  // namespace

Machine& Machine::get() {
  static Machine machine;
  return machine;
}

Machine::Machine() : bench_{false} {
  bench::exits_by_abort = true;
  Service::start();
  timers_ = Timers::active();
  end();
}

void Machine::receive(std::size_t nic, const Octets& frame) {
  if (hw::Frame_pool::available() == 0) return;
  ++received_;
  bench_.receive(nic, frame);
}

void Machine::pass(std::uint64_t nanoseconds) { bench_.skip_time(nanoseconds); }

void Machine::take_sent(const std::function<void(std::size_t nic, const Octets& frame)>& see) {
  for (std::size_t nic = 0; nic < bench::kNics; ++nic) {
    while (true) {
      const Octets frame = bench_.take_sent(nic);
      if (frame.empty()) break;
      ++sent_;
      check_sent(without_tag(frame));
      if (see) see(nic, frame);
    }
  }
}

void Machine::check_sent(const Octets& frame) {
  const std::uint16_t type = bench::get16(frame, kAddresses);
  CHECK(type == 0x0800 || type == 0x0806);
  if (type != 0x0800) return;
  Octets packet{frame.begin() + 14, frame.end()};
  const std::size_t length = bench::get16(packet, 2);
  CHECK(packet[0] >= 0x45 && packet[0] <= 0x4f && packet[8] != 0);
  CHECK(length >= (packet[0] & 15U) * 4 && length <= packet.size() && length <= 1500);
  for (std::size_t i = length; i < packet.size(); ++i) CHECK_EQUAL(packet[i], 0);
  Octets right = packet;
  bench::fix_ip_checksum(right);
  CHECK(right == packet);
}

// Each frame that came in was counted at one Iface, but for those that came from another one of this machine;
// each that went out was counted as sent.
void Machine::check_wires() {
  std::uint64_t counted = 0, sent = 0;
  for (const net::Inet* iface : net::Interfaces::all()) {
    counted += frames_counted(iface->counters());
    sent += iface->counters().sent + iface->counters().arp_sent;
  }
  CHECK(counted >= received_);
  CHECK_EQUAL(sent, sent_);
}

void Machine::check() {
  take_sent({});
  bench_.check_books();
  check_wires();
  audit::check_flows();
  CHECK(Timers::active() <= timers_ + 2);  // a DHCP client may wait or not
}

void Machine::end() {
  for (std::size_t nic = 0; nic < bench::kNics; ++nic) refuse_frames(nic, false);
  for (int i = 0; i < 6; ++i) pass(2 * kSecond);  // for whom ARP asks, three times
  pass(31 * kSecond);                             // fragments
  check();
  audit::forget_everything();
  CHECK_EQUAL(hw::Frame_pool::available(), bench::kFrames);
  received_ = sent_ = 0;
  bench::console().clear();
}

}  // namespace fuzz
