// The console commands that every machine has: counters, nics, memory, exit, panic. docs/runtime.md describes
// them.
#pragma once

namespace kernel {

void register_commands();

}  // namespace kernel
