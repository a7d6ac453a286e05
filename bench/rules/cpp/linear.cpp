// The reference: rule after rule, as they stand. Fields are read here, and nowhere from generated code.
#include <vector>

#include "contender.hpp"

namespace {

std::vector<Rule> all;

std::uint32_t big_endian(const std::uint8_t* octets, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | octets[i];
  return value;
}

bool in_prefix(std::uint32_t address, std::uint32_t prefix, std::uint32_t length) {
  return length == 0 || (address ^ prefix) >> (32 - length) == 0;
}

bool takes(const Rule& rule, const std::uint8_t* ip) {
  const std::uint32_t protocol = ip[9];
  if (rule.protocol != Rule::kAnyProtocol && rule.protocol != protocol) return false;
  if (!in_prefix(big_endian(ip + 12, 4), rule.source, rule.source_length)) return false;
  if (!in_prefix(big_endian(ip + 16, 4), rule.destination, rule.destination_length)) return false;
  if (!rule.has_ports()) return true;
  if (protocol != 6 && protocol != 17) return false;
  const std::uint32_t from = big_endian(ip + 20, 2), to = big_endian(ip + 22, 2);
  return from >= rule.source_first && from <= rule.source_last && to >= rule.destination_first &&
         to <= rule.destination_last;
}

Verdict decide(const std::uint8_t* ip) {
  for (const Rule& rule : all) {
    if (takes(rule, ip)) return rule.accept != 0 ? kAccepted : kDropped;
  }
  return kDropped;
}

}  // namespace

const char* contender_open(const Rule* rules, std::uint32_t count) {
  all.assign(rules, rules + count);
  return nullptr;
}

std::uint64_t contender_octets() { return all.size() * sizeof(Rule); }

void contender_run(const Slot* slots, std::uint32_t count, std::uint8_t* verdicts) {
  for (std::uint32_t i = 0; i < count; ++i) verdicts[i] = decide(slots[i].packet);
}
