// DHCP messages: what a client sends, and reading what a server says.
//
// Spec    RFC 2131 §2 (format), §4.3.1 (what an answer holds); RFC 2132 (options); RFC 3396 is not followed:
// none
//         of the options that are read may be split.
//
// Everything that comes in is untrusted: read_answer checks its form, is_sound whether such a lease can be.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <hw/mac_addr.hpp>
#include <net/counters.hpp>
#include <net/ip4/addr.hpp>
#include <optional>
#include <span>

namespace net::dhcp {

inline constexpr std::uint16_t kServerPort = 67;
inline constexpr std::uint16_t kClientPort = 68;
inline constexpr std::uint32_t kForEver = 0xffff'ffff;  // a lease without end

enum class Type : std::uint8_t { kDiscover = 1, kOffer = 2, kRequest = 3, kAck = 5, kNak = 6 };

// What a client says. Addresses that are 0.0.0.0 are left out.
struct Request {
  Type type;
  std::uint32_t transaction;
  std::uint16_t seconds;  // since the client began to ask
  MAC::Addr mac;
  ip4::Addr current;  // the client's address, when it has one
  ip4::Addr wanted;
  ip4::Addr server;
};

inline constexpr std::size_t kRequestSize = 300;  // octets, RFC 1542 §2.1
using Request_octets = std::array<std::uint8_t, kRequestSize>;
void write_request(Request_octets& octets, const Request& request);

// What a server says. Addresses and times (seconds) that it did not give are 0.
struct Answer {
  Type type{};
  ip4::Addr address;
  ip4::Addr server;
  ip4::Addr netmask;
  ip4::Addr router;
  ip4::Addr dns;
  std::uint32_t lease = 0;
  std::uint32_t renew_after = 0;   // T1
  std::uint32_t rebind_after = 0;  // T2
};

// Read `octets` as an answer to `transaction` of the client with that MAC address. What is wrong with it:
// kDhcpMalformed or kDhcpNotOurs.
[[nodiscard]] std::optional<Drop> read_answer(std::span<const std::uint8_t> octets, std::uint32_t transaction,
                                              const MAC::Addr& mac, Answer& answer);

// Whether an Iface can live with what an offer or acknowledgement gives: a host's address, a contiguous
// netmask, a router of that subnet (or none), a lease of at least a second.
[[nodiscard]] bool is_sound(const Answer& answer);

}  // namespace net::dhcp
