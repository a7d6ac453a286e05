// A double of the operating system: just enough of IncludeOS's API for a generated service to register with,
// and nothing that moves packets by itself. A test puts packets into the chains and looks at what comes out.
//
// -DFAULTY gives its NICs frame_offset_link(), by which a service knows that the guards are needed.
#pragma once

#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

template <class Signature>
using delegate = std::function<Signature>;

namespace MAC {
using Addr = std::string;
}  // namespace MAC

namespace hw {
struct Nic {
  std::size_t headroom;
  std::uint32_t sendq_limit = 1, buffer_limit = 1;
  void set_sendq_limit(std::uint32_t limit) { sendq_limit = limit; }
  void set_buffer_limit(std::uint32_t limit) { buffer_limit = limit; }
#ifdef FAULTY
  std::size_t frame_offset_link() const { return 14; }
#endif
};
}  // namespace hw

namespace net {

namespace ip4 {
struct Addr {
  std::uint32_t whole = 0;  // host order here
  Addr() = default;
  Addr(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d)
      : whole{static_cast<std::uint32_t>(a) << 24 | static_cast<std::uint32_t>(b) << 16 |
              static_cast<std::uint32_t>(c) << 8 | d} {}
  bool operator==(const Addr&) const = default;
  auto operator<=>(const Addr&) const = default;
  bool is_multicast() const { return whole >> 28 == 14; }
  const Addr& v4() const { return *this; }
};
}  // namespace ip4

enum class Protocol : std::uint8_t { ICMPv4 = 1, TCP = 6, UDP = 17 };

class Socket {
 public:
  Socket() = default;
  Socket(ip4::Addr address, std::uint16_t port) : address_{address}, port_{port} {}
  const ip4::Addr& address() const { return address_; }
  std::uint16_t port() const { return port_; }
  bool operator==(const Socket&) const = default;

 private:
  ip4::Addr address_;
  std::uint16_t port_ = 0;
};

struct Quadruple {
  Socket src, dst;
  bool operator==(const Quadruple&) const = default;
  Quadruple& swap() {
    std::swap(src, dst);
    return *this;
  }
};

struct Packet {
  static constexpr std::size_t kSize = 70000;
  std::unique_ptr<std::uint8_t[]> storage = std::make_unique<std::uint8_t[]>(kSize);
  std::size_t begin = 0;
  std::size_t end = 0;

  std::uint8_t* buf() { return storage.get(); }
  std::uint8_t* layer_begin() const { return storage.get() + begin; }
  int size() const { return static_cast<int>(end - begin); }
  int capacity() const { return static_cast<int>(kSize - begin); }
  void set_data_end(int offset) { end = begin + static_cast<std::size_t>(offset); }
};

struct PacketIP4 : Packet {
  std::uint8_t octet(int at) const { return layer_begin()[at]; }
  std::uint8_t ip_header_length() const { return static_cast<std::uint8_t>((octet(0) & 15) * 4); }
  std::uint16_t ip_total_length() const { return static_cast<std::uint16_t>(octet(2) << 8 | octet(3)); }
  std::uint16_t ip_frag_offs() const { return static_cast<std::uint16_t>((octet(6) & 31) << 8 | octet(7)); }
  std::uint16_t ip_data_length() const { return static_cast<std::uint16_t>(size() - ip_header_length()); }
  std::uint8_t ip_ttl() const { return octet(8); }
  Protocol ip_protocol() const { return Protocol{octet(9)}; }
  ip4::Addr ip_src() const { return {octet(12), octet(13), octet(14), octet(15)}; }
  std::uint16_t word(int at) const { return static_cast<std::uint16_t>(octet(at) << 8 | octet(at + 1)); }
  ip4::Addr ip_dst() const { return {octet(16), octet(17), octet(18), octet(19)}; }
};

template <class Derived, class Base>
std::unique_ptr<Derived> static_unique_ptr_cast(std::unique_ptr<Base> base) {
  return std::unique_ptr<Derived>{static_cast<Derived*>(base.release())};
}

struct Conntrack {
  enum class State { NEW, ESTABLISHED, RELATED, UNCONFIRMED };
  struct Entry {
    State state;
    Quadruple first{}, second{};
    Protocol proto = Protocol::UDP;
  };
  using Entry_ptr = const Entry*;
  using Timeout_duration = std::chrono::seconds;
  struct Timeouts {
    Timeout_duration tcp{0}, udp{0}, icmp{0};
  };
  struct {
    Timeouts unconfirmed, confirmed, established;
  } timeout;
  std::size_t maximum_entries = 0;
  std::size_t reserved = 0;
  delegate<Entry*(Conntrack&, Quadruple, const PacketIP4&)> tcp_in;
  std::vector<std::unique_ptr<Entry>> entries;
  Entry* found = nullptr;  // what get() finds for a packet, if it is set

