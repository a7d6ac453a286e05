// The firewall of branches.nacl, compiled by naclc. Do not edit: change the policy and compile it again.
//
//   packet --glue--> Packet --decide_...()--> verdict --glue--> passed on or dropped
//
// The first half decides and knows nothing of the operating system; -DNACLC_NATIVE compiles it alone, as a
// library. The second half registers it with IncludeOS's API.

#include <cstddef>
#include <cstdint>

#ifndef NACLC_NATIVE
#include <cstring>
#include <memory>
#include <net/interfaces>
#include <net/router.hpp>
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

  uint32_t ip_dscp() const { return ip[1] >> 2; }
  uint32_t ip_id() const { return load16(ip + 4); }
  uint32_t ip_ttl() const { return ip[8]; }
  uint32_t tcp_window() const { return load16(transport + 14); }
  uint32_t ip_protocol() const { return ip[9]; }
  uint32_t ip_saddr() const { return load32(ip + 12); }
  uint32_t tcp_sport() const { return load16(transport); }
  uint32_t tcp_dport() const { return load16(transport + 2); }
  uint32_t udp_dport() const { return load16(transport + 2); }
  uint32_t tcp_flags() const { return transport[13]; }
  uint32_t ct_state() const { return state; }
  uint32_t iface_in() const { return in; }
  uint32_t iface_out() const { return out; }
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

  template <size_t N>
  Log& text(const char (&literal)[N]) {
    return octets(literal, N - 1);
  }
  Log& number(uint32_t value) {
    char digits[10];
    uint32_t at = sizeof digits;
    do digits[--at] = static_cast<char>('0' + value % 10);
    while ((value /= 10) != 0);
    return octets(digits + at, sizeof digits - at);
  }
  Log& address(uint32_t value) {
    number(value >> 24).octets(".", 1).number(value >> 16 & 0xff).octets(".", 1);
    return number(value >> 8 & 0xff).octets(".", 1).number(value & 0xff);
  }

 private:
  Log& octets(const char* text, size_t length) {
    for (size_t i = 0; i < length; ++i) {
      if (length_ == sizeof buffer_) {
        sink_(buffer_, length_);
        length_ = 0;
      }
      buffer_[length_++] = text[i];
    }
    return *this;
  }
  Sink sink_;
  uint32_t length_ = 0;
  char buffer_[256];
};

// Searches without branches that depend on what is looked for: such a branch is mispredicted every other time.
// Where among `length` ascending bounds the last one lies that is not above `value`; the first never is.
template <uint32_t length, typename T>
inline const T* last_not_above(const T* bounds, uint32_t value) {
  if constexpr (length > 8) {
    constexpr uint32_t part = length / 4;
    const uint32_t whole = (bounds[part] <= value) + (bounds[2 * part] <= value) + (bounds[3 * part] <= value);
    return last_not_above<length - 3 * part>(bounds + whole * part, value);
  } else if constexpr (length > 1) {
    constexpr uint32_t half = length / 2;
    return last_not_above<length - half>(bounds + (bounds[half] <= value) * half, value);
  } else {
    return bounds;
  }
}

// ---- Sets: sorted bounds; the values from the first up to below the second are in, and so on in pairs ----

// Whether `value` is in the set of `bounds`: an odd number of bounds is not above it.
template <typename T, size_t N>
inline bool is_member(const T (&bounds)[N], uint32_t value) {
  const T* base = last_not_above<N>(bounds, value);
  return (static_cast<size_t>(base - bounds) + (*base <= value ? 1 : 0)) % 2 == 1;
}

// ip.saddr, line 21: 11 intervals
constexpr uint32_t kSet0[] = {
    0x0a000001, 0x0a000002, 0x0a000003, 0x0a000004, 0x0a000005, 0x0a000006, 0x0a000007, 0x0a000008,
    0x0a000009, 0x0a00000a, 0x0a00000b, 0x0a00000c, 0x0a00000d, 0x0a00000e, 0x0a00000f, 0x0a000010,
    0x0a000011, 0x0a000012, 0xac100000, 0xac200000, 0xe0000000, 0xf0000000,
};

// udp.dport, line 37: 10 intervals
constexpr uint16_t kSet2[] = {
    1, 2, 3, 4, 5, 6, 7, 8,
    9, 10, 11, 12, 13, 14, 15, 16,
    17, 18, 19, 30,
};

// ---- Functions of the policy, callees before callers ----

// line 20: Filter::IP early
uint32_t decide_early(const Packet& packet, Log& log) {
  // line 21: if (ip.saddr in blocked)
  if (is_member(kSet0, packet.ip_saddr())) {
    log.text("blocked \\ \"").address(packet.ip_saddr()).text("\" 100 % */ ?\?/\n");
    return drop(2);  // line 21
  }
  // line 22: if (ip.ttl < 2 or ip.ttl > 250 and not ip.dscp == 46)
  if (packet.ip_ttl() <= 1 || (packet.ip_ttl() >= 251 && packet.ip_dscp() != 46)) {
    log.text("odd ttl ").number(packet.ip_ttl()).text("\n");
    goto step_10;
  }
  // line 23: if (iface.in == left)
  if (packet.iface_in() == 0) {
    log.text("left, ");
    goto step_10;
  }
  log.text("elsewhere, ");
step_10:
  log.text("id ").number(packet.ip_id()).text("\n");
  return accept(9);  // line 26
}

