// Fragments for the machine itself become datagrams: docs/language.md 8.1 step (5).
//
//   fragment ─▶ take() ─▶ waits with others of its (Iface, source, destination, protocol, id) ─▶ the datagram
//
// Spec    RFC 791 §3.2; RFC 815 (a datagram is whole when no octet is missing, in whatever order they came);
//         RFC 1858 and RFC 5722 §4 (what overlaps is thrown away as a whole; the same fragment once more is
//         no overlap).
// Owns    kDatagrams buffers of 64 KiB, taken at start. No frame waits here: a fragment's data are copied and
//         its frame goes back.
// Bounds  kDatagrams unfinished datagrams of up to 65,515 octets of data, each for kTimeout. One more takes
//         the place of the oldest one of the source that has the most.
// Counts  every fragment that is kept as `held`, what is refused as a drop of its own, and each datagram that
//         was given up once.
//
// Not     an ICMP error about what did not come in time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <net/ip4/ip4.hpp>

namespace net::reassembly {

inline constexpr std::size_t kDatagrams = 16;
inline constexpr std::uint64_t kTimeout = 30'000'000'000;  // ns from the first fragment that came
inline constexpr std::size_t kLongestData = 65'515;        // octets: 65,535 with a header of 20

// Take the buffers, once.
void start();

// Keep a fragment that arrived on `iface` for it, checked and cut to its length. The whole datagram when this
// was the last of it: a header of 20 octets, offset 0, no flags, checksum 0, everything else as in the
// fragment with offset 0. Else null.
[[nodiscard]] IP4::IP_packet_ptr take(Inet& iface, IP4::IP_packet_ptr fragment);

// Give up what has waited too long; call a few times a second.
void tick();

}  // namespace net::reassembly
