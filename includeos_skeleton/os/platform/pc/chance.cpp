#include "platform/pc/chance.hpp"

#include "kernel/mix.hpp"
#include "platform/pc/io.hpp"

namespace pc::chance {

namespace {

constexpr int kTries = 10;

std::uint64_t state = 0;

bool has_rdrand() {
  constexpr std::uint32_t kRdrand = 1U << 30;
  return (cpuid(1).ecx & kRdrand) != 0;
}

// 0 when the processor has none to give.
std::uint64_t from_processor() {
  static const bool there = has_rdrand();
  std::uint64_t value = 0;
  bool got = false;
  for (int i = 0; there && !got && i < kTries; ++i) asm volatile("rdrand %0" : "=r"(value), "=@ccc"(got));
  return got ? value : 0;
}

}  // namespace

std::uint64_t number() {
  state = kernel::mix(state ^ from_processor() ^ time_stamp());
  return kernel::mix(state + time_stamp());
}

}  // namespace pc::chance
