// The firewall of vlans.nacl, compiled by naclc. Do not edit: change the policy and compile it again.
//
//   packet --glue--> Packet --decide_...()--> verdict --glue--> passed on or dropped
//
// The first half decides and knows nothing of the operating system; -DNACLC_NATIVE compiles it alone, as a
// library. The second half registers it with IncludeOS's API.

#include <cstdint>

#ifndef NACLC_NATIVE
#include <memory>
#include <net/interfaces>
#include <net/router.hpp>
#include <net/vlan_manager.hpp>
#include <os>
#include <service>
#include <utility>
#endif

namespace {

// ---- What a decision is made from, and what it is ----

// IANA protocol numbers.
constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;

// Values of ct.state (docs/language.md 8.2).
enum State : uint8_t { kNew, kEstablished, kRelated, kInvalid, kUntracked };

// A verdict in the low octet, and above it the number of the statement that gave it.
constexpr uint32_t kDrop = 0;
[[maybe_unused]] constexpr uint32_t kAccept = 1;
[[maybe_unused]] constexpr uint32_t kEnd = 2 | 0xffffff00;  // the function ended without a verdict
constexpr uint32_t accept(uint32_t statement) { return kAccept | statement << 8; }
constexpr uint32_t drop(uint32_t statement) { return kDrop | statement << 8; }

constexpr uint32_t address(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

constexpr bool between(uint32_t value, uint32_t first, uint32_t last) { return value - first <= last - first; }

// Header fields travel in network order (RFC 791, appendix B).
inline uint32_t load16(const uint8_t* p) { return static_cast<uint32_t>(p[0]) << 8 | p[1]; }
inline uint32_t load32(const uint8_t* p) { return load16(p) << 16 | load16(p + 2); }

// An IPv4 packet and all that is known about it. Fields in host order, as docs/language.md 7.1 defines them.
struct Packet {
  const uint8_t* ip;         // the IPv4 header; at least 20 octets are there
  const uint8_t* transport;  // the TCP, UDP or ICMP header; null when it is not there (docs/language.md 8.3)
  State state;
  uint16_t in;  // Iface numbers; 0xffff: none that the policy declares
  uint16_t out;

  bool has(uint8_t protocol) const { return transport != nullptr && ip[9] == protocol; }

  uint32_t ip_saddr() const { return load32(ip + 12); }
  uint32_t ip_daddr() const { return load32(ip + 16); }
  uint32_t tcp_dport() const { return load16(transport + 2); }
  uint32_t udp_dport() const { return load16(transport + 2); }
  uint32_t ct_state() const { return state; }
  uint32_t iface_in() const { return in; }
};

// Where the transport header of the packet of `length` octets at `ip` begins; null when it is not there.
inline const uint8_t* transport_header(const uint8_t* ip, uint32_t length) {
  const uint32_t start = (ip[0] & 0xfu) * 4;
  const bool later_fragment = ((ip[6] & 0x1f) | ip[7]) != 0;
  if (start < 20 || later_fragment) return nullptr;
  const uint32_t needed = ip[9] == 6 ? 20 : ip[9] == 17 || ip[9] == 1 ? 8 : 0;  // TCP, UDP, ICMP
  return needed != 0 && length >= start + needed ? ip + start : nullptr;
}

// Log text on its way to the console: collected in `buffer`, handed to `sink` when that is full and last.
class Log {
 public:
  using Sink = void (*)(const char* text, uint32_t length);

  explicit Log(Sink sink) : sink_{sink} {}
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log() {
    if (length_ != 0) sink_(buffer_, length_);
  }

 private:
  Sink sink_;
  uint32_t length_ = 0;
  char buffer_[256];
};

// ---- Functions of the policy, callees before callers ----

// line 56: Filter::IP from_staff
uint32_t decide_from_staff(const Packet& packet, Log&) {
  // line 57: if (ip.daddr in 10.20.0.0/24)
  if (between(packet.ip_daddr(), address(10, 20, 0, 0), address(10, 20, 0, 255))) return drop(10);  // line 57
  return accept(11);  // line 58
}

// line 61: Filter::IP from_guests
uint32_t decide_from_guests(const Packet& packet, Log&) {
  // line 62: if (ip.daddr in [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16])
  if (between(packet.ip_daddr(), address(10, 0, 0, 0), address(10, 255, 255, 255)) ||
      between(packet.ip_daddr(), address(172, 16, 0, 0), address(172, 31, 255, 255)) ||
      between(packet.ip_daddr(), address(192, 168, 0, 0), address(192, 168, 255, 255))) {
    // line 63: Filter::TCP
    if (packet.has(kTcp)) {
      // line 64: if (ip.daddr == 10.30.0.80 and tcp.dport in [http, https])
      if (packet.ip_daddr() == address(10, 30, 0, 80) && (packet.tcp_dport() == 80 ||
          packet.tcp_dport() == 443)) {
        return accept(15);  // line 64
      }
    }
    return drop(16);  // line 66
  }
  return accept(17);  // line 68
}

// line 72: Filter::IP from_servers
uint32_t decide_from_servers(const Packet& packet, Log&) {
  // line 73: if (ip.daddr in 10.0.0.0/8)
  if (between(packet.ip_daddr(), address(10, 0, 0, 0), address(10, 255, 255, 255))) {
    return drop(19);  // line 73
  }
  // line 74: Filter::TCP
  if (packet.has(kTcp)) {
    // line 75: if (tcp.dport in [http, https])
    if (packet.tcp_dport() == 80 || packet.tcp_dport() == 443) return accept(22);  // line 75
  }
  // line 77: Filter::UDP
  if (packet.has(kUdp)) {
    // line 78: if (udp.dport in [dns, ntp])
    if (packet.udp_dport() == 53 || packet.udp_dport() == 123) return accept(25);  // line 78
  }
  return kEnd;
}

// line 48: Filter::IP between
uint32_t decide_between(const Packet& packet, Log& log) {
  // line 49: if (ct.state == established)
  if (packet.ct_state() == kEstablished) return accept(1);  // line 49
  // line 50: if (iface.in == staff and ip.saddr in 10.10.0.0/24)
  if (packet.iface_in() == 0 && between(packet.ip_saddr(), address(10, 10, 0, 0), address(10, 10, 0, 255))) {
    // line 50: from_staff()
    if (const uint32_t decision = decide_from_staff(packet, log); decision != kEnd) return decision;
  }
  // line 51: if (iface.in == guests and ip.saddr in 10.20.0.0/24)
  if (packet.iface_in() == 1 && between(packet.ip_saddr(), address(10, 20, 0, 0), address(10, 20, 0, 255))) {
    // line 51: from_guests()
    if (const uint32_t decision = decide_from_guests(packet, log); decision != kEnd) return decision;
  }
  // line 52: if (iface.in == servers and ip.saddr in 10.30.0.0/24)
  if (packet.iface_in() == 2 && between(packet.ip_saddr(), address(10, 30, 0, 0), address(10, 30, 0, 255))) {
    // line 52: from_servers()
    if (const uint32_t decision = decide_from_servers(packet, log); decision != kEnd) return decision;
  }
  return drop(8);  // line 53
}

}  // namespace

#ifdef NACLC_NATIVE
namespace {

// Text for naclc_decide's caller: what does not fit is counted only.
struct Native_text {
  char* octets;
  uint32_t capacity;
  uint32_t length;

