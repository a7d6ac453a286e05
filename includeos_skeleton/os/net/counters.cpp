#include <net/counters.hpp>
#include <net/interfaces.hpp>
#include <string>

#include "kernel/text.hpp"
#include "net/stack.hpp"

namespace net {

namespace {

struct Reason {
  const char* name;
  Drop_class drop_class;
};

constexpr Reason kReasons[kDropReasons] = {
#define NET_DROP_ROW(name, text, drop_class) {text, Drop_class::drop_class},
    NET_DROP_REASONS(NET_DROP_ROW)
#undef NET_DROP_ROW
};

using Drops = std::array<std::uint64_t, kDropReasons>;

std::uint64_t sum_of_packets(const Drops& drops) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kDropReasons; ++i)
    if (kReasons[i].drop_class == Drop_class::kPacket) sum += drops[i];
  return sum;
}

// Octets of the longest line: every reason twice, every number of 20 digits.
constexpr std::size_t longest_line() {
  std::size_t octets = 512;
  for (const Reason& reason : kReasons) octets += 2 * (std::char_traits<char>::length(reason.name) + 31);
  return octets;
}
using Line = kernel::Text<longest_line()>;

void add_drops(Line& line, const char* prefix, const Drops& drops) {
  for (std::size_t i = 0; i < kDropReasons; ++i)
    if (drops[i] != 0) line.add(prefix).add(kReasons[i].name).add("=").add(drops[i]);
}

void print_line(const char* name, const Counters& counters) {
  Line line;
  line.add("counters ").add(name);
  line.add(" received=").add(counters.received);
  line.add(" delivered=").add(counters.delivered);
  line.add(" forwarded=").add(counters.forwarded);
  line.add(" held=").add(counters.held);
  line.add(" dropped=").add(counters.dropped());
  line.add(" sent=").add(counters.sent);
  line.add(" arp=").add(counters.arp);
  line.add(" arp-sent=").add(counters.arp_sent);
  line.add(" originated=").add(counters.originated);
  line.add(" departed=").add(counters.departed);
  add_drops(line, " drop.", counters.drop);
  add_drops(line, " own-drop.", counters.own_drop);
  line.add("\n").print();
}

}  // namespace

const char* name_of(Drop reason) { return kReasons[static_cast<std::size_t>(reason)].name; }
Drop_class class_of(Drop reason) { return kReasons[static_cast<std::size_t>(reason)].drop_class; }

std::uint64_t Counters::dropped() const { return sum_of_packets(drop); }
std::uint64_t Counters::own_dropped() const { return sum_of_packets(own_drop); }

void Counters::add(const Counters& other) {
  received += other.received;
  delivered += other.delivered;
  forwarded += other.forwarded;
  held += other.held;
  originated += other.originated;
  departed += other.departed;
  sent += other.sent;
  arp += other.arp;
  arp_sent += other.arp_sent;
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    drop[i] += other.drop[i];
    own_drop[i] += other.own_drop[i];
  }
}

void print_counters() {
  Counters machine;
  for (const Inet* iface : Interfaces::all()) {
    print_line(iface->nic().device_name(), iface->counters());
    machine.add(iface->counters());
  }
  print_line("machine", machine);
}

}  // namespace net
