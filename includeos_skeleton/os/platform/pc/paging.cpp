#include "platform/pc/paging.hpp"

#include <array>

// Set by start.S and link.ld.
extern "C" {
extern std::uint64_t page_root[512];
extern std::uint64_t page_directories[4 * 512];
extern char image_begin[], text_end[], rodata_end[], stack_guard[];
}

namespace pc::paging {

namespace {

// Intel SDM volume 3, 4.5.4: bits of an entry.
constexpr std::uint64_t kPresent = 1;
constexpr std::uint64_t kWritable = 2;
constexpr std::uint64_t kUncached = 0x18;  // PWT, PCD
constexpr std::uint64_t kLarge = 0x80;     // 2 MiB instead of a table
constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 63;
constexpr std::uint64_t kAddressMask = 0x000f'ffff'ffff'f000;

constexpr std::uint64_t kLargePage = std::uint64_t{2} << 20;
constexpr std::uint64_t kFourGiB = std::uint64_t{4} << 30;

struct alignas(4096) Table {
  std::array<std::uint64_t, 512> entries;
};
std::array<Table, 2> low_tables;  // the first 4 MiB in pages of 4 KiB
std::array<Table, 2 * kHighRegions> high_tables;
std::size_t high_tables_used = 0;

std::uint64_t address_of(const void* place) { return reinterpret_cast<std::uint64_t>(place); }

std::uint64_t flags_of(std::uint64_t page) {
  if (page == 0 || page == address_of(stack_guard)) return 0;
  if (page >= address_of(image_begin) && page < address_of(text_end)) return kPresent;
  if (page >= address_of(text_end) && page < address_of(rodata_end)) return kPresent | kNoExecute;
  return kPresent | kWritable | kNoExecute;
}

// The table below `entry`, made when there is none; nullptr when there are no more tables.
Table* table_below(std::uint64_t& entry) {
  if ((entry & kPresent) == 0) {
    if (high_tables_used == high_tables.size()) return nullptr;
    entry = address_of(&high_tables[high_tables_used++]) | kPresent | kWritable;
  }
  return reinterpret_cast<Table*>(entry & kAddressMask);
}

std::uint64_t* large_entry(std::uint64_t address) {
  if (address < kFourGiB) return &page_directories[address / kLargePage];
  Table* pointers = table_below(page_root[address >> 39]);
  if (pointers == nullptr) return nullptr;
  Table* directory = table_below(pointers->entries[address >> 30 & 511]);
  return directory == nullptr ? nullptr : &directory->entries[address >> 21 & 511];
}

}  // namespace

void start() {
  for (std::size_t i = 0; i < 1024; ++i) {
    low_tables[i / 512].entries[i % 512] = i * 4096 | flags_of(i * 4096);
  }
  page_directories[0] = address_of(&low_tables[0]) | kPresent | kWritable;
  page_directories[1] = address_of(&low_tables[1]) | kPresent | kWritable;
  for (std::size_t i = 2; i < 2048; ++i) page_directories[i] |= kNoExecute;
  asm volatile("mov %0, %%cr3" ::"r"(page_root) : "memory");
}

void* map_device(std::uint64_t address, std::size_t length) {
  std::uint64_t end = address + length;
  if (length == 0 || end < address || end > std::uint64_t{1} << 47 || address < 2 * kLargePage)
    return nullptr;
  for (std::uint64_t page = address & ~(kLargePage - 1); page < end; page += kLargePage) {
    std::uint64_t* entry = large_entry(page);
    if (entry == nullptr) return nullptr;
    *entry = page | kPresent | kWritable | kUncached | kLarge | kNoExecute;
    asm volatile("invlpg (%0)" ::"r"(page) : "memory");
  }
  return reinterpret_cast<void*>(address);
}

}  // namespace pc::paging
