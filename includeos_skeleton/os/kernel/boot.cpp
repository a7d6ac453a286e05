#include "kernel/boot.hpp"

#include <os>

#include "kernel/commands.hpp"
#include "kernel/event_loop.hpp"
#include "kernel/plugins.hpp"
#include "net/stack.hpp"
#include "platform/platform.hpp"

namespace {

using Constructor = void (*)();

bool booted = false;

void construct(Constructor* first, Constructor* end) {
  for (; first != end; ++first) (*first)();
}

}  // namespace

// Set by the platform's linker script.
extern "C" {
extern Constructor plugin_constructors_begin[];
extern Constructor plugin_constructors_end[];
extern Constructor service_constructors_begin[];
extern Constructor service_constructors_end[];
}

namespace os {

bool is_booted() noexcept { return booted; }

}  // namespace os

namespace kernel {

std::size_t frames_for(std::size_t nic_count) {
  constexpr std::size_t kPerNic = 2 * 256;  // a receive and a transmit ring
  constexpr std::size_t kForTheStack = 512;
  return nic_count * kPerNic + kForTheStack;
}

void boot() {
  register_commands();
  net::start(platform::nics());
  construct(plugin_constructors_begin, plugin_constructors_end);
  run_plugins();
  construct(service_constructors_begin, service_constructors_end);
  Service::start();
  booted = true;
  run_event_loop();
}

}  // namespace kernel
