// What answers TCP while nobody listens: a reset. (UDP answers by itself: net/udp.cpp.)
//
// Spec    RFC 9293 §3.10.7.1 (segment for a connection that does not exist).
//
// What is malformed or has a wrong checksum is counted and not answered.
#pragma once

#include <net/ip4/ip4.hpp>

namespace net::closed_port {

// Take a packet that was delivered on `iface`.
void refuse_tcp(Inet& iface, IP4::IP_packet_ptr packet);

}  // namespace net::closed_port
