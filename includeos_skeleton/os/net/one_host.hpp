// Which addresses a single host can have.
#pragma once

#include <net/ip4/addr.hpp>

namespace net {

// RFC 1122 §3.2.1.3: neither 0.x, 127.x, multicast, nor above.
constexpr bool is_one_host(ip4::Addr address) {
  const unsigned first = address.part(3);
  return first > 0 && first < 224 && !address.is_loopback();
}

}  // namespace net
