// Connection tracking: one table of flows for the machine, under IncludeOS's names.
//
//   in(packet)       TRACK    find the flow of the packet, or make one in state UNCONFIRMED
//   confirm(packet)  CONFIRM  UNCONFIRMED becomes NEW
//   expect(entry)    NAT      from now on the replies look like that
//
// Meaning   docs/language.md 8.2 and 8.3. TCP, UDP and ICMPv4 with a transport header only; ICMP uses the 16
//           bits at offset 4 of its message as both ports (raw, in network order, as on IncludeOS).
// Finds     an entry by either of its tuples and by either of them the other way round: so look the packets
// of
//           a translated flow on the inside of the translation. A flow that is not translated needs one slot.
// Owns      a hash table with open addressing, at most half full, and the entries; both are taken from the
// heap
//           once, by start(), and never grow. A packet that finds the table full gets no entry.
// Hashing   keyed with a number drawn at start, so that a sender cannot choose tuples that collide.
//
// INVARIANT apart   no tuple of an entry, either way round, is one of another entry's.
// INVARIANT stable  an entry stays where it is, and is what it is, until a sweep (remove_expired).
//
// Single core, no locks.
//
// Not     IPv6, serialisation.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <delegate>
#include <kernel/rtc.hpp>
#include <memory>
#include <net/ip4/packet_ip4.hpp>
#include <net/socket.hpp>

namespace net {

class Conntrack {
 public:
  enum class State : std::uint8_t { NEW, ESTABLISHED, RELATED, UNCONFIRMED };
  enum class Flag : std::uint8_t { UNREPLIED = 1, ASSURED = 2 };  // of TCP followed by its flags

  struct Entry;
  using Entry_ptr = const Entry*;
  using Packet_tracker = delegate<Entry*(Conntrack&, Quadruple, const PacketIP4&)>;

  // What happens when an entry ends. Two words instead of a delegate: every entry has one.
  struct Entry_handler {
    void (*call)(void* object, Entry& entry) = nullptr;
    void* object = nullptr;
  };

  // One line of the processor's cache.
  struct alignas(64) Entry {
    Quadruple first;               // of the packet that made the entry
    Quadruple second;              // of the expected replies
    RTC::timestamp_t timeout = 0;  // when it expires, nanoseconds since start (IncludeOS: seconds)
    Entry_handler on_close;
    Protocol proto = Protocol::HOPOPT;  // HOPOPT: the entry is not in use
    State state = State::UNCONFIRMED;
    std::uint8_t flags = 0;
    std::uint8_t other = 0;             // the tracker's: tcp::Ct_state
    std::uint16_t masquerade_port = 0;  // that nat::NAPT holds for it; 0 is none

    void set_flag(Flag flag) noexcept { flags |= static_cast<std::uint8_t>(flag); }
    void unset_flag(Flag flag) noexcept { flags &= static_cast<std::uint8_t>(~static_cast<unsigned>(flag)); }
    bool isset(Flag flag) const noexcept { return (flags & static_cast<std::uint8_t>(flag)) != 0; }

    bool is_mirrored() const noexcept { return first.is_reverse(second); }
    // Whether a packet of this flow that looks like `tuple` goes the way of the one that made the entry, at
    // whatever place of the translation it is.
    bool is_original(const Quadruple& tuple) const noexcept;
  };

  using Timeout_duration = std::chrono::seconds;
  struct Timeout_settings {
    Timeout_duration tcp;
    Timeout_duration udp;
    Timeout_duration icmp;
    // 0 for a protocol that is not tracked.
    Timeout_duration get(Protocol protocol) const noexcept;
  };

  static constexpr std::size_t kDefaultTuples = 32768;  // with maximum_entries 0, where memory has no bound

  Conntrack() = default;
  explicit Conntrack(std::size_t max_entries) : maximum_entries{max_entries} {}
  Conntrack(const Conntrack&) = delete;
  Conntrack& operator=(const Conntrack&) = delete;

  // Tuples (a flow takes two) that may be in the table; 0: as many as a quarter of the free heap holds. Set
  // before start(). The table is smaller when half of the free heap does not hold that many.
  std::size_t maximum_entries = 0;
  std::chrono::seconds flush_interval{10};  // between two sweeps

  struct {
    Timeout_settings unconfirmed{Timeout_duration{10}, Timeout_duration{10}, Timeout_duration{10}};
    Timeout_settings confirmed{Timeout_duration{30}, Timeout_duration{10}, Timeout_duration{10}};
    Timeout_settings established{Timeout_duration{300}, Timeout_duration{10}, Timeout_duration{10}};
  } timeout;

  // What tracks TCP in the place of simple_track_in, if it is set.
  Packet_tracker tcp_in;

  // Room for `tuples` at least. Set before start().
  void reserve(std::size_t tuples) { reserved_ = tuples; }

  // Take the table and start the sweeps; the second call does nothing. enable_conntrack calls it.
  void start();

