#include "net/division.hpp"

#include <algorithm>
#include <cstring>
#include <net/inet.hpp>

#include "net/wire.hpp"

namespace net::division {

namespace {

constexpr std::size_t kHeader = 20;  // octets
constexpr std::size_t kUnit = 8;     // octets: what an offset counts
constexpr std::size_t kFlags = 6;    // offset of flags and fragment offset
constexpr std::uint16_t kMoreFragments = 0x2000;

bool can_be_divided(const PacketIP4& packet) {
  const auto flags = static_cast<unsigned>(packet.ip_flags());
  const bool dont = (flags & static_cast<unsigned>(ip4::Flags::DF)) != 0;
  return !dont && !packet.is_fragment() && packet.ip_header_length() == kHeader;
}

// The piece of `length` octets of data from `at`, after a copy of the packet's header. A frame is free.
IP4::IP_packet_ptr piece_of(Inet& out, const PacketIP4& packet, std::size_t at, std::size_t length) {
  auto piece = static_unique_ptr_cast<PacketIP4>(out.create_packet());
  piece->set_data_end(static_cast<int>(kHeader + length));
  std::memcpy(piece->layer_begin(), packet.layer_begin(), kHeader);
  std::memcpy(piece->layer_begin() + kHeader, packet.ip_data().data() + at, length);
  const bool more = at + length < packet.ip_data_length();
  const std::size_t flags = at / kUnit | (more ? kMoreFragments : 0);
  wire::put16(piece->layer_begin() + kFlags, static_cast<std::uint16_t>(flags));
  piece->make_flight_ready();
  return piece;
}

IP4::IP_packet_ptr copy_of(Inet& out, const PacketIP4& packet) {
  auto copy = static_unique_ptr_cast<PacketIP4>(out.create_packet());
  copy->set_data_end(packet.size());
  std::memcpy(copy->layer_begin(), packet.layer_begin(), static_cast<std::size_t>(packet.size()));
  return copy;
}

}  // namespace

std::optional<Drop> divide(Inet& out, const PacketIP4& packet, Packet_queue& pieces) {
  if (packet.size() <= out.MTU()) {
    if (hw::Frame_pool::available() == 0) return Drop::kNoFrame;
    pieces.put(copy_of(out, packet));
    return std::nullopt;
  }
  if (!can_be_divided(packet)) return Drop::kTooBig;
  const std::size_t data = packet.ip_data_length();
  const std::size_t most = (out.MTU() - kHeader) / kUnit * kUnit;
  if (hw::Frame_pool::available() < (data + most - 1) / most) return Drop::kNoFrame;
  for (std::size_t at = 0; at < data; at += most)
    pieces.put(piece_of(out, packet, at, std::min(most, data - at)));
  return std::nullopt;
}

}  // namespace net::division
