#include "kernel/plugins.hpp"

#include <array>
#include <cstddef>
#include <os.hpp>

namespace {

constexpr std::size_t kCapacity = 16;  // as on IncludeOS

struct Entry {
  os::Plugin function;
  const char* name;
};

// Local to a function, because plugins register from constructors, and so before any order of ours.
struct Table {
  std::array<Entry, kCapacity> entries;
  std::size_t count = 0;
};
Table& table() {
  static Table plugins{};
  return plugins;
}

}  // namespace

namespace os {

void register_plugin(Plugin function, const char* name) {
  Table& plugins = table();
  if (plugins.count == kCapacity) panic("more than 16 plugins");
  plugins.entries[plugins.count++] = {function, name};
}

}  // namespace os

namespace kernel {

void run_plugins() {
  Table& plugins = table();
  for (std::size_t i = 0; i < plugins.count; ++i) plugins.entries[i].function();
}

}  // namespace kernel
