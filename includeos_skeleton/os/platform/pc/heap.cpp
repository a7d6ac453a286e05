#include "platform/pc/heap.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <os.hpp>

namespace pc::heap {

namespace {

constexpr std::size_t kGranule = 16;  // octets: sizes and addresses of blocks are multiples

struct Free_block {
  std::size_t size;  // octets, this header included
  Free_block* next;
};

// In front of every piece that was given out.
struct Header {
  void* block;       // where the block begins that the piece was cut from
  std::size_t size;  // octets of that block
};
static_assert(sizeof(Free_block) == kGranule && sizeof(Header) == kGranule);

Free_block* first = nullptr;
std::size_t used_octets = 0;
std::size_t capacity_octets = 0;

std::uintptr_t address_of(const void* place) { return reinterpret_cast<std::uintptr_t>(place); }
std::uintptr_t round_up(std::uintptr_t value, std::size_t to) { return (value + to - 1) & ~(to - 1); }

void join_with_next(Free_block* block) {
  Free_block* next = block->next;
  if (next == nullptr || address_of(block) + block->size != address_of(next)) return;
  block->size += next->size;
  block->next = next->next;
}

void insert(void* begin, std::size_t size) {
  Free_block* before = nullptr;
  Free_block* after = first;
  while (after != nullptr && address_of(after) < address_of(begin)) {
    before = after;
    after = after->next;
  }
  auto* block = ::new (begin) Free_block{size, after};
  (before == nullptr ? first : before->next) = block;
  join_with_next(block);
  if (before != nullptr) join_with_next(before);
}

}  // namespace

void start(void* begin, void* end) {
  std::uintptr_t from = round_up(address_of(begin), kGranule);
  capacity_octets = (address_of(end) - from) & ~(kGranule - 1);
  insert(reinterpret_cast<void*>(from), capacity_octets);
}

void* take(std::size_t size, std::size_t alignment) {
  alignment = std::max(alignment, kGranule);
  if (size > capacity_octets || alignment > capacity_octets) os::panic("out of memory");
  std::size_t wanted = round_up(size, kGranule) + sizeof(Header) + (alignment - kGranule);
  for (Free_block** link = &first; *link != nullptr; link = &(*link)->next) {
    Free_block* block = *link;
    if (block->size < wanted) continue;
    if (block->size - wanted >= 2 * kGranule) {
      auto* rest = reinterpret_cast<Free_block*>(address_of(block) + wanted);
      *rest = {block->size - wanted, block->next};
      *link = rest;
    } else {
      wanted = block->size;
      *link = block->next;
    }
    used_octets += wanted;
    std::uintptr_t piece = round_up(address_of(block) + sizeof(Header), alignment);
    *reinterpret_cast<Header*>(piece - sizeof(Header)) = {block, wanted};
    return reinterpret_cast<void*>(piece);
  }
  os::panic("out of memory");
}

void give_back(void* memory) {
  if (memory == nullptr) return;
  Header header = *reinterpret_cast<Header*>(address_of(memory) - sizeof(Header));
  used_octets -= header.size;
  insert(header.block, header.size);
}

platform::Heap_use use() { return {.used = used_octets, .capacity = capacity_octets}; }

}  // namespace pc::heap
