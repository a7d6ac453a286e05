// An IPv4 address under IncludeOS's name: net::ip4::Addr.
//
// INVARIANT order   `whole` holds the octets as they travel; comparisons are of the address as a number.
//
// Not     from text: generated code writes the four octets.
#pragma once

#include <cstdint>
#include <net/util.hpp>
#include <string>

namespace net::ip4 {

struct [[gnu::packed]] Addr {
  constexpr Addr() noexcept = default;
  // From the 32 bits as they travel (network order).
  constexpr Addr(std::uint32_t network_order) noexcept : whole{network_order} {}
  constexpr Addr(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept
      : whole{static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b) << 8 |
              static_cast<std::uint32_t>(c) << 16 | static_cast<std::uint32_t>(d) << 24} {}

  constexpr bool operator==(const Addr other) const noexcept { return whole == other.whole; }
  constexpr bool operator!=(const Addr other) const noexcept { return whole != other.whole; }
  constexpr bool operator<(const Addr other) const noexcept { return ntohl(whole) < ntohl(other.whole); }
  constexpr bool operator<=(const Addr other) const noexcept { return ntohl(whole) <= ntohl(other.whole); }
  constexpr bool operator>(const Addr other) const noexcept { return ntohl(whole) > ntohl(other.whole); }
  constexpr bool operator>=(const Addr other) const noexcept { return ntohl(whole) >= ntohl(other.whole); }
  constexpr Addr operator&(const Addr other) const noexcept { return Addr{whole & other.whole}; }
  constexpr Addr operator|(const Addr other) const noexcept { return Addr{whole | other.whole}; }
  constexpr Addr operator~() const noexcept { return Addr{~whole}; }

  // Octet `n`, counted from the last: part(3) is the first octet of the dotted form. `n` is 0..3.
  constexpr std::uint8_t part(std::uint8_t n) const {
    return static_cast<std::uint8_t>(whole >> (8 * (3 - (n & 3))));
  }
  constexpr bool is_loopback() const noexcept { return part(3) == 127; }             // RFC 1122 §3.2.1.3 (g)
  constexpr bool is_multicast() const noexcept { return (part(3) & 0xf0) == 0xe0; }  // RFC 5771: 224/4

  // "192.0.2.1", in a buffer of 16 octets with its final zero; returns its length.
  std::size_t write_text(char (&text)[16]) const noexcept {
    std::size_t at = 0;
    for (int n = 3; n >= 0; --n) {
      unsigned octet = part(static_cast<std::uint8_t>(n));
      if (octet >= 100) text[at++] = static_cast<char>('0' + octet / 100);
      if (octet >= 10) text[at++] = static_cast<char>('0' + octet / 10 % 10);
      text[at++] = static_cast<char>('0' + octet % 10);
      text[at++] = n == 0 ? '\0' : '.';
    }
    return at - 1;
  }
  std::string str() const {
    char text[16];
    return {text, write_text(text)};
  }
  std::string to_string() const { return str(); }

  static const Addr addr_any;
  static const Addr addr_bcast;

  std::uint32_t whole = 0;  // network order
};
static_assert(sizeof(Addr) == 4 && alignof(Addr) == 1);

inline constexpr Addr Addr::addr_any{0};
inline constexpr Addr Addr::addr_bcast{255, 255, 255, 255};

}  // namespace net::ip4
