#include <algorithm>
#include <bit>
#include <cstring>
#include <net/conntrack.hpp>
#include <os.hpp>
#include <timers>

#include "kernel/text.hpp"
#include "net/clock.hpp"
#include "net/wire.hpp"
#include "platform/platform.hpp"

namespace net {

namespace {

constexpr std::size_t kIcmpIdentifier = 4;                           // offset
constexpr std::size_t kShareOfHost = std::size_t{64} * 1024 * 1024;  // octets, where the heap has no bound

// 8.2: source and destination with their ports. The packet has its transport header.
Quadruple quadruple_of(const PacketIP4& packet) {
  const std::uint8_t* const data = packet.ip_data().data();
  if (packet.ip_protocol() == Protocol::ICMPv4) {
    std::uint16_t identifier;
    std::memcpy(&identifier, data + kIcmpIdentifier, sizeof identifier);
    return {{packet.ip_src(), identifier}, {packet.ip_dst(), identifier}};
  }
  return {{packet.ip_src(), wire::get16(data)}, {packet.ip_dst(), wire::get16(data + 2)}};
}

// Tuples that a share of the free heap can hold: an entry and its number are shared by two, and each has two
// to four slots.
std::size_t tuples_in(std::size_t octets) {
  constexpr std::size_t kPerTuple =
      (sizeof(Conntrack::Entry) + sizeof(std::uint32_t)) / 2 + 4 * sizeof(std::uint32_t);
  return octets / kPerTuple;
}

// Splitmix64's last step: every bit of the result depends on every bit of `x`.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::uint64_t something_unforeseen() {
#ifdef __x86_64__
  return platform::nanoseconds() ^ __builtin_ia32_rdtsc();
#else
  return platform::nanoseconds();
#endif
}

}  // namespace

Conntrack::Timeout_duration Conntrack::Timeout_settings::get(Protocol protocol) const noexcept {
  switch (protocol) {
    case Protocol::TCP:
      return tcp;
    case Protocol::UDP:
      return udp;
    case Protocol::ICMPv4:
      return icmp;
    default:
      return Timeout_duration{0};
  }
}

void Conntrack::start() {
  if (slots_ != nullptr) return;
  const platform::Heap_use heap = platform::heap_use();
  const std::size_t share = heap.capacity == 0 ? kShareOfHost : (heap.capacity - heap.used) / 2;
  const std::size_t wanted = maximum_entries != 0 ? maximum_entries : std::max(reserved_, kDefaultTuples);
  limit_ = std::max<std::size_t>(tuples_in(share), 2);
  limit_ = std::min(limit_, wanted);
  entry_count_ = limit_ / 2;
  const std::size_t slots = std::bit_ceil(2 * limit_);
  slots_ = std::make_unique<Slot[]>(slots);
  slot_mask_ = slots - 1;
  entries_ = std::make_unique<Entry[]>(entry_count_);
  free_ = std::make_unique<std::uint32_t[]>(entry_count_);
  for (std::size_t i = 0; i < entry_count_; ++i) free_[i] = static_cast<std::uint32_t>(entry_count_ - 1 - i);
  free_count_ = entry_count_;
  const std::uint64_t seed = something_unforeseen();
  key_[0] = mix(seed);
  key_[1] = mix(seed + 0x9e3779b97f4a7c15);
  Timers::periodic(flush_interval, [this](Timers::id_t) { remove_expired(); });
  kernel::Text<64>().add("conntrack: room for ").add(entry_count_).add(" connections\n").print();
}

std::size_t Conntrack::home_of(const Quadruple& quad, Protocol protocol) const noexcept {
  const std::uint64_t addresses =
      std::uint64_t{quad.src.address().v4().whole} << 32 | quad.dst.address().v4().whole;
  const std::uint64_t ports = std::uint64_t{static_cast<std::uint8_t>(protocol)} << 32 |
                              std::uint64_t{quad.src.port()} << 16 | quad.dst.port();
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{addresses ^ key_[0]} * (ports ^ key_[1]);
  return static_cast<std::size_t>(static_cast<std::uint64_t>(product) ^
                                  static_cast<std::uint64_t>(product >> 64)) &
         slot_mask_;
}

const Quadruple& Conntrack::tuple_in(Slot slot) const noexcept {
  const Entry& entry = entries_[(slot >> 1) - 1];
  return (slot & 1) != 0 ? entry.second : entry.first;
}

