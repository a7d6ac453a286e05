// The IPv4 header as it travels.
//
// Spec    RFC 791 §3.1; RFC 2474 (the octet of DSCP and ECN). All fields are in network order.
#pragma once

#include <cstdint>
#include <net/ip4/addr.hpp>

namespace net::ip4 {

// The three bits in front of the fragment offset, as a number.
enum class Flags : std::uint8_t { NONE = 0, MF = 1, DF = 2, MFDF = 3 };

struct [[gnu::packed]] Header {
  std::uint8_t version_ihl = 0x45;
  std::uint8_t ds_ecn = 0;
  std::uint16_t tot_len = 0;  // octets, header and data
  std::uint16_t id = 0;
  std::uint16_t frag_off_flags = 0;
  std::uint8_t ttl = 0;
  std::uint8_t protocol = 0;
  std::uint16_t check = 0;
  Addr saddr;
  Addr daddr;
};
static_assert(sizeof(Header) == 20 && alignof(Header) == 1);

}  // namespace net::ip4
