// IncludeOS's os::, as far as generated services and the examples use it.
//
// Not     command line, modules, several stdout handlers, backtraces, processor cycles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <delegate>

namespace os {

// Print to the console; blocks until all is written. `length` in octets, no final zero needed.
void print(const char* text, std::size_t length);

// Print `why` and end the machine with platform::kPanicStatus. Where the machine has no way to tell a status
// to the outside (a PC without QEMU's exit device), what set_panic_action chose is done.
[[noreturn]] void panic(const char* why) noexcept;

enum class Panic_action { halt, reboot, shutdown };
Panic_action panic_action() noexcept;  // halt, until it is set
void set_panic_action(Panic_action action) noexcept;

using on_panic_func = void (*)(const char* why);
void on_panic(on_panic_func function);  // called once by the next panic, before the machine ends

// End the machine with status 0.
[[noreturn]] void shutdown() noexcept;

// Nanoseconds since start, monotonic.
std::uint64_t nanos_since_boot() noexcept;

// True once all plugins and Service::start have run.
bool is_booted() noexcept;

// Octets of memory in use: image, heap, and the frame pool.
std::size_t total_memuse() noexcept;

// Have `function` called after the drivers and before Service::start. Call from a plugin's constructor; at
// most 16 plugins (as on IncludeOS), one more is a panic. `name` must outlive the machine.
using Plugin = delegate<void()>;
void register_plugin(Plugin function, const char* name);

}  // namespace os