Conntrack::Entry* Conntrack::get(const Quadruple& quad, Protocol protocol) const {
  if (slots_ == nullptr) return nullptr;
  for (std::size_t at = home_of(quad, protocol); slots_[at] != 0; at = (at + 1) & slot_mask_) {
    Entry& entry = entries_[(slots_[at] >> 1) - 1];
    if (entry.proto == protocol && tuple_in(slots_[at]) == quad) return &entry;
  }
  return nullptr;
}

Conntrack::Entry* Conntrack::get(const PacketIP4& packet) const {
  return packet.has_transport_header() ? get(quadruple_of(packet), packet.ip_protocol()) : nullptr;
}

Conntrack::Entry* Conntrack::in(const PacketIP4& packet) {
  if (!packet.has_transport_header()) return nullptr;
  const Quadruple quad = quadruple_of(packet);
  Entry* const entry = get(quad, packet.ip_protocol());
  if (entry == nullptr) return add(quad, packet.ip_protocol());
  if (entry->state == State::NEW && quad == entry->second) entry->state = State::ESTABLISHED;
  renew(*entry, entry->state == State::ESTABLISHED ? timeout.established : timeout.confirmed);
  return entry;
}

Conntrack::Entry* Conntrack::confirm(const PacketIP4& packet) {
  return packet.has_transport_header() ? confirm(quadruple_of(packet), packet.ip_protocol()) : nullptr;
}

Conntrack::Entry* Conntrack::confirm(Quadruple quad, Protocol protocol) {
  Entry* entry = get(quad, protocol);
  if (entry == nullptr) entry = get(quad.swap(), protocol);
  return entry == nullptr ? nullptr : confirm(entry);
}

Conntrack::Entry* Conntrack::confirm(Entry_ptr found) {
  Entry& entry = entries_[static_cast<std::size_t>(found - entries_.get())];
  if (entry.state == State::UNCONFIRMED) {
    entry.state = State::NEW;
    renew(entry, timeout.confirmed);
  }
  return &entry;
}

Conntrack::Entry* Conntrack::add(const Quadruple& quad, Protocol protocol) {
  if (tuples_ + 2 > limit_ || free_count_ == 0) return nullptr;
  const std::uint32_t number = free_[--free_count_];
  Entry& entry = entries_[number];
  entry = {.first = quad, .second = {quad.dst, quad.src}, .proto = protocol, .used = true};
  renew(entry, timeout.unconfirmed);
  insert(entry.first, protocol, (number + 1) << 1);
  if (entry.second != entry.first) insert(entry.second, protocol, (number + 1) << 1 | 1);
  return &entry;
}

void Conntrack::insert(const Quadruple& quad, Protocol protocol, Slot slot) {
  std::size_t at = home_of(quad, protocol);
  while (slots_[at] != 0) at = (at + 1) & slot_mask_;
  slots_[at] = slot;
  ++tuples_;
}

// Linear probing without tombstones: what stands behind the gap and may move into it does.
void Conntrack::erase(const Quadruple& quad, Protocol protocol, Slot slot) {
  std::size_t gap = home_of(quad, protocol);
  while (slots_[gap] != slot) {
    if (slots_[gap] == 0) return;
    gap = (gap + 1) & slot_mask_;
  }
  for (std::size_t at = (gap + 1) & slot_mask_; slots_[at] != 0; at = (at + 1) & slot_mask_) {
    const std::size_t home = home_of(tuple_in(slots_[at]), entries_[(slots_[at] >> 1) - 1].proto);
    if (((at - home) & slot_mask_) < ((at - gap) & slot_mask_))
      continue;  // it is between its home and the gap
    slots_[gap] = slots_[at];
    gap = at;
  }
  slots_[gap] = 0;
  --tuples_;
}

void Conntrack::remove(std::uint32_t number) {
  Entry& entry = entries_[number];
  erase(entry.first, entry.proto, (number + 1) << 1);
  if (entry.second != entry.first) erase(entry.second, entry.proto, (number + 1) << 1 | 1);
  entry.used = false;
  free_[free_count_++] = number;
}

void Conntrack::renew(Entry& entry, const Timeout_settings& settings) const {
  const std::chrono::nanoseconds lifetime = settings.get(entry.proto);
  entry.expires_ns = static_cast<std::int64_t>(clock::now()) + lifetime.count();
}

void Conntrack::remove_expired() {
  clock::read();
  const auto now = static_cast<std::int64_t>(clock::now());
  for (std::size_t i = 0; i < entry_count_; ++i)
    if (entries_[i].used && entries_[i].expires_ns <= now) remove(static_cast<std::uint32_t>(i));
}

}  // namespace net
