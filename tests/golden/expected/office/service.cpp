// The firewall of office.nacl, compiled by naclc. Do not edit: change the policy and compile it again.
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
#include <net/nat/napt.hpp>
#include <net/router.hpp>
#include <net/tcp/tcp_conntrack.hpp>
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

  uint32_t ip_protocol() const { return ip[9]; }
  uint32_t ip_saddr() const { return load32(ip + 12); }
  uint32_t ip_daddr() const { return load32(ip + 16); }
  uint32_t tcp_dport() const { return load16(transport + 2); }
  uint32_t udp_dport() const { return load16(transport + 2); }
  uint32_t icmp_type() const { return transport[0]; }
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

// line 61: Filter::IP no_private_sources
uint32_t decide_no_private_sources(const Packet& packet, Log&) {
  // line 62: if (iface.in == staff and ip.saddr not in 192.168.10.0/24)
  if (packet.iface_in() == 1 &&
      !between(packet.ip_saddr(), address(192, 168, 10, 0), address(192, 168, 10, 255))) {
    return drop(10);  // line 62
  }
  // line 63: if (iface.in == guests and ip.saddr not in 192.168.20.0/24)
  if (packet.iface_in() == 2 &&
      !between(packet.ip_saddr(), address(192, 168, 20, 0), address(192, 168, 20, 255))) {
    return drop(12);  // line 63
  }
  return kEnd;
}

// line 85: Filter::UDP names_and_time
uint32_t decide_names_and_time(const Packet& packet, Log&) {
  // line 86: if (udp.dport == dns and ip.daddr in resolvers)
  if (packet.udp_dport() == 53 && (packet.ip_daddr() == address(9, 9, 9, 9) ||
      packet.ip_daddr() == address(149, 112, 112, 112))) {
    return accept(29);  // line 86
  }
  // line 87: if (udp.dport == ntp)
  if (packet.udp_dport() == 123) return accept(31);  // line 87
  return kEnd;
}

// line 66: Filter::IP staff_may
uint32_t decide_staff_may(const Packet& packet, Log& log) {
  // line 67: if (ip.daddr in office)
  if (between(packet.ip_daddr(), address(192, 168, 10, 0), address(192, 168, 10, 255)) ||
      between(packet.ip_daddr(), address(192, 168, 20, 0), address(192, 168, 20, 255))) {
    return drop(14);  // line 67
  }
  // line 68: Filter::TCP
  if (packet.has(kTcp)) {
    // line 69: if (tcp.dport in web or tcp.dport in mail or tcp.dport == ssh)
    if (packet.tcp_dport() == 80 || packet.tcp_dport() == 443 || packet.tcp_dport() == 587 ||
        packet.tcp_dport() == 993 || packet.tcp_dport() == 22) {
      return accept(17);  // line 69
    }
  }
  // line 71: names_and_time()
  if (packet.has(kUdp)) {
    if (const uint32_t decision = decide_names_and_time(packet, log); decision != kEnd) return decision;
  }
  // line 72: Filter::ICMP
  if (packet.has(kIcmp)) {
    // line 73: if (icmp.type == echo-request)
    if (packet.icmp_type() == 8) return accept(21);  // line 73
  }
  return kEnd;
}

// line 77: Filter::IP guests_may
uint32_t decide_guests_may(const Packet& packet, Log& log) {
  // line 78: if (ip.daddr in office)
  if (between(packet.ip_daddr(), address(192, 168, 10, 0), address(192, 168, 10, 255)) ||
      between(packet.ip_daddr(), address(192, 168, 20, 0), address(192, 168, 20, 255))) {
    return drop(23);  // line 78
  }
  // line 79: Filter::TCP
  if (packet.has(kTcp)) {
    // line 80: if (tcp.dport in web)
    if (packet.tcp_dport() == 80 || packet.tcp_dport() == 443) return accept(26);  // line 80
  }
  // line 82: names_and_time()
  if (packet.has(kUdp)) {
    if (const uint32_t decision = decide_names_and_time(packet, log); decision != kEnd) return decision;
  }
  return kEnd;
}

