// Messages to a log server, under IncludeOS's name. Allocates nothing while it sends.
//
// Not     openlog and closelog, "%m", the conversions of printf other than %s %d %i %u %x %c %%.
#pragma once

#include <memory>
#include <util/syslog_facility.hpp>

class Syslog {
 public:
  // Messages go there from now on; nullptr: to the console.
  static void set_facility(std::unique_ptr<Syslog_facility> facility) { facility_ = std::move(facility); }

  // The server. Without a facility nothing.
  static void settings(const net::Addr& address, std::uint16_t port);

  // Send one message. `priority` is a severity, 0 (emergency) to 7 (debug); of any other one an error is sent
  // that says so. Its text is cut at 2047 octets. A conversion that is not known ends the conversions: from
  // there on the format is the text.
  [[gnu::format(printf, 2, 3)]] static void syslog(int priority, const char* format, ...);

  static bool valid_priority(int priority) noexcept { return priority >= 0 && priority <= 7; }

 private:
  static std::unique_ptr<Syslog_facility> facility_;
};
