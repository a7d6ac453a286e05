// The firewall of nat.nacl, compiled by naclc. Do not edit: change the policy and compile it again.
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
#include <net/nat/napt.hpp>
#include <net/router.hpp>
#include <os>
#include <service>
#include <syslogd>
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
constexpr uint32_t kRewrite = 3;  // above it the number of an entry of kRewrites
constexpr uint32_t rewrite(uint32_t number) { return kRewrite | number << 8; }

constexpr uint32_t address(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// What a dnat or snat asks for: another destination or source. 0: as it is.
enum Rewrite_kind : uint8_t { kDnat, kSnat };
struct Rewrite {
  uint32_t statement;
  Rewrite_kind kind;
  uint32_t address;  // host order
  uint16_t port;
};
constexpr Rewrite kRewrites[] = {
    {9, kDnat, 0, 53},  // line 23: dnat(53)
    {3, kDnat, address(10, 0, 0, 80), 8080},  // line 15: dnat(web, 8080)
    {5, kDnat, address(10, 0, 0, 80), 0},  // line 16: dnat(web)
    {11, kDnat, address(198, 51, 100, 2), 0},  // line 26: dnat(198.51.100.2)
    {13, kSnat, address(10, 0, 0, 1), 40000},  // line 29: snat(10.0.0.1, 40000)
    {15, kSnat, address(10, 0, 0, 1), 0},  // line 32: snat(10.0.0.1)
};

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
// What stands between message() and send() is one message, cut at 256 octets, for `messages`.
class Log {
 public:
  using Sink = void (*)(const char* text, uint32_t length);
  using Messages = void (*)(uint8_t severity, const char* text, uint32_t length);

  Log(Sink sink, Messages messages) : sink_{sink}, messages_{messages} {}
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
  // Severity as RFC 5424 6.2.1 numbers them.
  Log& message(uint8_t severity) {
    if (length_ != 0) sink_(buffer_, length_);
    length_ = 0;
    severity_ = severity;
    return *this;
  }
  void send() {
    messages_(severity_, buffer_, length_);
    length_ = 0;
    severity_ = kConsole;
  }

 private:
  Log& octets(const char* text, size_t length) {
    for (size_t i = 0; i < length; ++i) {
      if (length_ == sizeof buffer_) {
        if (severity_ != kConsole) return *this;
        sink_(buffer_, length_);
        length_ = 0;
      }
      buffer_[length_++] = text[i];
    }
    return *this;
  }
  static constexpr uint8_t kConsole = 0xff;

  Sink sink_;
  Messages messages_;
  uint8_t severity_ = kConsole;
  uint32_t length_ = 0;
  char buffer_[256];
};

// ---- Functions of the policy, callees before callers ----

// line 22: Nat::UDP others
uint32_t decide_others(const Packet& packet, Log&) {
  // line 23: if (udp.dport == 5353)
  if (packet.udp_dport() == 5353) return rewrite(0);  // line 23
  return kEnd;
}

// line 12: Nat::IP ports
uint32_t decide_ports(const Packet& packet, Log& log) {
  // line 13: Nat::TCP
  if (packet.has(kTcp)) {
    // line 14: if (ip.daddr == outside.address)
    if (packet.ip_daddr() == address(192, 0, 2, 2)) {
      // line 15: if (tcp.dport == http)
      if (packet.tcp_dport() == 80) return rewrite(1);  // line 15
      // line 16: if (tcp.dport in [https, 8443])
      if (packet.tcp_dport() == 443 || packet.tcp_dport() == 8443) return rewrite(2);  // line 16
    }
  }
  // line 19: others()
  if (packet.has(kUdp)) {
    if (const uint32_t decision = decide_others(packet, log); decision != kEnd) return decision;
  }
  log.text("not forwarded: ").address(packet.ip_saddr()).text("\n");
  return kEnd;
}

// line 25: Nat::ICMP own_names
uint32_t decide_own_names(const Packet& packet, Log&) {
  // line 26: if (ip.daddr == 198.51.100.1)
  if (packet.ip_daddr() == address(198, 51, 100, 1)) return rewrite(3);  // line 26
  return kEnd;
}

// line 28: Nat::TCP to_source
uint32_t decide_to_source(const Packet& packet, Log&) {
  // line 29: if (tcp.dport == 2222)
  if (packet.tcp_dport() == 2222) return rewrite(4);  // line 29
  return kEnd;
}

// line 31: Nat::IP to_printer
uint32_t decide_to_printer(const Packet& packet, Log&) {
  // line 32: if (ip.daddr == 10.0.0.9)
  if (packet.ip_daddr() == address(10, 0, 0, 9)) return rewrite(5);  // line 32
  return kEnd;
}

// line 34: Filter::IP from_outside
uint32_t decide_from_outside(const Packet& packet, Log& log) {
  // line 35: if (ct.state == established or ip.daddr == web)
  if (packet.ct_state() == kEstablished || packet.ip_daddr() == address(10, 0, 0, 80)) {
    return accept(17);  // line 35
  }
  log.message(4).text("refused ").address(packet.ip_saddr()).text(" 100 %m ").state(packet.ct_state()).send();
  return drop(19);  // line 37
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
Native_text native_messages;

// Each message: its severity, four octets of its length, the most significant first, and its text.
void to_native_messages(uint8_t severity, const char* text, uint32_t length) {
  const char head[] = {static_cast<char>(severity), static_cast<char>(length >> 24), static_cast<char>(length >> 16),
                       static_cast<char>(length >> 8), static_cast<char>(length)};
  native_messages.add(head, sizeof head);
  native_messages.add(text, length);
}

using Decide = uint32_t (*)(const Packet&, Log&);
constexpr Decide kFunctions[] = {decide_others, decide_ports, decide_own_names, decide_to_source, decide_to_printer, decide_from_outside};
constexpr uint8_t kProtocols[] = {17, 0, 1, 6, 0, 0};

}  // namespace

// Run function `function` on the packet of `length` octets at `ip` and return its decision. At most `capacity`
// octets of its log go to `log`, at most `message_capacity` of its messages to `messages`; the lengths become those
// of all of it. Not for several threads at once.
extern "C" [[gnu::visibility("default")]] uint32_t naclc_decide(
    uint32_t function, const uint8_t* ip, uint32_t length, uint8_t state, uint16_t in, uint16_t out, char* log,
    uint32_t capacity, uint32_t* log_length, char* messages, uint32_t message_capacity,
    uint32_t* messages_length) {
  native_log = {log, capacity, 0};
  native_messages = {messages, message_capacity, 0};
  *log_length = *messages_length = 0;
  if (function >= sizeof kFunctions / sizeof *kFunctions || length < 20) return kEnd;
  const Packet packet{ip, transport_header(ip, length), static_cast<State>(state), in, out};
  const uint8_t protocol = kProtocols[function];  // 0: any
  if (protocol != 0 && (packet.transport == nullptr || ip[9] != protocol)) return kEnd;
  uint32_t decision = kEnd;
  {
    Log text{[](const char* octets, uint32_t count) { native_log.add(octets, count); }, to_native_messages};
    decision = kFunctions[function](packet, text);
  }
  *log_length = native_log.length;
  *messages_length = native_messages.length;
  return decision;
}

// What a decision with 3 in its low octet asks for: statement, 0 for dnat or 1 for snat, address, port (0: as it is).
extern "C" [[gnu::visibility("default")]] void naclc_rewrite(uint32_t decision, uint32_t* values) {
  const Rewrite& asked = kRewrites[decision >> 8];
  values[0] = asked.statement;
  values[1] = asked.kind;
  values[2] = asked.address;
  values[3] = asked.port;
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

// ---- Messages ----

// IncludeOS puts the text of errno wherever a message has "%m", and ends it at an octet 0: each becomes a blank, or
// gets one. A message that is sent because of the packet that carries another one goes nowhere.
void send_message(uint8_t severity, const char* text, uint32_t length) {
  static bool sending = false;
  if (sending) return;
  char line[256 * 2 + 1];
  uint32_t end = 0;
  for (uint32_t i = 0; i < length; ++i) {
    if (i != 0 && text[i] == 'm' && text[i - 1] == '%') line[end++] = ' ';
    line[end++] = text[i] == 0 ? ' ' : text[i];
  }
  line[end] = 0;
  sending = true;
  Syslog::syslog(severity, "%s", line);
  sending = false;
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

// Carry out a dnat or snat on a packet of the original direction.
Verdict rewrite_packet(Packet_ptr packet, Entry_ptr entry, const Rewrite& asked) {
  const bool icmp = packet->ip_protocol() == net::Protocol::ICMPv4;
  if (icmp && asked.port != 0) return pass(std::move(packet));  // ICMP has no ports
  const net::Quadruple tuple = tuple_of(*packet);
  const net::Socket& now = asked.kind == kDnat ? tuple.dst : tuple.src;
  const uint32_t to = asked.address;
  const net::ip4::Addr address =
      to == 0 ? net::ip4::Addr{now.address().v4()}
              : net::ip4::Addr{static_cast<uint8_t>(to >> 24), static_cast<uint8_t>(to >> 16),
                               static_cast<uint8_t>(to >> 8), static_cast<uint8_t>(to)};
  const net::Socket target{address, asked.port == 0 ? now.port() : asked.port};
  net::Quadruple replies = entry->second;
  (asked.kind == kDnat ? replies.src : replies.dst) = target;
  if (!may_expect(entry, replies)) return drop_packet();
  rewriting(*packet, [&] {
    if (asked.kind == kDnat) {
      icmp ? translator->dnat(*packet, entry, address) : translator->dnat(*packet, entry, target);
    } else {
      icmp ? translator->snat(*packet, entry, address) : translator->snat(*packet, entry, target);
    }
  });
  const net::Quadruple result = tuple_of(*packet);
  return (asked.kind == kDnat ? result.dst : result.src) == target ? pass(std::move(packet)) : drop_packet();
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

// A reply to where a snat said that the packet came from goes to where it came from.
Verdict undo_snat(Packet_ptr packet, Inet&, Entry_ptr entry) {
  entry = entry_of(*packet, entry);
  if (entry != nullptr) rewriting(*packet, [&] { translator->dnat(*packet, entry); });
  return pass(std::move(packet));
}

// A reply from where a dnat sent the packet comes from where it was sent.
template <bool at_input = false>
Verdict undo_dnat(Packet_ptr packet, Inet&, Entry_ptr entry) {
  entry = entry_of(*packet, entry);
  if constexpr (at_input) {
    if (entry != nullptr) entry = own_entry(*packet, entry);
  }
  if (entry != nullptr) rewriting(*packet, [&] { translator->snat(*packet, entry); });
  return pass(std::move(packet));
}

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
  Log log{print, send_message};
  const uint32_t decision = decide(Packet{ip, transport, state_of(entry), in, out}, log);
  return verdict_of(decision) == kAccept ? pass(std::move(packet)) : drop_packet();
}

// Run a Nat of the policy for `protocol` (0: any) on a packet that came to the hook with `entry`, and carry out what
// it asks for if that is `acting`, which the hook says, and the packet is of the original direction.
template <uint32_t (*decide)(const Packet&, Log&), uint8_t protocol, Rewrite_kind acting, bool at_input = false>
Verdict translate(Packet_ptr packet, Entry_ptr entry, uint16_t in, uint16_t out) {
  const uint8_t* const ip = packet->layer_begin();
  const auto length = static_cast<uint32_t>(packet->size());
  if (length < 20) return drop_packet();
  const uint8_t* const transport = transport_header(ip, length);
  if constexpr (at_input) {
    entry = transport == nullptr ? nullptr : own_entry(*packet, entry);
  }
  if (transport == nullptr || entry == nullptr) return drop_packet();  // untracked: drop (docs/language.md 8.2)
  if (protocol != 0 && ip[9] != protocol) return pass(std::move(packet));
  Log log{print, send_message};
  const uint32_t decision = decide(Packet{ip, transport, state_of(entry), in, out}, log);
  if (verdict_of(decision) != kRewrite) return pass(std::move(packet));
  const Rewrite& asked = kRewrites[decision >> 8];
  const bool acts = asked.kind == acting && is_original(*entry, *packet);
  return acts ? rewrite_packet(std::move(packet), entry, asked) : pass(std::move(packet));
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
  ifaces[0]->network_config({192, 0, 2, 2}, {255, 255, 255, 0}, {192, 0, 2, 1});  // outside
  ifaces[1]->network_config({10, 0, 0, 1}, {255, 255, 255, 0}, {0, 0, 0, 0});  // inside
}

void track_connections() {
  connections = std::make_shared<net::Conntrack>();
  ifaces[0]->enable_conntrack(connections);  // outside
  ifaces[1]->enable_conntrack(connections);  // inside
}

void attach_chains() {
  guard_before(*ifaces[0]);  // outside
  ifaces[0]->ip_obj().prerouting_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // outside
    return translate<decide_ports, 0, kDnat>(std::move(packet), entry, 0, kNoIface);
  });
  ifaces[0]->ip_obj().prerouting_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // outside
    return filter<decide_from_outside>(std::move(packet), entry, 0, kNoIface);
  });
  ifaces[0]->ip_obj().input_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // outside
    return translate<decide_to_source, 6, kSnat, true>(std::move(packet), entry, 0, kNoIface);
  });
  ifaces[0]->ip_obj().output_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // outside
    return translate<decide_own_names, 1, kDnat>(std::move(packet), entry, kNoIface, kNoIface);
  });
  guard_before(*ifaces[1]);  // inside
  ifaces[1]->ip_obj().postrouting_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // inside
    return translate<decide_to_printer, 0, kSnat>(std::move(packet), entry, kNoIface, 1);
  });
}

