// Numbers in network order at any address.
#pragma once

#include <cstdint>
#include <cstring>
#include <net/util.hpp>

namespace net::wire {

inline std::uint16_t get16(const std::uint8_t* at) {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return ntohs(value);
}

inline std::uint32_t get32(const std::uint8_t* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return ntohl(value);
}

inline void put16(std::uint8_t* at, std::uint16_t value) {
  value = htons(value);
  std::memcpy(at, &value, sizeof value);
}

inline void put32(std::uint8_t* at, std::uint32_t value) {
  value = htonl(value);
  std::memcpy(at, &value, sizeof value);
}

// A value that is in network order already (a checksum).
inline void put16_raw(std::uint8_t* at, std::uint16_t value) { std::memcpy(at, &value, sizeof value); }

}  // namespace net::wire
