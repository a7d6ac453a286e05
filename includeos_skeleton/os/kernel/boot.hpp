// The order in which the machine comes up, and the loop it then stays in.
//
//   platform (memory, clock, drivers) ──▶ boot(): net::start ─▶ plugin constructors ─▶ plugin functions
//                                                 ─▶ service constructors ─▶ Service::start ─▶ event loop
//
// It is IncludeOS's order: a service's own constructors run after the plugins, on both platforms. The linker
// scripts of the platforms put the constructors of plugins (objects named plugin_*.o) and of the service
// (objects named *.service.o) into tables of their own, which boot() walks.
#pragma once

#include <cstddef>

namespace kernel {

// How many frames the pool should hold for that many NICs: both rings of each, and what the stack may keep.
std::size_t frames_for(std::size_t nic_count);

// Called by the platform once platform::nics() is complete and the frame pool is started.
[[noreturn]] void boot();

}  // namespace kernel
