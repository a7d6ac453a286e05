// What the skeleton OS asks of the ground it stands on: a console, a clock, a way to sleep and a way out.
//
//   kernel ──▶ platform.hpp ◀── platform/pc      bare metal: serial port, TSC, HLT, QEMU's exit device
//                           ◀── platform/linux   an ordinary process: stdio, clock_gettime, poll, exit
//
// Single core, no locks. Nothing here allocates after `start`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hw {
class Nic;
}

namespace platform {

// The network devices found at start, in the order that numbers them: PCI order on a PC, argument order in a
// process. Lives as long as the machine.
std::span<hw::Nic* const> nics();

// Write `length` octets to the console; blocks until they are taken.
void console_write(const char* text, std::size_t length);

// The next octet typed at the console, 0..255, or -1 when there is none. Never blocks.
int console_read();

// Nanoseconds since start, monotonic.
std::uint64_t nanoseconds();

// Seconds since 1970-01-01 00:00 UTC; 0 when the machine has no clock that tells.
std::uint64_t wall_seconds();

// A number that nobody outside can foresee, a new one at each call; 0 where a run is to be one that can be
// repeated.
std::uint64_t unforeseen();

// Sleep until a NIC has received something, console input waits, or `deadline_ns` (of nanoseconds()) has
// come; may return early. Uses no processor time meanwhile.
void idle(std::uint64_t deadline_ns);

// Octets of the heap in use, and how many there are at most (0: the host decides).
struct Heap_use {
  std::size_t used;
  std::size_t capacity;
};
Heap_use heap_use();

// What exit() does where the machine cannot tell a status other than 0 to the outside.
enum class Last_resort { halt, reset, power_off };

// End the machine. The status, 0..127, reaches the shell: 0 is a clean stop, kPanicStatus a panic.
[[noreturn]] void exit(int status, Last_resort last_resort = Last_resort::reset);

inline constexpr int kPanicStatus = 101;

}  // namespace platform
