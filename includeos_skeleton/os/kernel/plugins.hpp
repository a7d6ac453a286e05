// The functions that os::register_plugin was given, in the order of registration.
#pragma once

namespace kernel {

// Call them all, once.
void run_plugins();

}  // namespace kernel
