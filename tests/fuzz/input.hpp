// The octets of a fuzzer's input, read one after the other; 0 behind the end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

  bool empty() const { return at_ == end_; }
  std::uint8_t octet() { return at_ == end_ ? std::uint8_t{0} : *at_++; }
  std::uint16_t word() {
    const std::uint8_t low = octet();
    return static_cast<std::uint16_t>(low | octet() << 8);
  }
  // `count` octets; fewer when there are no more.
  std::vector<std::uint8_t> octets(std::size_t count) {
    const std::uint8_t* const first = at_;
    at_ += std::min<std::size_t>(count, static_cast<std::size_t>(end_ - at_));
    return {first, at_};
  }

  // One of a table's items.
  template <class Table>
  const auto& one_of(const Table& table) {
    return table[octet() % std::size(table)];
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};
