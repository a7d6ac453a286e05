// A UDP port that this machine listens at, under IncludeOS's name: net::udp::Socket.
//
// Made by UDP::bind, which owns it. A socket belongs to its port, not to an address: what it sends carries
// the address that the Iface has then, and it goes on receiving when that changes.
//
// Not     callbacks of sendto (when it was sent, and ICMP errors), multicast groups, IPv6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <delegate>
#include <net/socket.hpp>

namespace net {

class UDP;

namespace udp {

using addr_t = net::Addr;
using port_t = std::uint16_t;

class Socket {
 public:
  // `data` is valid during the call; a handler may send, and close the socket.
  using recvfrom_handler = delegate<void(addr_t from, port_t port, const char* data, std::size_t length)>;

  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void on_read(recvfrom_handler handler) { on_read_ = std::move(handler); }

  // Send one datagram of 1 to UDP::max_datagram_size() octets; none of 0. What does not fit, or finds no
  // frame free, is counted (`too-big`, `no-frame`).
  void sendto(addr_t to, port_t port, const void* data, std::size_t length);
  // The same to 255.255.255.255, from `source`: the Iface's own address, or 0.0.0.0 while it has none.
  void bcast(addr_t source, port_t port, const void* data, std::size_t length);

  void close();  // the reference is not valid any more

  addr_t local_addr() const;
  port_t local_port() const { return port_; }
  net::Socket local() const { return {local_addr(), port_}; }

 private:
  friend class net::UDP;

  UDP* udp_ = nullptr;
  port_t port_ = 0;  // 0: the place is free
  recvfrom_handler on_read_;
};

}  // namespace udp
}  // namespace net
