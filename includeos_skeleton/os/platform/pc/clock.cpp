#include "platform/pc/clock.hpp"

#include <algorithm>
#include <limits>
#include <os.hpp>

#include "platform/pc/apic.hpp"
#include "platform/pc/io.hpp"

namespace pc::clock {

namespace {

using Wide = unsigned __int128;

constexpr std::uint64_t kPitHz = 1'193'182;
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kMostTicks = std::numeric_limits<std::uint32_t>::max();
constexpr int kMostLooks = 100'000;  // of one measurement; a PIT that runs needs some thousand at most
constexpr int kMostMeasurements = 16;

std::uint64_t started_at = 0;  // time stamp
std::uint64_t scale = 0;       // nanoseconds a time stamp step, in units of 2^-32
std::uint64_t timer_hz = 0;
std::uint64_t wake_wanted = kNever;  // what wake_at was last asked for

// One look at all three clocks. The PIT's counter runs down from 65536.
struct Sample {
  std::uint64_t stamp;
  std::uint32_t timer;
  std::uint16_t pit;
};

Sample look() {
  Sample best{};
  std::uint64_t shortest = kNever;
  for (int i = 0; i < 4; ++i) {  // the look that took least time is the least disturbed one
    std::uint64_t before = time_stamp();
    out8(0x43, 0x80);  // latch counter 2
    std::uint64_t stamp = time_stamp();
    std::uint32_t timer = apic::timer_ticks_left();
    std::uint64_t took = time_stamp() - before;
    std::uint16_t low = in8(0x42);
    auto pit = static_cast<std::uint16_t>(in8(0x42) << 8 | low);
    if (took >= shortest) continue;
    shortest = took;
    best = {stamp, timer, pit};
  }
  return best;
}

void start_counting() {
  out8(0x61, static_cast<std::uint8_t>((in8(0x61) & ~2) | 1));  // gate of counter 2 on, speaker off
  out8(0x43, 0xb4);                                             // counter 2, both octets, rate generator
  out8(0x42, 0);
  out8(0x42, 0);  // 65536
  apic::set_timer(kMostTicks);
}

// False when the machine stood still for so long between two looks that the PIT, which starts over every
// 55 ms, cannot be trusted: the host had other things to do.
bool measure(std::uint64_t& stamp_hz) {
  start_counting();
  const Sample from = look();
  constexpr std::uint64_t kSteps = kMeasureNs * kPitHz / 1'000'000'000;
  Sample to = from;
  std::uint64_t steps = 0;
  std::uint64_t longest = 0;  // time stamp steps between two looks
  for (int looks = 0; steps < kSteps; ++looks) {
    if (looks == kMostLooks) os::panic("the interval timer (8254) does not count");
    const Sample next = look();
    longest = std::max(longest, next.stamp - to.stamp);
    to = next;
    steps = static_cast<std::uint16_t>(from.pit - to.pit);
  }
  apic::set_timer(0);
  stamp_hz = (to.stamp - from.stamp) * kPitHz / steps;
  timer_hz = static_cast<std::uint64_t>(from.timer - to.timer) * kPitHz / steps;
  return longest <= (to.stamp - from.stamp) / 2;
}

// The rate the hypervisor states, in Hz; 0 when it does not.
std::uint64_t stated_rate() {
  constexpr std::uint32_t kHypervisorBit = 1U << 31;
  if ((cpuid(1).ecx & kHypervisorBit) == 0 || cpuid(0x4000'0000).eax < 0x4000'0010) return 0;
  return static_cast<std::uint64_t>(cpuid(0x4000'0010).eax) * 1000;
}

}  // namespace

void start() {
  std::uint64_t stamp_hz = 0;
  for (int i = 0; i < kMostMeasurements && !measure(stamp_hz); ++i) continue;
  if (std::uint64_t stated = stated_rate(); stated != 0) stamp_hz = stated;
  scale = static_cast<std::uint64_t>((Wide{1'000'000'000} << 32) / std::max<std::uint64_t>(stamp_hz, 1));
  started_at = time_stamp();
}

std::uint64_t nanoseconds() {
  return static_cast<std::uint64_t>(Wide{time_stamp() - started_at} * scale >> 32);
}

// The timer's rate is measured, so it may be done a little before the deadline by the time stamp: what counts
// is whether it still runs, else the machine would sleep on with nothing to wake it.
void wake_at(std::uint64_t deadline_ns) {
  const bool runs = deadline_ns == kNever || apic::timer_ticks_left() != 0;
  if (deadline_ns == wake_wanted && runs) return;
  wake_wanted = deadline_ns;
  if (deadline_ns == kNever) return apic::set_timer(0);
  std::uint64_t now = nanoseconds();
  std::uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
  Wide ticks = Wide{left} * timer_hz / 1'000'000'000 + 1;
  apic::set_timer(static_cast<std::uint32_t>(std::min<Wide>(ticks, kMostTicks)));
}

}  // namespace pc::clock
