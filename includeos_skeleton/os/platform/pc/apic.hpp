// Interrupts: the local APIC, its timer, and the I/O APIC's line of the serial port. All lead to one vector
// that only ends a HLT.
//
// Spec    Intel SDM volume 3, chapter 11 (local APIC); 82093AA data sheet (I/O APIC); 8259A data sheet.
// Not     x2APIC, several processors.
#pragma once

#include <cstdint>

namespace pc::apic {

inline constexpr std::uint8_t kWakeVector = 0x40;
inline constexpr std::uint8_t kSpuriousVector = 0xff;
inline constexpr std::uint8_t kLegacyVectors =
    0x20;  // 16 of them, for what the old controller may still send

// Switch the old controller off, the local APIC on, and route COM1 to kWakeVector.
void start();

// Where a device writes, and what, to raise kWakeVector (message signalled interrupts).
std::uint64_t message_address();
std::uint32_t message_data();

// The timer counts down from `ticks` and then raises kWakeVector once; 0 stops it.
void set_timer(std::uint32_t ticks);
std::uint32_t timer_ticks_left();

}  // namespace pc::apic
