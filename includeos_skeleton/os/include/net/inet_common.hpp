// What the layers of a stack share.
#pragma once

#include <memory>
#include <net/addr.hpp>
#include <net/checksum.hpp>
#include <net/iana.hpp>
#include <net/packet.hpp>
#include <net/socket.hpp>
#include <type_traits>

namespace net {

// See a packet as one of the layer that it is known to hold.
template <class Derived, class Base>
auto static_unique_ptr_cast(std::unique_ptr<Base>&& base) {
  static_assert(std::is_base_of_v<Base, Derived>);
  return std::unique_ptr<Derived>{static_cast<Derived*>(base.release())};
}

}  // namespace net
