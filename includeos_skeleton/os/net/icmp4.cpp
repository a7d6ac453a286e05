#include <algorithm>
#include <cstring>
#include <net/inet.hpp>
#include <span>

#include "net/answer.hpp"
#include "net/one_host.hpp"
#include "net/wire.hpp"

namespace net {

namespace {

// RFC 792: offsets and sizes in octets.
constexpr std::size_t kIpHeader = 20;
constexpr std::size_t kIcmpHeader = 8;
constexpr std::size_t kQuotedData = 8;
constexpr std::size_t kType = 0;
constexpr std::size_t kCode = 1;
constexpr std::size_t kChecksum = 2;
constexpr std::size_t kUnused = 4;

bool is_error(std::uint8_t type) {
  constexpr std::uint8_t kSourceQuench = 4;
  switch (static_cast<icmp4::Type>(type)) {
    case icmp4::Type::DEST_UNREACHABLE:
    case icmp4::Type::REDIRECT:
    case icmp4::Type::TIME_EXCEEDED:
    case icmp4::Type::PARAMETER_PROBLEM:
      return true;
    default:
      return type == kSourceQuench;
  }
}

// RFC 1812 §4.3.2.7.
bool may_report(const PacketIP4& packet, const Inet& inet, const IP4& ip4) {
  const Packet::Origin& origin = packet.origin();
  const ip4::Addr destination = packet.ip_dst();
  if (!inet.is_configured() || origin.own || origin.link_broadcast) return false;
  if (!is_one_host(packet.ip_src()) || packet.ip_frag_offs() != 0) return false;
  if (destination.is_multicast() || destination == IP4::ADDR_BCAST || ip4.is_subnet_broadcast(destination))
    return false;
  if (packet.ip_protocol() != Protocol::ICMPv4) return true;
  return packet.ip_data_length() > kType && !is_error(packet.ip_data()[kType]);
}

// Of an answer that is nothing but zeros RFC 1624's update gives the zero that is no sum (its §3): ffff is.
// One look at the first octets ends it for others.
bool is_zero(std::span<const std::uint8_t> message) {
  return std::all_of(message.begin(), message.end(), [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace

void ICMPv4::receive(IP4::IP_packet_ptr packet) {
  const auto message = packet->ip_data();
  if (message.size() < kIcmpHeader) return inet_.counters().count(Drop::kIcmpMalformed);
  if (checksum(message.data(), message.size()) != 0) return inet_.counters().count(Drop::kIcmpBadChecksum);
  if (message[kType] == static_cast<std::uint8_t>(icmp4::Type::ECHO)) reply_to_echo(std::move(packet));
}

// RFC 1122 §3.2.2.6: the data comes back unchanged, from this Iface's own address. Options do not.
void ICMPv4::reply_to_echo(IP4::IP_packet_ptr packet) {
  const ip4::Addr asker = packet->ip_src();
  const auto dscp = static_cast<std::uint8_t>(static_cast<unsigned>(packet->ip_dscp()) << 2);

  std::uint8_t* const message = packet->ip_data().data();
  std::uint16_t check;
  std::memcpy(&check, message + kChecksum, sizeof check);
  // The first word, type and code, as it travels; in the reply it is 0.
  const auto before = static_cast<std::uint16_t>(message[kCode] << 8 | message[kType]);
  wire::put16(message + kType, static_cast<std::uint16_t>(icmp4::Type::ECHO_REPLY));
  wire::put16_raw(message + kChecksum, checksum_update(check, before, 0));
  if (is_zero(packet->ip_data())) wire::put16(message + kChecksum, 0xffff);

  packet->increment_layer_begin(packet->ip_header_length() - static_cast<int>(kIpHeader));
  answer::write_header(*packet, Protocol::ICMPv4, inet_.ip_addr(), asker, dscp);
  inet_.ip_obj().transmit(std::move(packet));
}

void ICMPv4::destination_unreachable(Packet_ptr packet, icmp4::code::Dest_unreachable code) {
  send_error(static_unique_ptr_cast<PacketIP4>(std::move(packet)), icmp4::Type::DEST_UNREACHABLE,
             static_cast<std::uint8_t>(code));
}

void ICMPv4::time_exceeded(Packet_ptr packet, icmp4::code::Time_exceeded code) {
  send_error(static_unique_ptr_cast<PacketIP4>(std::move(packet)), icmp4::Type::TIME_EXCEEDED,
             static_cast<std::uint8_t>(code));
}

void ICMPv4::send_error(IP4::IP_packet_ptr packet, icmp4::Type type, std::uint8_t code) {
  if (!may_report(*packet, inet_, inet_.ip_obj())) return;
  const ip4::Addr sender = packet->ip_src();
  std::array<std::uint8_t, 60 + kQuotedData> quote;
  const std::size_t header_length = packet->ip_header_length();
  const std::size_t quoted = header_length + std::min<std::size_t>(packet->ip_data_length(), kQuotedData);
  std::memcpy(quote.data(), packet->layer_begin(), quoted);

  answer::start_over(*packet, kIpHeader + kIcmpHeader + quoted);
  answer::write_header(*packet, Protocol::ICMPv4, inet_.ip_addr(), sender);
  std::uint8_t* const message = packet->ip_data().data();
  message[kType] = static_cast<std::uint8_t>(type);
  message[kCode] = code;
  wire::put16(message + kChecksum, 0);
  wire::put32(message + kUnused, 0);
  std::memcpy(message + kIcmpHeader, quote.data(), quoted);
  wire::put16_raw(message + kChecksum, checksum(message, kIcmpHeader + quoted));
  inet_.ip_obj().transmit(std::move(packet));
}

}  // namespace net
