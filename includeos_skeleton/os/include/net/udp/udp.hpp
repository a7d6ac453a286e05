// UDP of one Iface, under IncludeOS's name.
//
//   IP4 ──receive4()──▶ checks ─┬─ the socket of the port ─▶ its handler
//                               └─ nobody listens ─▶ ICMP port unreachable
//
// Owns    kSockets sockets; one more is a panic. Allocates nothing.
// Checks  length and checksum of what arrives (a checksum of 0 is none); what is sent has a checksum.
// Spec    RFC 768; RFC 1122 §4.1.
//
// Not     fragments of own datagrams, a queue of what is to be sent, several sockets at one port.
#pragma once

#include <array>
#include <net/ip4/packet_ip4.hpp>
#include <net/udp/socket.hpp>

namespace net {

class Inet;

class UDP {
 public:
  using Stack = Inet;
  using addr_t = udp::addr_t;
  using port_t = udp::port_t;
  static constexpr std::size_t kSockets = 16;

  explicit UDP(Stack& inet) noexcept : stack_{inet} {}
  UDP(const UDP&) = delete;
  UDP& operator=(const UDP&) = delete;

  // Listen at `port`, 1..65535. A port that is bound is a panic (IncludeOS throws).
  udp::Socket& bind(port_t port);
  udp::Socket& bind();  // at a free port of 49152..65535
  bool is_bound(port_t port) const;

  void receive4(Packet_ptr packet);

  std::uint16_t max_datagram_size() const noexcept;  // octets of data
  Stack& stack() { return stack_; }

 private:
  friend class udp::Socket;
  udp::Socket* find(port_t port);
  void send(ip4::Addr source, port_t source_port, ip4::Addr to, port_t port, const void* data,
            std::size_t length);

  Stack& stack_;
  std::array<udp::Socket, kSockets> sockets_;
  port_t next_ephemeral_ = 0;  // back from the last one
};

}  // namespace net
