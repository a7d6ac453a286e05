#include <cstring>
#include <delegate>
#include <os.hpp>

#include "platform/platform.hpp"

namespace {

os::Panic_action chosen_action = os::Panic_action::halt;
os::on_panic_func panic_handler = nullptr;
bool panicking = false;

platform::Last_resort last_resort() {
  switch (chosen_action) {
    case os::Panic_action::halt:
      return platform::Last_resort::halt;
    case os::Panic_action::reboot:
      return platform::Last_resort::reset;
    case os::Panic_action::shutdown:
      return platform::Last_resort::power_off;
  }
  return platform::Last_resort::halt;
}

}  // namespace

namespace detail {

void called_empty_delegate() { os::panic("an empty delegate was called"); }

}  // namespace detail

namespace os {

void print(const char* text, std::size_t length) { platform::console_write(text, length); }

void panic(const char* why) noexcept {
  if (!panicking) {  // a panic in the handler ends the machine at once
    panicking = true;
    print("panic: ", 7);
    print(why, std::strlen(why));
    print("\n", 1);
    if (panic_handler != nullptr) panic_handler(why);
  }
  platform::exit(platform::kPanicStatus, last_resort());
}

Panic_action panic_action() noexcept { return chosen_action; }
void set_panic_action(Panic_action action) noexcept { chosen_action = action; }
void on_panic(on_panic_func function) { panic_handler = function; }

void shutdown() noexcept { platform::exit(0); }

std::uint64_t nanos_since_boot() noexcept { return platform::nanoseconds(); }

std::size_t total_memuse() noexcept { return platform::heap_use().used; }

}  // namespace os