// line 51: Filter::IP through
uint32_t decide_through(const Packet& packet, Log& log) {
  // line 52: if (ct.state == established)
  if (packet.ct_state() == kEstablished) return accept(1);  // line 52
  // line 53: no_private_sources()
  if (const uint32_t decision = decide_no_private_sources(packet, log); decision != kEnd) return decision;
  // line 54: if (iface.in == staff)
  if (packet.iface_in() == 1) {
    // line 54: staff_may()
    if (const uint32_t decision = decide_staff_may(packet, log); decision != kEnd) return decision;
  }
  // line 55: if (iface.in == guests)
  if (packet.iface_in() == 2) {
    // line 55: guests_may()
    if (const uint32_t decision = decide_guests_may(packet, log); decision != kEnd) return decision;
  }
  log.text("refused: ")
      .address(packet.ip_saddr())
      .text(" -> ")
      .address(packet.ip_daddr())
      .text(" protocol ")
      .number(packet.ip_protocol())
      .text("\n");
  return drop(8);  // line 57
}

// line 91: Filter::IP to_gateway
uint32_t decide_to_gateway(const Packet& packet, Log&) {
  // line 92: if (ct.state == established)
  if (packet.ct_state() == kEstablished) return accept(33);  // line 92
  // line 93: if (iface.in == staff)
  if (packet.iface_in() == 1) {
    // line 94: Filter::ICMP
    if (packet.has(kIcmp)) {
      // line 95: if (icmp.type == echo-request)
      if (packet.icmp_type() == 8) return accept(37);  // line 95
    }
  }
  return drop(38);  // line 98
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
constexpr Decide kFunctions[] = {decide_no_private_sources, decide_names_and_time, decide_staff_may, decide_guests_may, decide_through, decide_to_gateway};
constexpr uint8_t kProtocols[] = {0, 17, 0, 0, 0, 0};

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
constinit Inet* ifaces[3] = {};  // by Iface number
constinit std::shared_ptr<net::Conntrack> connections;
constinit std::unique_ptr<net::Router<IP4>> router;
constinit std::unique_ptr<net::nat::NAPT> translator;

Verdict pass(Packet_ptr packet) { return {std::move(packet), Filter_verdict_type::ACCEPT}; }
Verdict drop_packet() { return {}; }  // the packet ends with its owner, the filter

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

// At input the datagram is whole, and the entry handed over may be that of the fragment that came last.
Entry_ptr own_entry(const net::PacketIP4& packet, Entry_ptr entry) {
  net::Quadruple tuple = tuple_of(packet);
  if (entry != nullptr && (leads(tuple, entry->first, entry->second) || leads(tuple, entry->second, entry->first))) {
    return entry;
  }
  if (const Entry_ptr found = connections->get(tuple, packet.ip_protocol()); found != nullptr) return found;
  return connections->get(tuple.swap(), packet.ip_protocol());
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
  if (entry == nullptr) return source == stack.ip_addr() ? pass(std::move(packet)) : drop_packet();
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

// ---- From packet to decision and back ----

constexpr uint16_t kNoIface = 0xffff;  // an Iface that the policy does not declare, or the hook does not know

constexpr uint32_t verdict_of(uint32_t decision) { return decision & 0xff; }

void print(const char* text, uint32_t octets) { os::print(text, octets); }

uint16_t number_of(const Inet& stack) {
  for (uint16_t number = 0; number < 3; ++number) {
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

// IncludeOS's handler takes for granted that there is room for an entry, and makes one for any segment with SYN. It lets
// the answer to a SYN that was dropped, which is forged, establish the connection.
net::Conntrack::Entry* track_tcp(net::Conntrack& table, net::Quadruple tuple, const net::PacketIP4& packet) {
  const auto length = static_cast<uint32_t>(packet.size());
  const uint8_t* const tcp = length < 20 ? nullptr : transport_header(packet.layer_begin(), length);
  if (tcp == nullptr) return nullptr;
  const bool full = table.maximum_entries != 0 && table.number_of_entries() + 2 > table.maximum_entries;
  const bool opening = (tcp[13] & 0x17) == 0x02;  // SYN without ACK, RST, FIN
  net::Conntrack::Entry* const known = table.get(tuple, net::Protocol::TCP);
  if ((full || !opening) && known == nullptr) return nullptr;
  const bool answers = (tcp[13] & 0x16) == 0x12;  // SYN and ACK without RST
  const bool unasked = known != nullptr && known->state == net::Conntrack::State::UNCONFIRMED;
  if (answers && unasked && tuple == known->second) return known;
  return net::tcp::tcp4_conntrack(table, tuple, packet);
}

// ---- Registration, in the order of docs/language.md 11 ----

void open_ifaces() {
  ifaces[0] = &net::Interfaces::get(0);  // outside
  ifaces[1] = &net::Interfaces::get(1);  // staff
  ifaces[2] = &net::Interfaces::get(2);  // guests
}

void configure_ifaces() {
  ifaces[0]->network_config({198, 51, 100, 2}, {255, 255, 255, 0}, {198, 51, 100, 1});  // outside
  ifaces[1]->network_config({192, 168, 10, 1}, {255, 255, 255, 0}, {0, 0, 0, 0});  // staff
  ifaces[2]->network_config({192, 168, 20, 1}, {255, 255, 255, 0}, {0, 0, 0, 0});  // guests
}

void track_connections() {
  connections = std::make_shared<net::Conntrack>();
  connections->maximum_entries = 16384;
  connections->tcp_in = track_tcp;
  ifaces[0]->enable_conntrack(connections);  // outside
  ifaces[1]->enable_conntrack(connections);  // staff
  ifaces[2]->enable_conntrack(connections);  // guests
}

void attach_chains() {
  guard_before(*ifaces[0]);  // outside
  ifaces[0]->ip_obj().input_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // outside
    return filter<decide_to_gateway, true>(std::move(packet), entry, 0, kNoIface);
  });
  guard_before(*ifaces[1]);  // staff
  ifaces[1]->ip_obj().input_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // staff
    return filter<decide_to_gateway, true>(std::move(packet), entry, 1, kNoIface);
  });
  guard_before(*ifaces[2]);  // guests
  ifaces[2]->ip_obj().input_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // guests
    return filter<decide_to_gateway, true>(std::move(packet), entry, 2, kNoIface);
  });
}

