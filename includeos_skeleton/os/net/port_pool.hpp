// The ports of one protocol that masquerading at one Iface may use: 49152 .. 65535 (RFC 6335 §6).
//
// A bit for each port that is free, and one for each word of them that is not all zero.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace net::nat {

class Port_pool {
 public:
  static constexpr std::uint32_t kFirst = 49152;
  static constexpr std::uint32_t kPorts = 65536 - kFirst;

  Port_pool() {
    free_.fill(~std::uint64_t{0});
    some_.fill(~std::uint64_t{0});
  }

  // The first free port from `from` on, which is kFirst at least; behind the last one it goes on at kFirst. 0
  // when none is free.
  std::uint16_t next(std::uint32_t from) const {
    const std::uint16_t found = lowest(from - kFirst);
    return found == 0 && from > kFirst ? lowest(0) : found;
  }

  void take(std::uint16_t port) {
    const std::uint32_t number = port - kFirst;
    free_[number / 64] &= ~(std::uint64_t{1} << (number % 64));
    if (free_[number / 64] == 0) some_[number / 4096] &= ~(std::uint64_t{1} << (number / 64 % 64));
  }

  void give_back(std::uint16_t port) {
    const std::uint32_t number = port - kFirst;
    free_[number / 64] |= std::uint64_t{1} << (number % 64);
    some_[number / 4096] |= std::uint64_t{1} << (number / 64 % 64);
  }

 private:
  // The lowest free port of this number at least, counted from kFirst; 0 when there is none.
  std::uint16_t lowest(std::uint32_t number) const {
    if (number >= kPorts) return 0;
    std::size_t word = number / 64;
    std::uint64_t bits = free_[word] & (~std::uint64_t{0} << (number % 64));
    if (bits == 0) {
      word = word_with_some(word + 1);
      if (word == free_.size()) return 0;
      bits = free_[word];
    }
    return static_cast<std::uint16_t>(kFirst + word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
  }

  // The first word from `from` on that has a free port; free_.size() when none has.
  std::size_t word_with_some(std::size_t from) const {
    for (std::size_t at = from; at < free_.size(); at = (at / 64 + 1) * 64) {
      const std::uint64_t bits = some_[at / 64] & (~std::uint64_t{0} << (at % 64));
      if (bits != 0) return at / 64 * 64 + static_cast<std::size_t>(std::countr_zero(bits));
    }
    return free_.size();
  }

  std::array<std::uint64_t, kPorts / 64> free_;
  std::array<std::uint64_t, kPorts / 4096> some_;
};

}  // namespace net::nat
