// IncludeOS's RTC, as far as it needs no battery clock: time since start.
//
// Not     wall-clock time: now() and boot_timestamp() are not declared.
#pragma once

#include <cstdint>
#include <os.hpp>

class RTC {
 public:
  using timestamp_t = std::uint64_t;
  static timestamp_t nanos_now() { return os::nanos_since_boot(); }
  static timestamp_t time_since_boot() { return os::nanos_since_boot() / 1'000'000'000; }  // seconds
};
