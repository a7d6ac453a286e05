// Reads lines `CHAIN IFACE HEADROOM ENTRY FOUND PACKET` and writes what the chain does with the packet:
// `drop`, or `accept HEADROOM PACKET`. CHAIN is prerouting, input, output, postrouting or forward; ENTRY is
// the entry handed to the chain and FOUND the one that the table finds: none, new, unconfirmed or
// established; PACKET is hexadecimal.
#include <iostream>

#include "machine.hpp"

using namespace net;

static Conntrack::Entry* entry_of(const std::string& name) {
  static Conntrack::Entry fresh{Conntrack::State::NEW}, first{Conntrack::State::UNCONFIRMED},
      known{Conntrack::State::ESTABLISHED};
  return name == "new" ? &fresh : name == "unconfirmed" ? &first : name == "established" ? &known : nullptr;
}

static Filter_chain<IP4>& chain_of(const std::string& name, Inet& stack) {
  if (name == "prerouting") return stack.ip_obj().prerouting_chain();
  if (name == "input") return stack.ip_obj().input_chain();
  if (name == "output") return stack.ip_obj().output_chain();
  return name == "postrouting" ? stack.ip_obj().postrouting_chain() : Router<IP4>::last->forward_chain;
}

static IP4::IP_packet_ptr packet_of(std::size_t headroom, const std::string& hex) {
  auto packet = std::make_unique<PacketIP4>();
  packet->begin = headroom;
  packet->set_data_end(static_cast<int>(hex.size() / 2));
  for (std::size_t at = 0; at < hex.size() / 2; ++at)
    packet->layer_begin()[at] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * at, 2), nullptr, 16));
  return packet;
}

static void run(Filter_chain<IP4>& chain, IP4::IP_packet_ptr packet, Inet& stack,
                Conntrack::Entry_ptr entry) {
  for (auto& filter : chain.chain) {
    auto verdict = filter(std::move(packet), stack, entry);
    if (verdict.verdict == Filter_verdict_type::DROP) {
      std::puts(verdict.packet == nullptr ? "drop" : "drop with a packet");
      return;
    }
    packet = std::move(verdict.packet);
  }
  std::printf("accept %zu ", packet->begin);
  for (int at = 0; at < packet->size(); ++at) std::printf("%02x", packet->layer_begin()[at]);
  std::puts("");
}

int main() {
  Interfaces::get(0).device.headroom = 24;  // octets, unlike each other as drivers' are
  Interfaces::get(1).device.headroom = 16;
  Service::start();
  std::puts(os::chosen == os::Panic_action::reboot ? "reboot" : "halt");
  std::string chain, entry, found, hex;
  int iface = 0;
  std::size_t headroom = 0;
  while (std::cin >> chain >> iface >> headroom >> entry >> found >> hex) {
    Inet& stack = Interfaces::get(iface);
    if (stack.tracker) stack.tracker->found = entry_of(found);
    run(chain_of(chain, stack), packet_of(headroom, hex), stack, entry_of(entry));
  }
}
