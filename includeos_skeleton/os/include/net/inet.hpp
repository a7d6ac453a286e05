// One network stack: an Iface with its address, chains and neighbours. IncludeOS's name and accessors.
//
// Not     TCP sockets, DNS, IPv6, virtual addresses.
#pragma once

#include <cstdint>
#include <delegate>
#include <hw/mac_addr.hpp>
#include <hw/nic.hpp>
#include <memory>
#include <net/conntrack.hpp>
#include <net/counters.hpp>
#include <net/dhcp/dh4client.hpp>
#include <net/inet_common.hpp>
#include <net/ip4/arp.hpp>
#include <net/ip4/icmp4.hpp>
#include <net/ip4/ip4.hpp>
#include <net/udp/udp.hpp>
#include <string>

namespace net {

class Inet {
 public:
  using Stack = Inet;
  using IP_packet_ptr = IP4::IP_packet_ptr;
  using IP_addr = ip4::Addr;
  using Forward_delg = IP4::Forward_delg;
  using dhcp_timeout_func = delegate<void(bool timed_out)>;

  // `arp_waiting_limit`: packets that may wait for neighbours at once.
  Inet(hw::Nic& nic, std::size_t arp_waiting_limit);
  Inet(const Inet&) = delete;
  Inet& operator=(const Inet&) = delete;

  std::string ifname() const { return nic_.device_name(); }
  MAC::Addr link_addr() const { return mac_; }
  hw::Nic& nic() const { return nic_; }
  std::uint16_t MTU() const { return mtu_; }  // octets of an IP packet

  ip4::Addr ip_addr() const { return ip4_.address(); }
  ip4::Addr netmask() const { return ip4_.networkmask(); }
  ip4::Addr gateway() const { return ip4_.gateway(); }
  ip4::Addr dns_addr() const { return dns_server_; }
  ip4::Addr broadcast_addr() const { return ip4_.broadcast_addr(); }
  bool is_configured() const { return ip_addr() != IP4::ADDR_ANY; }
  bool is_valid_source(const Addr& source) const { return is_configured() && source.v4() == ip_addr(); }

  // Give the Iface its address; 0.0.0.0 as gateway is none, as dns it is the gateway.
  void network_config(ip4::Addr addr, ip4::Addr nmask, ip4::Addr gateway, ip4::Addr dns = IP4::ADDR_ANY);

  // Have a DHCP server give it (DHClient::negotiate); `timeout` in whole seconds, 0 for no limit.
  void negotiate_dhcp(double timeout = 10.0, dhcp_timeout_func handler = nullptr);

  IP4& ip_obj() { return ip4_; }
  ICMPv4& icmp() { return icmp_; }
  Arp& arp() { return arp_; }
  UDP& udp() { return udp_; }

  void set_forward_delg(Forward_delg forward) { ip4_.set_packet_forwarding(std::move(forward)); }
  Forward_delg forward_delg() { return ip4_.forward_delg(); }

  // Track what passes this Iface; a second call is a panic, as on IncludeOS.
  void enable_conntrack(std::shared_ptr<Conntrack> conntrack);
  std::shared_ptr<Conntrack>& conntrack() { return conntrack_; }

  // An empty packet whose layer begins where this Iface's IP header would; null when no frame is free.
  Packet_ptr create_packet();
  // The same with an IPv4 header, ready for ip_obj().transmit once it has addresses and data.
  IP_packet_ptr create_ip_packet(Protocol protocol);

  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }

 private:
  hw::Nic& nic_;
  MAC::Addr mac_;
  std::uint16_t mtu_;
  ip4::Addr dns_server_;
  std::shared_ptr<Conntrack> conntrack_;
  IP4 ip4_;
  ICMPv4 icmp_;
  Arp arp_;
  UDP udp_;
  DHClient* dhcp_ = nullptr;  // made when it is asked for; lives as long as the machine
  Counters counters_;
};

}  // namespace net
