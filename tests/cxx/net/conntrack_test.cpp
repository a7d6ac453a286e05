// The flow table by itself: against a plain map, at its bounds, and what it keeps apart.
// docs/language.md 8.2.
#include <map>
#include <random>

#include "bench.hpp"
#include "net/clock.hpp"

using namespace bench;
using net::Conntrack;
using net::Protocol;
using net::Quadruple;
using net::Socket;
using net::ip4::Addr;

namespace {

Socket end(std::uint8_t host, std::uint16_t port) { return {Addr{10, 0, 0, host}, port}; }

Quadruple reversed(Quadruple quad) { return quad.swap(); }

// The tuples of some flows, each without its direction, and whose they are.
class Model {
 public:
  void add(std::size_t flow, const Quadruple& first) { flows_[flow] = {first, reversed(first)}; }
  void expect(std::size_t flow, const Quadruple& replies) { flows_[flow].second = replies; }
  void remove(std::size_t flow) { flows_.erase(flow); }
  const std::map<std::size_t, std::pair<Quadruple, Quadruple>>& flows() const { return flows_; }

  // The flow with that tuple either way round; -1 is none.
  long holder_of(const Quadruple& quad) const {
    for (const auto& [flow, tuples] : flows_)
      for (const Quadruple& own : {tuples.first, tuples.second})
        if (quad == own || quad == reversed(own)) return static_cast<long>(flow);
    return -1;
  }
  std::size_t tuples() const {
    std::size_t sum = 0;
    for (const auto& [flow, tuples] : flows_) sum += tuples.first == tuples.second ? 1 : 2;
    return sum;
  }

 private:
  std::map<std::size_t, std::pair<Quadruple, Quadruple>> flows_;
};

// A table and a model of it, side by side; entries end when they are told to.
class Pair {
 public:
  Pair(std::size_t limit, unsigned seed) : table_{limit}, dice_{seed} { table_.start(); }

  void step() {
    switch (dice_() % 8) {
      case 0:
      case 1:
      case 2:
        return add(some_tuple());
      case 3:
      case 4:
        return expect(some_tuple());
      case 5:
        return end_some();
      default:
        return look(some_tuple());
    }
  }

  void look_everywhere() {
    for (std::uint8_t a = 1; a <= kHosts; ++a)
      for (std::uint16_t port = 1; port <= kPorts; ++port)
        for (std::uint8_t b = 1; b <= kHosts; ++b) look({end(a, port), end(b, 7)});
    CHECK_EQUAL(table_.number_of_entries(), model_.tuples());
  }

 private:
  static constexpr std::uint8_t kHosts = 4;
  static constexpr std::uint16_t kPorts = 6;

  Quadruple some_tuple() {
    const auto host = [this] { return static_cast<std::uint8_t>(1 + dice_() % kHosts); };
    const Quadruple quad{end(host(), static_cast<std::uint16_t>(1 + dice_() % kPorts)), end(host(), 7)};
    return dice_() % 2 == 0 ? quad : reversed(quad);
  }
  Conntrack::Entry* entry_of(long flow) {
    return table_.get(model_.flows().at(static_cast<std::size_t>(flow)).first, Protocol::UDP);
  }

  void add(const Quadruple& quad) {
    if (model_.holder_of(quad) >= 0) return;
    Conntrack::Entry* const entry = table_.add_entry(quad, Protocol::UDP);
    const bool room = model_.tuples() + 2 <= table_.capacity();
    CHECK((entry != nullptr) == room);
    if (entry != nullptr) model_.add(next_++, quad);
  }
  void expect(const Quadruple& replies) {
    if (model_.flows().empty()) return;
    auto at = model_.flows().begin();
    std::advance(at, dice_() % model_.flows().size());
    const auto flow = static_cast<long>(at->first);
    Conntrack::Entry* const entry = entry_of(flow);
    const long holder = model_.holder_of(replies);
    const bool taken = table_.expect(entry, replies) != nullptr;
    CHECK(taken == (holder < 0 || holder == flow));
    if (taken) model_.expect(at->first, replies);
    CHECK(entry->second == model_.flows().at(at->first).second);
  }
  void end_some() {
    std::vector<std::size_t> ending;
    for (const auto& [flow, tuples] : model_.flows())
      if (dice_() % 4 == 0) ending.push_back(flow);
    for (const std::size_t flow : ending) entry_of(static_cast<long>(flow))->timeout = 0;
    table_.remove_expired();
    for (const std::size_t flow : ending) model_.remove(flow);
  }
  void look(const Quadruple& quad) {
    const long holder = model_.holder_of(quad);
    Conntrack::Entry* const found = table_.get(quad, Protocol::UDP);
    CHECK((found != nullptr) == (holder >= 0));
    if (found != nullptr) CHECK(found == entry_of(holder));
    CHECK(table_.get(quad, Protocol::TCP) == nullptr);
  }

  Conntrack table_;
  Model model_;
  std::size_t next_ = 0;
  std::mt19937 dice_;
};

std::size_t ended = 0;
void count_end(void* object, Conntrack::Entry& entry) {
  CHECK(object == &ended);
  CHECK(entry.proto == Protocol::UDP);
  ++ended;
}

}  // namespace

// 8 tuples are 16 slots: tuples collide, wrap around the end, and are erased in front of others all the time.
TEST(a_small_table_does_as_a_map_does) {
  Machine machine;
  for (unsigned seed = 0; seed < 40; ++seed) {
    Pair pair{8, seed};
    for (int i = 0; i < 400; ++i) pair.step();
    pair.look_everywhere();
  }
}

