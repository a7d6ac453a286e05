// Packets that answer other packets, and what the fuzzers of the stack read of frames.
#pragma once

#include <cstdint>

#include "bench.hpp"

namespace fuzz {

using bench::Octets;

// A frame's IPv4 packet without link header, tag and padding; empty when it holds none that is whole.
Octets packet_in(const Octets& frame);

// The frame as one that came in for `nic`, in VLAN `vlan` (0: none).
Octets frame_of(const Octets& packet, const MAC::Addr& nic, const MAC::Addr& from, int vlan);

bool is_fragment(const Octets& packet);
bool has_transport(const Octets& packet);  // its first octets, of TCP, UDP or ICMP

// Sets the checksum of a packet of TCP, UDP or ICMP; leaves others, and fragments.
void fix_transport_checksum(Octets& packet);

// Of UDP with a checksum, `data` octets long.
Octets udp_packet(const bench::Ip& header, std::uint16_t from, std::uint16_t to, const Octets& data);

// What the other end of a TCP, UDP or ICMP packet may say to it; `flags` are TCP's. The packet has its
// transport header.
Octets reply_to(const Octets& packet, std::uint8_t flags);

// An ICMP error from `reporter` about a packet, with so many of its octets.
Octets error_about(const Octets& packet, const char* reporter, std::uint8_t type, std::uint8_t code,
                   std::size_t octets);

bool is_arp_request(const Octets& frame);
// The answer to an ARP request, in the same VLAN.
Octets arp_answer(const Octets& request, const MAC::Addr& from);

}  // namespace fuzz
