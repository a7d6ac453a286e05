// The machine's stacks by number or MAC address, under IncludeOS's name.
//
// NICs are numbered from 0 in the order in which the platform found them. Where IncludeOS throws
// (Stack_not_found), this panics with the number or address that was asked for.
//
// Not     sub-interfaces (VLAN).
#pragma once

#include <hw/mac_addr.hpp>
#include <hw/nic.hpp>
#include <net/inet.hpp>
#include <span>
#include <string>

namespace net {

class Interfaces {
 public:
  static constexpr std::size_t kMaxNics = 32;

  static Inet& get(int N);
  static Inet& get(const std::string& mac);
  static Inet& get(const char* mac);

  static hw::Nic& get_nic(int index);
  static hw::Nic& get_nic(const MAC::Addr& mac);
  static int get_nic_index(const MAC::Addr& mac);  // -1 when there is none

  // Make one stack for each NIC, once, before anything asks for one.
  static void start(std::span<hw::Nic* const> nics);
  static std::span<Inet* const> all();
};

}  // namespace net