  Entry* get(const PacketIP4& packet) const;
  Entry* get(const Quadruple& quad, Protocol protocol) const;

  // Null for a packet that is not tracked, and when the table is full.
  Entry* in(const PacketIP4& packet);
  // The same for a packet that arrives again and keeps its entry, if that is one of this table.
  Entry* in(const PacketIP4& packet, Entry_ptr known);
  Entry* simple_track_in(const Quadruple& quad, Protocol protocol);

  // The entry of the packet, confirmed; null when there is none.
  Entry* confirm(const PacketIP4& packet);
  Entry* confirm(const Quadruple& quad, Protocol protocol);
  Entry* confirm(Entry_ptr entry);

  // A new entry, unconfirmed; null when the table is full. The caller knows that there is none for `quad`.
  Entry* add_entry(const Quadruple& quad, Protocol protocol);

  // Let the replies to a flow be `replies` from now on. Null, and nothing changes, when packets of another
  // flow look like that, one way or the other.
  Entry* expect(Entry_ptr entry, const Quadruple& replies);

  bool owns(Entry_ptr entry) const noexcept {
    return entry >= entries_.get() && entry < entries_.get() + entry_count_;
  }
  // The entry that a filter was shown, to be changed; it is one of this table.
  Entry& changeable(Entry_ptr entry) { return entries_[number_of(entry)]; }

  void remove_expired();
  // No entry calls that object any more when it ends.
  void forget_handlers_of(const void* object);
  std::size_t number_of_entries() const noexcept { return tuples_; }
  std::size_t capacity() const noexcept { return limit_; }  // tuples, after start()
  std::size_t octets() const noexcept;                      // of memory that the table takes

  // Source and destination of a packet of TCP or UDP, of ICMP, of any of them. It has its transport header.
  static Quadruple get_quadruple(const PacketIP4& packet);
  static Quadruple get_quadruple_icmp(const PacketIP4& packet);
  static Quadruple quadruple_of(const PacketIP4& packet);

 private:
  // Slot: 0 is empty; else the entry's number plus 1, doubled, plus 1 for its `second` tuple. The bits above
  // those are of the key's hash: most slots of other keys are passed over without a look at their entries.
  using Slot = std::uint32_t;
  // A tuple without its direction.
  struct Key {
    std::uint64_t low, high;  // of its ends, address before port; the protocol is with the lower one
    bool operator==(const Key&) const = default;
  };

  static Key key_of(const Quadruple& quad, Protocol protocol) noexcept;
  static std::size_t tuples_of(const Entry& entry) noexcept { return entry.first == entry.second ? 1 : 2; }
  std::uint64_t hash_of(const Key& key) const noexcept;
  std::size_t home_of(const Key& key) const noexcept { return hash_of(key) & slot_mask_; }
  Slot tag_of(std::uint64_t hash) const noexcept { return static_cast<Slot>(hash >> 32) & ~number_mask_; }
  Entry* entry_in(Slot slot) const noexcept { return &entries_[((slot & number_mask_) >> 1) - 1]; }
  Key key_in(Slot slot) const noexcept;
  std::uint32_t number_of(Entry_ptr entry) const noexcept {
    return static_cast<std::uint32_t>(entry - entries_.get());
  }
  std::size_t tuples_wanted(std::size_t free_octets, bool bounded) const;
  void enter(std::uint32_t number);
  void leave(std::uint32_t number);
  void insert(const Key& key, Slot slot);
  void erase(const Key& key, Slot slot);
  void remove(std::uint32_t number);
  void renew(Entry& entry, const Timeout_settings& settings) const;

  std::unique_ptr<Slot[]> slots_;
  std::unique_ptr<Entry[]> entries_;
  std::unique_ptr<std::uint32_t[]> free_;  // numbers of unused entries, the last `free_count_` of them valid
  std::size_t slot_mask_ = 0;
  Slot number_mask_ = 0;  // of a slot: all but the bits of the hash
  std::size_t entry_count_ = 0;
  std::size_t free_count_ = 0;
  std::size_t tuples_ = 0;
  std::size_t limit_ = 0;
  std::size_t reserved_ = 0;
  std::uint64_t key_[2] = {};
};
static_assert(sizeof(Conntrack::Entry) == 64);

inline Quadruple Conntrack::get_quadruple(const PacketIP4& packet) {
  const std::uint8_t* const at = packet.ip_data().data();
  const auto port = [at](int n) { return static_cast<std::uint16_t>(at[n] << 8 | at[n + 1]); };
  return {{packet.ip_src(), port(0)}, {packet.ip_dst(), port(2)}};
}

inline Quadruple Conntrack::quadruple_of(const PacketIP4& packet) {
  return packet.ip_protocol() == Protocol::ICMPv4 ? get_quadruple_icmp(packet) : get_quadruple(packet);
}

}  // namespace net
