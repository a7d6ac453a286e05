// The firewall of tracking.nacl, compiled by naclc. Do not edit: change the policy and compile it again.
//
//   packet --glue--> Packet --decide_...()--> verdict --glue--> passed on or dropped
//
// The first half decides and knows nothing of the operating system; -DNACLC_NATIVE compiles it alone, as a
// library. The second half registers it with IncludeOS's API.

#include <cstddef>
#include <cstdint>

#ifndef NACLC_NATIVE
#include <memory>
#include <net/interfaces>
#include <net/tcp/tcp_conntrack.hpp>
#include <os>
#include <service>
#include <syslogd>
#include <utility>
#endif

namespace {

// ---- What a decision is made from, and what it is ----

// IANA protocol numbers.
constexpr uint8_t kTcp = 6;

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

// An IPv4 packet and all that is known about it. Fields in host order, as docs/language.md 7.1 defines them.
struct Packet {
  const uint8_t* ip;         // the IPv4 header; at least 20 octets are there
  const uint8_t* transport;  // the TCP, UDP or ICMP header; null when it is not there (docs/language.md 8.3)
  State state;
  uint16_t in;  // Iface numbers; 0xffff: none that the policy declares
  uint16_t out;

  bool has(uint8_t protocol) const { return transport != nullptr && ip[9] == protocol; }

  uint32_t ip_protocol() const { return ip[9]; }
  uint32_t tcp_dport() const { return load16(transport + 2); }
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

// line 7: Filter::IP inbound
uint32_t decide_inbound(const Packet& packet, Log& log) {
  // line 8: if (ct.state == established)
  if (packet.ct_state() == kEstablished) return accept(1);  // line 8
  // line 9: if (ct.state == untracked)
  if (packet.ct_state() == kUntracked) {
    log.message(7).text("untracked ").number(packet.ip_protocol()).send();
    return drop(4);  // line 9
  }
  // line 10: Filter::TCP
  if (packet.has(kTcp)) {
    // line 10: if (tcp.dport == ssh)
    if (packet.tcp_dport() == 22) return accept(7);  // line 10
  }
  return drop(8);  // line 11
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
constexpr Decide kFunctions[] = {decide_inbound};
constexpr uint8_t kProtocols[] = {0};

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
  Log log{print, send_message};
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
  ifaces[0] = &net::Interfaces::get(0);  // eth0
}

void configure_ifaces() {
  ifaces[0]->network_config({192, 0, 2, 2}, {255, 255, 255, 0}, {0, 0, 0, 0});  // eth0
}

void track_connections() {
  connections = std::make_shared<net::Conntrack>();
  connections->maximum_entries = 20000;
  connections->reserve(20000);
  connections->timeout.confirmed.icmp = net::Conntrack::Timeout_duration{5};
  connections->timeout.established.tcp = net::Conntrack::Timeout_duration{600};
  connections->timeout.established.udp = net::Conntrack::Timeout_duration{60};
  connections->tcp_in = track_tcp;
  ifaces[0]->enable_conntrack(connections);  // eth0
}

void attach_chains() {
  guard_before(*ifaces[0]);  // eth0
  ifaces[0]->ip_obj().input_chain().chain.push_back([](Packet_ptr packet, Inet&, Entry_ptr entry) {  // eth0
    return filter<decide_inbound, true>(std::move(packet), entry, 0, kNoIface);
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
  constexpr char kGreeting[] = "NaCl: 1 interface, 0 routes, 1 filter\n";
  os::print(kGreeting, sizeof kGreeting - 1);
}

void Service::start() { register_plugin_nacl(); }
#endif
