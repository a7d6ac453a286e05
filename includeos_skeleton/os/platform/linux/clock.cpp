#include "platform/linux/clock.hpp"

#include <time.h>

#include <algorithm>
#include <cstring>
#include <os.hpp>

#include "kernel/console.hpp"

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kLongest = 1'000'000;  // seconds at a time

bool is_made_virtual = false;
bool is_passing = false;
std::uint64_t virtual_now = 0;
std::uint64_t until = 0;

std::uint64_t host_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t host_date() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec < 0 ? 0 : static_cast<std::uint64_t>(now.tv_sec);
}

std::uint64_t started_at = host_now();
std::uint64_t started_on = host_date();

void advance(const char* rest) {
  constexpr const char* kRefusal = "advance: the seconds are 1..1000000\n";
  std::uint64_t seconds = 0;
  const char* at = rest;
  for (; *at >= '0' && *at <= '9' && seconds <= kLongest; ++at) {
    seconds = seconds * 10 + static_cast<std::uint64_t>(*at - '0');
  }
  if (*at != '\0' || seconds == 0 || seconds > kLongest) {
    os::print(kRefusal, std::strlen(kRefusal));
    return;
  }
  until = virtual_now + seconds * kSecond;
  is_passing = true;
}

}  // namespace

namespace platform::clock {

void make_virtual() {
  if (is_made_virtual) return;
  is_made_virtual = true;
  console::on_command("advance", &advance);
}

bool is_virtual() { return is_made_virtual; }

std::uint64_t now() { return is_made_virtual ? virtual_now : host_now() - started_at; }

std::uint64_t wall_seconds() { return is_made_virtual ? started_on + virtual_now / kSecond : host_date(); }

bool passing() { return is_passing; }

void pass(std::uint64_t deadline_ns) {
  is_passing = deadline_ns <= until;  // a timer is due at the very end, too
  virtual_now = is_passing ? std::max(virtual_now, deadline_ns) : until;
}

}  // namespace platform::clock
