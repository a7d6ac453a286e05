// The PC's heap and its part of the C library, as they run on the host under other names.
#include <cstring>
#include <vector>

#include "check.hpp"
#include "platform/pc/heap.hpp"
#include "platform/pc/memory_map.hpp"
#include "platform/platform.hpp"

extern "C" {
void* pc_memcpy(void* to, const void* from, std::size_t length);
void* pc_memmove(void* to, const void* from, std::size_t length);
void* pc_memset(void* to, int octet, std::size_t length);
int pc_memcmp(const void* left, const void* right, std::size_t length);
std::size_t pc_strlen(const char* text);
int pc_strcmp(const char* left, const char* right);
int pc_strncmp(const char* left, const char* right, std::size_t length);
}

namespace {

constexpr std::size_t kHeapSize = 1 << 20;
alignas(64) unsigned char heap_memory[kHeapSize];

void start_heap() {
  static bool started = false;
  if (!started) pc::heap::start(heap_memory + 3, heap_memory + kHeapSize);
  started = true;
}

int sign(int value) { return (value > 0) - (value < 0); }

}  // namespace

CASE("pieces are aligned, apart from each other, and all of the heap comes back") {
  start_heap();
  std::uint32_t random = 99;
  auto next = [&random] { return (random = random * 1664525 + 1013904223) >> 16; };
  struct Piece {
    unsigned char* memory;
    std::size_t size;
    unsigned char mark;
  };
  std::vector<Piece> pieces;
  for (int i = 0; i < 5000; ++i) {
    if (pieces.size() > 40 || (!pieces.empty() && next() % 3 == 0)) {
      std::size_t at = next() % pieces.size();
      Piece piece = pieces[at];
      pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(at));
      bool kept = true;
      for (std::size_t j = 0; j < piece.size; ++j) kept = kept && piece.memory[j] == piece.mark;
      CHECK(kept);
      pc::heap::give_back(piece.memory);
      continue;
    }
    std::size_t size = next() % 5000;
    std::size_t alignment = std::size_t{1} << next() % 9;
    auto* memory = static_cast<unsigned char*>(pc::heap::take(size, alignment));
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % alignment == 0);
    CHECK(memory >= heap_memory && memory + size <= heap_memory + kHeapSize);
    auto mark = static_cast<unsigned char>(i);
    std::memset(memory, mark, size);
    pieces.push_back({memory, size, mark});
  }
  for (const Piece& piece : pieces) pc::heap::give_back(piece.memory);
  CHECK(pc::heap::use().used == 0);
  void* most = pc::heap::take(pc::heap::use().capacity - 16, 1);
  pc::heap::give_back(most);
  pc::heap::give_back(nullptr);
}

CASE("more than there is, is a panic") {
  start_heap();
  CHECK(check::status_of([] { static_cast<void>(pc::heap::take(kHeapSize, 1)); }) == platform::kPanicStatus);
  CHECK(check::status_of([] { static_cast<void>(pc::heap::take(SIZE_MAX, 1)); }) == platform::kPanicStatus);
  CHECK(check::status_of([] { static_cast<void>(pc::heap::take(1, kHeapSize * 2)); }) ==
        platform::kPanicStatus);
}

CASE("memcpy, memmove and memset do what the host's do, for every length and overlap up to 40") {
  for (std::size_t length = 0; length <= 40; ++length) {
    for (std::size_t from = 0; from <= 12; ++from) {
      for (std::size_t to = 0; to <= 12; ++to) {
        unsigned char ours[64];
        unsigned char theirs[64];
        for (int i = 0; i < 64; ++i) ours[i] = theirs[i] = static_cast<unsigned char>(i * 7);
        pc_memmove(ours + to, ours + from, length);
        std::memmove(theirs + to, theirs + from, length);
        CHECK(std::memcmp(ours, theirs, sizeof ours) == 0);
        unsigned char copy[64] = {};
        pc_memcpy(copy + to, theirs + from, length);
        CHECK(std::memcmp(copy + to, theirs + from, length) == 0 && copy[to + length] == 0);
        pc_memset(ours + to, static_cast<int>(0x1a5 + length), length);
        std::memset(theirs + to, static_cast<int>(0x1a5 + length), length);
        CHECK(std::memcmp(ours, theirs, sizeof ours) == 0);
      }
    }
  }
}

CASE("comparisons are of unsigned octets") {
  CHECK(sign(pc_memcmp("\x80", "\x7f", 1)) == 1);
  CHECK(pc_memcmp("abc", "abd", 2) == 0);
  CHECK(sign(pc_strcmp("a", "ab")) == -1 && pc_strcmp("ab", "ab") == 0);
  CHECK(sign(pc_strncmp("\xff", "a", 5)) == 1 && pc_strncmp("abX", "abY", 2) == 0);
  CHECK(pc_strlen("") == 0 && pc_strlen("four") == 4);
}

CASE("without a start info there is no memory") { CHECK(pc::memory_from(0, 0x100000).end == 0); }
