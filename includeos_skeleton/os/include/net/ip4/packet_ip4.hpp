// An IPv4 packet: accessors over the header, under IncludeOS's names.
//
// Numbers are in host order, except ip_checksum, which is as it stands in the packet (as on IncludeOS).
// A packet that reached a filter has passed the checks of IP4::receive: at least ip_header_length() octets
// are there, and size() is its total length.
//
// Spec    RFC 791 §3.1; RFC 1624 (TTL).
#pragma once

#include <cstddef>
#include <cstdint>
#include <net/inet_common.hpp>
#include <net/ip4/header.hpp>
#include <span>

namespace net {

class PacketIP4 : public Packet {
 public:
  static constexpr int DEFAULT_TTL = 64;
  using Span = std::span<Byte>;
  using Cspan = std::span<const Byte>;

  std::uint8_t ip_version() const noexcept { return header().version_ihl >> 4; }
  bool is_ipv4() const noexcept { return ip_version() == 4; }
  std::uint8_t ip_ihl() const noexcept { return header().version_ihl & 0xf; }  // 32-bit words
  std::uint8_t ip_header_length() const noexcept {
    return static_cast<std::uint8_t>(ip_ihl() * 4);
  }  // octets
  DSCP ip_dscp() const noexcept { return static_cast<DSCP>(header().ds_ecn >> 2); }
  ECN ip_ecn() const noexcept { return static_cast<ECN>(header().ds_ecn & 3); }
  std::uint16_t ip_total_length() const noexcept { return ntohs(header().tot_len); }
  std::uint16_t ip_id() const noexcept { return ntohs(header().id); }
  ip4::Flags ip_flags() const noexcept {
    return static_cast<ip4::Flags>(ntohs(header().frag_off_flags) >> 13);
  }
  std::uint16_t ip_frag_offs() const noexcept { return ntohs(header().frag_off_flags) & 0x1fff; }  // 8 octets
  std::uint8_t ip_ttl() const noexcept { return header().ttl; }
  Protocol ip_protocol() const noexcept { return static_cast<Protocol>(header().protocol); }
  std::uint16_t ip_checksum() const noexcept { return header().check; }
  const ip4::Addr& ip_src() const noexcept { return header().saddr; }
  const ip4::Addr& ip_dst() const noexcept { return header().daddr; }
  std::uint16_t ip_data_length() const noexcept {
    return static_cast<std::uint16_t>(size() - ip_header_length());
  }
  std::uint16_t compute_ip_checksum() const noexcept {
    return net::checksum(layer_begin(), ip_header_length());
  }

  void set_ip_total_length(std::uint16_t length) noexcept { header().tot_len = htons(length); }
  void set_ip_id(std::uint16_t id) noexcept { header().id = htons(id); }
  void set_ip_ttl(std::uint8_t ttl) noexcept { header().ttl = ttl; }
  void set_protocol(Protocol protocol) noexcept { header().protocol = static_cast<std::uint8_t>(protocol); }
  void set_ip_src(const ip4::Addr& addr) noexcept { header().saddr = addr; }
  void set_ip_dst(const ip4::Addr& addr) noexcept { header().daddr = addr; }
  void set_ip_checksum(std::uint16_t network_order) noexcept { header().check = network_order; }
  void set_ip_checksum() noexcept {
    header().check = 0;
    header().check = compute_ip_checksum();
  }
  // One hop less, the checksum kept correct. The TTL must not be 0.
  void decrement_ttl() noexcept {
    const std::uint8_t ttl = header().ttl;
    const std::uint8_t protocol = header().protocol;
    header().ttl = static_cast<std::uint8_t>(ttl - 1);
    header().check = checksum_update(header().check, static_cast<std::uint16_t>(ttl | protocol << 8),
                                     static_cast<std::uint16_t>(header().ttl | protocol << 8));
  }

  // Total length and checksum, from what the packet holds now.
  void make_flight_ready() noexcept {
    set_ip_total_length(static_cast<std::uint16_t>(size()));
    set_ip_checksum();
  }
  // An empty packet becomes one with a header of 20 octets: TTL 64, no options, addresses and checksum 0.
  void init(Protocol protocol = Protocol::HOPOPT) {
    set_data_end(sizeof(ip4::Header));
    ::new (layer_begin()) ip4::Header{};
    header().tot_len = htons(sizeof(ip4::Header));
    header().ttl = DEFAULT_TTL;
    set_protocol(protocol);
  }

  Span ip_data() { return {layer_begin() + ip_header_length(), ip_data_length()}; }
  Cspan ip_data() const { return {layer_begin() + ip_header_length(), ip_data_length()}; }

  // RFC 791 §3.1: exactly more-fragments, or an offset (docs/language.md 8.1 (5)).
  bool is_fragment() const noexcept { return ip_flags() == ip4::Flags::MF || ip_frag_offs() != 0; }

  // docs/language.md 8.3: offset 0, and at least 20 (TCP) or 8 (UDP, ICMP) octets of data. False for every
  // other protocol.
  bool has_transport_header() const noexcept;

 private:
  friend class Packet;
  PacketIP4(Byte* buffer, hw::Frame* frame, Byte* begin, Byte* end) noexcept
      : Packet{buffer, frame, begin, end} {}

  const ip4::Header& header() const noexcept { return *reinterpret_cast<const ip4::Header*>(layer_begin()); }
  ip4::Header& header() noexcept { return *reinterpret_cast<ip4::Header*>(layer_begin()); }
};

inline bool PacketIP4::has_transport_header() const noexcept {
  if (ip_frag_offs() != 0) return false;
  switch (ip_protocol()) {
    case Protocol::TCP:
      return ip_data_length() >= 20;
    case Protocol::UDP:
    case Protocol::ICMPv4:
      return ip_data_length() >= 8;
    default:
      return false;
  }
}

}  // namespace net
