// Open vSwitch's classifier: tuple space search, staged, with tries for the addresses; without its caches of
// flows. Ranges of ports become prefixes, as its own flow tables want them. Linked with ovs_classifier.c.
#include <malloc.h>

#include <vector>

#include "contender.hpp"

struct masked {
  std::uint32_t source, source_mask, destination, destination_mask;
  std::uint16_t source_port, source_port_mask, destination_port, destination_port_mask;
  std::int32_t protocol;  // -1: any
  std::int32_t priority;
  std::uint32_t accept;
};

extern "C" {
void ovs_start();
void ovs_insert(const masked* rules, unsigned count);
unsigned ovs_lookup(std::uint32_t source, std::uint32_t destination, std::uint16_t source_port,
                    std::uint16_t destination_port, std::uint8_t protocol);
}

namespace {

std::uint64_t octets = 0;

struct Prefix {
  std::uint16_t value, mask;
};

std::uint32_t mask_of(std::uint32_t length) { return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length); }

// The fewest prefixes that make up first .. last.
std::vector<Prefix> prefixes(std::uint32_t first, std::uint32_t last) {
  std::vector<Prefix> made;
  while (first <= last) {
    std::uint32_t size = 1;
    while (size < 65536 && first % (size * 2) == 0 && first + size * 2 - 1 <= last) size *= 2;
    made.push_back({static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(~(size - 1))});
    first += size;
  }
  return made;
}

void add(std::vector<masked>& made, const Rule& rule, std::int32_t protocol, std::int32_t priority) {
  for (const Prefix& from : prefixes(rule.source_first, rule.source_last)) {
    for (const Prefix& to : prefixes(rule.destination_first, rule.destination_last))
      made.push_back({rule.source, mask_of(rule.source_length), rule.destination,
                      mask_of(rule.destination_length), from.value, from.mask, to.value, to.mask, protocol,
                      priority, rule.accept});
  }
}

}  // namespace

const char* contender_open(const Rule* rules, std::uint32_t count) {
  std::vector<masked> made;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto priority = static_cast<std::int32_t>(count - i);
    if (rules[i].protocol == Rule::kAnyProtocol && rules[i].has_ports()) {
      add(made, rules[i], 6, priority);
      add(made, rules[i], 17, priority);
    } else {
      add(made, rules[i],
          rules[i].protocol == Rule::kAnyProtocol ? -1 : static_cast<std::int32_t>(rules[i].protocol),
          priority);
    }
  }
  const std::size_t before = ::mallinfo2().uordblks;
  ovs_start();
  ovs_insert(made.data(), static_cast<unsigned>(made.size()));
  octets = ::mallinfo2().uordblks - before;
  return nullptr;
}

std::uint64_t contender_octets() { return octets; }

void contender_run(const Slot* slots, std::uint32_t count, std::uint8_t* verdicts) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint8_t* const ip = slots[i].packet;
    const auto word = [ip](int at) { return static_cast<std::uint16_t>(ip[at] << 8 | ip[at + 1]); };
    const std::uint32_t source = std::uint32_t{word(12)} << 16 | word(14);
    const std::uint32_t destination = std::uint32_t{word(16)} << 16 | word(18);
    verdicts[i] = ovs_lookup(source, destination, word(20), word(22), ip[9]) != 0 ? kAccepted : kDropped;
  }
}
