#include "drivers/vmxnet3_pci.hpp"

namespace vmxnet3 {

namespace {

constexpr std::uint16_t kVendor = 0x15ad;
constexpr std::uint16_t kDevice = 0x07b0;
constexpr std::uint8_t kDoorbellBar = 0;
constexpr std::uint8_t kRegisterBar = 1;
constexpr std::uint32_t kBarSize = 4096;  // octets

}  // namespace

bool is_network_device(const pci::Function& function) {
  return function.vendor() == kVendor && function.device() == kDevice;
}

const char* Pci_transport::start() {
  function_.enable();
  doorbells_ = static_cast<volatile std::uint8_t*>(function_.memory(kDoorbellBar, 0, kBarSize));
  registers_ = static_cast<volatile std::uint8_t*>(function_.memory(kRegisterBar, 0, kBarSize));
  if (doorbells_ == nullptr || registers_ == nullptr) return "its memory is not assigned, or too small";
  return function_.enable_wake() ? nullptr : "it has no MSI-X";
}

}  // namespace vmxnet3
