// A line of text under construction, for the console: bounded, no allocation, no format strings.
//
//   kernel::Text<80>().add("free frames ").add(n).add("\n").print();
//
// What does not fit is left out; nothing is written past the end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <os.hpp>

namespace kernel {

template <std::size_t N>
class Text {
 public:
  Text& add(const char* text) {
    while (*text != '\0' && length_ + 1 < N) text_[length_++] = *text++;
    return *this;
  }
  Text& put(char character) {
    if (length_ + 1 < N) text_[length_++] = character;
    return *this;
  }
  Text& add(std::uint64_t number) { return add_digits(number, 10, 1); }
  // Hexadecimal with leading zeros up to `width` digits, without 0x.
  Text& hex(std::uint64_t number, int width = 1) { return add_digits(number, 16, width); }

  const char* c_str() const { return text_.data(); }  // always ends in a zero
  std::size_t size() const { return length_; }
  void print() const { os::print(text_.data(), length_); }

 private:
  Text& add_digits(std::uint64_t number, unsigned base, int width) {
    std::array<char, 21> digits{};
    std::size_t at = digits.size() - 1;
    for (int count = 0; number != 0 || count < width; ++count) {
      if (at == 0) break;
      digits[--at] = "0123456789abcdef"[number % base];
      number /= base;
    }
    return add(&digits[at]);
  }

  std::array<char, N> text_{};
  std::size_t length_ = 0;
};

}  // namespace kernel
