// Writing an answer into the frame of the packet it answers.
//
// Every answer is a packet of this machine (docs/language.md 13): TTL 64, don't-fragment clear, no options.
// Its id, length and checksum are set when it departs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <net/ip4/packet_ip4.hpp>

namespace net::answer {

// A new IPv4 header of 20 octets at the packet's layer_begin(), over what is there.
void write_header(PacketIP4& packet, Protocol protocol, ip4::Addr source, ip4::Addr destination,
                  std::uint8_t ds_ecn = 0);

// Make the packet one of `size` octets whose layer begins where a new packet's would. What it held is
// overwritten by and by: read it before.
void start_over(PacketIP4& packet, std::size_t size);

// The checksum over pseudo header and `length` octets of TCP or UDP at `segment` (RFC 9293 §3.1, RFC 768), in
// network order; 0 for a segment that carries a correct one.
std::uint16_t transport_checksum(ip4::Addr source, ip4::Addr destination, Protocol protocol,
                                 const std::uint8_t* segment, std::size_t length);

}  // namespace net::answer
