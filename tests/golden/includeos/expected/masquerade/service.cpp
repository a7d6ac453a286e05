// The firewall of masquerade.nacl, compiled by naclc. Do not edit: change the policy and compile it again.
//
// It filters nothing: it registers interfaces and routes with IncludeOS's API.

#ifdef NACLC_NATIVE
#include <cstdint>
#else
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <net/interfaces>
#include <net/nat/napt.hpp>
#include <net/router.hpp>
#include <os>
#include <service>
#include <utility>
#endif

#ifdef NACLC_NATIVE
// No function, no verdict.
extern "C" [[gnu::visibility("default")]] uint32_t naclc_decide(uint32_t, const uint8_t*, uint32_t, uint8_t, uint16_t,
                                                                uint16_t, char*, uint32_t, uint32_t* log_length,
                                                                char*, uint32_t, uint32_t* messages_length) {
  *log_length = *messages_length = 0;
  return 2 | 0xffffff00;  // the end, without a verdict
}
#else
namespace {

// ---- The machine ----

using net::Filter_verdict;
using net::Filter_verdict_type;
using net::Inet;
using net::IP4;
using Packet_ptr = IP4::IP_packet_ptr;
using Verdict = Filter_verdict<IP4>;
using Entry_ptr = net::Conntrack::Entry_ptr;

// IncludeOS runs plugins before the constructors of a service: all of these are complete at compile time.
constinit Inet* ifaces[2] = {};  // by Iface number
constinit std::shared_ptr<net::Conntrack> connections;
constinit std::unique_ptr<net::Router<IP4>> router;
constinit std::unique_ptr<net::nat::NAPT> translator;

Verdict pass(Packet_ptr packet) { return {std::move(packet), Filter_verdict_type::ACCEPT}; }
Verdict drop_packet() { return {}; }  // the packet ends with its owner, the filter

// Where the transport header of the packet of `length` octets at `ip` begins; null when it is not there.
inline const uint8_t* transport_header(const uint8_t* ip, uint32_t length) {
  const uint32_t start = (ip[0] & 0xfu) * 4;
  const bool later_fragment = ((ip[6] & 0x1f) | ip[7]) != 0;
  if (start < 20 || later_fragment) return nullptr;
  const uint32_t needed = ip[9] == 6 ? 20 : ip[9] == 17 || ip[9] == 1 ? 8 : 0;  // TCP, UDP, ICMP
  return needed != 0 && length >= start + needed ? ip + start : nullptr;
}

// ---- Address translation (docs/language.md 8.5) ----

net::Quadruple tuple_of(const net::PacketIP4& packet) {
  return packet.ip_protocol() == net::Protocol::ICMPv4 ? net::Conntrack::get_quadruple_icmp(packet)
                                                       : net::Conntrack::get_quadruple(packet);
}

// Whether a packet with `tuple` goes from where `there` does to where it does; each end may have been rewritten to
// what is expected `back`.
bool leads(const net::Quadruple& tuple, const net::Quadruple& there, const net::Quadruple& back) {
  return (tuple.src == there.src || tuple.src == back.dst) && (tuple.dst == there.dst || tuple.dst == back.src);
}

// Whether a packet goes the way of the one that made its entry, and not back.
bool is_original(const net::Conntrack::Entry& entry, const net::PacketIP4& packet) {
  const net::Quadruple tuple = tuple_of(packet);
  return tuple == entry.first || (tuple != entry.second && leads(tuple, entry.first, entry.second));
}

// The entry of a packet: none without a transport header, for it was made from octets that are no ports.
Entry_ptr entry_of(const net::PacketIP4& packet, Entry_ptr entry) {
  const auto length = static_cast<uint32_t>(packet.size());
  return length >= 20 && transport_header(packet.layer_begin(), length) != nullptr ? entry : nullptr;
}

// IncludeOS would mix up two connections whose replies look alike; a translator that refuses to leaves the packet as it
// is, which is looked at after each translation.
template <class Translator>
constexpr bool kRefuses = requires { Translator::kRefusesCollisions; };

// Whether replies to a connection may be expected as `replies`.
bool may_expect(Entry_ptr entry, const net::Quadruple& replies) {
  if (kRefuses<net::nat::NAPT> || replies == entry->second) return true;
  const Entry_ptr holder = connections->get(replies, entry->proto);
  return (holder == nullptr || holder == entry) && connections->get(entry->second, entry->proto) == entry;
}

// What the checksum of a UDP packet covers and changes with a translation.
struct Udp_ends {
  uint8_t octets[12];  // addresses and ports
  uint8_t checksum[2];

