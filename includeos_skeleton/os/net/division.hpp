// A packet that is too long for a frame leaves in pieces.
//
// Spec    RFC 791 §3.2 (fragmentation); the pieces end where the MTU ends, but for the last.
//
// Not     packets with options (no packet that is too long has any), and pieces of pieces.
#pragma once

#include <net/counters.hpp>
#include <net/ip4/packet_ip4.hpp>
#include <optional>

namespace net {

class Inet;

namespace division {

// Put `packet`, to leave by `out`, into as many frames as it needs; into one when it is not longer than the
// MTU. They go to `pieces` in order, or none does and the reason is returned: don't-fragment is set or the
// packet cannot be divided (kTooBig), or so many frames are not free (kNoFrame).
[[nodiscard]] std::optional<Drop> divide(Inet& out, const PacketIP4& packet, Packet_queue& pieces);

}  // namespace division
}  // namespace net
