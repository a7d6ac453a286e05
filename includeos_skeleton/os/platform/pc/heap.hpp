// Memory behind operator new: the RAM after the image, as a list of free blocks in the order of their
// addresses.
//
// First fit, neighbours join when they are freed. Meant for what is made at start: its time grows with the
// number of holes. Running out of memory is a panic.
#pragma once

#include <cstddef>

#include "platform/platform.hpp"

namespace pc::heap {

void start(void* begin, void* end);
[[nodiscard]] void* take(std::size_t size, std::size_t alignment);
void give_back(void* memory);  // nullptr does nothing
platform::Heap_use use();

}  // namespace pc::heap
