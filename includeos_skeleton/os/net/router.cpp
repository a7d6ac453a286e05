#include <algorithm>
#include <net/router.hpp>

namespace net {

void Router<IP4>::set_routing_table(Routing_table table) {
  routing_table_ = std::move(table);
  // An insertion sort: stable, in place, and the compiler's tables are sorted already.
  for (std::size_t i = 1; i < routing_table_.size(); ++i)
    for (std::size_t j = i; j > 0 && routing_table_[j].netmask() > routing_table_[j - 1].netmask(); --j)
      std::swap(routing_table_[j], routing_table_[j - 1]);
}

Route<IP4>* Router<IP4>::get_most_specific_route(Addr destination) {
  for (Route<IP4>& route : routing_table_)
    if (route.match(destination) != nullptr) return &route;
  return nullptr;
}

void Router<IP4>::forward(Packet_ptr packet, Stack& stack, Conntrack::Entry_ptr ct) {
  if (packet->ip_dst().is_multicast()) return drop(std::move(packet), Drop::kMulticast);
  if (packet->ip_ttl() == 0) return expire(std::move(packet), stack);
  if (!stack.is_valid_source(packet->ip_src())) packet->decrement_ttl();

  const net::Packet::Origin origin = packet->origin();
  auto verdict = forward_chain(std::move(packet), stack, ct);
  if (verdict == Filter_verdict_type::DROP) return count_drop(origin, reason_of(Drop::kForward));
  packet = verdict.release();
  if (packet->ip_ttl() == 0) return drop(std::move(packet), Drop::kTtlExpired);

  const Route<IP4>* const route = get_most_specific_route(packet->ip_dst());
  if (route == nullptr) return drop(std::move(packet), Drop::kNoRoute);
  route->ship(std::move(packet), ct);
}

void Router<IP4>::expire(Packet_ptr packet, Stack& stack) {
  count_drop(packet->origin(), Drop::kTtlExpired);
  if (send_time_exceeded) stack.icmp().time_exceeded(std::move(packet), icmp4::code::Time_exceeded::TTL);
}

}  // namespace net
