#include "packets.hpp"

#include <algorithm>

namespace fuzz {

namespace {

using bench::get16;
using bench::put16;

constexpr std::size_t kType = 12;  // offset in a frame without a tag
constexpr std::uint16_t kTag = 0x8100;

std::size_t header_of(const Octets& packet) { return (packet[0] & 15U) * 4; }

std::size_t tag_of(const Octets& frame) { return get16(frame, kType) == kTag ? 4 : 0; }

// Where the checksum is in a transport header; 0: there is none.
std::size_t checksum_place(std::uint8_t protocol) {
  switch (protocol) {
    case 1:
      return 2;
    case 6:
      return 16;
    case 17:
      return 6;
    default:
      return 0;
  }
}

std::uint16_t folded(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint64_t sum_from(const Octets& packet, std::size_t at) {
  std::uint64_t sum = 0;
  for (; at + 1 < packet.size(); at += 2) sum += get16(packet, at);
  return at < packet.size() ? sum + (std::uint64_t{packet[at]} << 8) : sum;
}

void swap_octets(Octets& octets, std::size_t a, std::size_t b, std::size_t count) {
  std::swap_ranges(octets.begin() + static_cast<std::ptrdiff_t>(a),
                   octets.begin() + static_cast<std::ptrdiff_t>(a + count),
                   octets.begin() + static_cast<std::ptrdiff_t>(b));
}

}  // namespace

Octets packet_in(const Octets& frame) {
  if (frame.size() < kType + 6) return {};
  const std::size_t begin = 14 + tag_of(frame);
  if (frame.size() < begin + 20 || get16(frame, begin - 2) != 0x0800) return {};
  Octets packet{frame.begin() + static_cast<std::ptrdiff_t>(begin), frame.end()};
  const std::size_t length = get16(packet, 2);
  if (header_of(packet) < 20 || length < header_of(packet) || length > packet.size()) return {};
  packet.resize(length);
  return packet;
}

Octets frame_of(const Octets& packet, const MAC::Addr& nic, const MAC::Addr& from, int vlan) {
  Octets frame = bench::ethernet(nic, from, 0x0800, packet);
  if (vlan != 0) frame = bench::with_tag(frame, static_cast<std::uint16_t>(vlan));
  if (frame.size() < 60) frame.resize(60);
  return frame;
}

bool is_fragment(const Octets& packet) { return (get16(packet, 6) & 0x3fff) != 0; }

bool has_transport(const Octets& packet) {
  const std::size_t place = checksum_place(packet[9]);
  const std::size_t least = packet[9] == 6 ? 20 : 8;
  return place != 0 && !is_fragment(packet) && packet.size() >= header_of(packet) + least;
}

void fix_transport_checksum(Octets& packet) {
  const std::size_t start = header_of(packet);
  if (start < 20 || packet.size() < start || !has_transport(packet)) return;
  const std::size_t place = start + checksum_place(packet[9]);
  put16(packet, place, 0);
  std::uint64_t sum = sum_from(packet, start);
  if (packet[9] != 1) {
    sum += packet[9] + (packet.size() - start);
    for (std::size_t at = 12; at < 20; at += 2) sum += get16(packet, at);
  }
  const std::uint16_t right = folded(sum);
  put16(packet, place, packet[9] == 17 && right == 0 ? 0xffff : right);
}

Octets udp_packet(const bench::Ip& header, std::uint16_t from, std::uint16_t to, const Octets& data) {
  Octets datagram = bench::udp(from, to, 0);
  datagram.insert(datagram.end(), data.begin(), data.end());
  put16(datagram, 4, static_cast<std::uint16_t>(datagram.size()));
  Octets packet = bench::ip_packet(header, datagram);
  fix_transport_checksum(packet);
  return packet;
}

Octets reply_to(const Octets& packet, std::uint8_t flags) {
  Octets reply = packet;
  const std::size_t start = header_of(reply);
  swap_octets(reply, 12, 16, 4);
  if (reply[9] == 1) {
    reply[start] = reply[start] == 8 ? 0 : 8;
  } else {
    swap_octets(reply, start, start + 2, 2);
  }
  if (reply[9] == 6) reply[start + 13] = flags;
  reply[8] = 64;
  bench::fix_ip_checksum(reply);
  fix_transport_checksum(reply);
  return reply;
}

Octets error_about(const Octets& packet, const char* reporter, std::uint8_t type, std::uint8_t code,
                   std::size_t octets) {
  Octets message(8);
  message[0] = type;
  message[1] = code;
  message.insert(message.end(), packet.begin(),
                 packet.begin() + static_cast<std::ptrdiff_t>(std::min(octets, packet.size())));
  const std::string to = std::to_string(packet[12]) + "." + std::to_string(packet[13]) + "." +
                         std::to_string(packet[14]) + "." + std::to_string(packet[15]);
  Octets error = bench::ip_packet({.from = reporter, .to = to.c_str(), .protocol = 1}, message);
  fix_transport_checksum(error);
  return error;
}

bool is_arp_request(const Octets& frame) {
  const std::size_t begin = 14 + tag_of(frame);
  return frame.size() >= begin + 28 && get16(frame, begin - 2) == 0x0806 && get16(frame, begin + 6) == 1;
}

Octets arp_answer(const Octets& request, const MAC::Addr& from) {
  Octets answer = request;
  const std::size_t begin = 14 + tag_of(request);
  std::copy_n(request.begin() + 6, 6, answer.begin());
  std::copy_n(from.part, 6, answer.begin() + 6);
  put16(answer, begin + 6, 2);
  swap_octets(answer, begin + 8, begin + 18, 10);
  std::copy_n(from.part, 6, answer.begin() + static_cast<std::ptrdiff_t>(begin + 8));
  return answer;
}

}  // namespace fuzz
