#include "drivers/virtio_pci.hpp"

namespace virtio {

namespace {

constexpr std::uint16_t kVendor = 0x1af4;
constexpr std::uint16_t kModernNetwork = 0x1041;
constexpr std::uint16_t kTransitionalNetwork = 0x1000;

// 4.1.4: the vendor-specific capability and its types.
constexpr std::uint8_t kVendorCapability = 0x09;
constexpr std::uint8_t kCommonType = 1;
constexpr std::uint8_t kNotifyType = 2;
constexpr std::uint8_t kDeviceType = 4;

constexpr std::uint16_t kNoVector = 0xffff;
constexpr int kResetReads = 1'000'000;
constexpr int kMostCapabilities = 48;  // that fit behind the header of a configuration space

std::uint8_t plus(std::uint8_t offset, int more) { return static_cast<std::uint8_t>(offset + more); }

void write_address(volatile std::uint32_t (&place)[2], const void* memory) {
  auto address = reinterpret_cast<std::uint64_t>(memory);
  place[0] = static_cast<std::uint32_t>(address);
  place[1] = static_cast<std::uint32_t>(address >> 32);
}

}  // namespace

bool is_network_device(const pci::Function& function) {
  return function.vendor() == kVendor &&
         (function.device() == kModernNetwork || function.device() == kTransitionalNetwork);
}

// The offset of the next capability of a structure `type` in one of the six BARs; 0: there is none.
std::uint8_t Pci_transport::next_of(std::uint8_t type, std::uint8_t after) const {
  std::uint8_t at = after;
  for (int i = 0; i < kMostCapabilities; ++i) {
    at = function_.capability(kVendorCapability, at);
    if (at == 0 || (function_.read8(plus(at, 3)) == type && function_.read8(plus(at, 4)) <= 5)) return at;
  }
  return 0;
}

// 4.1.4: of several structures of one type the first that can be used counts. One in I/O space cannot.
Pci_transport::Structure Pci_transport::locate(std::uint8_t type, std::uint32_t least,
                                               std::uint32_t alignment) const {
  std::uint8_t at = 0;
  for (int i = 0; i < kMostCapabilities; ++i) {
    at = next_of(type, at);
    if (at == 0) break;
    const std::uint32_t offset = function_.read32(plus(at, 8));
    const std::uint32_t length = function_.read32(plus(at, 12));
    if (length < least || offset % alignment != 0) continue;
    void* const memory = function_.memory(function_.read8(plus(at, 4)), offset, length);
    if (memory != nullptr) return {.memory = memory, .length = length, .capability = at};
  }
  return {};
}

const char* Pci_transport::start() {
  for (std::uint8_t type : {kCommonType, kNotifyType, kDeviceType}) {
    if (next_of(type, 0) == 0) return "a legacy device, without the capabilities of VIRTIO 1.x";
  }
  function_.enable();
  constexpr std::uint32_t kMacLength = 6;
  const Structure common = locate(kCommonType, sizeof(Common_configuration), 4);
  const Structure notify = locate(kNotifyType, 2, 2);
  const Structure device = locate(kDeviceType, kMacLength, 1);
  if (common.memory == nullptr || notify.memory == nullptr || device.memory == nullptr) {
    return "its memory is not assigned, or too small";
  }
  common_ = static_cast<volatile Common_configuration*>(common.memory);
  notify_area_ = static_cast<volatile std::uint8_t*>(notify.memory);
  notify_length_ = notify.length;
  notify_multiplier_ = function_.read32(plus(notify.capability, 16));
  device_ = static_cast<volatile std::uint8_t*>(device.memory);
  device_length_ = device.length;
  return function_.enable_wake() ? nullptr : "it has no MSI-X";
}

void Pci_transport::set_status(std::uint8_t bits) {
  common_->device_status = bits;
  if (bits != 0) return;
  for (int i = 0; i < kResetReads && common_->device_status != 0; ++i) asm volatile("pause");  // 4.1.4.3.2
}

std::uint64_t Pci_transport::features() {
  common_->device_feature_select = 0;
  std::uint64_t low = common_->device_feature;
  common_->device_feature_select = 1;
  return low | std::uint64_t{common_->device_feature} << 32;
}

void Pci_transport::set_features(std::uint64_t features) {
  common_->driver_feature_select = 0;
  common_->driver_feature = static_cast<std::uint32_t>(features);
  common_->driver_feature_select = 1;
  common_->driver_feature = static_cast<std::uint32_t>(features >> 32);
}

std::uint16_t Pci_transport::queue_size(std::uint16_t queue) {
  common_->queue_select = queue;
  return common_->queue_size;
}

// 4.1.5.1.3: size, addresses and vector before the queue is enabled.
bool Pci_transport::set_queue(std::uint16_t queue, const Rings& rings, bool wakes) {
  if (queue >= kMostQueues) return false;
  common_->queue_select = queue;
  common_->queue_size = kQueueSize;
  std::uint16_t vector = wakes ? 0 : kNoVector;
  common_->config_msix_vector = kNoVector;
  common_->queue_msix_vector = vector;
  if (common_->queue_msix_vector != vector) return false;
  write_address(common_->queue_descriptors, rings.descriptors.data());
  write_address(common_->queue_available, &rings.available);
  write_address(common_->queue_used, &rings.used);
  std::uint64_t offset = std::uint64_t{common_->queue_notify_offset} * notify_multiplier_;
  if (offset + 2 > notify_length_ || offset % 2 != 0) return false;
  notify_[queue] = reinterpret_cast<volatile std::uint16_t*>(notify_area_ + offset);
  common_->queue_enable = 1;
  return true;
}

std::uint8_t Pci_transport::config8(std::uint8_t offset) {
  return offset < device_length_ ? device_[offset] : 0;
}

}  // namespace virtio
