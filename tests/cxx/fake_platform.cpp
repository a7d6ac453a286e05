#include "fake_platform.hpp"

#include <cstdlib>

#include "platform/platform.hpp"

namespace platform {

std::span<hw::Nic* const> nics() { return {}; }
void console_write(const char* text, std::size_t length) { fake::written.append(text, length); }
int console_read() {
  if (fake::typed.empty()) return -1;
  int octet = static_cast<unsigned char>(fake::typed.front());
  fake::typed.erase(0, 1);
  return octet;
}
std::uint64_t nanoseconds() { return fake::now; }
void idle(std::uint64_t deadline_ns) { fake::now = deadline_ns; }
std::uint64_t wall_seconds() { return fake::wall; }
std::uint64_t unforeseen() { return 0; }
Heap_use heap_use() { return {.used = 1000, .capacity = 2000}; }
void exit(int status, Last_resort) { std::_Exit(status); }

}  // namespace platform
