// A double of the operating system: just enough of IncludeOS's API for a generated service to register with,
// and nothing that moves packets by itself. A test puts packets into the chains and looks at what comes out.
//
// -DFAULTY gives its NICs frame_offset_link(), by which a service knows that the guards are needed.
#pragma once

#include <cstdint>
#include <cstdio>
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

namespace hw {
struct Nic {
  std::size_t headroom;
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
  bool is_multicast() const { return whole >> 28 == 14; }
};
}  // namespace ip4

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
  };
  using Entry_ptr = const Entry*;
  Entry* found = nullptr;  // what get() finds, whatever the packet
  Entry* get(const PacketIP4&) const { return found; }
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
  static Inet& get(int number) {
    static std::map<int, Inet> all;
    return all[number];
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

}  // namespace net

namespace os {
inline void print(const char* text, std::size_t length) { std::fwrite(text, 1, length, stdout); }
enum class Panic_action { halt, reboot, shutdown };
inline Panic_action chosen = Panic_action::halt;
inline void set_panic_action(Panic_action action) { chosen = action; }
}  // namespace os

struct Service {
  static void start();
};