  static Quadruple get_quadruple(const PacketIP4& p) {
    const int at = p.ip_header_length();
    return {{p.ip_src(), p.word(at)}, {p.ip_dst(), p.word(at + 2)}};
  }
  static Quadruple get_quadruple_icmp(const PacketIP4& p) {
    const std::uint16_t id = p.word(p.ip_header_length() + 4);
    return {{p.ip_src(), id}, {p.ip_dst(), id}};
  }
  static Quadruple tuple(const PacketIP4& p) {
    return p.ip_protocol() == Protocol::ICMPv4 ? get_quadruple_icmp(p) : get_quadruple(p);
  }
  Entry* get(const PacketIP4& p) const { return found != nullptr ? found : get(tuple(p), p.ip_protocol()); }
  Entry* get(const Quadruple& q, Protocol proto) const {
    for (const auto& entry : entries) {
      if (entry->proto == proto && (entry->first == q || entry->second == q)) return entry.get();
    }
    return nullptr;
  }
  Entry* add(const Quadruple& q, Protocol proto) {
    entries.push_back(std::make_unique<Entry>(Entry{State::UNCONFIRMED, q, {q.dst, q.src}, proto}));
    return entries.back().get();
  }
  Entry* in(const PacketIP4& p) {
    if (p.ip_protocol() == Protocol::TCP && tcp_in) return tcp_in(*this, tuple(p), p);
    Entry* const known = get(tuple(p), p.ip_protocol());
    return known != nullptr ? known : add(tuple(p), p.ip_protocol());
  }
  std::size_t number_of_entries() const { return 2 * entries.size(); }
  void reserve(std::size_t count) { reserved = count; }
};

enum class Filter_verdict_type { ACCEPT, DROP };
template <class IPV>
struct Filter_verdict {
  typename IPV::IP_packet_ptr packet;
  Filter_verdict_type verdict = Filter_verdict_type::DROP;
};

class Inet;
template <class IPV>
struct Filter_chain {
  std::list<delegate<Filter_verdict<IPV>(typename IPV::IP_packet_ptr, Inet&, Conntrack::Entry_ptr)>> chain;
};

struct IP4 {
  using addr = ip4::Addr;
  using IP_packet_ptr = std::unique_ptr<PacketIP4>;
  inline static const ip4::Addr ADDR_BCAST{255, 255, 255, 255};
  Filter_chain<IP4> chains[4];
  Filter_chain<IP4>& prerouting_chain() { return chains[0]; }
  Filter_chain<IP4>& input_chain() { return chains[1]; }
  Filter_chain<IP4>& output_chain() { return chains[2]; }
  Filter_chain<IP4>& postrouting_chain() { return chains[3]; }
};

class Inet {
 public:
  using Forward_delg = delegate<void(IP4::IP_packet_ptr, Inet&, Conntrack::Entry_ptr)>;
  hw::Nic device{};
  IP4 ip;
  ip4::Addr address, mask;
  std::shared_ptr<Conntrack> tracker;

  struct Ports {
    bool exhausted = false;
    bool has_free_ephemeral() const { return !exhausted; }
  };
  std::map<ip4::Addr, Ports> ports;
  std::map<ip4::Addr, Ports>& tcp_ports() { return ports; }
  std::map<ip4::Addr, Ports>& udp_ports() { return ports; }
  double dhcp_seconds = 0;
  delegate<void(bool)> dhcp_ended;
  void negotiate_dhcp(double seconds, delegate<void(bool)> ended) {
    dhcp_seconds = seconds, dhcp_ended = ended;
  }

