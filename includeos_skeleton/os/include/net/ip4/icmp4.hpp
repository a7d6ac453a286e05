// ICMP for IPv4: answers echo requests, and tells senders what became of their packets.
//
// Spec    RFC 792; RFC 1122 §3.2.2 and RFC 1812 §4.3.2 (about what no error is sent: ICMP errors, fragments
//         but the first, what came to many, sources that are not one host).
//
// Every answer is written into the frame of the packet it answers: no frame is taken from the pool.
//
// Not     errors received (they are delivered and end here), redirects, timestamps, sending pings.
#pragma once

#include <net/ip4/icmp4_common.hpp>
#include <net/ip4/ip4.hpp>

namespace net {

class ICMPv4 {
 public:
  using Stack = Inet;

  explicit ICMPv4(Stack& stack) : inet_{stack} {}

  // Take a delivered packet of protocol ICMP.
  void receive(IP4::IP_packet_ptr packet);

  void destination_unreachable(Packet_ptr packet, icmp4::code::Dest_unreachable code);
  void time_exceeded(Packet_ptr packet, icmp4::code::Time_exceeded code);

 private:
  void reply_to_echo(IP4::IP_packet_ptr packet);
  void send_error(IP4::IP_packet_ptr packet, icmp4::Type type, std::uint8_t code);

  Stack& inet_;
};

}  // namespace net
