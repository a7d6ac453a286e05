// The main loop: frames, timers, console, sleep.
#pragma once

namespace kernel {

[[noreturn]] void run_event_loop();

}  // namespace kernel
