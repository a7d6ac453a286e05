// A platform for tests: the clock is set by hand, the console is two strings.
#pragma once

#include <cstdint>
#include <string>

namespace fake {

inline std::uint64_t now = 0;   // nanoseconds
inline std::uint64_t wall = 0;  // seconds since 1970
inline std::string written;
inline std::string typed;  // taken from the front

}  // namespace fake
