#include "net/closed_port.hpp"

#include <net/inet.hpp>
#include <optional>

#include "net/answer.hpp"
#include "net/wire.hpp"

namespace net::closed_port {

namespace {

constexpr std::size_t kIpHeader = 20;  // octets

namespace tcp {
constexpr std::size_t kHeader = 20;      // octets
constexpr std::size_t kSequence = 4;     // offset
constexpr std::size_t kAcknowledge = 8;  // offset
constexpr std::size_t kDataOffset = 12;  // offset, in the upper four bits, 32-bit words
constexpr std::size_t kFlags = 13;       // offset
constexpr std::size_t kChecksum = 16;    // offset
constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
}  // namespace tcp

std::optional<Drop> tcp_fault(const PacketIP4& packet) {
  const auto segment = packet.ip_data();
  if (segment.size() < tcp::kHeader) return Drop::kTcpMalformed;
  const std::size_t header_length = (segment[tcp::kDataOffset] >> 4) * std::size_t{4};
  if (header_length < tcp::kHeader || header_length > segment.size()) return Drop::kTcpMalformed;
  const std::uint16_t rest = answer::transport_checksum(packet.ip_src(), packet.ip_dst(), Protocol::TCP,
                                                        segment.data(), segment.size());
  return rest == 0 ? std::nullopt : std::optional{Drop::kTcpBadChecksum};
}

// What of a segment its reset needs; ports and numbers in host order.
struct Reset {
  ip4::Addr source, destination;
  std::uint16_t source_port, destination_port;
  std::uint32_t sequence, acknowledge;
  std::uint8_t flags;
};

// RFC 9293 §3.10.7.1: with an ACK the reset continues at it, without one it acknowledges the segment.
Reset reset_for(const PacketIP4& packet) {
  const auto segment = packet.ip_data();
  const std::uint8_t* const at = segment.data();
  const std::uint8_t flags = at[tcp::kFlags];
  Reset reset{.source = packet.ip_dst(),
              .destination = packet.ip_src(),
              .source_port = wire::get16(at + 2),
              .destination_port = wire::get16(at),
              .sequence = 0,
              .acknowledge = 0,
              .flags = tcp::kRst};
  if ((flags & tcp::kAck) != 0) {
    reset.sequence = wire::get32(at + tcp::kAcknowledge);
    return reset;
  }
  const std::size_t data = segment.size() - (at[tcp::kDataOffset] >> 4) * std::size_t{4};
  const unsigned marks = ((flags & tcp::kSyn) != 0 ? 1U : 0U) + ((flags & tcp::kFin) != 0 ? 1U : 0U);
  reset.acknowledge = wire::get32(at + tcp::kSequence) + static_cast<std::uint32_t>(data) + marks;
  reset.flags |= tcp::kAck;
  return reset;
}

void write_reset(PacketIP4& packet, const Reset& reset) {
  answer::start_over(packet, kIpHeader + tcp::kHeader);
  answer::write_header(packet, Protocol::TCP, reset.source, reset.destination);
  std::uint8_t* const at = packet.ip_data().data();
  wire::put16(at, reset.source_port);
  wire::put16(at + 2, reset.destination_port);
  wire::put32(at + tcp::kSequence, reset.sequence);
  wire::put32(at + tcp::kAcknowledge, reset.acknowledge);
  at[tcp::kDataOffset] = (tcp::kHeader / 4) << 4;
  at[tcp::kFlags] = reset.flags;
  wire::put16(at + 14, 0);              // window
  wire::put32(at + tcp::kChecksum, 0);  // and the urgent pointer
  wire::put16_raw(at + tcp::kChecksum, answer::transport_checksum(reset.source, reset.destination,
                                                                  Protocol::TCP, at, tcp::kHeader));
}

}  // namespace

void refuse_tcp(Inet& iface, IP4::IP_packet_ptr packet) {
  if (auto fault = tcp_fault(*packet)) return iface.counters().count(*fault);
  const bool to_one_host = iface.is_valid_source(packet->ip_dst()) && !packet->origin().link_broadcast;
  const bool is_reset = (packet->ip_data()[tcp::kFlags] & tcp::kRst) != 0;
  if (is_reset || !to_one_host) return;
  write_reset(*packet, reset_for(*packet));
  iface.ip_obj().transmit(std::move(packet));
}

}  // namespace net::closed_port
