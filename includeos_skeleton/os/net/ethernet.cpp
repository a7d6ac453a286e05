#include "net/ethernet.hpp"

#include <cstring>
#include <net/interfaces.hpp>

#include "net/vlan.hpp"
#include "net/wire.hpp"

namespace net::ethernet {

namespace {

constexpr std::size_t kSource = 6;  // offset
constexpr std::size_t kType = 12;   // offset

void refuse(Inet& iface, hw::Frame* frame, Drop reason) {
  iface.counters().count(reason);
  hw::Frame_pool::give_back(frame);
}

void receive_ip4(Inet& iface, hw::Frame* frame, bool broadcast) {
  Packet_ptr packet = Packet::in_frame<PacketIP4>(frame, kHeader);
  if (packet == nullptr) return refuse(iface, frame, Drop::kGiant);
  iface.ip_obj().receive(std::move(packet), broadcast);
}

void receive_untagged(Inet& iface, hw::Frame* frame) {
  if (frame->length > kHeader + iface.MTU()) return refuse(iface, frame, Drop::kGiant);

  MAC::Addr destination;
  std::memcpy(destination.part, frame->data, sizeof destination.part);
  const bool broadcast = destination == MAC::BROADCAST;
  if (!broadcast && destination != iface.link_addr()) {
    return refuse(iface, frame, destination.is_multicast() ? Drop::kMulticastFrame : Drop::kNotForUs);
  }
  switch (wire::get16(frame->data + kType)) {
    case kTypeIp4:
      return receive_ip4(iface, frame, broadcast);
    case kTypeArp:
      return iface.arp().receive(frame);
    default:
      return refuse(iface, frame, Drop::kEthertype);
  }
}

}  // namespace

void receive(std::size_t number, hw::Frame* frame) {
  Inet* iface = Interfaces::all()[number];
  if (frame->length < kHeader) return refuse(*iface, frame, Drop::kRunt);
  if (vlan::is_tag(wire::get16(frame->data + kType))) iface = vlan::untag(number, frame);
  if (iface != nullptr) receive_untagged(*iface, frame);
}

bool transmit(Inet& iface, hw::Frame* frame, const MAC::Addr& destination, std::uint16_t type) {
  const MAC::Addr source = iface.link_addr();
  std::memcpy(frame->data, destination.part, sizeof destination.part);
  std::memcpy(frame->data + kSource, source.part, sizeof source.part);
  wire::put16(frame->data + kType, type);
  if (frame->length < kMinimum) {
    std::memset(frame->data + frame->length, 0, kMinimum - frame->length);  // nothing old leaks as padding
    frame->length = kMinimum;
  }
  if (iface.nic().transmit(frame)) return true;
  refuse(iface, frame, Drop::kTransmitFull);
  return false;
}

}  // namespace net::ethernet
