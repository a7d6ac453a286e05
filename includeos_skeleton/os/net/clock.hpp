// The time that the stack goes by: read once for each frame and each timer, not once for each question.
#pragma once

#include <cstdint>

#include "platform/platform.hpp"

namespace net::clock {

inline constinit std::uint64_t current_ns = 0;

inline void read() { current_ns = platform::nanoseconds(); }
inline std::uint64_t now() { return current_ns; }  // nanoseconds since start, as last read

}  // namespace net::clock
