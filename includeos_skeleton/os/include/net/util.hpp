// Byte order: IncludeOS's names for it. Both machines the skeleton OS runs on are little-endian.
#pragma once

#include <bit>
#include <cstdint>

namespace net {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint16_t ntohs(std::uint16_t n) noexcept { return __builtin_bswap16(n); }
constexpr std::uint16_t htons(std::uint16_t n) noexcept { return __builtin_bswap16(n); }
constexpr std::uint32_t ntohl(std::uint32_t n) noexcept { return __builtin_bswap32(n); }
constexpr std::uint32_t htonl(std::uint32_t n) noexcept { return __builtin_bswap32(n); }

}  // namespace net
