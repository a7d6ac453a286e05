// The Internet checksum.
//
// Spec    RFC 1071 §1 (definition), §2 (byte order independence); RFC 1624 §3 (incremental update).
#pragma once

#include <cstddef>
#include <cstdint>

namespace net {

// The sum of `length` octets, not folded, to be continued: `sum` is what earlier parts of even length gave.
[[nodiscard]] std::uint64_t checksum_part(const void* data, std::size_t length,
                                          std::uint64_t sum = 0) noexcept;

// Fold a sum to 16 bits and complement it: what stands in a header, in network order.
[[nodiscard]] constexpr std::uint16_t checksum_finish(std::uint64_t sum) noexcept {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// The checksum of `length` octets, in network order. Over data that holds its own checksum it is 0.
[[nodiscard]] inline std::uint16_t checksum(const void* data, std::size_t length) noexcept {
  return checksum_finish(checksum_part(data, length));
}

// RFC 1624 eqn. 3: the header checksum after a 16-bit word changed. All three in one and the same byte order.
[[nodiscard]] constexpr std::uint16_t checksum_update(std::uint16_t check, std::uint16_t before,
                                                      std::uint16_t after) noexcept {
  std::uint32_t sum = static_cast<std::uint16_t>(~check);
  sum += static_cast<std::uint16_t>(~before);
  sum += after;
  return checksum_finish(sum);
}

// What replacing 32 bits adds to checksum_adjusted's `change`; the two in one and the same byte order.
[[nodiscard]] constexpr std::uint32_t checksum_change(std::uint32_t before, std::uint32_t after) noexcept {
  return (~before & 0xffff) + (~before >> 16) + (after & 0xffff) + (after >> 16);
}

// checksum_update for several words at once: `change` is the sum of what checksum_change said of each, at
// most 4096 of them.
[[nodiscard]] constexpr std::uint16_t checksum_adjusted(std::uint16_t check, std::uint32_t change) noexcept {
  return checksum_finish(std::uint64_t{static_cast<std::uint16_t>(~check)} + change);
}

}  // namespace net
