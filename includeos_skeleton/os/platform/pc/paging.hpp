// Address translation: everything is where it is (virtual = physical).
//
// start.S maps the first 4 GiB in pages of 2 MiB. start() protects the image: code cannot be written, data
// cannot be executed, and page 0 and the page below the stack cannot be touched.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pc::paging {

void start();

// Make `length` octets of device memory at `address` reachable, uncached. Addresses may lie above 4 GiB.
// nullptr when the address is beyond 48 bits, or the tables for high addresses (kHighRegions) are used up.
void* map_device(std::uint64_t address, std::size_t length);

inline constexpr std::size_t kHighRegions = 16;  // of 1 GiB each, in different places above 4 GiB

}  // namespace pc::paging
