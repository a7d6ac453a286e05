// Every bit of the result depends on every bit of what is mixed.
#pragma once

#include <cstdint>

namespace kernel {

// The last step of SplitMix64; one to one, and 0 for 0.
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ x >> 27) * 0x94d0'49bb'1331'11eb;
  return x ^ x >> 31;
}

}  // namespace kernel
