#include "net/vlan.hpp"

#include <cstring>
#include <net/interfaces.hpp>
#include <optional>
#include <os.hpp>

#include "kernel/text.hpp"
#include "net/ethernet.hpp"
#include "net/wire.hpp"

namespace net {

namespace {

constexpr std::size_t kAddresses = 12;  // octets of a frame before its type, or its tag
constexpr std::size_t kControl = 14;    // offset of priority and VLAN identifier
constexpr std::uint16_t kIdBits = 0x0fff;

constinit std::array<VLAN_manager*, Interfaces::kMaxNics> managers{};

[[noreturn]] void cannot_add(int id, const hw::Nic& link, const char* why) {
  kernel::Text<96> text;
  text.add("VLAN ").add(id < 0 ? "-" : "").add(static_cast<std::uint64_t>(id < 0 ? -std::int64_t{id} : id));
  os::panic(text.add(" cannot be added to ").add(link.device_name()).add(": ").add(why).c_str());
}

}  // namespace

VLAN_manager::VLAN_interface::VLAN_interface(hw::Nic& link, int id) : link_{link}, id_{id} {
  kernel::Text<16> name;
  set_device_name(name.add(link.device_name()).add(".").add(static_cast<std::uint64_t>(id)).c_str());
}

// The frame is padded as one without a tag: a bridge that takes the tag off again need not pad it (IEEE
// 802.1Q-2018 §G.2.1).
bool VLAN_manager::VLAN_interface::transmit(hw::Frame* frame) {
  if (frame->headroom() < kTagLength + hw::Frame::kDriverHeadroom) return false;
  std::memmove(frame->data - kTagLength, frame->data, kAddresses);
  frame->data -= kTagLength;
  frame->length = static_cast<std::uint16_t>(frame->length + kTagLength);
  wire::put16(frame->data + kAddresses, kTag);
  wire::put16(frame->data + kControl, static_cast<std::uint16_t>(id_));
  return link_.transmit(frame);
}

VLAN_manager& VLAN_manager::get(int N) {
  hw::Nic& nic = Interfaces::get_nic(N);
  VLAN_manager*& manager = managers[static_cast<std::size_t>(N)];
  if (manager == nullptr) manager = new VLAN_manager{nic};
  return *manager;
}

const VLAN_manager* VLAN_manager::of_nic(std::size_t number) { return managers[number]; }

VLAN_manager::VLAN_interface* VLAN_manager::find(int id) const {
  return id < 1 || id > kLastId ? nullptr : vlans_[static_cast<std::size_t>(id)];
}

VLAN_manager::VLAN_interface& VLAN_manager::add(hw::Nic& link, int id) {
  if (&link != &nic_) cannot_add(id, link, "it is another NIC's manager");
  if (id < 1 || id > kLastId) cannot_add(id, link, "an id is 1 .. 4094");
  VLAN_interface*& place = vlans_[static_cast<std::size_t>(id)];
  if (place != nullptr) cannot_add(id, link, "it is there already");
  place = new VLAN_interface{link, id};
  return *place;
}

namespace vlan {

namespace {

// Why the tagged frame ends here; `iface` becomes whom it is for when it does not.
std::optional<Drop> fault_of(std::size_t number, const hw::Frame& frame, Inet*& iface) {
  if (frame.length < ethernet::kHeader + VLAN_manager::kTagLength) return Drop::kVlanTruncated;
  const bool service = wire::get16(frame.data + kAddresses) != VLAN_manager::kTag;
  if (service || is_tag(wire::get16(frame.data + kAddresses + VLAN_manager::kTagLength)))
    return Drop::kVlanDoubleTag;
  const int id = wire::get16(frame.data + kControl) & kIdBits;
  if (id == 0) return std::nullopt;
  const VLAN_manager* const manager = VLAN_manager::of_nic(number);
  if (manager == nullptr) return Drop::kVlanUnexpected;
  const VLAN_manager::VLAN_interface* const found = manager->find(id);
  if (found == nullptr || found->stack() == nullptr) return Drop::kVlanUnknown;
  iface = found->stack();
  return std::nullopt;
}

}  // namespace

Inet* untag(std::size_t number, hw::Frame* frame) {
  Inet* iface = Interfaces::all()[number];
  if (auto fault = fault_of(number, *frame, iface)) {
    iface->counters().count(*fault);
    hw::Frame_pool::give_back(frame);
    return nullptr;
  }
  std::memmove(frame->data + VLAN_manager::kTagLength, frame->data, kAddresses);
  frame->data += VLAN_manager::kTagLength;
  frame->length = static_cast<std::uint16_t>(frame->length - VLAN_manager::kTagLength);
  return iface;
}

}  // namespace vlan
}  // namespace net