  void add(const char* text, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i, ++length) {
      if (length < capacity) octets[length] = text[i];
    }
  }
};
Native_text native_log;

using Decide = uint32_t (*)(const Packet&, Log&);
constexpr Decide kFunctions[] = {decide_from_staff, decide_from_guests, decide_from_servers, decide_between};
constexpr uint8_t kProtocols[] = {0, 0, 0, 0};

}  // namespace

// Run function `function` on the packet of `length` octets at `ip` and return its decision. At most `capacity`
// octets of its log go to `log`, at most `message_capacity` of its messages to `messages`; the lengths become those
// of all of it. Not for several threads at once.
extern "C" [[gnu::visibility("default")]] uint32_t naclc_decide(
    uint32_t function, const uint8_t* ip, uint32_t length, uint8_t state, uint16_t in, uint16_t out, char* log,
    uint32_t capacity, uint32_t* log_length, char*, uint32_t,
    uint32_t* messages_length) {
  native_log = {log, capacity, 0};
  *log_length = *messages_length = 0;
  if (function >= sizeof kFunctions / sizeof *kFunctions || length < 20) return kEnd;
  const Packet packet{ip, transport_header(ip, length), static_cast<State>(state), in, out};
  const uint8_t protocol = kProtocols[function];  // 0: any
  if (protocol != 0 && (packet.transport == nullptr || ip[9] != protocol)) return kEnd;
  uint32_t decision = kEnd;
  {
    Log text{[](const char* octets, uint32_t count) { native_log.add(octets, count); }};
    decision = kFunctions[function](packet, text);
  }
  *log_length = native_log.length;
  return decision;
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
constinit Inet* ifaces[4] = {};  // by Iface number
constinit std::shared_ptr<net::Conntrack> connections;
constinit std::unique_ptr<net::Router<IP4>> router;

Verdict pass(Packet_ptr packet) { return {std::move(packet), Filter_verdict_type::ACCEPT}; }
Verdict drop_packet() { return {}; }  // the packet ends with its owner, the filter

// ---- From packet to decision and back ----

constexpr uint16_t kNoIface = 0xffff;  // an Iface that the policy does not declare, or the hook does not know

constexpr uint32_t verdict_of(uint32_t decision) { return decision & 0xff; }

void print(const char* text, uint32_t octets) { os::print(text, octets); }

uint16_t number_of(const Inet& stack) {
  for (uint16_t number = 0; number < 4; ++number) {
    if (ifaces[number] == &stack) return number;
  }
  return kNoIface;
}

State state_of(Entry_ptr entry) {
  if (entry == nullptr) return kUntracked;
  switch (entry->state) {
    case net::Conntrack::State::ESTABLISHED:
      return kEstablished;
    case net::Conntrack::State::RELATED:
      return kRelated;
    default:
      return kNew;  // NEW, and UNCONFIRMED: the first packet before it is let through
  }
}

// Run a function of the policy on a packet that came to the hook with `entry`, from Iface `in` to `out`.
template <uint32_t (*decide)(const Packet&, Log&)>
Verdict filter(Packet_ptr packet, Entry_ptr entry, uint16_t in, uint16_t out) {
  const uint8_t* const ip = packet->layer_begin();
  const auto length = static_cast<uint32_t>(packet->size());
  if (length < 20) return drop_packet();
  const uint8_t* const transport = transport_header(ip, length);
  if (transport == nullptr) entry = nullptr;  // made from octets that are no ports (docs/language.md 8.3)
  if (entry == nullptr) return drop_packet();  // untracked: drop (docs/language.md 8.2)
  Log log{print};
  const uint32_t decision = decide(Packet{ip, transport, state_of(entry), in, out}, log);
  return verdict_of(decision) == kAccept ? pass(std::move(packet)) : drop_packet();
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
  }
}

