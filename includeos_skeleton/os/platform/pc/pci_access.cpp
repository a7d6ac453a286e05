// The platform's side of drivers/pci.hpp: configuration mechanism 1 and device memory.
#include "drivers/pci.hpp"
#include "platform/pc/apic.hpp"
#include "platform/pc/io.hpp"
#include "platform/pc/paging.hpp"

namespace pci {

namespace {

// PCI Local Bus 3.0, 3.2.2.3.2.
void select(Address address, std::uint8_t offset) {
  std::uint32_t where = std::uint32_t{1} << 31 | std::uint32_t{address.bus} << 16 |
                        std::uint32_t{address.device} << 11 | std::uint32_t{address.function} << 8 |
                        (offset & 0xfcU);
  pc::out32(0xcf8, where);
}

}  // namespace

std::uint32_t read_config(Address address, std::uint8_t offset) {
  select(address, offset);
  return pc::in32(0xcfc);
}

void write_config(Address address, std::uint8_t offset, std::uint32_t value) {
  select(address, offset);
  pc::out32(0xcfc, value);
}

void* map_memory(std::uint64_t address, std::size_t length) {
  return pc::paging::map_device(address, length);
}

Message wake_message() { return {.address = pc::apic::message_address(), .data = pc::apic::message_data()}; }

}  // namespace pci
