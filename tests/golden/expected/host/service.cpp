// The firewall of host.nacl, compiled by naclc. Do not edit: change the policy and compile it again.
//
//   packet --glue--> Packet --decide_...()--> verdict --glue--> passed on or dropped
//
// The first half decides and knows nothing of the operating system; -DNACLC_NATIVE compiles it alone, as a
// library. The second half registers it with IncludeOS's API.

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifndef NACLC_NATIVE
#include <memory>
#include <net/interfaces>
#include <os>
#include <service>
#include <utility>
#endif

namespace {

// ---- What a decision is made from, and what it is ----

// IANA protocol numbers.
constexpr uint8_t kIcmp = 1;
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

  uint32_t ip_length() const { return load16(ip + 2); }
  uint32_t ip_saddr() const { return load32(ip + 12); }
  uint32_t ip_daddr() const { return load32(ip + 16); }
  uint32_t tcp_sport() const { return load16(transport); }
  uint32_t tcp_dport() const { return load16(transport + 2); }
  uint32_t udp_sport() const { return load16(transport); }
  uint32_t udp_dport() const { return load16(transport + 2); }
  uint32_t icmp_type() const { return transport[0]; }
  uint32_t ct_state() const { return state; }
  uint32_t tcp_has_syn() const { return transport[13] >> 1 & 1; }
  uint32_t tcp_has_ack() const { return transport[13] >> 4 & 1; }
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
  Log& state(uint32_t value) {
    constexpr const char* kNames[] = {"new", "established", "related", "invalid", "untracked"};
    return octets(kNames[value], std::strlen(kNames[value]));
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

// line 10: Filter::IP inbound
uint32_t decide_inbound(const Packet& packet, Log& log) {
  // line 11: if (ct.state == established)
  if (packet.ct_state() == kEstablished) return accept(1);  // line 11
  // line 12: Filter::TCP
  if (packet.has(kTcp)) {
    // line 13: if (tcp.dport in web)
    if (packet.tcp_dport() == 80 || packet.tcp_dport() == 443) return accept(4);  // line 13
    // line 14: if (tcp.dport == ssh and ip.saddr in admins)
    if (packet.tcp_dport() == 22 && (packet.ip_saddr() == address(198, 51, 100, 7) ||
        between(packet.ip_saddr(), address(198, 51, 100, 16), address(198, 51, 100, 31)) ||
        between(packet.ip_saddr(), address(203, 0, 113, 1), address(203, 0, 113, 20)))) {
      return accept(6);  // line 14
    }
    // line 15: if (tcp.has-syn and not tcp.has-ack)
    if (packet.tcp_has_syn() && !packet.tcp_has_ack()) {
      log.text("refused ")
          .address(packet.ip_saddr())
          .text(":")
          .number(packet.tcp_sport())
          .text(" -> ")
          .number(packet.tcp_dport())
          .text("\n");
    }
  }
  // line 17: Filter::UDP
  if (packet.has(kUdp)) {
    // line 17: if (udp.dport in [dns, ntp] or udp.sport == udp.dport)
    if (packet.udp_dport() == 53 || packet.udp_dport() == 123 || packet.udp_sport() == packet.udp_dport()) {
      return accept(11);  // line 17
    }
  }
  // line 18: Filter::ICMP
  if (packet.has(kIcmp)) {
    // line 18: if (icmp.type == echo-request and ip.length <= 1000)
    if (packet.icmp_type() == 8 && packet.ip_length() <= 1000) return accept(14);  // line 18
  }
  return drop(15);  // line 19
}

// line 27: Filter::IP note_far
uint32_t decide_note_far(const Packet& packet, Log& log) {
  // line 28: if (ip.daddr not in 192.0.2.0/24)
  if (!between(packet.ip_daddr(), address(192, 0, 2, 0), address(192, 0, 2, 255))) {
    log.text("to ").address(packet.ip_daddr()).text(" state ").state(packet.ct_state()).text("\n");
  }
  return kEnd;
}

// line 22: Filter::IP watch
uint32_t decide_watch(const Packet& packet, Log& log) {
  // line 23: note_far()
  if (const uint32_t decision = decide_note_far(packet, log); decision != kEnd) return decision;
  return accept(17);  // line 24
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
constexpr Decide kFunctions[] = {decide_inbound, decide_note_far, decide_watch};
constexpr uint8_t kProtocols[] = {0, 0, 0};

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
constinit Inet* ifaces[1] = {};  // by Iface number
constinit std::shared_ptr<net::Conntrack> connections;

Verdict pass(Packet_ptr packet) { return {std::move(packet), Filter_verdict_type::ACCEPT}; }
Verdict drop_packet() { return {}; }  // the packet ends with its owner, the filter

// ---- From packet to decision and back ----

constexpr uint16_t kNoIface = 0xffff;  // an Iface that the policy does not declare, or the hook does not know

constexpr uint32_t verdict_of(uint32_t decision) { return decision & 0xff; }

void print(const char* text, uint32_t octets) { os::print(text, octets); }

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

// At input the datagram is whole, and the entry handed over may be that of the fragment that came last.
Entry_ptr own_entry(const net::PacketIP4& packet, Entry_ptr) { return connections->get(packet); }

// Run a function of the policy on a packet that came to the hook with `entry`, from Iface `in` to `out`.
template <uint32_t (*decide)(const Packet&, Log&), bool at_input = false>
Verdict filter(Packet_ptr packet, Entry_ptr entry, uint16_t in, uint16_t out) {
  const uint8_t* const ip = packet->layer_begin();
  const auto length = static_cast<uint32_t>(packet->size());
  if (length < 20) return drop_packet();
  const uint8_t* const transport = transport_header(ip, length);
  if constexpr (at_input) {
    entry = transport == nullptr ? nullptr : own_entry(*packet, entry);
  }
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
[[maybe_unused]] Verdict check_arrival(Packet_ptr packet, Inet& stack, Entry_ptr) {
  constexpr int kLongestDatagram = 65515;  // octets after the header (RFC 791)
  const net::ip4::Addr to = packet->ip_dst();
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

// ---- Registration, in the order of docs/language.md 11 ----

void open_ifaces() {
  ifaces[0] = &net::Interfaces::get(0);  // eth0
}

void configure_ifaces() {
  ifaces[0]->network_config({192, 0, 2, 10}, {255, 255, 255, 0}, {192, 0, 2, 1});  // eth0
}

void track_connections() {
  connections = std::make_shared<net::Conntrack>();
  ifaces[0]->enable_conntrack(connections);  // eth0
}

void attach_chains() {
  guard_before(*ifaces[0]);  // eth0
  ifaces[0]->ip_obj().input_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // eth0
    return filter<decide_inbound, true>(std::move(packet), entry, 0, kNoIface);
  });
  ifaces[0]->ip_obj().output_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // eth0
    return filter<decide_watch>(std::move(packet), entry, kNoIface, kNoIface);
  });
}

void guard_chains() {
  guard_after(*ifaces[0]);  // eth0
}

}  // namespace

void register_plugin_nacl() {
  open_ifaces();
  configure_ifaces();
  track_connections();
  attach_chains();
  guard_chains();
  // From here on IncludeOS would halt for good; a NIC that is missing above stays a halt, not a reboot without end.
  os::set_panic_action(os::Panic_action::reboot);
  constexpr char kGreeting[] = "NaCl: 1 interface, 0 routes, 2 filters\n";
  os::print(kGreeting, sizeof kGreeting - 1);
}

void Service::start() { register_plugin_nacl(); }
#endif