// A packet that spent its last hop on this machine goes no further; IncludeOS would stop the machine if it
// went to an own address (docs/language.md 8.1).
Verdict check_ttl(Packet_ptr packet, Inet&, Entry_ptr) {
  return packet->ip_ttl() == 0 ? drop_packet() : pass(std::move(packet));
}

// The Iface of the VLAN `id` (IEEE 802.1Q) on a NIC.
Inet& add_vlan(int nic, int id) {
  net::Interfaces::create(net::VLAN_manager::get(nic).add(net::Interfaces::get_nic(nic), id), nic, id);
  return net::Interfaces::get(nic, id);
}

// ---- Registration, in the order of docs/language.md 11 ----

void open_ifaces() {
  ifaces[0] = &add_vlan(0, 10);  // staff
  ifaces[1] = &add_vlan(0, 20);  // guests
  ifaces[2] = &add_vlan(0, 30);  // servers
  ifaces[3] = &add_vlan(0, 40);  // uplink
}

void configure_ifaces() {
  ifaces[0]->network_config({10, 10, 0, 1}, {255, 255, 255, 0}, {0, 0, 0, 0});  // staff
  ifaces[1]->network_config({10, 20, 0, 1}, {255, 255, 255, 0}, {0, 0, 0, 0});  // guests
  ifaces[2]->network_config({10, 30, 0, 1}, {255, 255, 255, 0}, {0, 0, 0, 0});  // servers
  ifaces[3]->network_config({192, 0, 2, 1}, {255, 255, 255, 0}, {192, 0, 2, 254});  // uplink
}

