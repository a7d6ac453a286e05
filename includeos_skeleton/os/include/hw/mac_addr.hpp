// MAC addresses: six octets in the order in which they travel.
//
// After IncludeOS's header of the same name: MAC::Addr, MAC::EMPTY, MAC::BROADCAST, part[], to_string().
// Not     a check of the text form: an octet that is not hexadecimal reads as 0, as on IncludeOS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace MAC {

struct Addr {
  static constexpr std::size_t PARTS_LEN = 6;  // octets

  constexpr Addr() = default;
  constexpr Addr(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint8_t e,
                 std::uint8_t f)
      : part{a, b, c, d, e, f} {}

  // From "02:00:5e:10:00:01": two digits and one separator, six times. Ends early with the text.
  constexpr Addr(const char* text) {
    for (std::uint8_t& octet : part) {
      if (text[0] == '\0' || text[1] == '\0') return;
      octet = static_cast<std::uint8_t>(digit(text[0]) << 4 | digit(text[1]));
      if (text[2] == '\0') return;
      text += 3;
    }
  }
  Addr(const std::string& text) : Addr(text.c_str()) {}

  constexpr bool operator==(const Addr&) const = default;
  constexpr std::uint8_t operator[](std::size_t index) const { return part[index]; }

  constexpr bool is_multicast() const { return (part[0] & 1) != 0; }  // IEEE 802: group bit; broadcast too

  // "02:00:5e:10:00:01", lower case, in a buffer of 18 octets with its final zero.
  constexpr void write_text(char (&text)[18]) const {
    constexpr char kDigits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < PARTS_LEN; ++i) {
      text[i * 3] = kDigits[part[i] >> 4];
      text[i * 3 + 1] = kDigits[part[i] & 15];
      text[i * 3 + 2] = i + 1 == PARTS_LEN ? '\0' : ':';
    }
  }
  std::string to_string() const {
    char text[18];
    write_text(text);
    return text;
  }
  std::string str() const { return to_string(); }
  std::string hex_str() const { return to_string(); }

  std::uint8_t part[PARTS_LEN] = {};

 private:
  static constexpr std::uint8_t digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
    return 0;
  }
};
static_assert(sizeof(Addr) == 6 && alignof(Addr) == 1);
static_assert(Addr("02:00:5e:10:0A:ff") == Addr(0x02, 0x00, 0x5e, 0x10, 0x0a, 0xff));

inline constexpr Addr EMPTY{};
inline constexpr Addr BROADCAST{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

}  // namespace MAC
