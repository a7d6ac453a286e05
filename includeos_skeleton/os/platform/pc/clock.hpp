// Time: nanoseconds since start from the time stamp counter, and wake-ups by the local APIC's timer.
//
// The counter's rate comes from the hypervisor when it says it (CPUID leaf 0x40000010), else it is measured
// against the PIT for kMeasureNs, together with the rate of the APIC timer.
//
// Spec    Intel 8254 data sheet (counter latch command); VMware/KVM timing leaf; Intel SDM volume 3, 11.5.4.
#pragma once

#include <cstdint>

namespace pc::clock {

inline constexpr std::uint64_t kMeasureNs = 3'000'000;

void start();  // after apic::start
std::uint64_t nanoseconds();

// Have the wake vector raised at `deadline_ns`, or earlier; UINT64_MAX: not at all.
void wake_at(std::uint64_t deadline_ns);

}  // namespace pc::clock
