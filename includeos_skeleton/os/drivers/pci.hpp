// PCI: finding functions, their capabilities, their memory, and message signalled interrupts.
//
//   find() ──▶ Function ──▶ capability(), memory(), enable_wake() ──▶ a transport or driver
//
// Spec    PCI Local Bus 3.0: chapter 6 (configuration space, capabilities), 6.8.2 (MSI-X); PCI-to-PCI
// Bridge 1.2. Tested  QEMU's q35 and pc, behind bridges; tests/cxx/pci_test.cpp against a simulated
// configuration space. Not     assigning addresses or bus numbers (the firmware has done it), I/O space BARs,
// INTx, hot plug, several
//         host bridges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pci {

struct Address {
  static constexpr std::size_t kTextSize = 8;  // "ff:1f.7" and a zero

  std::uint8_t bus;
  std::uint8_t device;    // 0..31
  std::uint8_t function;  // 0..7

  void write_text(char (&text)[kTextSize]) const;
};

// Supplied by the platform.
std::uint32_t read_config(Address address, std::uint8_t offset);  // offset: a multiple of 4
void write_config(Address address, std::uint8_t offset, std::uint32_t value);
void* map_memory(std::uint64_t address, std::size_t length);  // nullptr: cannot be reached
struct Message {
  std::uint64_t address;
  std::uint32_t data;
};
Message wake_message();  // what a device writes to end platform::idle

class Function {
 public:
  Function() = default;
  explicit Function(Address address);

  Address address() const { return address_; }
  std::uint16_t vendor() const { return vendor_; }
  std::uint16_t device() const { return device_; }

  // False once the function has left the bus: nobody answers for it, or somebody else.
  bool is_there() const;

  std::uint8_t read8(std::uint8_t offset) const;
  std::uint16_t read16(std::uint8_t offset) const;
  std::uint32_t read32(std::uint8_t offset) const { return read_config(address_, offset); }

  // The offset of the first capability `id` after `after` (0: from the start), or 0. Ends on a list that
  // loops.
  std::uint8_t capability(std::uint8_t id, std::uint8_t after = 0) const;

  // `length` octets at `offset` of a memory BAR (0..5), mapped; nullptr when the BAR is of another kind, is
  // not assigned, or is smaller.
  void* memory(std::uint8_t bar, std::uint32_t offset, std::uint32_t length) const;

  // Let the device read and write memory, and its BARs be read and written.
  void enable() const;

  // Set up MSI-X with message 0 as the wake message and the others masked; false when the device has no
  // MSI-X.
  bool enable_wake() const;

 private:
  Address address_{};
  std::uint16_t vendor_ = 0xffff;
  std::uint16_t device_ = 0xffff;
};

// Every function that `wanted` takes, in the order of bus (as bridges are met), device, function. Returns how
// many; stops when `found` is full.
std::size_t find(std::span<Function> found, bool (*wanted)(const Function&));

}  // namespace pci
