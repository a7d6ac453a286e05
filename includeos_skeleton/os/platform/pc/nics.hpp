// The NICs of the machine: found on the PCI bus, started, and numbered in the order of the bus, whatever
// their kind. One that cannot be used is named on the console with the reason.
#pragma once

#include <hw/nic.hpp>
#include <span>

namespace pc::nics {

// Takes the frame pool, then starts every NIC; call once.
void start();

std::span<hw::Nic* const> all();

}  // namespace pc::nics
