#include <isotime>

#include "kernel/wall_clock.hpp"
#include "platform/platform.hpp"

std::string isotime::to_datetime_string(std::time_t seconds) {
  char text[kernel::kDateText];
  const std::size_t length = kernel::write_date(seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds), text);
  return {text, length};
}

std::string isotime::now() { return to_datetime_string(static_cast<std::time_t>(platform::wall_seconds())); }
