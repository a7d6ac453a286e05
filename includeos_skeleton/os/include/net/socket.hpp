// An address with a port, and the pair of them that names a flow: IncludeOS's Socket and Quadruple.
#pragma once

#include <cstdint>
#include <net/addr.hpp>
#include <utility>

namespace net {

class Socket {
 public:
  using Address = net::Addr;
  using port_t = std::uint16_t;

  constexpr Socket() noexcept = default;
  constexpr Socket(Address address, port_t port) noexcept : address_{address}, port_{port} {}

  constexpr const Address& address() const noexcept { return address_; }
  constexpr port_t port() const noexcept { return port_; }  // host order
  constexpr bool operator==(const Socket& other) const noexcept = default;

 private:
  Address address_;
  port_t port_ = 0;
};

struct Quadruple {
  Socket src;
  Socket dst;

  constexpr Quadruple() noexcept = default;
  constexpr Quadruple(Socket source, Socket destination) noexcept : src{source}, dst{destination} {}

  constexpr bool operator==(const Quadruple& other) const noexcept = default;
  constexpr bool is_reverse(const Quadruple& other) const noexcept {
    return src == other.dst && dst == other.src;
  }
  constexpr Quadruple& swap() noexcept {
    std::swap(src, dst);
    return *this;
  }
};

}  // namespace net
