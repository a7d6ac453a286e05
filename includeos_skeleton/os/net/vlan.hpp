// What becomes of a frame with a tag.
//
//   tag of a VLAN of the NIC ─▶ its Iface, without the tag
//   tag of VLAN 0 (priority) ─▶ the NIC's own Iface, without the tag: IEEE 802.1Q-2018 §9.6, table 9-2
//   any other                ─▶ a counted drop at the NIC's own Iface
//
// Spec    IEEE 802.1Q-2018 §9.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hw/nic.hpp>
#include <net/vlan_manager.hpp>

namespace net {

class Inet;

namespace vlan {

inline constexpr std::uint16_t kServiceTag = 0x88a8;  // 802.1ad: announces a second tag

constexpr bool is_tag(std::uint16_t type) { return type == VLAN_manager::kTag || type == kServiceTag; }

// The Iface for a frame that NIC `number` received, whose type is a tag; its Ethernet header is then one
// without a tag. Null, counted and the frame gone, when there is none.
[[nodiscard]] Inet* untag(std::size_t number, hw::Frame* frame);

}  // namespace vlan
}  // namespace net