// line 29: Filter::IP guarded__by
uint32_t decide1_guarded_by(const Packet& packet, Log&) {
  // line 30: if (not (ip.protocol in [tcp, udp]) )
  if (packet.ip_protocol() != 6 && packet.ip_protocol() != 17) return drop(11);  // line 30
  return accept(12);  // line 31
}

// line 43: Filter::TCP small
uint32_t decide_small(const Packet& packet, Log&) {
  // line 44: if (tcp.flags == 2)
  if (packet.tcp_flags() == 2) {
    // line 44: if (tcp.window < 512)
    if (packet.tcp_window() <= 511) return drop(23);  // line 44
  }
  // line 45: if (tcp.sport >= tcp.dport)
  if (packet.tcp_sport() >= packet.tcp_dport()) return accept(25);  // line 45
  return kEnd;
}

// line 34: Filter::IP choose
uint32_t decide_choose(const Packet& packet, Log& log) {
  // line 35: small()
  if (packet.has(kTcp)) {
    if (const uint32_t decision = decide_small(packet, log); decision != kEnd) return decision;
  }
  // line 36: Filter::UDP
  if (packet.has(kUdp)) {
    // line 37: if (udp.dport in [1, 3, 5, 7, 9, 11, 13, 15, 17, 19-29])
    if (is_member(kSet2, packet.udp_dport())) return drop(16);  // line 37
    return accept(17);  // line 38
  }
  // line 40: if (iface.in == right and ct.state != new)
  if (packet.iface_in() == 1 && packet.ct_state() != kNew) return accept(19);  // line 40
  return drop(20);  // line 40
}

// line 48: Filter::IP late
uint32_t decide_late(const Packet& packet, Log&) {
  // line 48: if (iface.out == left)
  if (packet.iface_out() == 0) return accept(27);  // line 48
  return drop(28);  // line 48
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
constexpr Decide kFunctions[] = {decide_early, decide1_guarded_by, decide_small, decide_choose, decide_late};
constexpr uint8_t kProtocols[] = {0, 0, 6, 0, 0};

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
constinit Inet* ifaces[2] = {};  // by Iface number
constinit std::shared_ptr<net::Conntrack> connections;
constinit std::unique_ptr<net::Router<IP4>> router;

Verdict pass(Packet_ptr packet) { return {std::move(packet), Filter_verdict_type::ACCEPT}; }
Verdict drop_packet() { return {}; }  // the packet ends with its owner, the filter

// ---- From packet to decision and back ----

constexpr uint16_t kNoIface = 0xffff;  // an Iface that the policy does not declare, or the hook does not know

constexpr uint32_t verdict_of(uint32_t decision) { return decision & 0xff; }

void print(const char* text, uint32_t octets) { os::print(text, octets); }

uint16_t number_of(const Inet& stack) {
  for (uint16_t number = 0; number < 2; ++number) {
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
  ifaces[0] = &net::Interfaces::get(0);  // left
  ifaces[1] = &net::Interfaces::get("02:00:5e:10:00:01");  // right
}

void configure_ifaces() {
  ifaces[0]->network_config({10, 1, 0, 1}, {255, 255, 0, 0}, {0, 0, 0, 0});  // left
  ifaces[1]->network_config({10, 2, 0, 1}, {255, 255, 0, 0}, {0, 0, 0, 0}, {10, 2, 0, 53});  // right
}

void track_connections() {
  connections = std::make_shared<net::Conntrack>();
  ifaces[0]->enable_conntrack(connections);  // left
  ifaces[1]->enable_conntrack(connections);  // right
}

void attach_chains() {
  guard_before(*ifaces[0]);  // left
  ifaces[0]->ip_obj().prerouting_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // left
    return filter<decide_early>(std::move(packet), entry, 0, kNoIface);
  });
  ifaces[0]->ip_obj().prerouting_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // left
    return filter<decide1_guarded_by>(std::move(packet), entry, 0, kNoIface);
  });
  ifaces[0]->ip_obj().postrouting_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // left
    return filter<decide_late>(std::move(packet), entry, kNoIface, 0);
  });
  guard_before(*ifaces[1]);  // right
}

void start_router() {
  // Longest netmask first, then lowest cost: of equal netmasks the first that matches is taken.
  router = std::make_unique<net::Router<IP4>>(net::Router<IP4>::Routing_table{
      {{10, 9, 9, 9}, {255, 255, 255, 255}, {10, 2, 0, 9}, *ifaces[1], 5},  // right
      {{10, 1, 0, 0}, {255, 255, 0, 0}, {0, 0, 0, 0}, *ifaces[0], 1},  // left
      {{10, 2, 0, 0}, {255, 255, 0, 0}, {0, 0, 0, 0}, *ifaces[1], 1},  // right
      {{0, 0, 0, 0}, {0, 0, 0, 0}, {10, 1, 0, 254}, *ifaces[0], 1},  // left
  });
  router->send_time_exceeded = false;
  router->forward_chain.chain.push_back([](Packet_ptr packet, Inet& from, Entry_ptr entry) {
    return filter<decide_choose>(std::move(packet), entry, number_of(from), kNoIface);
  });
  router->forward_chain.chain.push_back(check_ttl);
  ifaces[0]->set_forward_delg(router->forward_delg());
  ifaces[1]->set_forward_delg(router->forward_delg());
}

void guard_chains() {
  guard_after(*ifaces[0]);  // left
  guard_after(*ifaces[1]);  // right
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
  constexpr char kGreeting[] = "NaCl: 2 interfaces, 4 routes, 4 filters\n";
  os::print(kGreeting, sizeof kGreeting - 1);
}

void Service::start() { register_plugin_nacl(); }
#endif
