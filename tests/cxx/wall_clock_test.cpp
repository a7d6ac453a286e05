// Dates: both ways, as text, and as the PC's battery clock tells them.
#include "kernel/wall_clock.hpp"

#include <array>
#include <cstring>
#include <ctime>
#include <isotime>
#include <platform/pc/io.hpp>

#include "check.hpp"
#include "fake_platform.hpp"
#include "platform/pc/clock.hpp"
#include "platform/pc/rtc.hpp"

namespace {

struct Battery_clock {
  std::array<std::uint8_t, 128> registers{};
  int updating_for = 0;  // looks at status A
  std::uint8_t selected = 0;
  int reads_of_seconds = 0;
  int ticks_at = 0;  // that reading of the seconds finds one more
  long writes = 0;   // to the data port
  long looks = 0;
};
Battery_clock battery;
std::uint64_t clock_ns = 0;

// 2026-11-22 01:02:03, in decimal digits and 24 hours.
Battery_clock a_clock() {
  Battery_clock clock;
  clock.registers[0] = 0x03;
  clock.registers[2] = 0x02;
  clock.registers[4] = 0x01;
  clock.registers[7] = 0x22;
  clock.registers[8] = 0x11;
  clock.registers[9] = 0x26;
  clock.registers[0x0b] = 0x02;
  clock.registers[0x32] = 0x20;
  return clock;
}
constexpr std::uint64_t kThen = 1'795'309'323;

std::uint64_t told_by(const Battery_clock& clock) {
  battery = clock;
  clock_ns = 5'000'000'000;
  pc::rtc::start();
  return pc::rtc::seconds();
}

std::string text_of(std::uint64_t seconds) {
  char text[kernel::kDateText];
  const std::size_t length = kernel::write_date(seconds, text);
  return std::strlen(text) == length ? text : "wrong length";
}

}  // namespace

namespace pc {

void out8(std::uint16_t port, std::uint8_t value) {
  if (port == 0x70) battery.selected = value;
  if (port == 0x71) ++battery.writes;
}
std::uint8_t in8(std::uint16_t port) {
  if (port != 0x71) return 0xff;
  if (battery.selected == 0x0a) {
    ++battery.looks;
    return battery.updating_for-- > 0 ? 0x80 : 0;
  }
  if (battery.selected == 0 && ++battery.reads_of_seconds == battery.ticks_at) ++battery.registers[0];
  return battery.registers[battery.selected & 127];
}

namespace clock {
std::uint64_t nanoseconds() { return clock_ns; }
}  // namespace clock

}  // namespace pc

CASE("dates agree with the C library's") {
  for (std::uint64_t seconds = 1; seconds < 253'402'300'800; seconds += 86'399 * 37) {
    const auto as_time = static_cast<std::time_t>(seconds);
    std::tm expected{};
    ::gmtime_r(&as_time, &expected);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &expected);
    CHECK(text_of(seconds) == text);
    CHECK(kernel::seconds_of(kernel::date_of(seconds)) == seconds);
  }
}

CASE("what is no date is 0, and 0 is no text") {
  CHECK(kernel::seconds_of({2000, 2, 29, 0, 0, 0}) != 0);
  for (const kernel::Date& date : {kernel::Date{1969, 12, 31, 0, 0, 0},
                                   {10000, 1, 1, 0, 0, 0},
                                   {2001, 0, 1, 0, 0, 0},
                                   {2001, 13, 1, 0, 0, 0},
                                   {2001, 2, 29, 0, 0, 0},
                                   {1900, 2, 29, 0, 0, 0},
                                   {2001, 4, 31, 0, 0, 0},
                                   {2001, 1, 0, 0, 0, 0},
                                   {2001, 1, 1, 24, 0, 0},
                                   {2001, 1, 1, 0, 60, 0},
                                   {2001, 1, 1, 0, 0, 60}})
    CHECK(kernel::seconds_of(date) == 0);
  CHECK(text_of(0).empty());
  CHECK(text_of(253'402'300'800).empty());
  CHECK(text_of(253'402'300'799) == "9999-12-31T23:59:59Z");
}

CASE("isotime") {
  fake::wall = 1'491'831'420;
  CHECK(isotime::now() == "2017-04-10T13:37:00Z");
  CHECK(isotime::to_datetime_string(-1).empty());
  fake::wall = 0;
  CHECK(isotime::now().empty());
}

CASE("the battery clock is read, not written") {
  CHECK(text_of(told_by(a_clock())) == "2026-11-22T01:02:03Z");
  CHECK(told_by(a_clock()) == kThen);
  CHECK(battery.writes == 0);
  clock_ns += 61'900'000'000;
  CHECK(pc::rtc::seconds() == kThen + 61);
}

CASE("its other formats") {
  Battery_clock binary = a_clock();
  binary.registers = {};
  binary.registers[0] = 3;
  binary.registers[2] = 2;
  binary.registers[4] = 1;
  binary.registers[7] = 22;
  binary.registers[8] = 11;
  binary.registers[9] = 26;
  binary.registers[0x0b] = 0x06;
  binary.registers[0x32] = 20;
  CHECK(told_by(binary) == kThen);
  binary.registers[0x32] = 0;  // no century: this one
  CHECK(told_by(binary) == kThen);
  Battery_clock twelve = a_clock();
  twelve.registers[0x0b] = 0;
  CHECK(told_by(twelve) == kThen);
  twelve.registers[4] = 0x81;
  CHECK(told_by(twelve) == kThen + 12 * 3600);
  twelve.registers[4] = 0x12;
  CHECK(told_by(twelve) == kThen - 3600);
  twelve.registers[4] = 0;
  CHECK(told_by(twelve) == 0);
}

CASE("it is waited for while it is updating, but not for ever") {
  Battery_clock clock = a_clock();
  clock.updating_for = 1000;
  CHECK(told_by(clock) == kThen);
  clock.updating_for = 1'000'000'000;
  CHECK(told_by(clock) == 0);
  CHECK(battery.looks < 100'000);
}

CASE("a reading that the clock went on in is made again") {
  Battery_clock clock = a_clock();
  clock.ticks_at = 2;
  CHECK(told_by(clock) == kThen + 1);
}

CASE("a clock that is not there tells nothing") {
  Battery_clock nothing;
  nothing.registers.fill(0xff);
  CHECK(told_by(nothing) == 0);
  CHECK(told_by({}) == 0);
}
