#include <algorithm>
#include <bit>
#include <cstring>
#include <net/conntrack.hpp>
#include <os.hpp>
#include <timers>
#include <utility>

#include "kernel/mix.hpp"
#include "kernel/text.hpp"
#include "net/clock.hpp"
#include "platform/platform.hpp"

namespace net {

namespace {

constexpr std::size_t kIcmpIdentifier = 4;                            // offset
constexpr std::size_t kShareOfHost = std::size_t{128} * 1024 * 1024;  // octets, where the heap has no bound
constexpr std::size_t kSelfFlows = 256;  // entries for flows of a socket with itself: they take one tuple
constexpr std::size_t kMostEntries = std::size_t{1} << 29;  // that a slot can number

// Tuples that fit in so much memory: an entry and its number are shared by two, and each has two to four
// slots.
std::size_t tuples_in(std::size_t octets) {
  constexpr std::size_t kPerTuple =
      (sizeof(Conntrack::Entry) + sizeof(std::uint32_t)) / 2 + 4 * sizeof(std::uint32_t);
  return octets / kPerTuple;
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

bool Conntrack::Entry::is_original(const Quadruple& tuple) const noexcept {
  if (tuple == first) return true;
  const bool from = tuple.src == first.src || tuple.src == second.dst;
  const bool to = tuple.dst == first.dst || tuple.dst == second.src;
  return tuple != second && from && to;
}

Quadruple Conntrack::get_quadruple_icmp(const PacketIP4& packet) {
  std::uint16_t identifier;
  std::memcpy(&identifier, packet.ip_data().data() + kIcmpIdentifier, sizeof identifier);
  return {{packet.ip_src(), identifier}, {packet.ip_dst(), identifier}};
}

std::size_t Conntrack::tuples_wanted(std::size_t free_octets, bool bounded) const {
  if (maximum_entries != 0) return maximum_entries;
  return std::max({reserved_, kDefaultTuples, bounded ? tuples_in(free_octets / 4) : 0});
}

void Conntrack::start() {
  if (slots_ != nullptr) return;
  const platform::Heap_use heap = platform::heap_use();
  const bool bounded = heap.capacity != 0;
  const std::size_t free_octets = bounded ? heap.capacity - heap.used : 2 * kShareOfHost;
  limit_ = std::max<std::size_t>(tuples_in(free_octets / 2), 2);
  limit_ = std::min({limit_, tuples_wanted(free_octets, bounded), 2 * kMostEntries});
  entry_count_ = limit_ / 2 + std::min(limit_ / 2, kSelfFlows);
  const std::size_t slots = std::bit_ceil(2 * limit_);
  slots_ = std::make_unique<Slot[]>(slots);
  slot_mask_ = slots - 1;
  number_mask_ = static_cast<Slot>(std::bit_ceil(2 * (entry_count_ + 1)) - 1);
  entries_ = std::make_unique<Entry[]>(entry_count_);
  free_ = std::make_unique<std::uint32_t[]>(entry_count_);
  for (std::size_t i = 0; i < entry_count_; ++i) free_[i] = static_cast<std::uint32_t>(entry_count_ - 1 - i);
  free_count_ = entry_count_;
  key_[0] = kernel::mix(platform::unforeseen() + 1);
  key_[1] = kernel::mix(platform::unforeseen() + 2);
  Timers::periodic(flush_interval, [this](Timers::id_t) { remove_expired(); });
  kernel::Text<64>().add("conntrack: room for ").add(limit_ / 2).add(" connections\n").print();
}

std::size_t Conntrack::octets() const noexcept {
  if (slots_ == nullptr) return 0;
  return (slot_mask_ + 1) * sizeof(Slot) + entry_count_ * (sizeof(Entry) + sizeof(std::uint32_t));
}

Conntrack::Key Conntrack::key_of(const Quadruple& quad, Protocol protocol) noexcept {
  const auto number = [](const Socket& end) {
    return std::uint64_t{end.address().v4().whole} << 16 | end.port();
  };
  const std::uint64_t a = number(quad.src);
  const std::uint64_t b = number(quad.dst);
  return {std::min(a, b) | std::uint64_t{static_cast<std::uint8_t>(protocol)} << 48, std::max(a, b)};
}

std::uint64_t Conntrack::hash_of(const Key& key) const noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{key.low ^ key_[0]} * (key.high ^ key_[1]);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

Conntrack::Key Conntrack::key_in(Slot slot) const noexcept {
  const Entry& entry = *entry_in(slot);
  return key_of((slot & 1) != 0 ? entry.second : entry.first, entry.proto);
}

Conntrack::Entry* Conntrack::get(const Quadruple& quad, Protocol protocol) const {
  if (slots_ == nullptr) return nullptr;
  const Key key = key_of(quad, protocol);
  const std::uint64_t hash = hash_of(key);
  const Slot tag = tag_of(hash);
  for (std::size_t at = hash & slot_mask_; slots_[at] != 0; at = (at + 1) & slot_mask_) {
    const Slot slot = slots_[at];
    if ((slot & ~number_mask_) == tag && key_in(slot) == key) return entry_in(slot);
  }
  return nullptr;
}

Conntrack::Entry* Conntrack::get(const PacketIP4& packet) const {
  return packet.has_transport_header() ? get(quadruple_of(packet), packet.ip_protocol()) : nullptr;
}

Conntrack::Entry* Conntrack::in(const PacketIP4& packet) {
  if (!packet.has_transport_header()) return nullptr;
  const Protocol protocol = packet.ip_protocol();
  const Quadruple quad = quadruple_of(packet);
  return protocol == Protocol::TCP && tcp_in ? tcp_in(*this, quad, packet) : simple_track_in(quad, protocol);
}

// Translation may have given it a tuple of both ends, by which the table does not know the entry.
Conntrack::Entry* Conntrack::in(const PacketIP4& packet, Entry_ptr known) {
  if (!owns(known) || !packet.has_transport_header()) return in(packet);
  const Quadruple quad = known->is_original(quadruple_of(packet)) ? known->first : known->second;
  const bool followed = known->proto == Protocol::TCP && tcp_in;
  return followed ? tcp_in(*this, quad, packet) : simple_track_in(quad, known->proto);
}

Conntrack::Entry* Conntrack::simple_track_in(const Quadruple& quad, Protocol protocol) {
  Entry* const entry = get(quad, protocol);
  if (entry == nullptr) return add_entry(quad, protocol);
  if (entry->state == State::NEW && quad == entry->second) entry->state = State::ESTABLISHED;
  renew(*entry, entry->state == State::ESTABLISHED ? timeout.established : timeout.confirmed);
  return entry;
}

Conntrack::Entry* Conntrack::confirm(const PacketIP4& packet) {
  return packet.has_transport_header() ? confirm(quadruple_of(packet), packet.ip_protocol()) : nullptr;
}

Conntrack::Entry* Conntrack::confirm(const Quadruple& quad, Protocol protocol) {
  const Entry_ptr entry = get(quad, protocol);
  return entry == nullptr ? nullptr : confirm(entry);
}

Conntrack::Entry* Conntrack::confirm(Entry_ptr found) {
  if (!owns(found)) return confirm(found->second, found->proto);
  Entry& entry = changeable(found);
  if (entry.state == State::UNCONFIRMED) {
    entry.state = State::NEW;
    if (entry.other == 0) renew(entry, timeout.confirmed);  // a tracker has times of its own
  }
  return &entry;
}

Conntrack::Entry* Conntrack::add_entry(const Quadruple& quad, Protocol protocol) {
  if (tuples_ + 2 > limit_ || free_count_ == 0) return nullptr;
  const std::uint32_t number = free_[--free_count_];
  Entry& entry = entries_[number];
  entry = Entry{.first = quad, .second = {quad.dst, quad.src}, .on_close = {}, .proto = protocol};
  renew(entry, timeout.unconfirmed);
  enter(number);
  return &entry;
}

Conntrack::Entry* Conntrack::expect(Entry_ptr known, const Quadruple& replies) {
  const Entry_ptr holder = get(replies, known->proto);
  if (holder != nullptr && holder != known) return nullptr;
  const std::uint32_t number = number_of(known);
  leave(number);
  entries_[number].second = replies;
  enter(number);
  return &entries_[number];
}

void Conntrack::enter(std::uint32_t number) {
  const Entry& entry = entries_[number];
  const Key first = key_of(entry.first, entry.proto);
  const Key second = key_of(entry.second, entry.proto);
  insert(first, (number + 1) << 1);
  if (second != first) insert(second, (number + 1) << 1 | 1);
  tuples_ += tuples_of(entry);
}

void Conntrack::leave(std::uint32_t number) {
  const Entry& entry = entries_[number];
  const Key first = key_of(entry.first, entry.proto);
  const Key second = key_of(entry.second, entry.proto);
  erase(first, (number + 1) << 1);
  if (second != first) erase(second, (number + 1) << 1 | 1);
  tuples_ -= tuples_of(entry);
}

void Conntrack::insert(const Key& key, Slot slot) {
  const std::uint64_t hash = hash_of(key);
  std::size_t at = hash & slot_mask_;
  while (slots_[at] != 0) at = (at + 1) & slot_mask_;
  slots_[at] = slot | tag_of(hash);
}

// Linear probing without tombstones: what stands behind the gap and may move into it does.
void Conntrack::erase(const Key& key, Slot slot) {
  std::size_t gap = home_of(key);
  while ((slots_[gap] & number_mask_) != slot) {
    if (slots_[gap] == 0) return;
    gap = (gap + 1) & slot_mask_;
  }
  for (std::size_t at = (gap + 1) & slot_mask_; slots_[at] != 0; at = (at + 1) & slot_mask_) {
    const std::size_t home = home_of(key_in(slots_[at]));
    if (((at - home) & slot_mask_) < ((at - gap) & slot_mask_))
      continue;  // it is between its home and the gap
    slots_[gap] = slots_[at];
    gap = at;
  }
  slots_[gap] = 0;
}

void Conntrack::remove(std::uint32_t number) {
  leave(number);
  Entry& entry = entries_[number];
  if (entry.on_close.call != nullptr) entry.on_close.call(entry.on_close.object, entry);
  entry.proto = Protocol::HOPOPT;
  free_[free_count_++] = number;
}

void Conntrack::renew(Entry& entry, const Timeout_settings& settings) const {
  const std::chrono::nanoseconds lifetime = settings.get(entry.proto);
  entry.timeout = clock::now() + static_cast<std::uint64_t>(lifetime.count());
}

void Conntrack::remove_expired() {
  clock::read();
  const std::uint64_t now = clock::now();
  for (std::size_t i = 0; i < entry_count_; ++i)
    if (entries_[i].proto != Protocol::HOPOPT && entries_[i].timeout <= now)
      remove(static_cast<std::uint32_t>(i));
}

void Conntrack::forget_handlers_of(const void* object) {
  for (std::size_t i = 0; i < entry_count_; ++i)
    if (entries_[i].on_close.object == object) entries_[i].on_close = {};
}

}  // namespace net
