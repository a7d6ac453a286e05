#include "platform/pc/rtc.hpp"

#include "kernel/wall_clock.hpp"
#include "platform/pc/clock.hpp"
#include "platform/pc/io.hpp"

namespace pc::rtc {

namespace {

enum Register : std::uint8_t {
  kSeconds = 0,
  kMinutes = 2,
  kHours = 4,
  kDay = 7,
  kMonth = 8,
  kYear = 9,
  kStatusA = 0x0a,
  kStatusB = 0x0b,
  kCentury = 0x32,
};
constexpr std::uint8_t kUpdating = 0x80;    // in status A
constexpr std::uint8_t kBinary = 0x04;      // in status B; else two decimal digits
constexpr std::uint8_t kTwentyFour = 0x02;  // in status B; else the hour's upper bit is p.m.
constexpr int kMostLooks = 20'000;          // at status A: an update takes 2 ms, a look a microsecond or so
constexpr int kMostReadings = 4;

std::uint64_t seconds_at_start = 0;  // since 1970; 0: not known
std::uint64_t read_at = 0;           // nanoseconds since start

std::uint8_t read(std::uint8_t reg) {
  out8(0x70, reg);
  return in8(0x71);
}

// The registers as they are. False when the clock is updating them all the time: it is not there.
struct Reading {
  std::uint8_t second, minute, hour, day, month, year, century, formats;
  bool operator==(const Reading&) const = default;
};
bool look(Reading& reading) {
  for (int looks = 0; (read(kStatusA) & kUpdating) != 0; ++looks)
    if (looks == kMostLooks) return false;
  reading = {.second = read(kSeconds),
             .minute = read(kMinutes),
             .hour = read(kHours),
             .day = read(kDay),
             .month = read(kMonth),
             .year = read(kYear),
             .century = read(kCentury),
             .formats = read(kStatusB)};
  return true;
}

unsigned number(std::uint8_t value, std::uint8_t formats) {
  return (formats & kBinary) != 0 ? value : (value >> 4) * 10U + (value & 0xfU);
}

unsigned hour_of(const Reading& reading) {
  constexpr std::uint8_t kAfternoon = 0x80;
  if ((reading.formats & kTwentyFour) != 0) return number(reading.hour, reading.formats);
  const unsigned hour = number(reading.hour & 0x7f, reading.formats);
  if (hour < 1 || hour > 12) return 24;  // none
  return hour % 12 + ((reading.hour & kAfternoon) != 0 ? 12 : 0);
}

std::uint64_t seconds_of(const Reading& reading) {
  const unsigned century = number(reading.century, reading.formats);
  const unsigned year = number(reading.year, reading.formats);
  return kernel::seconds_of(
      {.year = (century == 19 || century == 20 || century == 21 ? century : 20) * 100 + year,
       .month = number(reading.month, reading.formats),
       .day = number(reading.day, reading.formats),
       .hour = hour_of(reading),
       .minute = number(reading.minute, reading.formats),
       .second = number(reading.second, reading.formats)});
}

}  // namespace

// Two equal readings: none was made while the clock moved on.
void start() {
  seconds_at_start = 0;
  Reading last{};
  if (!look(last)) return;
  for (int i = 0; i < kMostReadings; ++i) {
    Reading next{};
    if (!look(next)) return;
    if (next == last) {
      seconds_at_start = seconds_of(next);
      read_at = clock::nanoseconds();
      return;
    }
    last = next;
  }
}

std::uint64_t seconds() {
  if (seconds_at_start == 0) return 0;
  return seconds_at_start + (clock::nanoseconds() - read_at) / 1'000'000'000;
}

}  // namespace pc::rtc
