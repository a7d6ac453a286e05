// A DHCP server that may lie.
#pragma once

#include "bench.hpp"
#include "input.hpp"

namespace fuzz {

// The last message of a DHCP client of the machine, and where it was sent.
struct Dhcp_question {
  std::size_t nic = 0;
  int vlan = 0;
  bench::Octets message;  // empty: none was sent yet

  void note(std::size_t from_nic, int from_vlan, const bench::Octets& packet);
};

// An answer to it as the input has it; empty when there was no question.
bench::Octets dhcp_answer(const Dhcp_question& question, Input& input);

}  // namespace fuzz
