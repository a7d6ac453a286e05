#include "net/answer.hpp"

#include <new>

#include "net/ethernet.hpp"

namespace net::answer {

void write_header(PacketIP4& packet, Protocol protocol, ip4::Addr source, ip4::Addr destination,
                  std::uint8_t ds_ecn) {
  auto* header = ::new (packet.layer_begin()) ip4::Header{};
  header->ds_ecn = ds_ecn;
  header->ttl = PacketIP4::DEFAULT_TTL;
  header->protocol = static_cast<std::uint8_t>(protocol);
  header->saddr = source;
  header->daddr = destination;
}

void start_over(PacketIP4& packet, std::size_t size) {
  const std::uint8_t* const begin = packet.buf() + hw::Frame::kHeadroom + ethernet::kHeader;
  packet.increment_layer_begin(static_cast<int>(begin - packet.layer_begin()));
  packet.set_data_end(static_cast<int>(size));
}

std::uint16_t transport_checksum(ip4::Addr source, ip4::Addr destination, Protocol protocol,
                                 const std::uint8_t* segment, std::size_t length) {
  std::uint64_t sum = checksum_part(segment, length);
  sum += source.whole;
  sum += destination.whole;
  sum += htons(static_cast<std::uint16_t>(protocol));
  sum += htons(static_cast<std::uint16_t>(length));
  return checksum_finish(sum);
}

}  // namespace net::answer
