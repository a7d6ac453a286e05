#include "platform/pc/memory_map.hpp"

#include <algorithm>

namespace pc {

namespace {

constexpr std::uint32_t kMagic = 0x336ec578;
constexpr std::uint32_t kRam = 1;            // E820 type
constexpr std::uint32_t kMostEntries = 128;  // E820's own limit

struct Start_info {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint32_t flags;
  std::uint32_t module_count;
  std::uint64_t modules;
  std::uint64_t command_line;
  std::uint64_t rsdp;
  std::uint64_t memory_map;
  std::uint32_t memory_map_entries;
  std::uint32_t reserved;
};
static_assert(sizeof(Start_info) == 56);

struct Memory_map_entry {
  std::uint64_t address;
  std::uint64_t size;  // octets
  std::uint32_t type;
  std::uint32_t reserved;
};
static_assert(sizeof(Memory_map_entry) == 24);

}  // namespace

Range memory_from(std::uint32_t start_info, std::uint64_t from) {
  const auto* info = reinterpret_cast<const Start_info*>(static_cast<std::uintptr_t>(start_info));
  if (start_info == 0 || info->magic != kMagic || info->version < 1) return {};
  const auto* entries = reinterpret_cast<const Memory_map_entry*>(info->memory_map);
  for (std::uint32_t i = 0; i < std::min(info->memory_map_entries, kMostEntries); ++i) {
    std::uint64_t begin = entries[i].address;
    std::uint64_t end = std::min(begin + entries[i].size, std::uint64_t{4} << 30);
    if (entries[i].type == kRam && begin <= from && from < end) return {from, end};
  }
  return {};
}

}  // namespace pc
