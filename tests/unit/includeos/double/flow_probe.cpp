// Reads lines and runs packets through the chains of a service, one after the other, with a connection table:
//
//   CHAIN IFACE ENTRY PACKET   the packet in the chain of the Iface with that number; writes `drop`, or
//                              `accept PACKET`. ENTRY is track (as the table tracks the packet), same (that
//                              of the line before) or none; PACKET is hexadecimal, - is that of the line
//                              before
//   exhaust                    no port is left anywhere
//   loop CHAIN IFACE PACKET    from now on, a message that is sent leads to this packet in the chain
//   iface NUMBER VLAN          writes its address, and seconds and the limits it was given
//   dhcp NUMBER VLAN 0|1       DHCP on it has ended; 1: it timed out
//   tick NUMBER TOTAL ASLEEP   the timer with that number runs; so many samples were taken, so many asleep
//   timers                     writes first run and interval of each, in seconds, and whether samples are
//   taken balancer WAITING OPEN      from now on, so many clients wait and sessions are open table writes the
//   settings of the connection table
#include <iostream>

#include "machine.hpp"

using namespace net;

static Filter_chain<IP4>& chain_of(const std::string& name, Inet& stack) {
  if (name == "prerouting") return stack.ip_obj().prerouting_chain();
  if (name == "input") return stack.ip_obj().input_chain();
  return name == "output" ? stack.ip_obj().output_chain() : stack.ip_obj().postrouting_chain();
}

static IP4::IP_packet_ptr packet_of(const std::string& hex) {
  auto packet = std::make_unique<PacketIP4>();
  packet->begin = 24;
  packet->set_data_end(static_cast<int>(hex.size() / 2));
  for (std::size_t at = 0; at < hex.size() / 2; ++at)
    packet->layer_begin()[at] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * at, 2), nullptr, 16));
  return packet;
}

static std::string run(const std::string& chain, Inet& stack, Conntrack::Entry_ptr entry,
                       const std::string& hex) {
  IP4::IP_packet_ptr packet = packet_of(hex);
  for (auto& filter : chain_of(chain, stack).chain) {
    auto verdict = filter(std::move(packet), stack, entry);
    if (verdict.verdict == Filter_verdict_type::DROP) return "";
    packet = std::move(verdict.packet);
  }
  std::string result;
  char digits[3];
  for (int at = 0; at < packet->size(); ++at) {
    std::snprintf(digits, sizeof digits, "%02x", packet->layer_begin()[at]);
    result += digits;
  }
  return result;
}

static Conntrack::Entry* track(Inet& stack, const std::string& hex) {
  return stack.tracker->in(*packet_of(hex));
}

static void show(const Inet& stack) {
  const std::uint32_t a = stack.address.whole;
  std::printf("%u.%u.%u.%u dhcp %g limits %u %u headroom %zu\n", a >> 24, a >> 16 & 255, a >> 8 & 255,
              a & 255, stack.dhcp_seconds, stack.device.sendq_limit, stack.device.buffer_limit,
              stack.device.headroom);
}

static void show(const Conntrack& table) {
  std::printf("table %zu %zu established %lld %lld %lld\n", table.maximum_entries, table.reserved,
              static_cast<long long>(table.timeout.established.tcp.count()),
              static_cast<long long>(table.timeout.established.udp.count()),
              static_cast<long long>(table.timeout.established.icmp.count()));
}

int main() {
  for (int number = 0; number < 4; ++number) Interfaces::get(number).device.headroom = 24;
  Service::start();
  std::string word, how, hex, last;
  int number = 0, vlan = 0;
  Conntrack::Entry* entry = nullptr;
  while (std::cin >> word) {
    if (word == "exhaust") {
      for (auto& [id, stack] : Interfaces::all()) stack.ports[stack.ip_addr()].exhausted = true;
    } else if (word == "table") {
      show(*Interfaces::get(0).tracker);
    } else if (word == "loop") {
      std::cin >> word >> number >> hex;
      Syslog::on_send = [word, number, hex] {
        Inet& stack = Interfaces::get(number);
        std::puts(run(word, stack, track(stack, hex), hex).empty() ? "inner drop" : "inner accept");
      };
    } else if (word == "tick") {
      std::cin >> number >> StackSampler::total >> StackSampler::asleep;
      Timers::all.at(static_cast<std::size_t>(number)).run(0);
    } else if (word == "timers") {
      for (const auto& timer : Timers::all)
        std::printf("%g %g ", timer.first.count() / 1e9, timer.interval.count() / 1e9);
      std::puts(StackSampler::begun ? "samples" : "no samples");
    } else if (word == "balancer") {
      std::cin >> microLB::Balancer::waiting >> microLB::Nodes::open;
    } else if (word == "iface") {
      std::cin >> number >> vlan;
      show(Interfaces::get(number, vlan));
    } else if (word == "dhcp") {
      bool timed_out = false;
      std::cin >> number >> vlan >> timed_out;
      Interfaces::get(number, vlan).dhcp_ended(timed_out);
    } else {
      std::cin >> number >> how >> hex;
      if (hex != "-") last = hex;
      Inet& stack = Interfaces::get(number);
      if (how != "same") entry = how == "track" ? track(stack, last) : nullptr;
      last = run(word, stack, entry, last);
      std::printf("%s%s\n", last.empty() ? "drop" : "accept ", last.c_str());
    }
  }
}
