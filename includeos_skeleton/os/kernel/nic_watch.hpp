// A look at every NIC each second: one whose link changed, or that is gone from its bus, is named on the
// console.
#pragma once

#include <hw/nic.hpp>

namespace kernel {

void start_nic_watch();  // called by a platform whose NICs change

const char* text_of(hw::Nic::State state);  // "up", "down", "gone"

}  // namespace kernel
