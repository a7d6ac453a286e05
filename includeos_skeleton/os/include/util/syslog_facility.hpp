// Where messages go: a server by UDP, under IncludeOS's name Syslog_udp. Without one they go to the console.
#pragma once

#include <cstdint>
#include <net/addr.hpp>
#include <net/udp/socket.hpp>

class Syslog_facility {
 public:
  virtual ~Syslog_facility() = default;
  virtual void settings(const net::Addr& address, std::uint16_t port) = 0;
  virtual const net::Addr& ip() const noexcept = 0;
  virtual std::uint16_t port() const noexcept = 0;
  // Deliver a message. `severity`: 0..7.
  virtual void deliver(int severity, const char* text) = 0;
};

// A datagram a message, from a port of NIC 0 that is bound at the first one:
//
//   <PRI>1 2017-04-10T13:37:00.000Z 192.0.2.1 service 1 UDPOUT - text
//
// PRI is 64 + severity (IncludeOS multiplies the facility "user" by eight twice); a machine without a date or
// an address says "-". What does not fit in a packet of 1500 octets is cut off. Nothing is kept or repeated.
//
// Spec    RFC 5424 §6 (format); RFC 5426 §3.1 (a message a datagram).
class Syslog_udp : public Syslog_facility {
 public:
  void settings(const net::Addr& address, std::uint16_t port) override;
  const net::Addr& ip() const noexcept override { return address_; }
  std::uint16_t port() const noexcept override { return port_; }
  void deliver(int severity, const char* text) override;
  ~Syslog_udp() override;

 private:
  net::Addr address_;
  std::uint16_t port_ = 0;
  net::udp::Socket* socket_ = nullptr;
};
