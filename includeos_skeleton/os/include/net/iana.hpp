// Assigned numbers, under IncludeOS's names: IP protocols, ECN and DSCP code points.
//
// Spec    IANA "Protocol Numbers"; RFC 3168 §5 (ECN); RFC 2474 §3 (DSCP). Any value of the width may stand in
//         a packet; only those with a name here are ever compared with.
#pragma once

#include <cstdint>

namespace net {

enum class Protocol : std::uint8_t { HOPOPT = 0, ICMPv4 = 1, IPv4 = 4, TCP = 6, UDP = 17, IPv6 = 41 };

enum class ECN : std::uint8_t { NOT_ECT = 0, CE = 3 };

enum class DSCP : std::uint8_t { CS0 = 0 };

}  // namespace net
