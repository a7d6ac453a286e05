#include <cstdarg>
#include <net/interfaces.hpp>
#include <syslogd>

#include "kernel/text.hpp"
#include "kernel/wall_clock.hpp"
#include "platform/platform.hpp"

namespace {

using Message = kernel::Text<2048>;
using Datagram = kernel::Text<1472 + 1>;  // octets that an Ethernet frame carries, and a final zero

constexpr int kError = 3;
constexpr unsigned kUser = 64;  // IncludeOS's facility, shifted

void add_integer(Message& message, int value) {
  if (value < 0) message.add("-");
  message.add(value < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(std::int64_t{value})
                        : static_cast<std::uint64_t>(value));
}

// False when the conversion is not known; `arguments` is then as it was.
bool convert(Message& message, char conversion, std::va_list& arguments) {
  switch (conversion) {
    case 's': {
      const char* const text = va_arg(arguments, const char*);
      message.add(text != nullptr ? text : "(null)");
      return true;
    }
    case 'd':
    case 'i':
      add_integer(message, va_arg(arguments, int));
      return true;
    case 'u':
      message.add(std::uint64_t{va_arg(arguments, unsigned)});
      return true;
    case 'x':
      message.hex(va_arg(arguments, unsigned));
      return true;
    case 'c':
      message.put(static_cast<char>(va_arg(arguments, int)));
      return true;
    case '%':
      message.put('%');
      return true;
    default:
      return false;
  }
}

void format_message(Message& message, const char* format, std::va_list& arguments) {
  for (; *format != '\0'; ++format) {
    if (*format != '%') {
      message.put(*format);
    } else if (convert(message, format[1], arguments)) {
      ++format;
    } else {
      message.add(format);
      return;
    }
  }
}

// "2017-04-10T13:37:00.000Z", or "-" when the machine does not know (RFC 5424 §6.2.3).
template <std::size_t N>
void add_date(kernel::Text<N>& line) {
  char date[kernel::kDateText];
  const std::size_t length = kernel::write_date(platform::wall_seconds(), date);
  if (length == 0) {
    line.add("-");
    return;
  }
  date[length - 1] = '\0';
  line.add(date).add(".000Z");
}

// RFC 5424 §6.2.4.
void add_host(Datagram& line, const net::Inet& iface) {
  char text[16];
  iface.ip_addr().write_text(text);
  line.add(iface.is_configured() ? text : "-");
}

const char* name_of(int severity) {
  constexpr const char* kNames[] = {"EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"};
  return kNames[severity];
}

void print_message(int severity, const Message& message) {
  kernel::Text<2048 + 80> line;
  line.add("<").add(kUser + static_cast<unsigned>(severity)).add("> <USER.").add(name_of(severity)).add("> ");
  add_date(line);
  line.add(" service: ").add(message.c_str()).add("\n").print();
}

}  // namespace

constinit std::unique_ptr<Syslog_facility> Syslog::facility_;

void Syslog::settings(const net::Addr& address, std::uint16_t port) {
  if (facility_ != nullptr) facility_->settings(address, port);
}

void Syslog::syslog(int priority, const char* format, ...) {
  Message message;
  if (!valid_priority(priority)) {
    message.add("Syslog: Unknown priority ");
    add_integer(message, priority);
    message.add(". Message: ");
    priority = kError;
  }
  std::va_list arguments;
  va_start(arguments, format);
  format_message(message, format, arguments);
  va_end(arguments);
  if (facility_ != nullptr) {
    facility_->deliver(priority, message.c_str());
  } else {
    print_message(priority, message);
  }
}

void Syslog_udp::settings(const net::Addr& address, std::uint16_t port) {
  address_ = address;
  port_ = port;
}

void Syslog_udp::deliver(int severity, const char* text) {
  if (net::Interfaces::all().empty()) return;
  net::Inet& iface = net::Interfaces::get(0);
  if (socket_ == nullptr) socket_ = &iface.udp().bind();
  Datagram line;
  line.add("<").add(kUser + static_cast<unsigned>(severity)).add(">1 ");
  add_date(line);
  line.add(" ");
  add_host(line, iface);
  line.add(" service 1 UDPOUT - ").add(text);
  socket_->sendto(address_, port_, line.c_str(), line.size());
}

Syslog_udp::~Syslog_udp() {
  if (socket_ != nullptr) socket_->close();
}
