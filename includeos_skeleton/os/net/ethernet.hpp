// Ethernet II: which frames are for this Iface, and the header of those it sends.
//
// Spec    IEEE 802.3 §3.2 (14 octets of header, at least 60 octets without FCS); RFC 894 (IPv4 in Ethernet).
//
// Not     802.2 LLC, multicast groups: such frames are counted and end here. Tags: net/vlan.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hw/mac_addr.hpp>
#include <hw/nic.hpp>

namespace net {

class Inet;

namespace ethernet {

inline constexpr std::size_t kHeader = 14;   // octets: destination, source, type
inline constexpr std::size_t kMinimum = 60;  // octets of a frame without FCS
inline constexpr std::uint16_t kTypeIp4 = 0x0800;
inline constexpr std::uint16_t kTypeArp = 0x0806;

// Take a frame that NIC `number` received, with or without a tag.
void receive(std::size_t number, hw::Frame* frame);

// Send a frame whose first kHeader octets are to be filled in; pads it, and a VLAN puts its tag in. False,
// counted and the frame gone, when the NIC does not take it.
bool transmit(Inet& iface, hw::Frame* frame, const MAC::Addr& destination, std::uint16_t type);

}  // namespace ethernet
}  // namespace net
