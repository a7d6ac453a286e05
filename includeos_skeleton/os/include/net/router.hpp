// The router, under IncludeOS's names: routes, the forward chain, and the delegate that an Iface hands
// packets to that are not its own.
//
//   forward ─ TTL ─ forward_chain ─ longest mask ─▶ ship on the route's Iface
//
// Meaning   docs/language.md 8.1 (ROUTE) and 8.4. Of equal netmasks the route that stands first wins; cost is
//           not looked at (the compiler orders the table).
// Spec      RFC 1812 §5.2.4.3 (longest match), §5.3.1 (time exceeded).
#pragma once

#include <net/inet.hpp>
#include <utility>
#include <vector>

namespace net {

template <class IPV>
struct Route;
template <class IPV>
struct Router;

template <>
struct Route<IP4> {
  using Stack = Inet;
  using Stack_ptr = Stack*;
  using Addr = IP4::addr;
  using Netmask = IP4::netmask;
  using Packet_ptr = IP4::IP_packet_ptr;

  Route(Addr net, Netmask mask, Addr nexthop, Stack& iface, int cost = 100)
      : net_{net}, netmask_{mask}, nexthop_{nexthop}, iface_{&iface}, cost_{cost} {}

  Addr net() const noexcept { return net_; }
  Netmask netmask() const noexcept { return netmask_; }
  Addr nexthop() const noexcept { return nexthop_; }
  // Where a packet to `destination` goes: itself if it is in the Iface's subnet or everybody (RFC 919 §7),
  // else the next hop.
  Addr nexthop(Addr destination) const noexcept {
    const bool direct = iface_->ip_obj().on_link(destination) || destination == IP4::ADDR_BCAST;
    return direct ? destination : nexthop_;
  }
  int cost() const noexcept { return cost_; }
  Stack_ptr interface() const noexcept { return iface_; }
  Stack_ptr match(Addr destination) const noexcept {
    return (destination & netmask_) == net_ ? iface_ : nullptr;
  }
  void ship(Packet_ptr packet, Conntrack::Entry_ptr ct) const {
    const Addr next = nexthop(packet->ip_dst());
    iface_->ip_obj().ship(std::move(packet), next, ct);
  }

 private:
  Addr net_;
  Netmask netmask_;
  Addr nexthop_;
  Stack_ptr iface_;
  int cost_;
};

template <>
struct Router<IP4> {
  using Stack = Inet;
  using Forward_delg = Inet::Forward_delg;
  using Addr = IP4::addr;
  using Packet_ptr = IP4::IP_packet_ptr;
  using Routing_table = std::vector<Route<IP4>>;

  explicit Router(Routing_table table = {}) { set_routing_table(std::move(table)); }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // ROUTE: forward a packet that `stack` received, or that this machine sends by `stack`.
  void forward(Packet_ptr packet, Stack& stack, Conntrack::Entry_ptr ct);

  // The router must outlive every use of the delegate.
  Forward_delg forward_delg() { return {this, &Router::forward}; }

  // Null when no route matches.
  Route<IP4>* get_most_specific_route(Addr destination);
  bool route_check(Addr destination) { return get_most_specific_route(destination) != nullptr; }

  void set_routing_table(Routing_table table);

  bool send_time_exceeded = true;  // to the sender of a packet that came with a TTL of 0
  Filter_chain<IP4> forward_chain{"Forward", {}};

 private:
  void expire(Packet_ptr packet, Stack& stack);

  Routing_table routing_table_;  // longest netmask first
};

}  // namespace net
