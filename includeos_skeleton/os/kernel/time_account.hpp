// How long the machine did what: the event loop says when it goes from one part of its work to the next.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kernel::account {

enum class Part : std::uint8_t { kAsleep, kReceive, kTimers, kConsole, kDevices };
inline constexpr std::size_t kParts = 5;

inline constinit bool is_kept = false;

void begin();               // keep the account, from nothing
void switch_to(Part part);  // the time since the last call belongs to the part before

inline void enter(Part part) {
  if (is_kept) switch_to(part);
}

std::uint64_t nanoseconds(Part part);

}  // namespace kernel::account
