// IPv4 of one Iface: arrival, delivery, departure, and the four chains of the Iface.
//
//   receive ─ checks ─ TRACK ─ prerouting ─┬─ local: CONFIRM ─ input ─▶ ICMP, UDP, TCP
//                                          └─ else: the forward delegate (Router)
//   transmit ─ TRACK ─ output ─┬─ the forward delegate, if there is one
//                              └─ ship ─ CONFIRM ─ postrouting ─▶ ARP ─▶ wire
//
// Meaning   docs/language.md 8.1; (S1) .. (S6) at the lines that carry them out.
// Spec      RFC 791; RFC 1122 §3.2.1; RFC 1812 §5.3.
//
// Not     options of own packets, multicast, path MTU discovery.
#pragma once

#include <delegate>
#include <memory>
#include <net/counters.hpp>
#include <net/ip4/packet_ip4.hpp>
#include <net/netfilter.hpp>
#include <optional>

namespace net {

class Inet;

class IP4 {
 public:
  using Stack = Inet;
  using addr = ip4::Addr;
  using netmask = ip4::Addr;
  using header = ip4::Header;
  using IP_packet = PacketIP4;
  using IP_packet_ptr = std::unique_ptr<IP_packet>;
  using Forward_delg = delegate<void(IP_packet_ptr, Stack& source, Conntrack::Entry_ptr)>;

  static constexpr ip4::Addr ADDR_ANY{0};
  static constexpr ip4::Addr ADDR_BCAST{255, 255, 255, 255};

  explicit IP4(Stack& stack) noexcept : stack_{stack} {}

  // A packet arrives. `link_bcast`: it came in a frame to everybody.
  void receive(Packet_ptr packet, bool link_bcast);

  // A packet of this machine departs; its source must be this Iface's address, or 0.0.0.0 to 255.255.255.255
  // while it has none. Sets length, id and checksum.
  void transmit(Packet_ptr packet);

  // Send a packet out by this Iface, to `next_hop`, or if that is 0 to the neighbour that its destination
  // names.
  void ship(Packet_ptr packet, ip4::Addr next_hop = 0, Conntrack::Entry_ptr ct = nullptr);

  // This Iface's address, its subnet's broadcast address, or 255.255.255.255.
  bool is_for_me(ip4::Addr destination) const;

  void set_packet_forwarding(Forward_delg forward) { forward_packet_ = std::move(forward); }
  Forward_delg forward_delg() { return forward_packet_; }

  Filter_chain<IP4>& prerouting_chain() { return prerouting_chain_; }
  Filter_chain<IP4>& postrouting_chain() { return postrouting_chain_; }
  Filter_chain<IP4>& input_chain() { return input_chain_; }
  Filter_chain<IP4>& output_chain() { return output_chain_; }

  ip4::Addr address() const noexcept { return addr_; }
  ip4::Addr networkmask() const noexcept { return netmask_; }
  ip4::Addr gateway() const noexcept { return gateway_; }
  ip4::Addr broadcast_addr() const noexcept { return addr_ | ~netmask_; }
  // In this Iface's subnet; never, while it has no netmask.
  bool on_link(ip4::Addr address) const noexcept {
    return netmask_ != ADDR_ANY && (address & netmask_) == (addr_ & netmask_);
  }
  // As broadcast_addr, but false for the subnets that have none: /31 and /32 (RFC 3021).
  bool is_subnet_broadcast(ip4::Addr address) const noexcept {
    return has_broadcast_ && address == broadcast_addr();
  }

  void set_addr(ip4::Addr address);
  void set_netmask(ip4::Addr mask);
  void set_gateway(ip4::Addr gateway) { gateway_ = gateway; }

 private:
  friend void process_arrivals();
  // `ct`: the entry that it has already, when it comes by (S1).
  void arrive(IP_packet_ptr packet, Conntrack::Entry_ptr ct = nullptr);
  std::optional<Drop> fault_of(PacketIP4& packet) const;
  void to_local(IP_packet_ptr packet, Conntrack::Entry_ptr ct);
  void deliver(IP_packet_ptr packet);
  bool may_be_source(const PacketIP4& packet) const;
  bool is_own(ip4::Addr address) const { return address == addr_ && addr_ != ADDR_ANY; }
  void loop_back(IP_packet_ptr packet, Conntrack::Entry_ptr ct);
  void send(IP_packet_ptr packet, ip4::Addr neighbour);
  void send_in_pieces(const IP_packet& packet, ip4::Addr neighbour);
  ip4::Addr neighbour_for(ip4::Addr destination) const;

  Stack& stack_;
  ip4::Addr addr_;
  ip4::Addr netmask_;
  ip4::Addr gateway_;
  bool has_broadcast_ = false;
  std::uint16_t next_id_ = 1;
  Forward_delg forward_packet_;
  Filter_chain<IP4> prerouting_chain_{"Prerouting", {}};
  Filter_chain<IP4> postrouting_chain_{"Postrouting", {}};
  Filter_chain<IP4> input_chain_{"Input", {}};
  Filter_chain<IP4> output_chain_{"Output", {}};
};

// Count why a packet goes no further, at the Iface it came from, and end it. `reason` is of class kPacket.
void drop(IP4::IP_packet_ptr packet, Drop reason);
// The same for a packet that is gone already: `origin` was its origin.
void count_drop(const Packet::Origin& origin, Drop reason);

// Handle the packets that (S1) sent to another of the machine's own addresses; the stack calls it after every
// frame and every packet of its own.
void process_arrivals();

}  // namespace net