TEST(a_larger_table_does_as_a_map_does) {
  Machine machine;
  for (unsigned seed = 0; seed < 4; ++seed) {
    Pair pair{64, seed};
    for (int i = 0; i < 2000; ++i) pair.step();
    pair.look_everywhere();
  }
}

TEST(a_flow_is_found_by_four_tuples_when_it_is_translated) {
  Machine machine;
  Conntrack table{8};
  table.start();
  Conntrack::Entry* const entry = table.add_entry({end(1, 1000), end(2, 80)}, Protocol::TCP);
  CHECK(entry->is_mirrored());
  CHECK(table.expect(entry, {end(3, 8080), end(4, 50000)}) == entry);
  CHECK(!entry->is_mirrored());
  CHECK_EQUAL(table.number_of_entries(), 2);
  for (const Quadruple& quad : {entry->first, entry->second})
    CHECK(table.get(quad, Protocol::TCP) == entry && table.get(reversed(quad), Protocol::TCP) == entry);
  CHECK(table.get({end(1, 1000), end(3, 8080)}, Protocol::TCP) == nullptr);
  CHECK(table.expect(entry, reversed(entry->first)) == entry);
  CHECK(table.get({end(3, 8080), end(4, 50000)}, Protocol::TCP) == nullptr);
}

TEST(directions_are_known_at_every_place_of_a_translation) {
  Conntrack::Entry entry{
      .first = {end(1, 1000), end(2, 80)}, .second = {end(3, 8080), end(4, 50000)}, .on_close = {}};
  for (const Quadruple& quad : {Quadruple{end(1, 1000), end(2, 80)},
                                {end(1, 1000), end(3, 8080)},
                                {end(4, 50000), end(3, 8080)},
                                {end(4, 50000), end(2, 80)}}) {
    CHECK(entry.is_original(quad));
    CHECK(!entry.is_original(reversed(quad)));
  }
  entry.second = entry.first;  // a flow of a socket with itself has one direction
  CHECK(entry.is_original(entry.first));
}

TEST(an_entry_says_when_it_ends_once) {
  Machine machine;
  Conntrack table{8};
  table.start();
  Conntrack::Entry* const entry = table.add_entry({end(1, 1), end(2, 2)}, Protocol::UDP);
  entry->on_close = {count_end, &ended};
  table.remove_expired();
  CHECK_EQUAL(ended, 0);
  entry->timeout = 0;
  table.remove_expired();
  table.remove_expired();
  CHECK_EQUAL(ended, 1);
  Conntrack::Entry* const next = table.add_entry({end(1, 1), end(2, 2)}, Protocol::UDP);
  CHECK(next->on_close.call == nullptr);
  next->on_close = {count_end, &ended};
  table.forget_handlers_of(&ended);
  next->timeout = 0;
  table.remove_expired();
  CHECK_EQUAL(ended, 1);
  CHECK_EQUAL(table.number_of_entries(), 0);
}

TEST(the_settings_are_those_of_includeos) {
  Machine machine;
  Conntrack table;
  table.timeout.established.udp = Conntrack::Timeout_duration{77};
  table.timeout.unconfirmed.icmp = Conntrack::Timeout_duration{3};
  table.reserve(100000);
  table.start();
  CHECK(table.capacity() >= 100000);
  const Quadruple quad{end(1, 1), end(2, 2)};
  Conntrack::Entry* const entry = table.simple_track_in(quad, Protocol::UDP);
  CHECK(entry->state == Conntrack::State::UNCONFIRMED);
  CHECK(table.confirm(quad, Protocol::UDP) == entry && entry->state == Conntrack::State::NEW);
  CHECK(table.simple_track_in(reversed(quad), Protocol::UDP) == entry);
  CHECK(entry->state == Conntrack::State::ESTABLISHED);
  CHECK_EQUAL(entry->timeout, net::clock::now() + 77'000'000'000);
  CHECK_EQUAL(table.add_entry(quad, Protocol::ICMPv4)->timeout, net::clock::now() + 3'000'000'000);
}

TEST(a_million_flows_take_less_than_128_mebibytes) {
  Machine machine;
  Conntrack table{2'000'000};
  table.start();
  CHECK_EQUAL(table.capacity(), 2'000'000);
  CHECK(table.octets() <= 128U * 1024 * 1024);
  const auto flow = [](std::uint32_t number) {
    return Quadruple{
        {Addr{net::htonl(0x0a000000 + number / 50000)}, static_cast<std::uint16_t>(number % 50000)},
        end(9, 80)};
  };
  for (std::uint32_t i = 0; i < 1'000'000; ++i) CHECK(table.add_entry(flow(i), Protocol::TCP) != nullptr);
  CHECK(table.add_entry(flow(1'000'000), Protocol::TCP) == nullptr);
  for (std::uint32_t i = 0; i < 1'000'000; i += 997)
    CHECK(table.get(reversed(flow(i)), Protocol::TCP) != nullptr);
}

TEST(an_entry_of_another_table_is_none_of_ours) {
  Machine machine;
  Conntrack table{8}, other{8};
  table.start();
  other.start();
  const Quadruple quad{end(1, 1000), end(2, 53)};
  Conntrack::Entry* const foreign = other.add_entry(quad, Protocol::UDP);
  CHECK(!table.owns(foreign) && !table.owns(nullptr) && other.owns(foreign));
  CHECK(table.confirm(foreign) == nullptr);
  Conntrack::Entry* const own = table.add_entry(quad, Protocol::UDP);
  CHECK(table.confirm(foreign) == own);
  CHECK(foreign->state == Conntrack::State::UNCONFIRMED);
}
