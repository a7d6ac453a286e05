// Dates as text, under IncludeOS's name.
#pragma once

#include <ctime>
#include <string>

struct isotime {
  // "2017-04-10T13:37:00Z" (RFC 3339), of seconds since 1970 UTC; "" for 0 and before, and from the year
  // 10000 on.
  static std::string to_datetime_string(std::time_t seconds);
  // Now; "" on a machine without a clock that tells the date.
  static std::string now();
};
