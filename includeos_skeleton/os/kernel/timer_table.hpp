// The event loop's side of Timers.
#pragma once

#include <cstdint>

namespace timers {

// Call the handlers whose deadline is `now` (nanoseconds since start) or earlier; true when there was one.
bool run(std::uint64_t now);

// Of the earliest timer, in nanoseconds since start; UINT64_MAX when none waits.
std::uint64_t next_deadline();

}  // namespace timers
