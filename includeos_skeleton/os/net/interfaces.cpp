#include <algorithm>
#include <array>
#include <net/interfaces.hpp>

#include "kernel/text.hpp"

namespace net {

namespace {

// Packets that may wait for neighbours, on all Ifaces: half of the frames that the machine keeps for the
// stack.
constexpr std::size_t kWaitingFrames = 256;

constinit std::array<Inet*, Interfaces::kMaxNics> stacks{};
constinit std::size_t stack_count = 0;

[[noreturn]] void no_nic(const char* asked_for) {
  kernel::Text<96> why;
  why.add("there is no network interface ").add(asked_for).add("; the machine has ").add(stack_count);
  os::panic(why.c_str());
}

[[noreturn]] void no_nic(int index) {
  kernel::Text<16> number;
  if (index < 0) number.add("-");
  number.add(static_cast<std::uint64_t>(index < 0 ? -std::int64_t{index} : index));
  no_nic(number.c_str());
}

std::size_t checked(int index) {
  if (index < 0 || static_cast<std::size_t>(index) >= stack_count) no_nic(index);
  return static_cast<std::size_t>(index);
}

std::size_t checked(const MAC::Addr& mac) {
  const int index = Interfaces::get_nic_index(mac);
  if (index >= 0) return static_cast<std::size_t>(index);
  char text[18];
  mac.write_text(text);
  no_nic(text);
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
}

std::span<Inet* const> Interfaces::all() { return {stacks.data(), stack_count}; }

Inet& Interfaces::get(int N) { return *stacks[checked(N)]; }
Inet& Interfaces::get(const std::string& mac) { return get(mac.c_str()); }
Inet& Interfaces::get(const char* mac) { return *stacks[checked(MAC::Addr(mac))]; }

hw::Nic& Interfaces::get_nic(int index) { return stacks[checked(index)]->nic(); }
hw::Nic& Interfaces::get_nic(const MAC::Addr& mac) { return stacks[checked(mac)]->nic(); }

int Interfaces::get_nic_index(const MAC::Addr& mac) {
  for (std::size_t i = 0; i < stack_count; ++i)
    if (stacks[i]->link_addr() == mac) return static_cast<int>(i);
  return -1;
}

}  // namespace net
