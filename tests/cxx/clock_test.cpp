// The PC's clock against simulated hardware: a host that pauses, a timer that is not exact, a PIT that is not
// there.
#include "platform/pc/clock.hpp"

#include <platform/pc/io.hpp>

#include "check.hpp"
#include "platform/pc/apic.hpp"

namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;  // nanoseconds
constexpr std::uint64_t kStampsPerMicrosecond = 2000;

struct Simulated_pc {
  std::uint64_t now = 12345;  // nanoseconds
  std::uint64_t pause_at = ~std::uint64_t{0};
  std::uint64_t pause = 0;           // nanoseconds that pass at once at pause_at
  std::uint64_t timer_khz = 62'500;  // of the APIC's timer
  std::uint64_t timer_started = 0;   // nanoseconds
  std::uint32_t timer_initial = 0;   // ticks
  std::uint16_t latched = 0;
  bool low_octet = true;  // the next one read of the PIT's two
  bool pit_counts = true;
  std::uint32_t stated_khz = 0;  // of the time stamp, by the hypervisor
};
Simulated_pc machine;

// Everything that the clock does takes 200 ns.
void take_time() {
  machine.now += 200;
  if (machine.now < machine.pause_at) return;
  machine.now += machine.pause;
  machine.pause_at = ~std::uint64_t{0};
}

void start(const Simulated_pc& as) {
  machine = as;
  pc::clock::start();
}

// The clock, read twice a second apart, in nanoseconds.
std::uint64_t second_by_the_clock() {
  std::uint64_t from = pc::clock::nanoseconds();
  machine.now += 1000 * kMillisecond - 200;
  return pc::clock::nanoseconds() - from;
}

bool is_a_second(std::uint64_t nanoseconds) {
  return nanoseconds > 990 * kMillisecond && nanoseconds < 1010 * kMillisecond;
}

}  // namespace

namespace pc {

void out8(std::uint16_t port, std::uint8_t value) {
  take_time();
  if (port != 0x43 || value != 0x80) return;
  std::uint64_t steps = machine.pit_counts ? machine.now * 1'193'182 / 1'000'000'000 : 0;
  machine.latched = static_cast<std::uint16_t>(-steps);
  machine.low_octet = true;
}

std::uint8_t in8(std::uint16_t port) {
  take_time();
  if (port != 0x42) return 0;
  auto octet = static_cast<std::uint8_t>(machine.low_octet ? machine.latched : machine.latched >> 8);
  machine.low_octet = !machine.low_octet;
  return octet;
}

std::uint64_t time_stamp() {
  take_time();
  return machine.now * kStampsPerMicrosecond / 1000;
}

Cpuid cpuid(std::uint32_t leaf) {
  if (leaf == 1) return {0, 0, machine.stated_khz != 0 ? 1U << 31 : 0, 0};
  return {leaf == 0x4000'0000 ? 0x4000'0010 : machine.stated_khz, 0, 0, 0};
}

namespace apic {

void set_timer(std::uint32_t ticks) {
  take_time();
  machine.timer_initial = ticks;
  machine.timer_started = machine.now;
}

std::uint32_t timer_ticks_left() {
  take_time();
  std::uint64_t gone = (machine.now - machine.timer_started) * machine.timer_khz / kMillisecond;
  return gone >= machine.timer_initial ? 0 : machine.timer_initial - static_cast<std::uint32_t>(gone);
}

}  // namespace apic
}  // namespace pc

CASE("a second is a second") {
  start({});
  CHECK(is_a_second(second_by_the_clock()));
}

CASE("the hypervisor's word on the rate counts") {
  start({.stated_khz = 1'000'000});
  CHECK(second_by_the_clock() > 1990 * kMillisecond);
}

CASE("a host that pauses while the clock is measured does not change its rate") {
  for (std::uint64_t pause : {1, 20, 56, 60, 100, 500}) {
    start({.pause_at = 12345 + kMillisecond, .pause = pause * kMillisecond});
    CHECK(is_a_second(second_by_the_clock()));
  }
}

CASE("without an interval timer there is a message, not a hang") {
  CHECK(check::status_of([] { start({.pit_counts = false}); }) == 101);
}

CASE("the timer is set for the deadline, and left alone while it runs") {
  start({});
  pc::clock::wake_at(pc::clock::nanoseconds() + 100 * kMillisecond);
  CHECK(machine.timer_initial > 99 * 62'500 && machine.timer_initial < 101 * 62'500);
  std::uint64_t deadline = pc::clock::nanoseconds() + 50 * kMillisecond;
  pc::clock::wake_at(deadline);
  std::uint64_t started = machine.timer_started;
  machine.now += 10 * kMillisecond;
  pc::clock::wake_at(deadline);
  CHECK(machine.timer_started == started);
}

CASE("a timer that is done before the deadline is set again") {
  start({});
  std::uint64_t deadline = pc::clock::nanoseconds() + 1000 * kMillisecond;
  pc::clock::wake_at(deadline);
  machine.timer_khz += machine.timer_khz / 100;  // faster than it was measured
  machine.now += 995 * kMillisecond;
  CHECK(pc::apic::timer_ticks_left() == 0);
  CHECK(pc::clock::nanoseconds() < deadline);
  pc::clock::wake_at(deadline);
  CHECK(pc::apic::timer_ticks_left() != 0);
}

CASE("a deadline beyond the timer's reach is reached in parts") {
  start({});
  std::uint64_t deadline = pc::clock::nanoseconds() + 200'000 * kMillisecond;
  pc::clock::wake_at(deadline);
  CHECK(machine.timer_initial == 0xffff'ffff);
  machine.now += 69'000 * kMillisecond;
  pc::clock::wake_at(deadline);
  CHECK(pc::apic::timer_ticks_left() != 0);
}

CASE("no deadline is no timer") {
  start({});
  pc::clock::wake_at(pc::clock::nanoseconds() + kMillisecond);
  pc::clock::wake_at(~std::uint64_t{0});
  CHECK(pc::apic::timer_ticks_left() == 0);
}