  explicit Udp_ends(const uint8_t* ip) {
    const uint8_t* const udp = ip + (ip[0] & 0xf) * 4;
    std::memcpy(octets, ip + 12, 8);
    std::memcpy(octets + 8, udp, 4);
    std::memcpy(checksum, udp + 6, 2);
  }
};

constexpr uint32_t word_at(const uint8_t* octets) { return static_cast<uint32_t>(octets[0]) << 8 | octets[1]; }

// IncludeOS rewrites UDP packets and leaves their checksum as it was: nobody would take them. It is corrected when
// the ends have changed and it has not (RFC 1624); 0 says that there is none (RFC 768).
template <class Change>
void rewriting(net::PacketIP4& packet, Change change) {
  uint8_t* const ip = packet.layer_begin();
  if (ip[9] != 17) return change();
  const Udp_ends before{ip};
  change();
  const Udp_ends after{ip};
  const bool changed = std::memcmp(before.octets, after.octets, sizeof before.octets) != 0;
  const bool updated = word_at(before.checksum) != word_at(after.checksum);
  if (!changed || updated || word_at(after.checksum) == 0) return;
  uint32_t sum = ~word_at(after.checksum) & 0xffff;
  for (uint32_t at = 0; at < sizeof after.octets; at += 2) {
    sum += (~word_at(before.octets + at) & 0xffff) + word_at(after.octets + at);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  const uint32_t checksum = sum == 0xffff ? 0xffff : ~sum & 0xffff;
  uint8_t* const udp = ip + (ip[0] & 0xf) * 4;
  udp[6] = static_cast<uint8_t>(checksum >> 8);
  udp[7] = static_cast<uint8_t>(checksum);
}

// Who asks for an address by DHCP on `out` sends from 0.0.0.0; on others that is nobody's.
bool is_own(net::ip4::Addr address, Inet& out) {
  if (address == out.ip_addr()) return true;
  for (const Inet* stack : ifaces) {
    if (stack->ip_addr() == address && address != net::ip4::Addr{}) return true;
  }
  return false;
}

// IncludeOS stops the machine when it needs a port and none is left.
template <class Stack>
bool has_port(Stack& stack, net::Protocol protocol) {
  if constexpr (requires { stack.udp_ports(); }) {
    if (protocol == net::Protocol::ICMPv4) return true;
    auto& ports = protocol == net::Protocol::TCP ? stack.tcp_ports() : stack.udp_ports();
    return ports[stack.ip_addr()].has_free_ephemeral();
  }
  return true;
}

// Replies and own packets keep their source; no other leaves with the address of a host inside.
Verdict masquerade(Packet_ptr packet, Inet& stack, Entry_ptr entry) {
  entry = entry_of(*packet, entry);
  const net::ip4::Addr source = packet->ip_src();
  if (entry == nullptr) return pass(std::move(packet));
  if (is_own(source, stack) || !is_original(*entry, *packet)) return pass(std::move(packet));
  if (stack.ip_addr() == net::ip4::Addr{}) return drop_packet();  // DHCP has not given one yet
  if (entry->first.src == entry->second.dst) {
    net::Quadruple replies = entry->second;
    replies.dst = net::Socket{stack.ip_addr(), replies.dst.port()};
    const bool icmp = packet->ip_protocol() == net::Protocol::ICMPv4;
    const bool possible = icmp ? may_expect(entry, replies) : has_port(stack, packet->ip_protocol());
    if (!possible || connections->get(entry->second, entry->proto) != entry) return drop_packet();
  }
  rewriting(*packet, [&] { translator->masquerade(*packet, stack, entry); });
  return packet->ip_src() == source ? drop_packet() : pass(std::move(packet));
}

Verdict demasquerade(Packet_ptr packet, Inet& stack, Entry_ptr entry) {
  entry = entry_of(*packet, entry);
  if (entry == nullptr || is_original(*entry, *packet)) return pass(std::move(packet));
  rewriting(*packet, [&] { translator->demasquerade(*packet, stack, entry); });
  return pass(std::move(packet));
}

// ---- Guards against faults of IncludeOS; a system whose NICs have no frame_offset_link() has none ----

template <class Nic>
concept Needs_guards = requires(Nic& nic) { nic.frame_offset_link(); };

// IncludeOS takes packets whose header is shorter than 20 octets, or that are shorter than they say.
[[maybe_unused]] Verdict check_lengths(Packet_ptr packet, Inet&, Entry_ptr) {
  const int header = packet->ip_header_length();
  const int total = packet->ip_total_length();
  const bool sound = packet->size() >= 20 && header >= 20 && total >= header && total <= packet->size();
  return sound ? pass(std::move(packet)) : drop_packet();
}

// IncludeOS copies a fragment into a buffer of 65,515 octets without a look at where it ends.
// It forwards packets to groups like any other (docs/language.md 13, "Multicast destination").
[[maybe_unused]] Verdict check_arrival(Packet_ptr packet, Inet& stack, Entry_ptr) {
  constexpr int kLongestDatagram = 65515;  // octets after the header (RFC 791)
  const net::ip4::Addr to = packet->ip_dst();
  if (to.is_multicast()) return drop_packet();
  if (packet->ip_frag_offs() * 8 + packet->ip_data_length() <= kLongestDatagram) return pass(std::move(packet));
  const bool local = to == stack.ip_addr() || to == stack.broadcast_addr() || to == IP4::ADDR_BCAST;
  return local ? drop_packet() : pass(std::move(packet));
}

// The drivers of IncludeOS send from a fixed place in the buffer, each from its own; the header of a packet
// that came in through another driver is elsewhere. Such a packet is copied into one of the NIC that sends it.
template <class Stack>
std::ptrdiff_t headroom_of(Stack& stack) {
  const auto packet = stack.create_packet();
  return packet->layer_begin() - packet->buf();
}

template <class Stack>
Verdict fit_headroom(Packet_ptr packet, Stack& out, std::ptrdiff_t headroom) {
  if (packet->layer_begin() - packet->buf() == headroom) return pass(std::move(packet));
  auto copy = net::static_unique_ptr_cast<net::PacketIP4>(out.create_packet());
  if (copy->capacity() < packet->size()) return drop_packet();
  std::memcpy(copy->layer_begin(), packet->layer_begin(), static_cast<size_t>(packet->size()));
  copy->set_data_end(packet->size());
  return pass(std::move(copy));
}

template <class Stack>
void guard_before(Stack& stack) {
  if constexpr (Needs_guards<decltype(stack.nic())>) {
    stack.ip_obj().prerouting_chain().chain.push_back(check_lengths);
  }
}

template <class Stack>
void guard_after(Stack& stack) {
  if constexpr (Needs_guards<decltype(stack.nic())>) {
    stack.ip_obj().prerouting_chain().chain.push_back(check_arrival);
    const std::ptrdiff_t headroom = headroom_of(stack);
    stack.ip_obj().postrouting_chain().chain.push_back([headroom](Packet_ptr packet, Stack& out, Entry_ptr) {
      return fit_headroom(std::move(packet), out, headroom);
    });
  }
}

// A packet that spent its last hop on this machine goes no further; IncludeOS would stop the machine if it
// went to an own address (docs/language.md 8.1).
Verdict check_ttl(Packet_ptr packet, Inet&, Entry_ptr) {
  return packet->ip_ttl() == 0 ? drop_packet() : pass(std::move(packet));
}

// ---- Registration, in the order of docs/language.md 11 ----

void open_ifaces() {
  ifaces[0] = &net::Interfaces::get(0);  // outside
  ifaces[1] = &net::Interfaces::get(1);  // inside
}

void configure_ifaces() {
  ifaces[0]->negotiate_dhcp(10, [](bool timed_out) {  // outside
    if (!timed_out) return;
    constexpr char kMissed[] = "NaCl: no address for outside by DHCP\n";
    os::print(kMissed, sizeof kMissed - 1);
  });
  ifaces[1]->network_config({10, 0, 0, 1}, {255, 255, 255, 0}, {0, 0, 0, 0});  // inside
}

void track_connections() {
  connections = std::make_shared<net::Conntrack>();
  ifaces[0]->enable_conntrack(connections);  // outside
  ifaces[1]->enable_conntrack(connections);  // inside
}

void attach_chains() {
  guard_before(*ifaces[0]);  // outside
  guard_before(*ifaces[1]);  // inside
}

void start_router() {
  // Longest netmask first, then lowest cost: of equal netmasks the first that matches is taken.
  router = std::make_unique<net::Router<IP4>>(net::Router<IP4>::Routing_table{
      {{10, 0, 0, 0}, {255, 255, 255, 0}, {0, 0, 0, 0}, *ifaces[1], 1},  // inside
      {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, *ifaces[0], 1},  // outside
  });
  router->send_time_exceeded = true;
  router->forward_chain.chain.push_back(check_ttl);
  ifaces[0]->set_forward_delg(router->forward_delg());
  ifaces[1]->set_forward_delg(router->forward_delg());
}

void translate_addresses() {
  translator = std::make_unique<net::nat::NAPT>(connections);
  ifaces[0]->ip_obj().prerouting_chain().chain.push_back(demasquerade);  // outside
  ifaces[0]->ip_obj().postrouting_chain().chain.push_back(masquerade);  // outside
}

void guard_chains() {
  guard_after(*ifaces[0]);  // outside
  guard_after(*ifaces[1]);  // inside
}

}  // namespace

void register_plugin_nacl() {
  open_ifaces();
  configure_ifaces();
  track_connections();
  attach_chains();
  start_router();
  translate_addresses();
  guard_chains();
  // From here on IncludeOS would halt for good; a NIC that is missing above stays a halt, not a reboot without end.
  os::set_panic_action(os::Panic_action::reboot);
  constexpr char kGreeting[] = "NaCl: 2 interfaces, 2 routes, 0 filters\n";
  os::print(kGreeting, sizeof kGreeting - 1);
}

void Service::start() { register_plugin_nacl(); }
#endif
