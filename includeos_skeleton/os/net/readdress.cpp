#include "net/readdress.hpp"

#include <cstring>

#include "net/wire.hpp"

namespace net {

namespace {

constexpr std::size_t kTcpChecksum = 16;  // offset
constexpr std::size_t kUdpChecksum = 6;   // offset

void adjust(std::uint8_t* place, std::uint32_t change, bool zero_is_none) {
  std::uint16_t check;
  std::memcpy(&check, place, sizeof check);
  if (zero_is_none && check == 0) return;
  check = checksum_adjusted(check, change);
  wire::put16_raw(place, zero_is_none && check == 0 ? 0xffff : check);
}

// Write the port; what that adds to `change` of the checksum.
std::uint32_t write_port(std::uint8_t* place, std::uint16_t port) {
  std::uint16_t before;
  std::memcpy(&before, place, sizeof before);
  const std::uint16_t after = htons(port);
  wire::put16_raw(place, after);
  return checksum_change(before, after);
}

}  // namespace

void readdress(PacketIP4& packet, End end, const Socket& to) {
  const bool source = end == End::kSource;
  const ip4::Addr address = to.address().v4();
  std::uint32_t change = checksum_change((source ? packet.ip_src() : packet.ip_dst()).whole, address.whole);
  source ? packet.set_ip_src(address) : packet.set_ip_dst(address);
  packet.set_ip_checksum(checksum_adjusted(packet.ip_checksum(), change));

  std::uint8_t* const header = packet.ip_data().data();
  switch (packet.ip_protocol()) {
    case Protocol::TCP:
      change += write_port(header + (source ? 0 : 2), to.port());
      return adjust(header + kTcpChecksum, change, false);
    case Protocol::UDP:
      change += write_port(header + (source ? 0 : 2), to.port());
      return adjust(header + kUdpChecksum, change, true);
    default:
      return;
  }
}

}  // namespace net
