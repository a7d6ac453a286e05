#include <cstring>
#include <net/checksum.hpp>

namespace net {

// RFC 1071 §2 (C): 32 bits at a time into 64; the carries are folded at the end. 64 KiB cannot overflow it.
std::uint64_t checksum_part(const void* data, std::size_t length, std::uint64_t sum) noexcept {
  const auto* at = static_cast<const unsigned char*>(data);
  for (; length >= 4; at += 4, length -= 4) {
    std::uint32_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
  }
  if (length >= 2) {
    std::uint16_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
    at += 2;
    length -= 2;
  }
  if (length != 0) sum += *at;  // the odd octet is the first of its 16 bits, with a zero behind it
  return sum;
}

}  // namespace net