void start_router() {
  // Longest netmask first, then lowest cost: of equal netmasks the first that matches is taken.
  router = std::make_unique<net::Router<IP4>>(net::Router<IP4>::Routing_table{
      {{10, 0, 0, 0}, {255, 255, 255, 0}, {0, 0, 0, 0}, *ifaces[1], 1},  // inside
      {{0, 0, 0, 0}, {0, 0, 0, 0}, {192, 0, 2, 1}, *ifaces[0], 1},  // outside
  });
  router->send_time_exceeded = true;
  router->forward_chain.chain.push_back(check_ttl);
  ifaces[0]->set_forward_delg(router->forward_delg());
  ifaces[1]->set_forward_delg(router->forward_delg());
}

void translate_addresses() {
  translator = std::make_unique<net::nat::NAPT>(connections);
  ifaces[0]->ip_obj().prerouting_chain().chain.push_back(demasquerade);  // outside
  ifaces[0]->ip_obj().prerouting_chain().chain.push_back(undo_snat);  // outside
  ifaces[0]->ip_obj().postrouting_chain().chain.push_back(masquerade);  // outside
  ifaces[0]->ip_obj().postrouting_chain().chain.push_back(undo_dnat<false>);  // outside
  ifaces[0]->ip_obj().input_chain().chain.push_back(undo_dnat<true>);  // outside
  ifaces[0]->ip_obj().output_chain().chain.push_back(undo_snat);  // outside
  ifaces[1]->ip_obj().prerouting_chain().chain.push_back(undo_snat);  // inside
  ifaces[1]->ip_obj().postrouting_chain().chain.push_back(undo_dnat<false>);  // inside
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
  constexpr char kGreeting[] = "NaCl: 2 interfaces, 2 routes, 1 filter, 4 nats\n";
  os::print(kGreeting, sizeof kGreeting - 1);
}

void Service::start() { register_plugin_nacl(); }
#endif
