// Another address, and another port, at one end of a packet of TCP, UDP or ICMPv4.
//
// Spec    RFC 1624 §3: the checksums are adjusted, so that a wrong one stays wrong. RFC 768: a UDP checksum
// of 0
//         says that there is none and stays; one that would become 0 is sent as ffff.
#pragma once

#include <net/ip4/packet_ip4.hpp>

namespace net {

enum class End : std::uint8_t { kSource, kDestination };

// The packet has its transport header. ICMP has no ports: only the address is written.
void readdress(PacketIP4& packet, End end, const Socket& to);

}  // namespace net
