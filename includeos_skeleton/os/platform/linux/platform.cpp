// The machine as a process: stdin and stdout are the console, inherited datagram sockets are the NICs.
//
//   service [--nic fd=N,mac=02:00:00:00:00:01]... [--exit-on-eof] [--virtual-clock]
//
// SIGTERM ends it (the default action), the loss of the console's reader does not. Exit statuses are those of
// platform::exit; 2 is a wrong command line.
#include "platform/platform.hpp"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>

#include "kernel/boot.hpp"
#include "platform/linux/clock.hpp"
#include "platform/linux/datagram_nic.hpp"

#ifdef __SANITIZE_ADDRESS__
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // g++ has no header for it
#endif

namespace {

constexpr std::size_t kMaxNics = 32;

std::array<std::optional<platform::Datagram_nic>, kMaxNics> devices;
std::array<hw::Nic*, kMaxNics> nic_table{};
std::size_t nic_count = 0;

bool exit_on_eof = false;
bool console_open = true;
std::array<char, 512> typed;
std::size_t typed_at = 0;
std::size_t typed_end = 0;

[[noreturn]] void refuse(const char* what, const char* argument) {
  for (const char* part :
       {"service: ", what, ": ", argument,
        "\nusage: service [--nic fd=N,mac=XX:XX:XX:XX:XX:XX]... [--exit-on-eof] [--virtual-clock]\n"}) {
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  }
  std::_Exit(2);
}

bool is_mac(const char* text) {
  for (std::size_t i = 0; i < 17; ++i) {
    bool fits = i % 3 == 2 ? text[i] == ':' : std::strchr("0123456789abcdefABCDEF", text[i]) != nullptr;
    if (text[i] == '\0' || !fits) return false;
  }
  return text[17] == '\0';
}

// Others would be read as if each piece were a frame, or would seem readable for good.
bool is_datagram_socket(int descriptor) {
  int type = 0;
  socklen_t length = sizeof type;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM;
}

// "fd=3,mac=02:00:00:00:00:01"
void add_nic(const char* argument) {
  if (std::strncmp(argument, "fd=", 3) != 0) refuse("bad --nic", argument);
  char* end = nullptr;
  long descriptor = std::strtol(argument + 3, &end, 10);
  bool fits = end != argument + 3 && descriptor >= 0 && descriptor <= std::numeric_limits<int>::max();
  if (!fits || std::strncmp(end, ",mac=", 5) != 0 || !is_mac(end + 5)) refuse("bad --nic", argument);
  if (nic_count == kMaxNics) refuse("more than 32 NICs", argument);
  int socket = static_cast<int>(descriptor);
  if (!is_datagram_socket(socket)) refuse("not a datagram socket", argument);
  nic_table[nic_count] = &devices[nic_count].emplace(socket, MAC::Addr(end + 5));
  ++nic_count;
}

void read_arguments(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--exit-on-eof") == 0) {
      exit_on_eof = true;
    } else if (std::strcmp(arguments[i], "--virtual-clock") == 0) {
      platform::clock::make_virtual();
    } else if (std::strcmp(arguments[i], "--nic") == 0 && i + 1 < count) {
      add_nic(arguments[++i]);
    } else {
      refuse("unknown argument", arguments[i]);
    }
  }
}

// Poll the console and, when asked to, the NICs.
void wait(timespec* timeout, bool for_nics) {
  std::array<pollfd, kMaxNics + 1> waits{};
  nfds_t count = 0;
  waits[count++] = {
      .fd = console_open && typed_at == typed_end ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
  for (std::size_t i = 0; for_nics && i < nic_count; ++i) {
    short events = devices[i]->wants_to_send() ? POLLIN | POLLOUT : POLLIN;
    waits[count++] = {.fd = devices[i]->socket(), .events = events, .revents = 0};
  }
  if (::ppoll(waits.data(), count, timeout, nullptr) <= 0 || waits[0].revents == 0) return;
  ssize_t length = ::read(STDIN_FILENO, typed.data(), typed.size());
  if (length < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (length <= 0) {
    console_open = false;
    if (exit_on_eof) platform::exit(0);
    return;
  }
  typed_at = 0;
  typed_end = static_cast<std::size_t>(length);
}

}  // namespace

namespace platform {

std::span<hw::Nic* const> nics() { return {nic_table.data(), nic_count}; }

void console_write(const char* text, std::size_t length) {
  while (length != 0) {
    ssize_t written = ::write(STDOUT_FILENO, text, length);
    if (written < 0 && errno == EAGAIN) {
      pollfd wait{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
      ::poll(&wait, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      return;  // nobody reads any more
    }
    if (written <= 0) continue;
    text += written;
    length -= static_cast<std::size_t>(written);
  }
}

int console_read() {
  if (clock::passing()) return -1;  // what is typed behind `advance` is for the time after it
  if (typed_at == typed_end && console_open) {
    timespec at_once{};
    wait(&at_once, false);
  }
  return typed_at == typed_end ? -1 : static_cast<unsigned char>(typed[typed_at++]);
}

std::uint64_t nanoseconds() { return clock::now(); }

std::uint64_t wall_seconds() { return clock::wall_seconds(); }

std::uint64_t unforeseen() {
  std::uint64_t number = 0;
  if (!clock::is_virtual() && ::getrandom(&number, sizeof number, 0) < 0) return clock::now();
  return number;
}

void idle(std::uint64_t deadline_ns) {
  if (clock::passing()) {
    clock::pass(deadline_ns);
    return;
  }
  if (clock::is_virtual() || deadline_ns == std::numeric_limits<std::uint64_t>::max()) {
    wait(nullptr, true);
    return;
  }
  std::uint64_t now = nanoseconds();
  std::uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
  timespec timeout{.tv_sec = static_cast<time_t>(left / 1'000'000'000),
                   .tv_nsec = static_cast<long>(left % 1'000'000'000)};
  wait(&timeout, true);
}

Heap_use heap_use() {
#ifdef __SANITIZE_ADDRESS__  // whose heap it is then
  return {.used = ::__sanitizer_get_current_allocated_bytes(), .capacity = 0};
#else
  struct mallinfo2 heap = ::mallinfo2();
  return {.used = heap.uordblks + heap.hblkhd, .capacity = 0};
#endif
}

void exit(int status, Last_resort) { std::_Exit(status); }

}  // namespace platform

int main(int count, char** arguments) {
  ::signal(SIGPIPE, SIG_IGN);  // a console that nobody reads any more does not end the machine
  read_arguments(count, arguments);
  hw::Frame_pool::start(kernel::frames_for(nic_count));
  kernel::boot();
}
