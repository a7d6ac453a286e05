// ICMP types and codes, under IncludeOS's names.
//
// Spec    RFC 792. Only what is received or sent here has a name.
#pragma once

#include <cstdint>

namespace net::icmp4 {

enum class Type : std::uint8_t {
  ECHO_REPLY = 0,
  DEST_UNREACHABLE = 3,
  REDIRECT = 5,
  ECHO = 8,
  TIME_EXCEEDED = 11,
  PARAMETER_PROBLEM = 12,
};

namespace code {

enum class Dest_unreachable : std::uint8_t { NET = 0, HOST = 1, PROTOCOL = 2, PORT = 3 };
enum class Time_exceeded : std::uint8_t { TTL = 0, FRAGMENT_REASSEMBLY = 1 };

}  // namespace code
}  // namespace net::icmp4
