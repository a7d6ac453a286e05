// The clock of a process: the host's, or a virtual one that stands still until it is told to go on.
//
//   advance 300 ──▶ passing ──idle──▶ the next timer's time ──▶ its handlers ──idle──▶ … ──▶ 300 s later
//
// Virtual time passes only while the machine has nothing else to do, from one timer to the next, so that
// sweeps and timers come in the order and at the times at which they would have come. What is typed behind
// `advance` waits until the time has passed.
#pragma once

#include <cstdint>

namespace platform::clock {

// From now on time is virtual, and `advance SECONDS` a console command. For before the boot.
void make_virtual();

bool is_virtual();

// Nanoseconds since start.
std::uint64_t now();

// Seconds since 1970; a virtual clock begins at the host's date.
std::uint64_t wall_seconds();

// Virtual time is passing: `advance` has been typed and is not done yet.
bool passing();

// Let virtual time pass up to `deadline_ns`, the next timer's, or to the end of the advance if that is
// earlier.
void pass(std::uint64_t deadline_ns);

}  // namespace platform::clock
