// Numbers that nobody outside can foresee: the processor's (RDRAND) where it makes some, and always the time
// stamp, whose low bits depend on when every interrupt and frame before came. For what must not be guessed by
// those who send packets; not for keys.
//
// Spec    Intel SDM, volume 1, 7.3.17 (RDRAND; it may fail, and is asked again).
#pragma once

#include <cstdint>

namespace pc::chance {

std::uint64_t number();

}  // namespace pc::chance