  hw::Nic& nic() { return device; }
  IP4& ip_obj() { return ip; }
  ip4::Addr ip_addr() const { return address; }
  ip4::Addr broadcast_addr() const {
    ip4::Addr all;
    all.whole = address.whole | ~mask.whole;
    return all;
  }
  void network_config(ip4::Addr a, ip4::Addr m, ip4::Addr, ip4::Addr = {}) { address = a, mask = m; }
  void enable_conntrack(std::shared_ptr<Conntrack> ct) { tracker = std::move(ct); }
  void set_forward_delg(Forward_delg) {}
  std::unique_ptr<Packet> create_packet() {
    std::unique_ptr<Packet> packet = std::make_unique<PacketIP4>();
    packet->begin = packet->end = device.headroom;
    return packet;
  }
};

struct Interfaces {
  static std::map<std::pair<int, int>, Inet>& all() {
    static std::map<std::pair<int, int>, Inet> stacks;
    return stacks;
  }
  static Inet& get(int number, int vlan = 0) { return all()[{number, vlan}]; }
  static void create(hw::Nic& nic, int number, int vlan) { all()[{number, vlan}].device = nic; }
  static hw::Nic& get_nic(int number) { return get(number).device; }
  static int get_nic_index(const MAC::Addr& mac) { return mac == "02:00:5e:00:53:01" ? 1 : -1; }
};

struct VLAN_manager {
  static VLAN_manager& get(int) {
    static VLAN_manager one;
    return one;
  }
  hw::Nic& add(hw::Nic& nic, int id) {
    static std::map<int, hw::Nic> made;
    made[id] = nic;
    made[id].headroom = nic.headroom + 4;
    return made[id];
  }
};

template <class IPV>
struct Route {
  ip4::Addr net, mask, nexthop;
  Inet& iface;
  int cost;
};
template <class IPV>
struct Router {
  using Routing_table = std::vector<Route<IPV>>;
  inline static Router* last = nullptr;
  bool send_time_exceeded = true;
  Filter_chain<IPV> forward_chain;
  explicit Router(Routing_table) { last = this; }
  Inet::Forward_delg forward_delg() { return {}; }
};

namespace tcp {
inline Conntrack::Entry* tcp4_conntrack(Conntrack& table, Quadruple tuple, const PacketIP4&) {
  if (Conntrack::Entry* const known = table.get(tuple, Protocol::TCP)) return known;
  if (table.maximum_entries != 0 && table.number_of_entries() + 2 > table.maximum_entries) std::abort();
  return table.add(tuple, Protocol::TCP);
}
}  // namespace tcp

namespace nat {
class NAPT {
 public:
  explicit NAPT(std::shared_ptr<Conntrack> table) : table_{std::move(table)} {}

  void dnat(PacketIP4& p, Conntrack::Entry_ptr e, Socket to) {
    mutable_(e).second.src = to, write(p, 16, 2, to, true);
  }
  void dnat(PacketIP4& p, Conntrack::Entry_ptr e, ip4::Addr to) {
    mutable_(e).second.src = {to, e->second.src.port()}, write(p, 16, 2, {to, 0}, false);
  }
  void snat(PacketIP4& p, Conntrack::Entry_ptr e, Socket to) {
    mutable_(e).second.dst = to, write(p, 12, 0, to, true);
  }
  void snat(PacketIP4& p, Conntrack::Entry_ptr e, ip4::Addr to) {
    mutable_(e).second.dst = {to, e->second.dst.port()}, write(p, 12, 0, {to, 0}, false);
  }
  void dnat(PacketIP4& p, Conntrack::Entry_ptr e) {
    if (e->first.src != e->second.dst && Conntrack::tuple(p).dst == e->second.dst)
      write(p, 16, 2, e->first.src, true);
  }
  void snat(PacketIP4& p, Conntrack::Entry_ptr e) {
    if (e->first.dst != e->second.src && Conntrack::tuple(p).src == e->second.src)
      write(p, 12, 0, e->first.dst, true);
  }
  void masquerade(PacketIP4& p, Inet& stack, Conntrack::Entry_ptr e) {
    static std::uint16_t next = 50000;
    if (stack.ports[stack.ip_addr()].exhausted && e->first.src == e->second.dst) std::abort();
    const bool icmp = p.ip_protocol() == Protocol::ICMPv4;
    if (e->first.src == e->second.dst) {
      mutable_(e).second.dst = {stack.ip_addr(), icmp ? e->second.dst.port() : next++};
    }
    write(p, 12, 0, e->second.dst, true);
  }
  void demasquerade(PacketIP4& p, const Inet&, Conntrack::Entry_ptr e) {
    if (e->first.src != e->second.dst) write(p, 16, 2, e->first.src, true);
  }

 private:
  static Conntrack::Entry& mutable_(Conntrack::Entry_ptr e) { return const_cast<Conntrack::Entry&>(*e); }

