// libpcap's optimizing compiler makes classic BPF of the rules, and libpcap interprets it.
//
// There is machine code of classic BPF in DPDK's librte_bpf, but what it checks before grows with the number
// of paths: it does not get through a hundred rules.
#include <pcap/pcap.h>

#include <string>

#include "contender.hpp"

namespace {

bpf_program program{};

std::string prefix(const char* side, std::uint32_t address, std::uint32_t length) {
  if (length == 0) return {};
  std::string text = std::string{" and "} + side + " net ";
  for (int shift = 24; shift >= 0; shift -= 8)
    text += std::to_string(address >> shift & 255) + (shift != 0 ? "." : "");
  return text + "/" + std::to_string(length);
}

std::string ports(const char* side, std::uint32_t first, std::uint32_t last) {
  if (first == 0 && last == 65535) return {};
  const std::string start = std::string{" and "} + side;
  if (first == last) return start + " port " + std::to_string(first);
  return start + " portrange " + std::to_string(first) + "-" + std::to_string(last);
}

std::string condition(const Rule& rule) {
  std::string text = rule.protocol == Rule::kAnyProtocol ? rule.has_ports() ? "(tcp or udp)" : "ip"
                                                         : "ip proto " + std::to_string(rule.protocol);
  text += prefix("src", rule.source, rule.source_length);
  text += prefix("dst", rule.destination, rule.destination_length);
  text += ports("src", rule.source_first, rule.source_last);
  text += ports("dst", rule.destination_first, rule.destination_last);
  return "(" + text + ")";
}

// True for what is accepted. Neighbours with one verdict are one list.
std::string filter(const Rule* rules, std::uint32_t count) {
  std::string rest;  // of the rules behind; empty: false
  for (std::uint32_t end = count; end > 0;) {
    std::uint32_t first = end - 1;
    while (first > 0 && rules[first - 1].accept == rules[end - 1].accept) --first;
    std::string any;
    for (std::uint32_t i = first; i < end; ++i) any += (i == first ? "" : " or ") + condition(rules[i]);
    if (rules[first].accept != 0) {
      rest = "(" + any + (rest.empty() ? "" : " or " + rest) + ")";
    } else if (!rest.empty()) {
      rest = "(not (" + any + ") and " + rest + ")";
    }
    end = first;
  }
  return "ip and " + (rest.empty() ? "less 0" : rest);
}

}  // namespace

const char* contender_open(const Rule* rules, std::uint32_t count) {
  pcap_t* const handle = pcap_open_dead(DLT_RAW, 65535);
  if (pcap_compile(handle, &program, filter(rules, count).c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0)
    return nullptr;
  static std::string why;
  why = pcap_geterr(handle);
  return why.c_str();
}

std::uint64_t contender_octets() { return std::uint64_t{program.bf_len} * sizeof(bpf_insn); }

void contender_run(const Slot* slots, std::uint32_t count, std::uint8_t* verdicts) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t length = slots[i].length;
    verdicts[i] = bpf_filter(program.bf_insns, slots[i].packet, length, length) != 0 ? kAccepted : kDropped;
  }
}
