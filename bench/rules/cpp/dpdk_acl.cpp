// DPDK's librte_acl: tries over all fields at once, built at run time.
//
// -DNACLC_BATCH=N packets a call; -DNACLC_ALGORITHM=… as rte_acl_classify_alg has it, the default chooses
// what the processor has. With one packet a call the vector versions fall back to the scalar one by
// themselves.
#include <rte_acl.h>
#include <rte_byteorder.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <vector>

#include "contender.hpp"
#include "dpdk.hpp"

#ifndef NACLC_ALGORITHM
#define NACLC_ALGORITHM RTE_ACL_CLASSIFY_DEFAULT
#endif

namespace {

enum Field : std::uint8_t { kProtocol, kSource, kDestination, kSourcePort, kDestinationPort, kFields };
RTE_ACL_RULE_DEF(Acl_rule, kFields);

// Offsets into the IPv4 header; the ports stand behind a header of 20 octets, which all packets of a trace
// have.
constexpr rte_acl_field_def kDefinitions[kFields] = {
    {RTE_ACL_FIELD_TYPE_BITMASK, 1, kProtocol, 0, 9},       {RTE_ACL_FIELD_TYPE_MASK, 4, kSource, 1, 12},
    {RTE_ACL_FIELD_TYPE_MASK, 4, kDestination, 2, 16},      {RTE_ACL_FIELD_TYPE_RANGE, 2, kSourcePort, 3, 20},
    {RTE_ACL_FIELD_TYPE_RANGE, 2, kDestinationPort, 3, 22},
};
constexpr std::uint32_t kDrop = 1, kAccept = 2;  // user data; 0 is "no rule matches"

const bool started = start_dpdk();  // before contender_open, whose time counts
rte_acl_ctx* context = nullptr;
std::uint64_t octets = 0;

Acl_rule entry(const Rule& rule, std::uint32_t number, std::uint32_t protocol) {
  Acl_rule made{};
  made.data.category_mask = 1;
  made.data.priority = static_cast<std::int32_t>(RTE_ACL_MAX_PRIORITY - number);
  made.data.userdata = rule.accept != 0 ? kAccept : kDrop;
  made.field[kProtocol].value.u8 = static_cast<std::uint8_t>(protocol);
  made.field[kProtocol].mask_range.u8 = protocol == Rule::kAnyProtocol ? 0 : 0xff;
  made.field[kSource].value.u32 = rule.source;
  made.field[kSource].mask_range.u32 = rule.source_length;
  made.field[kDestination].value.u32 = rule.destination;
  made.field[kDestination].mask_range.u32 = rule.destination_length;
  made.field[kSourcePort].value.u16 = static_cast<std::uint16_t>(rule.source_first);
  made.field[kSourcePort].mask_range.u16 = static_cast<std::uint16_t>(rule.source_last);
  made.field[kDestinationPort].value.u16 = static_cast<std::uint16_t>(rule.destination_first);
  made.field[kDestinationPort].mask_range.u16 = static_cast<std::uint16_t>(rule.destination_last);
  return made;
}

// A rule about ports of any protocol is one for TCP and one for UDP.
std::vector<Acl_rule> entries(const Rule* rules, std::uint32_t count) {
  std::vector<Acl_rule> made;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (rules[i].protocol == Rule::kAnyProtocol && rules[i].has_ports()) {
      made.push_back(entry(rules[i], i, 6));
      made.push_back(entry(rules[i], i, 17));
    } else {
      made.push_back(entry(rules[i], i, rules[i].protocol));
    }
  }
  return made;
}

}  // namespace

const char* contender_open(const Rule* rules, std::uint32_t count) {
  if (!started) return "DPDK does not start here";
  const std::vector<Acl_rule> made = entries(rules, count);
  char name[32];
  std::snprintf(name, sizeof name, "acl%d-%d", NACLC_BATCH, static_cast<int>(NACLC_ALGORITHM));
  rte_acl_param parameters{name, 0, RTE_ACL_RULE_SZ(kFields), static_cast<std::uint32_t>(made.size())};
  context = rte_acl_create(&parameters);
  if (context == nullptr) return "rte_acl_create failed";
  if (rte_acl_add_rules(context, reinterpret_cast<const rte_acl_rule*>(made.data()),
                        static_cast<std::uint32_t>(made.size())) != 0)
    return "rte_acl_add_rules failed";
  rte_acl_config config{};
  config.num_categories = 1;
  config.num_fields = kFields;
  std::copy(std::begin(kDefinitions), std::end(kDefinitions), config.defs);
  const std::uint64_t before = dpdk_heap();
  if (rte_acl_build(context, &config) != 0) return "rte_acl_build failed";
  octets = dpdk_heap() - before;
  if (NACLC_ALGORITHM != RTE_ACL_CLASSIFY_DEFAULT && rte_acl_set_ctx_classify(context, NACLC_ALGORITHM) != 0)
    return "this processor has not got the instructions";
  return nullptr;
}

std::uint64_t contender_octets() { return octets; }

void contender_run(const Slot* slots, std::uint32_t count, std::uint8_t* verdicts) {
  const std::uint8_t* packets[NACLC_BATCH];
  std::uint32_t found[NACLC_BATCH];
  for (std::uint32_t done = 0; done < count; done += NACLC_BATCH) {
    const std::uint32_t batch = std::min<std::uint32_t>(NACLC_BATCH, count - done);
    for (std::uint32_t i = 0; i < batch; ++i) packets[i] = slots[done + i].packet;
    rte_acl_classify(context, packets, found, batch, 1);
    for (std::uint32_t i = 0; i < batch; ++i) verdicts[done + i] = found[i] == kAccept ? kAccepted : kDropped;
  }
}
