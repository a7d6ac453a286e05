// Translation of addresses and ports, under IncludeOS's name and signatures.
//
//   dnat, snat(packet, entry, to)   the packet goes to, or comes from, `to`; its replies are expected so
//   dnat(packet, entry)             a reply to what a snat or masquerade hid goes to where the flow began
//   snat(packet, entry)             a reply from where a dnat sent the flow comes from where it was sent
//   masquerade, demasquerade        snat to the Iface's address and a port of its own, and back
//
// Meaning   docs/language.md 8.5 and 13. Addresses of TCP, UDP and ICMPv4, ports of TCP and UDP; a port for
// ICMP,
//           a null entry, and a packet without its transport header change nothing.
// Refuses   a translation after which two flows would look alike, or for which no port is left: the packet
// stays
//           as it was, and when the filter drops it for that, the drop counts as nat-collision or
//           ports-exhausted. A filter sees that by its address and port.
// Ports     49152 .. 65535, for each Iface and protocol; a flow has its own until its entry ends. Of those
// that
//           are free one that nobody can foresee is taken whose replies no other flow expects, and at which
//           the machine does not listen itself; kTries are tried.
// Spec      RFC 1624 (checksums), RFC 768 (UDP without one), RFC 6335 §6 (dynamic ports), RFC 6056 §3.3.1
// (their
//           choice).
//
// All memory is taken by the constructor, for the Ifaces that there are then.
#pragma once

#include <memory>
#include <net/conntrack.hpp>
#include <net/inet.hpp>
#include <vector>

namespace net::nat {

class Port_pool;

class NAPT {
 public:
  using Stack = Inet;

  static constexpr bool kRefusesCollisions = true;
  static constexpr int kTries = 128;  // ports that other flows hold without masquerading, for one new flow

  explicit NAPT(std::shared_ptr<Conntrack> conntrack);
  ~NAPT();
  NAPT(const NAPT&) = delete;
  NAPT& operator=(const NAPT&) = delete;

  void masquerade(IP4::IP_packet& packet, Stack& stack, Conntrack::Entry_ptr entry);
  void demasquerade(IP4::IP_packet& packet, const Stack& stack, Conntrack::Entry_ptr entry);

  void dnat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, Socket to);
  void dnat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, ip4::Addr to);
  void dnat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, std::uint16_t to);
  void dnat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry);

  void snat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, Socket to);
  void snat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, ip4::Addr to);
  void snat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, std::uint16_t to);
  void snat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry);

 private:
  struct Pools;

  bool expect_from(Conntrack::Entry_ptr entry, const Socket& source);
  bool expect_at(Conntrack::Entry_ptr entry, const Socket& destination);
  bool hide(Conntrack::Entry_ptr entry, const Stack& stack, ip4::Addr address);
  bool hide_anew(Conntrack::Entry_ptr known, Pools& pools, ip4::Addr address);

  std::shared_ptr<Conntrack> conntrack_;
  std::vector<Pools> pools_;  // one for each Iface; entries point into it
};

}  // namespace net::nat
