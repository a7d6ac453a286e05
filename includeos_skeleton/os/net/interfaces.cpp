#include <algorithm>
#include <array>
#include <net/interfaces.hpp>
#include <net/vlan_manager.hpp>

#include "kernel/text.hpp"

namespace net {

namespace {

// Packets that may wait for neighbours, on all Ifaces: half of the frames that the machine keeps for the
// stack.
constexpr std::size_t kWaitingFrames = 256;

constinit std::array<Inet*, Interfaces::kMaxStacks> stacks{};
constinit std::size_t nic_count = 0;
constinit std::size_t stack_count = 0;

[[noreturn]] void no_nic(const char* asked_for) {
  kernel::Text<96> why;
  why.add("there is no network interface ").add(asked_for).add("; the machine has ").add(nic_count);
  os::panic(why.c_str());
}

[[noreturn]] void no_nic(int index) {
  kernel::Text<16> number;
  if (index < 0) number.add("-");
  number.add(static_cast<std::uint64_t>(index < 0 ? -std::int64_t{index} : index));
  no_nic(number.c_str());
}

std::size_t checked(int index) {
  if (index < 0 || static_cast<std::size_t>(index) >= nic_count) no_nic(index);
  return static_cast<std::size_t>(index);
}

std::size_t checked(const MAC::Addr& mac) {
  const int index = Interfaces::get_nic_index(mac);
  if (index >= 0) return static_cast<std::size_t>(index);
  char text[18];
  mac.write_text(text);
  no_nic(text);
}

[[noreturn]] void no_vlan(const hw::Nic& nic, int sub, const char* what) {
  kernel::Text<96> why;
  why.add(nic.device_name()).add(what).add(sub < 0 ? "-" : "");
  os::panic(why.add(static_cast<std::uint64_t>(sub < 0 ? -std::int64_t{sub} : sub)).c_str());
}

Inet& sub_interface(std::size_t number, int sub) {
  if (sub == 0) return *stacks[number];
  const VLAN_manager* const manager = VLAN_manager::of_nic(number);
  const VLAN_manager::VLAN_interface* const found = manager == nullptr ? nullptr : manager->find(sub);
  if (found == nullptr || found->stack() == nullptr) no_vlan(stacks[number]->nic(), sub, " has no VLAN ");
  return *found->stack();
}

void share_waiting_room() {
  const std::size_t each = kWaitingFrames / stack_count;
  for (Inet* stack : Interfaces::all()) stack->arp().set_waiting_limit(each);
}

}  // namespace

void Interfaces::start(std::span<hw::Nic* const> nics) {
  if (nics.size() > kMaxNics) os::panic("more than 32 network interfaces");
  const std::size_t waiting = kWaitingFrames / std::max<std::size_t>(nics.size(), 1);
  for (hw::Nic* nic : nics) {
    kernel::Text<16> name;
    nic->set_device_name(name.add("eth").add(stack_count).c_str());
    stacks[stack_count++] = new Inet(*nic, waiting);
  }
  nic_count = stack_count;
}

Inet& Interfaces::create(hw::Nic& nic, int N, int sub) {
  VLAN_manager::VLAN_interface* const vlan = VLAN_manager::get(N).find(sub);
  if (vlan == nullptr || vlan != &nic) no_vlan(get_nic(N), sub, " was not given as VLAN ");
  if (vlan->stack() != nullptr) no_vlan(get_nic(N), sub, " has already an interface for VLAN ");
  if (stack_count == kMaxStacks) os::panic("more than 256 network interfaces and VLANs");
  Inet* const stack = new Inet(nic, 0);
  stacks[stack_count++] = stack;
  vlan->set_stack(*stack);
  share_waiting_room();
  return *stack;
}

std::span<Inet* const> Interfaces::all() { return {stacks.data(), stack_count}; }

Inet& Interfaces::get(int N) { return *stacks[checked(N)]; }
Inet& Interfaces::get(const std::string& mac) { return get(mac.c_str()); }
Inet& Interfaces::get(const char* mac) { return *stacks[checked(MAC::Addr(mac))]; }

Inet& Interfaces::get(int N, int sub) { return sub_interface(checked(N), sub); }
Inet& Interfaces::get(const std::string& mac, int sub) { return get(mac.c_str(), sub); }
Inet& Interfaces::get(const char* mac, int sub) { return sub_interface(checked(MAC::Addr(mac)), sub); }

hw::Nic& Interfaces::get_nic(int index) { return stacks[checked(index)]->nic(); }
hw::Nic& Interfaces::get_nic(const MAC::Addr& mac) { return stacks[checked(mac)]->nic(); }

int Interfaces::get_nic_index(const MAC::Addr& mac) {
  for (std::size_t i = 0; i < nic_count; ++i)
    if (stacks[i]->link_addr() == mac) return static_cast<int>(i);
  return -1;
}

}  // namespace net
