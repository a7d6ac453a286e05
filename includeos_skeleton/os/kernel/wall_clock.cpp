#include "kernel/wall_clock.hpp"

namespace kernel {

namespace {

constexpr std::uint64_t kDay = 86'400;                   // seconds
constexpr std::uint64_t kTenThousand = 253'402'300'800;  // the year 10000
constexpr unsigned kDaysBefore[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

bool is_leap(unsigned year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

// Days from 1970-01-01 to the first of January.
std::uint64_t days_before(unsigned year) {
  const unsigned y = year - 1;
  return std::uint64_t{365} * (year - 1970) + (y / 4 - y / 100 + y / 400) -
         (1969 / 4 - 1969 / 100 + 1969 / 400);
}

// Days from the first of January to the first of the month; 13: all of the year.
unsigned days_before(unsigned month, bool leap) {
  return kDaysBefore[month - 1] + (leap && month > 2 ? 1 : 0);
}

}  // namespace

std::uint64_t seconds_of(const Date& date) {
  if (date.year < 1970 || date.year > 9999 || date.month < 1 || date.month > 12 || date.day < 1) return 0;
  if (date.hour > 23 || date.minute > 59 || date.second > 59) return 0;
  const bool leap = is_leap(date.year);
  const unsigned before = days_before(date.month, leap);
  if (date.day > days_before(date.month + 1, leap) - before) return 0;
  const std::uint64_t days = days_before(date.year) + before + date.day - 1;
  return days * kDay + date.hour * 3600 + date.minute * 60 + date.second;
}

Date date_of(std::uint64_t seconds) {
  const std::uint64_t days = seconds / kDay;
  unsigned year = static_cast<unsigned>(1970 + days / 366);  // never too late
  while (days_before(year + 1) <= days) ++year;
  const auto of_year = static_cast<unsigned>(days - days_before(year));
  unsigned month = 1;
  while (days_before(month + 1, is_leap(year)) <= of_year) ++month;
  const auto of_day = static_cast<unsigned>(seconds % kDay);
  return {.year = year,
          .month = month,
          .day = of_year - days_before(month, is_leap(year)) + 1,
          .hour = of_day / 3600,
          .minute = of_day / 60 % 60,
          .second = of_day % 60};
}

std::size_t write_date(std::uint64_t seconds, char (&text)[kDateText]) {
  std::size_t at = 0;
  if (seconds != 0 && seconds < kTenThousand) {
    const Date date = date_of(seconds);
    const auto add = [&](unsigned number, unsigned digits, char after) {
      for (unsigned place = digits; place-- > 0; number /= 10)
        text[at + place] = static_cast<char>('0' + number % 10);
      at += digits;
      text[at++] = after;
    };
    add(date.year, 4, '-');
    add(date.month, 2, '-');
    add(date.day, 2, 'T');
    add(date.hour, 2, ':');
    add(date.minute, 2, ':');
    add(date.second, 2, 'Z');
  }
  text[at] = '\0';
  return at;
}

}  // namespace kernel