void start_router() {
  // Longest netmask first, then lowest cost: of equal netmasks the first that matches is taken.
  router = std::make_unique<net::Router<IP4>>(net::Router<IP4>::Routing_table{
      {{192, 168, 10, 0}, {255, 255, 255, 0}, {0, 0, 0, 0}, *ifaces[1], 1},  // staff
      {{192, 168, 20, 0}, {255, 255, 255, 0}, {0, 0, 0, 0}, *ifaces[2], 1},  // guests
      {{0, 0, 0, 0}, {0, 0, 0, 0}, {198, 51, 100, 1}, *ifaces[0], 1},  // outside
  });
  router->send_time_exceeded = true;
  router->forward_chain.chain.push_back([](Packet_ptr packet, Inet& from, Entry_ptr entry) {
    return filter<decide_through>(std::move(packet), entry, number_of(from), kNoIface);
  });
  router->forward_chain.chain.push_back(check_ttl);
  ifaces[0]->set_forward_delg(router->forward_delg());
  ifaces[1]->set_forward_delg(router->forward_delg());
  ifaces[2]->set_forward_delg(router->forward_delg());
}

void translate_addresses() {
  translator = std::make_unique<net::nat::NAPT>(connections);
  ifaces[0]->ip_obj().prerouting_chain().chain.push_back(demasquerade);  // outside
  ifaces[0]->ip_obj().postrouting_chain().chain.push_back(masquerade);  // outside
}

void guard_chains() {
  guard_after(*ifaces[0]);  // outside
  guard_after(*ifaces[1]);  // staff
  guard_after(*ifaces[2]);  // guests
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
  constexpr char kGreeting[] = "NaCl: 3 interfaces, 3 routes, 2 filters\n";
  os::print(kGreeting, sizeof kGreeting - 1);
}

void Service::start() { register_plugin_nacl(); }
#endif