  // Replace a word, and keep the checksum at `sum` right (RFC 1624); -1: none covers it.
  static void replace(PacketIP4& p, int at, std::uint16_t value, std::initializer_list<int> sums) {
    for (const int sum : sums) {
      std::uint32_t total = (~p.word(sum) & 0xffffu) + (~p.word(at) & 0xffffu) + value;
      while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
      put(p, sum, static_cast<std::uint16_t>(~total));
    }
    put(p, at, value);
  }
  static void put(PacketIP4& p, int at, std::uint16_t value) {
    p.layer_begin()[at] = static_cast<std::uint8_t>(value >> 8),
    p.layer_begin()[at + 1] = static_cast<std::uint8_t>(value);
  }
  static void write(PacketIP4& p, int address, int port, Socket to, bool with_port) {
    const int head = p.ip_header_length();
    const std::uint16_t high = static_cast<std::uint16_t>(to.address().whole >> 16);
    const std::uint16_t low = static_cast<std::uint16_t>(to.address().whole);
    std::initializer_list<int> of_ip = {10}, both = {10, head + 16}, of_tcp = {head + 16}, none = {};
    bool covered = p.ip_protocol() == Protocol::TCP;
#ifndef FAULTY
    const std::initializer_list<int> udp_both = {10, head + 6}, of_udp = {head + 6};
    if (p.ip_protocol() == Protocol::UDP && p.word(head + 6) != 0)
      covered = true, both = udp_both, of_tcp = of_udp;
#endif
    replace(p, address, high, covered ? both : of_ip);
    replace(p, address + 2, low, covered ? both : of_ip);
    if (with_port && p.ip_protocol() != Protocol::ICMPv4) {
      replace(p, head + port, to.port(), covered ? of_tcp : none);
    }
  }

  std::shared_ptr<Conntrack> table_;
};
}  // namespace nat

}  // namespace net

namespace os {
inline void print(const char* text, std::size_t length) { std::fwrite(text, 1, length, stdout); }
enum class Panic_action { halt, reboot, shutdown };
inline Panic_action chosen = Panic_action::halt;
inline void set_panic_action(Panic_action action) { chosen = action; }
inline std::size_t total_memuse() { return 23 * 1024; }
[[noreturn]] inline void panic(const char* why) {
  std::printf("\npanic: %s\n", why);
  std::exit(3);
}
}  // namespace os

struct Syslog_udp {};
struct Syslog {
  inline static net::ip4::Addr address;
  inline static std::uint16_t port = 0;
  inline static delegate<void()> on_send;  // what sending a message leads to
  static void set_facility(std::unique_ptr<Syslog_udp>) {}
  static void settings(net::ip4::Addr to, std::uint16_t at) { address = to, port = at; }
  [[gnu::format(printf, 2, 3)]] static void syslog(int priority, const char* format, ...) {
    char text[2048];
    va_list list;
    va_start(list, format);
    std::vsnprintf(text, sizeof text, format, list);
    va_end(list);
    std::printf("syslog %d %s\n", priority, text);
    if (on_send) on_send();
  }
};

struct Timers {
  using id_t = int;
  struct Timer {
    std::chrono::nanoseconds first, interval;
    delegate<void(id_t)> run;
  };
  inline static std::vector<Timer> all;
  static void periodic(std::chrono::nanoseconds first, std::chrono::nanoseconds interval,
                       delegate<void(id_t)> run) {
    all.push_back({first, interval, std::move(run)});
  }
  static std::size_t active() { return all.size(); }
  static std::size_t existing() { return 8; }
  static std::size_t free() { return 8 - all.size(); }
};

struct StackSampler {
  inline static std::uint64_t total = 0, asleep = 0;
  inline static bool begun = false;
  static void begin() { begun = true; }
  static std::uint64_t samples_total() { return total; }
  static std::uint64_t samples_asleep() { return asleep; }
  static void print(int count) { std::printf("the %d functions seen most\n", count); }
};

struct isotime {
  static std::string now() { return "2018-02-03T04:05:06Z"; }
};

namespace uplink {
struct Uplink {
  void send_stats() { std::puts("uplink"); }
};
inline Uplink& get() {
  static Uplink one;
  return one;
}
}  // namespace uplink

namespace microLB {
struct Node {
  net::Socket socket;
  struct Named {
    std::string to_string() const { return "node"; }
  };
  Named address() const { return {}; }
  int pool_size() const { return 3; }
  bool is_active() const { return true; }
};
struct Nodes {
  std::vector<Node> all;
  inline static int open = 0;
  const Node* begin() const { return all.data(); }
  const Node* end() const { return all.data() + all.size(); }
  int open_sessions() const { return open; }
  long total_sessions() const { return 12; }
  void add_node(net::Socket socket, int) { all.push_back({socket}); }
};
struct Balancer {
  inline static int waiting = 0;
  Nodes nodes;
  explicit Balancer(bool check) { std::printf("balancer, active check %d\n", check); }
  void open_for_tcp(net::Inet&, int port) { std::printf("open for tcp %d\n", port); }
  static int connect_with_tcp(net::Inet&, net::Socket node) { return node.port(); }
  int wait_queue() const { return waiting; }
};
}  // namespace microLB

struct Service {
  static void start();
};
