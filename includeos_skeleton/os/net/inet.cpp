#include <algorithm>
#include <net/inet.hpp>
#include <os.hpp>

#include "net/ethernet.hpp"

namespace net {

Inet::Inet(hw::Nic& nic, std::size_t arp_waiting_limit)
    : nic_{nic},
      mac_{nic.mac()},
      mtu_{nic.mtu()},
      ip4_{*this},
      icmp_{*this},
      arp_{*this, arp_waiting_limit},
      udp_{*this} {}

void Inet::network_config(ip4::Addr addr, ip4::Addr nmask, ip4::Addr gateway, ip4::Addr dns) {
  if (is_configured() && addr != ip_addr()) arp_.forget();
  ip4_.set_addr(addr);
  ip4_.set_netmask(nmask);
  ip4_.set_gateway(gateway);
  dns_server_ = dns == IP4::ADDR_ANY ? gateway : dns;
}

void Inet::negotiate_dhcp(double timeout, dhcp_timeout_func handler) {
  constexpr double kLongest = 1U << 31;
  if (dhcp_ == nullptr) dhcp_ = new DHClient{*this};
  if (handler != nullptr) dhcp_->on_config(std::move(handler));
  const auto seconds = static_cast<std::int64_t>(timeout > 0 ? std::min(timeout, kLongest) : 0);
  dhcp_->negotiate(std::chrono::seconds{seconds});
}

void Inet::enable_conntrack(std::shared_ptr<Conntrack> conntrack) {
  if (conntrack == nullptr) os::panic("enable_conntrack was called without a Conntrack");
  if (conntrack_ != nullptr) os::panic("connection tracking was enabled twice on an interface");
  conntrack->start();
  conntrack_ = std::move(conntrack);
}

Packet_ptr Inet::create_packet() {
  hw::Frame* const frame = hw::Frame_pool::take();
  if (frame == nullptr) return nullptr;
  frame->length = ethernet::kHeader;
  Packet_ptr packet = Packet::in_frame<PacketIP4>(frame, ethernet::kHeader);
  packet->set_origin({.home = this, .own = true});
  return packet;
}

Inet::IP_packet_ptr Inet::create_ip_packet(Protocol protocol) {
  auto packet = static_unique_ptr_cast<PacketIP4>(create_packet());
  if (packet != nullptr) packet->init(protocol);
  return packet;
}

}  // namespace net
