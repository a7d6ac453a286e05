// The machine's stacks by number or MAC address, under IncludeOS's name.
//
// NICs are numbered from 0 in the order in which the platform found them. Where IncludeOS throws
// (Stack_not_found), this panics with the number or address that was asked for.
//
// A VLAN is an Iface of its own, found by its NIC and its id; sub-interface 0 is the NIC's Iface without a
// tag, which is always there, also when nothing configures it.
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

  static constexpr std::size_t kMaxStacks = 256;  // NICs and VLANs

  static Inet& get(int N);
  static Inet& get(const std::string& mac);
  static Inet& get(const char* mac);
  static Inet& get(int N, int sub);
  static Inet& get(const std::string& mac, int sub);
  static Inet& get(const char* mac, int sub);

  // The Iface of a VLAN: `nic` is what VLAN_manager::get(N).add(…, sub) gave. Panics when it is not, when
  // that Iface is there already, or when there are kMaxStacks.
  static Inet& create(hw::Nic& nic, int N, int sub);

  static hw::Nic& get_nic(int index);
  static hw::Nic& get_nic(const MAC::Addr& mac);
  static int get_nic_index(const MAC::Addr& mac);  // -1 when there is none

  // Make one stack for each NIC, once, before anything asks for one.
  static void start(std::span<hw::Nic* const> nics);
  // First those of the NICs, in the order of their numbers, then the VLANs.
  static std::span<Inet* const> all();
};

}  // namespace net
