// Connection tracking: one table of flows for the machine, under IncludeOS's names.
//
//   in(packet)       TRACK    find the flow by either tuple, or make one in state UNCONFIRMED
//   confirm(packet)  CONFIRM  UNCONFIRMED becomes NEW
//
// Meaning   docs/language.md 8.2 and 8.3. TCP, UDP and ICMPv4 with a transport header only; ICMP uses the 16
//           bits at offset 4 of its message as both ports (raw, in network order, as on IncludeOS).
// Owns      a table of tuples with open addressing, at most half full, and the entries; both are taken from
//           the heap once, by start(), and never grow. A packet that finds the table full gets no entry.
// Hashing   keyed with a number drawn at start, so that a sender cannot choose tuples that collide.
//
// Single core, no locks.
//
// Not     IPv6, serialisation, a TCP state machine, handlers on close.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <net/ip4/packet_ip4.hpp>
#include <net/socket.hpp>

namespace net {

class Conntrack {
 public:
  enum class State : std::uint8_t { NEW, ESTABLISHED, RELATED, UNCONFIRMED };

  struct Entry {
    Quadruple first;   // of the packet that made the entry
    Quadruple second;  // of the expected replies
    std::int64_t expires_ns = 0;
    Protocol proto = Protocol::HOPOPT;
    State state = State::UNCONFIRMED;
    bool used = false;

    bool is_mirrored() const noexcept { return first.is_reverse(second); }
  };
  using Entry_ptr = const Entry*;

  using Timeout_duration = std::chrono::seconds;
  struct Timeout_settings {
    Timeout_duration tcp;
    Timeout_duration udp;
    Timeout_duration icmp;
    // 0 for a protocol that is not tracked.
    Timeout_duration get(Protocol protocol) const noexcept;
  };

  static constexpr std::size_t kDefaultTuples = 32768;  // with maximum_entries 0

  Conntrack() = default;
  explicit Conntrack(std::size_t max_entries) : maximum_entries{max_entries} {}
  Conntrack(const Conntrack&) = delete;
  Conntrack& operator=(const Conntrack&) = delete;

  // Tuples (a flow takes two) that may be in the table; 0: kDefaultTuples. Set before start(). The table is
  // smaller when half of the free heap does not hold that many.
  std::size_t maximum_entries = 0;
  std::chrono::seconds flush_interval{10};  // between two sweeps

  struct {
    Timeout_settings unconfirmed{Timeout_duration{10}, Timeout_duration{10}, Timeout_duration{10}};
    Timeout_settings confirmed{Timeout_duration{30}, Timeout_duration{10}, Timeout_duration{10}};
    Timeout_settings established{Timeout_duration{300}, Timeout_duration{10}, Timeout_duration{10}};
  } timeout;

  // Room for `tuples` at least. Set before start().
  void reserve(std::size_t tuples) { reserved_ = tuples; }

  // Take the table and start the sweeps; the second call does nothing. enable_conntrack calls it.
  void start();

  Entry* get(const PacketIP4& packet) const;
  Entry* get(const Quadruple& quad, Protocol protocol) const;

  // Null for a packet that is not tracked, and when the table is full.
  Entry* in(const PacketIP4& packet);

  // The entry of the packet, confirmed; null when there is none.
  Entry* confirm(const PacketIP4& packet);
  Entry* confirm(Quadruple quad, Protocol protocol);
  Entry* confirm(Entry_ptr entry);

  void remove_expired();
  std::size_t number_of_entries() const noexcept { return tuples_; }
  std::size_t capacity() const noexcept { return limit_; }  // tuples, after start()

 private:
  // Slot: 0 is empty; else the entry's number plus 1, doubled, plus 1 for its `second` tuple.
  using Slot = std::uint32_t;

  std::size_t home_of(const Quadruple& quad, Protocol protocol) const noexcept;
  const Quadruple& tuple_in(Slot slot) const noexcept;
  Entry* add(const Quadruple& quad, Protocol protocol);
  void insert(const Quadruple& quad, Protocol protocol, Slot slot);
  void erase(const Quadruple& quad, Protocol protocol, Slot slot);
  void remove(std::uint32_t number);
  void renew(Entry& entry, const Timeout_settings& settings) const;

  std::unique_ptr<Slot[]> slots_;
  std::unique_ptr<Entry[]> entries_;
  std::unique_ptr<std::uint32_t[]> free_;  // numbers of unused entries, the last `free_count_` of them valid
  std::size_t slot_mask_ = 0;
  std::size_t entry_count_ = 0;
  std::size_t free_count_ = 0;
  std::size_t tuples_ = 0;
  std::size_t limit_ = 0;
  std::size_t reserved_ = 0;
  std::uint64_t key_[2] = {};
};

}  // namespace net
