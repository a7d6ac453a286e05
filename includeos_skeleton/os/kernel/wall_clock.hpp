// Dates: from and to seconds since 1970-01-01 00:00 UTC, in the Gregorian calendar, without leap seconds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kernel {

struct Date {
  unsigned year;   // 1970..9999
  unsigned month;  // 1..12
  unsigned day;    // 1..31
  unsigned hour;   // 0..23
  unsigned minute;
  unsigned second;
};

// 0 for what is no date.
std::uint64_t seconds_of(const Date& date);
// `seconds` before the year 10000.
Date date_of(std::uint64_t seconds);

// "2017-04-10T13:37:00Z" (RFC 3339) with its final zero, or "" for 0 and for years beyond 9999; returns its
// length.
inline constexpr std::size_t kDateText = 21;  // octets
std::size_t write_date(std::uint64_t seconds, char (&text)[kDateText]);

}  // namespace kernel
