#include <net/inet.hpp>
#include <net/vlan_manager.hpp>
#include <os.hpp>

#include "kernel/text.hpp"
#include "net/closed_port.hpp"
#include "net/division.hpp"
#include "net/ethernet.hpp"
#include "net/reassembly.hpp"

namespace net {

namespace {

using Verdict = Filter_verdict_type;

// Packets that (S1) handed to one of the machine's own Ifaces. A list instead of a call: what arrives may be
// answered, and the answer may arrive again, as often as its TTL allows.
constinit Packet_queue arrivals;
constinit bool processing_arrivals = false;

void count_passed(const Packet::Origin& origin) {
  if (origin.home == nullptr) return;
  Counters& counters = origin.home->counters();
  ++(origin.own ? counters.departed : counters.forwarded);
}

}  // namespace

void accepted_without_packet(const char* chain_name) {
  kernel::Text<80> why;
  why.add("a filter of the chain ").add(chain_name).add(" accepted and returned no packet");
  os::panic(why.c_str());
}

void count_drop(const Packet::Origin& origin, Drop reason) {
  if (origin.home == nullptr) return;
  Counters& counters = origin.home->counters();
  origin.own ? counters.count_own(reason) : counters.count(reason);
}

void drop(IP4::IP_packet_ptr packet, Drop reason) { count_drop(packet->origin(), reason); }

void IP4::set_addr(ip4::Addr address) { addr_ = address; }

void IP4::set_netmask(ip4::Addr mask) {
  netmask_ = mask;
  has_broadcast_ = ntohl((~mask).whole) >= 3;  // two host bits at least
}

bool IP4::is_for_me(ip4::Addr destination) const {
  return is_own(destination) || is_subnet_broadcast(destination) || destination == ADDR_BCAST;
}

// docs/language.md 8.1 (1) and its rulings in section 13; cuts off what the link padded.
std::optional<Drop> IP4::fault_of(PacketIP4& packet) const {
  const int there = packet.size();
  if (there < static_cast<int>(sizeof(header))) return Drop::kTruncated;
  if (!packet.is_ipv4()) return Drop::kBadVersion;
  const int header_length = packet.ip_header_length();
  if (header_length < static_cast<int>(sizeof(header)) || header_length > there)
    return Drop::kBadHeaderLength;
  const int total_length = packet.ip_total_length();
  if (total_length < header_length || total_length > there) return Drop::kBadTotalLength;
  packet.set_data_end(total_length);
  if (packet.compute_ip_checksum() != 0) return Drop::kBadChecksum;
  const ip4::Addr source = packet.ip_src();
  if (source.is_multicast() || source == ADDR_BCAST || is_subnet_broadcast(source)) return Drop::kBadSource;
  return std::nullopt;
}

void IP4::receive(Packet_ptr base, bool link_bcast) {
  auto packet = static_unique_ptr_cast<PacketIP4>(std::move(base));
  packet->set_origin({.home = &stack_, .own = false, .link_broadcast = link_bcast});
  arrive(std::move(packet));
}

void IP4::arrive(IP_packet_ptr packet, Conntrack::Entry_ptr ct) {
  ++stack_.counters().received;
  if (auto fault = fault_of(*packet)) return drop(std::move(packet), *fault);  // (1)

  if (Conntrack* const tracker = stack_.conntrack().get(); tracker != nullptr)  // (2)
    ct = tracker->in(*packet, ct);

  const Packet::Origin origin = packet->origin();
  auto verdict = prerouting_chain_(std::move(packet), stack_, ct);  // (3)
  if (verdict == Verdict::DROP) return count_drop(origin, reason_of(Drop::kPrerouting));
  packet = verdict.release();

  const ip4::Addr destination = packet->ip_dst();  // (4)
  if (is_for_me(destination)) return to_local(std::move(packet), ct);
  if (destination.is_multicast()) return drop(std::move(packet), Drop::kMulticast);
  if (!forward_packet_) return drop(std::move(packet), Drop::kNotForwarding);
  forward_packet_(std::move(packet), stack_, ct);
}

void IP4::to_local(IP_packet_ptr packet, Conntrack::Entry_ptr ct) {
  Conntrack* const tracker = stack_.conntrack().get();
  if (packet->is_fragment()) {  // (5)
    packet = reassembly::take(stack_, std::move(packet));
    if (packet == nullptr) return;
    ct = tracker != nullptr ? tracker->in(*packet) : nullptr;
  }
  if (tracker != nullptr)  // (6)
    ct = ct != nullptr ? tracker->confirm(ct) : tracker->confirm(*packet);

  const Packet::Origin origin = packet->origin();
  auto verdict = input_chain_(std::move(packet), stack_, ct);  // (7)
  if (verdict == Verdict::DROP) return count_drop(origin, reason_of(Drop::kInput));
  deliver(verdict.release());
}

void IP4::deliver(IP_packet_ptr packet) {  // (8)
  ++stack_.counters().delivered;
  switch (packet->ip_protocol()) {
    case Protocol::ICMPv4:
      return stack_.icmp().receive(std::move(packet));
    case Protocol::UDP:
      return stack_.udp().receive4(std::move(packet));
    case Protocol::TCP:
      return closed_port::refuse_tcp(stack_, std::move(packet));
    default:
      return stack_.icmp().destination_unreachable(std::move(packet),
                                                   icmp4::code::Dest_unreachable::PROTOCOL);
  }
}

// Own(I) is 0.0.0.0 while the Iface has no address: who asks for one by DHCP departs like anybody else.
bool IP4::may_be_source(const PacketIP4& packet) const {
  const bool asks = addr_ == ADDR_ANY && packet.ip_src() == ADDR_ANY && packet.ip_dst() == ADDR_BCAST;
  return asks || is_own(packet.ip_src());
}

void IP4::transmit(Packet_ptr base) {
  auto packet = static_unique_ptr_cast<PacketIP4>(std::move(base));
  packet->set_origin({.home = &stack_, .own = true});
  ++stack_.counters().originated;
  if (packet->size() < static_cast<int>(sizeof(header)) || packet->size() < packet->ip_header_length())
    return drop(std::move(packet), Drop::kTruncated);
  if (!may_be_source(*packet)) return drop(std::move(packet), Drop::kBadSource);
  packet->set_ip_id(next_id_++);
  packet->make_flight_ready();

  Conntrack* const tracker = stack_.conntrack().get();
  Conntrack::Entry_ptr ct = tracker != nullptr ? tracker->in(*packet) : nullptr;

  const Packet::Origin origin = packet->origin();
  auto verdict = output_chain_(std::move(packet), stack_, ct);
  if (verdict == Verdict::DROP) return count_drop(origin, reason_of(Drop::kOutput));
  if (forward_packet_) {
    forward_packet_(verdict.release(), stack_, ct);
  } else {
    ship(verdict.release(), ADDR_ANY, ct);
  }
  process_arrivals();
}

void IP4::ship(Packet_ptr base, ip4::Addr next_hop, Conntrack::Entry_ptr ct) {
  auto packet = static_unique_ptr_cast<PacketIP4>(std::move(base));
  if (packet->ip_ttl() == 0) return drop(std::move(packet), Drop::kTtlExpired);  // (S2)
  if (is_own(packet->ip_dst())) return loop_back(std::move(packet), ct);         // (S1)
  if (packet->ip_dst().is_loopback()) return drop(std::move(packet), Drop::kLoopbackAddress);

  if (Conntrack* const tracker = stack_.conntrack().get(); tracker != nullptr)  // (S3)
    ct = ct != nullptr ? tracker->confirm(ct) : tracker->confirm(*packet);

  const Packet::Origin origin = packet->origin();
  auto verdict = postrouting_chain_(std::move(packet), stack_, ct);  // (S4)
  if (verdict == Verdict::DROP) return count_drop(origin, reason_of(Drop::kPostrouting));
  packet = verdict.release();

  if (next_hop == ADDR_ANY) next_hop = neighbour_for(packet->ip_dst());  // (S5)
  if (next_hop == ADDR_ANY) return drop(std::move(packet), Drop::kNoNextHop);
  send(std::move(packet), next_hop);  // (S6)
}

void IP4::loop_back(IP_packet_ptr packet, Conntrack::Entry_ptr ct) {
  count_passed(packet->origin());
  packet->decrement_ttl();
  packet->set_origin({.home = &stack_, .own = false, .link_broadcast = packet->origin().link_broadcast});
  packet->set_known_entry(ct);
  arrivals.put(std::move(packet));
}

ip4::Addr IP4::neighbour_for(ip4::Addr destination) const {
  return destination == ADDR_BCAST || on_link(destination) ? destination : gateway_;
}

void IP4::send(IP_packet_ptr packet, ip4::Addr neighbour) {
  constexpr std::ptrdiff_t kInFront =
      ethernet::kHeader + VLAN_manager::kTagLength + hw::Frame::kDriverHeadroom;
  if (packet->size() > stack_.MTU() || !packet->is_in_frame()) return send_in_pieces(*packet, neighbour);
  if (packet->layer_begin() - packet->buf() < kInFront) return drop(std::move(packet), Drop::kNoHeadroom);
  count_passed(packet->origin());
  stack_.arp().transmit(std::move(packet), neighbour);
}

void IP4::send_in_pieces(const PacketIP4& packet, ip4::Addr neighbour) {
  Packet_queue pieces;
  if (auto fault = division::divide(stack_, packet, pieces)) return count_drop(packet.origin(), *fault);
  count_passed(packet.origin());
  while (Packet_ptr piece = pieces.take()) stack_.arp().transmit(std::move(piece), neighbour);
}

void process_arrivals() {
  if (processing_arrivals) return;
  processing_arrivals = true;
  while (Packet_ptr packet = arrivals.take()) {
    IP4& arriving_on = packet->origin().home->ip_obj();
    const auto known = static_cast<Conntrack::Entry_ptr>(packet->known_entry());
    arriving_on.arrive(static_unique_ptr_cast<PacketIP4>(std::move(packet)), known);
  }
  processing_arrivals = false;
}

}  // namespace net
