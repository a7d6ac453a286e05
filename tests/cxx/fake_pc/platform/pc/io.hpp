// Stands in for the platform's header of this name: ports and processor are a simulation (clock_test.cpp).
#pragma once

#include <cstdint>

namespace pc {

void out8(std::uint16_t port, std::uint8_t value);
std::uint8_t in8(std::uint16_t port);
std::uint64_t time_stamp();

struct Cpuid {
  std::uint32_t eax, ebx, ecx, edx;
};
Cpuid cpuid(std::uint32_t leaf);

}  // namespace pc
