// Which memory the machine has, from the PVH start info.
//
// Spec    Xen public/arch-x86/hvm/start_info.h: struct hvm_start_info, version 1 (memory map).
#pragma once

#include <cstdint>

namespace pc {

struct Range {
  std::uint64_t begin;  // physical address
  std::uint64_t end;    // one past the last octet
};

// The RAM from `from` to the end of the region that holds it, below 4 GiB; empty when the start info is not
// there or does not say.
Range memory_from(std::uint32_t start_info, std::uint64_t from);

}  // namespace pc
