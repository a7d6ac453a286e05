// An address of either family on IncludeOS; here IPv4 only, under the same name and accessors.
#pragma once

#include <net/ip4/addr.hpp>

namespace net {

class Addr {
 public:
  constexpr Addr() noexcept = default;
  constexpr Addr(ip4::Addr addr) noexcept : v4_{addr} {}
  constexpr Addr(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) : v4_{a, b, c, d} {}

  constexpr bool is_v4() const noexcept { return true; }
  constexpr bool is_v6() const noexcept { return false; }
  constexpr ip4::Addr v4() const noexcept { return v4_; }
  constexpr bool is_any() const noexcept { return v4_ == ip4::Addr::addr_any; }
  std::string to_string() const { return v4_.to_string(); }

  constexpr bool operator==(const Addr& other) const noexcept { return v4_ == other.v4_; }
  constexpr bool operator!=(const Addr& other) const noexcept { return v4_ != other.v4_; }
  constexpr bool operator<(const Addr& other) const noexcept { return v4_ < other.v4_; }

 private:
  ip4::Addr v4_;
};

}  // namespace net
