// vmxnet3 over PCI: BAR 0 has the doorbells, BAR 1 the registers, MSI-X is where the capability says.
//
// Tested  QEMU's vmxnet3 on q35 and pc (tests/cxx/test_machine.py).
// Not     INTx and MSI: a device without MSI-X is refused.
#pragma once

#include <cstdint>

#include "drivers/pci.hpp"
#include "drivers/vmxnet3.hpp"

namespace vmxnet3 {

bool is_network_device(const pci::Function& function);

class Pci_transport final : public Transport {
 public:
  explicit Pci_transport(const pci::Function& function) : function_(function) {}

  // Find and map the registers, and set MSI-X up. nullptr, or what is wrong, in words for the console.
  [[nodiscard]] const char* start();

  std::uint32_t read(Register which) override { return *at(registers_, static_cast<std::uint16_t>(which)); }
  void write(Register which, std::uint32_t value) override {
    *at(registers_, static_cast<std::uint16_t>(which)) = value;
  }
  void ring(Doorbell which, std::uint8_t number, std::uint32_t value) override {
    *at(doorbells_, static_cast<std::uint16_t>(which) + number * kDoorbellStep) = value;
  }
  bool is_there() override { return function_.is_there(); }

 private:
  static volatile std::uint32_t* at(volatile std::uint8_t* bar, int offset) {
    return reinterpret_cast<volatile std::uint32_t*>(bar + offset);
  }

  pci::Function function_;
  volatile std::uint8_t* doorbells_ = nullptr;
  volatile std::uint8_t* registers_ = nullptr;
};

}  // namespace vmxnet3
