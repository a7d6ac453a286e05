#include "net/reassembly.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <net/inet.hpp>
#include <optional>

#include "net/answer.hpp"
#include "net/clock.hpp"
#include "net/ethernet.hpp"
#include "net/piece_map.hpp"
#include "net/wire.hpp"

namespace net::reassembly {

namespace {

constexpr std::size_t kHeader = 20;  // octets of a header without options
constexpr std::size_t kInFront = hw::Frame::kHeadroom + ethernet::kHeader;

static_assert(kInFront + kHeader + kLongestData + 64 <= Large_buffer::kSize, "the Packet itself is behind");

// Which datagram a fragment belongs to (RFC 791 §3.2); of one Iface, as networks may reuse addresses.
struct Key {
  Inet* iface = nullptr;
  ip4::Addr source, destination;
  std::uint16_t id = 0;
  Protocol protocol = Protocol::HOPOPT;

  bool operator==(const Key&) const = default;
};

// `buffer` holds room for link headers, the header of the fragment with offset 0, and the data, each octet at
// its place.
struct Datagram {
  enum class State : std::uint8_t { kFree, kWaiting, kLent };

  State state = State::kFree;
  bool link_broadcast = false;  // a fragment came in a frame to everybody
  Key key;
  std::uint64_t started_ns = 0;
  std::uint64_t number = 0;  // counts up: the smaller, the older
  Piece_map pieces;
  Large_buffer buffer;

