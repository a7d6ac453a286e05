// The date, from the PC's battery clock (MC146818). Read once at start, never written; from then on the time
// stamp counts.
//
// Spec    Motorola MC146818A data sheet: registers 0..9, status A (update in progress) and B (formats); the
// century
//         at 0x32, as ACPI tables and QEMU have it. The clock is taken to run in UTC.
#pragma once

#include <cstdint>

namespace pc::rtc {

void start();  // after clock::start

// Seconds since 1970-01-01 00:00 UTC; 0 when there is no such clock, or it tells no date.
std::uint64_t seconds();

}  // namespace pc::rtc