void track_connections() {
  connections = std::make_shared<net::Conntrack>();
  ifaces[0]->enable_conntrack(connections);  // staff
  ifaces[1]->enable_conntrack(connections);  // guests
  ifaces[2]->enable_conntrack(connections);  // servers
  ifaces[3]->enable_conntrack(connections);  // uplink
}

void attach_chains() {
  guard_before(*ifaces[0]);  // staff
  guard_before(*ifaces[1]);  // guests
  guard_before(*ifaces[2]);  // servers
  guard_before(*ifaces[3]);  // uplink
}

void start_router() {
  // Longest netmask first, then lowest cost: of equal netmasks the first that matches is taken.
  router = std::make_unique<net::Router<IP4>>(net::Router<IP4>::Routing_table{
      {{10, 10, 0, 0}, {255, 255, 255, 0}, {0, 0, 0, 0}, *ifaces[0], 1},  // staff
      {{10, 20, 0, 0}, {255, 255, 255, 0}, {0, 0, 0, 0}, *ifaces[1], 1},  // guests
      {{10, 30, 0, 0}, {255, 255, 255, 0}, {0, 0, 0, 0}, *ifaces[2], 1},  // servers
      {{0, 0, 0, 0}, {0, 0, 0, 0}, {192, 0, 2, 254}, *ifaces[3], 1},  // uplink
  });
  router->send_time_exceeded = true;
  router->forward_chain.chain.push_back([](Packet_ptr packet, Inet& from, Entry_ptr entry) {
    return filter<decide_between>(std::move(packet), entry, number_of(from), kNoIface);
  });
  router->forward_chain.chain.push_back(check_ttl);
  ifaces[0]->set_forward_delg(router->forward_delg());
  ifaces[1]->set_forward_delg(router->forward_delg());
  ifaces[2]->set_forward_delg(router->forward_delg());
  ifaces[3]->set_forward_delg(router->forward_delg());
}

void guard_chains() {
  guard_after(*ifaces[0]);  // staff
  guard_after(*ifaces[1]);  // guests
  guard_after(*ifaces[2]);  // servers
  guard_after(*ifaces[3]);  // uplink
}

}  // namespace

void register_plugin_nacl() {
  open_ifaces();
  configure_ifaces();
  track_connections();
  attach_chains();
  start_router();
  guard_chains();
  // From here on IncludeOS would halt for good; a NIC that is missing above stays a halt, not a reboot without end.
  os::set_panic_action(os::Panic_action::reboot);
  constexpr char kGreeting[] = "NaCl: 4 interfaces, 4 routes, 1 filter\n";
  os::print(kGreeting, sizeof kGreeting - 1);
}

void Service::start() { register_plugin_nacl(); }
#endif