  Packet::Byte* header() { return buffer.octets.data() + kInFront; }
  Packet::Byte* data() { return header() + kHeader; }
};

Datagram* datagrams = nullptr;  // kDatagrams of them
constinit std::uint64_t next_number = 0;

std::span<Datagram> all() { return {datagrams, datagrams == nullptr ? 0 : kDatagrams}; }

Key key_of(Inet& iface, const PacketIP4& fragment) {
  return {&iface, fragment.ip_src(), fragment.ip_dst(), fragment.ip_id(), fragment.ip_protocol()};
}

Datagram* find(const Key& key) {
  for (Datagram& each : all())
    if (each.state == Datagram::State::kWaiting && each.key == key) return &each;
  return nullptr;
}

void give_up(Datagram& datagram, Drop reason) {
  datagram.key.iface->counters().count(reason);
  datagram.state = Datagram::State::kFree;
}

// How many datagrams wait from one source, on whatever Iface.
std::size_t waiting_from(ip4::Addr source) {
  return static_cast<std::size_t>(std::ranges::count_if(all(), [source](const Datagram& each) {
    return each.state == Datagram::State::kWaiting && each.key.source == source;
  }));
}

// The oldest of the source that has the most, the datagram that is to come counted in: who floods loses his
// own.
Datagram* victim_for(const Key& coming) {
  Datagram* victim = nullptr;
  std::size_t most = 0;
  for (Datagram& each : all()) {
    if (each.state != Datagram::State::kWaiting) continue;
    const std::size_t count = waiting_from(each.key.source) + (each.key.source == coming.source ? 1 : 0);
    if (victim != nullptr && (count < most || (count == most && each.number > victim->number))) continue;
    victim = &each;
    most = count;
  }
  return victim;
}

// Null when every buffer is lent, which one thread does not bring about.
Datagram* start_datagram(const Key& key) {
  Datagram* place = nullptr;
  for (Datagram& each : all())
    if (each.state == Datagram::State::kFree) place = &each;
  if (place == nullptr) {
    place = victim_for(key);
    if (place == nullptr) return nullptr;
    give_up(*place, Drop::kReassemblyFull);
  }
  place->state = Datagram::State::kWaiting;
  place->link_broadcast = false;
  place->key = key;
  place->started_ns = clock::now();
  place->number = next_number++;
  place->pieces.clear();
  return place;
}

// Of the header of the first fragment what the whole datagram keeps.
void write_header(Datagram& datagram, const PacketIP4& first) {
  constexpr std::size_t kIhl = 0, kFlags = 6, kChecksum = 10;  // offsets
  Packet::Byte* const header = datagram.header();
  std::memcpy(header, first.layer_begin(), kHeader);
  header[kIhl] = 0x45;
  wire::put16(header + kFlags, 0);
  wire::put16(header + kChecksum, 0);
}

// A datagram that fits into a frame moves into its last fragment's; a longer one stays, lent to its packet.
IP4::IP_packet_ptr finish(Datagram& datagram, IP4::IP_packet_ptr last) {
  constexpr std::size_t kTotalLength = 2;  // offset
  const std::size_t length = kHeader + datagram.pieces.end();
  wire::put16(datagram.header() + kTotalLength, static_cast<std::uint16_t>(length));
  Packet::Origin origin = last->origin();
  origin.link_broadcast = datagram.link_broadcast;
  if (length <= datagram.key.iface->MTU()) {
    answer::start_over(*last, length);
    std::memcpy(last->layer_begin(), datagram.header(), length);
    datagram.state = Datagram::State::kFree;
  } else {
    last = Packet::in_buffer<PacketIP4>(datagram.buffer, kInFront, length);
    datagram.state = Datagram::State::kLent;
  }
  last->set_origin(origin);
  return last;
}

// Why a fragment ends by itself, whatever came before it.
std::optional<Drop> fault_of(const PacketIP4& fragment, bool more) {
  const std::size_t length = fragment.ip_data_length();
  if (length == 0 || (more && length % Piece_map::kUnit != 0)) return Drop::kFragmentMalformed;
  const std::size_t at = fragment.ip_frag_offs() * Piece_map::kUnit;
  return at + length > kLongestData ? std::optional{Drop::kFragmentTooLong} : std::nullopt;
}

// Put it to its datagram. False, and the datagram gone, when it contradicts what is there.
bool keep(Datagram& datagram, const PacketIP4& fragment, bool more) {
  const std::size_t at = fragment.ip_frag_offs() * Piece_map::kUnit;
  const auto data = fragment.ip_data();
  datagram.link_broadcast |= fragment.origin().link_broadcast;
  const bool known = datagram.pieces.has(at, data.size(), more) &&
                     std::memcmp(datagram.data() + at, data.data(), data.size()) == 0;
  if (known) return true;
  if (!datagram.pieces.add(at, data.size(), more)) {
    datagram.state = Datagram::State::kFree;
    return false;
  }
  std::memcpy(datagram.data() + at, data.data(), data.size());
  if (at == 0) write_header(datagram, fragment);
  return true;
}

}  // namespace

void start() {
  if (datagrams == nullptr) datagrams = new Datagram[kDatagrams];
}

IP4::IP_packet_ptr take(Inet& iface, IP4::IP_packet_ptr fragment) {
  const bool more =
      (static_cast<unsigned>(fragment->ip_flags()) & static_cast<unsigned>(ip4::Flags::MF)) != 0;
  const Key key = key_of(iface, *fragment);
  Datagram* datagram = find(key);
  if (auto fault = fault_of(*fragment, more)) {
    const bool ends_all = *fault == Drop::kFragmentTooLong && datagram != nullptr;
    if (ends_all) datagram->state = Datagram::State::kFree;
    return drop(std::move(fragment), *fault), nullptr;
  }
  if (datagram == nullptr) datagram = start_datagram(key);
  if (datagram == nullptr) return drop(std::move(fragment), Drop::kNoFrame), nullptr;
  if (!keep(*datagram, *fragment, more)) return drop(std::move(fragment), Drop::kFragmentOverlap), nullptr;
  if (datagram->pieces.is_whole()) return finish(*datagram, std::move(fragment));
  ++iface.counters().held;
  return nullptr;
}

void tick() {
  for (Datagram& each : all()) {
    const bool late = each.state == Datagram::State::kWaiting && clock::now() - each.started_ns >= kTimeout;
    if (late) give_up(each, Drop::kFragmentTimeout);
  }
}

}  // namespace net::reassembly

namespace net {

void Packet::give_back_buffer(Byte* begin) noexcept {
  using reassembly::Datagram;
  for (Datagram& each : reassembly::all())
    if (each.buffer.octets.data() == begin) each.state = Datagram::State::kFree;
}

}  // namespace net
