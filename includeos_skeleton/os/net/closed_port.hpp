// What answers TCP and UDP while nobody listens: a reset, and ICMP port unreachable.
//
// Spec    RFC 9293 §3.10.7.1 (segment for a connection that does not exist); RFC 1122 §4.1.3.1 (UDP).
//
// What is malformed or has a wrong checksum is counted and not answered.
#pragma once

#include <net/ip4/ip4.hpp>

namespace net::closed_port {

// Take a packet that was delivered on `iface`.
void refuse_udp(Inet& iface, IP4::IP_packet_ptr packet);
void refuse_tcp(Inet& iface, IP4::IP_packet_ptr packet);

}  // namespace net::closed_port
