// The firewall of firewall.nacl, compiled by naclc. Do not edit: change the policy and compile it again.
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
constexpr uint8_t kIcmp = 1;

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

  uint32_t ip_saddr() const { return load32(ip + 12); }
  uint32_t ip_daddr() const { return load32(ip + 16); }
  uint32_t icmp_type() const { return transport[0]; }
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

// ---- Functions of the policy, callees before callers ----

// line 27: Filter::IP no_pings
uint32_t decide_no_pings(const Packet& packet, Log& log) {
  // line 28: Filter::ICMP
  if (packet.has(kIcmp)) {
    // line 29: if (icmp.type == echo-request)
    if (packet.icmp_type() == 8) {
      log.text("ping dropped: ")
          .address(packet.ip_saddr())
          .text(" -> ")
          .address(packet.ip_daddr())
          .text("\n");
      return drop(3);  // line 31
    }
  }
  return accept(4);  // line 34
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
constexpr Decide kFunctions[] = {decide_no_pings};
constexpr uint8_t kProtocols[] = {0};

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
  ifaces[0] = &net::Interfaces::get(0);  // outside
  ifaces[1] = &net::Interfaces::get(1);  // inside
}

void configure_ifaces() {
  ifaces[0]->network_config({192, 168, 100, 254}, {255, 255, 255, 0}, {0, 0, 0, 0});  // outside
  ifaces[1]->network_config({192, 168, 101, 3}, {255, 255, 255, 248}, {0, 0, 0, 0});  // inside
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
      {{192, 168, 101, 0}, {255, 255, 255, 248}, {0, 0, 0, 0}, *ifaces[1], 1},  // inside
      {{192, 168, 100, 0}, {255, 255, 255, 0}, {0, 0, 0, 0}, *ifaces[0], 1},  // outside
      {{10, 0, 0, 0}, {255, 255, 255, 0}, {192, 168, 101, 2}, *ifaces[1], 1},  // inside
  });
  router->send_time_exceeded = true;
  router->forward_chain.chain.push_back([](Packet_ptr packet, Inet& from, Entry_ptr entry) {
    return filter<decide_no_pings>(std::move(packet), entry, number_of(from), kNoIface);
  });
  router->forward_chain.chain.push_back(check_ttl);
  ifaces[0]->set_forward_delg(router->forward_delg());
  ifaces[1]->set_forward_delg(router->forward_delg());
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
  guard_chains();
  // From here on IncludeOS would halt for good; a NIC that is missing above stays a halt, not a reboot without end.
  os::set_panic_action(os::Panic_action::reboot);
  constexpr char kGreeting[] = "NaCl: 2 interfaces, 3 routes, 1 filter\n";
  os::print(kGreeting, sizeof kGreeting - 1);
}

void Service::start() { register_plugin_nacl(); }
#endif
