// Compiled with -fno-access-control.
#include "audit.hpp"

#include <map>
#include <net/interfaces.hpp>
#include <set>
#include <utility>

#include "bench.hpp"
#include "net/port_pool.hpp"

namespace {

using net::Conntrack;
using net::nat::Port_pool;

std::set<const Port_pool*> pools;  // every one that an entry was seen to hold a port of

bool in_use(const Conntrack::Entry& entry) { return entry.proto != net::Protocol::HOPOPT; }

Conntrack& table() { return *net::Interfaces::get(0).conntrack(); }

void check_found(const Conntrack& flows, const Conntrack::Entry& entry) {
  for (const net::Quadruple& tuple : {entry.first, entry.second}) {
    CHECK(flows.get(tuple, entry.proto) == &entry);
    CHECK(flows.get({tuple.dst, tuple.src}, entry.proto) == &entry);
  }
}

void check_slots(const Conntrack& flows, std::size_t expected) {
  std::size_t used = 0;
  for (std::size_t i = 0; i <= flows.slot_mask_; ++i) {
    if (flows.slots_[i] == 0) continue;
    ++used;
    CHECK(flows.owns(flows.entry_in(flows.slots_[i])));
    CHECK(in_use(*flows.entry_in(flows.slots_[i])));
  }
  CHECK_EQUAL(used, expected);
}

bool is_taken(const Port_pool& pool, std::uint16_t port) {
  const std::uint32_t number = port - Port_pool::kFirst;
  return (pool.free_[number / 64] >> number % 64 & 1) == 0;
}

std::size_t taken(const Port_pool& pool) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < pool.free_.size(); ++i) {
    count += static_cast<std::size_t>(64 - std::popcount(pool.free_[i]));
    CHECK((pool.some_[i / 64] >> i % 64 & 1) == (pool.free_[i] != 0 ? 1U : 0U));
  }
  return count;
}

using Held = std::map<const Port_pool*, std::set<std::uint16_t>>;

void note_port(Held& held, const Conntrack::Entry& entry) {
  if (entry.masquerade_port == 0) return;
  const auto* const pool = static_cast<const Port_pool*>(entry.on_close.object);
  CHECK(pool != nullptr && entry.on_close.call != nullptr);
  CHECK(is_taken(*pool, entry.masquerade_port));
  CHECK(held[pool].insert(entry.masquerade_port).second);
  pools.insert(pool);
}

// Ends the lease, and begins to ask as after the start.
void ask_anew(net::DHClient& client) {
  client.random_ = 1;
  client.lose();
}

void forget(net::Inet& iface) {
  CHECK(iface.arp().waiting() <= 1);  // a DHCP client's message
  iface.arp().forget();
  iface.ip_obj().next_id_ = 1;
  iface.counters() = {};
}

}  // namespace

namespace audit {

void check_flows() {
  const Conntrack& flows = table();
  std::size_t entries = 0, tuples = 0, slots = 0;
  Held held;
  for (std::size_t i = 0; i < flows.entry_count_; ++i) {
    const Conntrack::Entry& entry = flows.entries_[i];
    if (!in_use(entry)) continue;
    ++entries;
    tuples += Conntrack::tuples_of(entry);
    slots += flows.key_of(entry.first, entry.proto) == flows.key_of(entry.second, entry.proto) ? 1 : 2;
    check_found(flows, entry);
    note_port(held, entry);
  }
  CHECK_EQUAL(flows.number_of_entries(), tuples);
  CHECK(tuples <= flows.capacity());
  CHECK_EQUAL(flows.free_count_ + entries, flows.entry_count_);
  check_slots(flows, slots);
  for (const Port_pool* pool : pools) CHECK_EQUAL(taken(*pool), held[pool].size());
}

void forget_everything() {
  Conntrack& flows = table();
  for (std::size_t i = 0; i < flows.entry_count_; ++i) flows.entries_[i].timeout = 0;
  flows.remove_expired();
  CHECK_EQUAL(flows.number_of_entries(), 0);
  check_flows();
  for (net::Inet* iface : net::Interfaces::all()) {
    forget(*iface);
    if (iface->dhcp_ != nullptr) ask_anew(*iface->dhcp_);
  }
}

}  // namespace audit
