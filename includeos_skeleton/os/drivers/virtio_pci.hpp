// VIRTIO over PCI by the capabilities of VIRTIO 1.x.
//
// Spec    VIRTIO 1.2, 4.1.2 (ids), 4.1.4 (capabilities, common configuration), 4.1.5 (initialisation).
// Tested  QEMU's virtio-net-pci with ids 0x1041 and 0x1000 (tests/cxx/test_machine.py).
// Not     devices without these capabilities (legacy), the PCI configuration access capability, shared
// memory,
//         INTx: a device without MSI-X is refused.
#pragma once

#include <cstdint>

#include "drivers/pci.hpp"
#include "drivers/virtio.hpp"

namespace virtio {

// 4.1.2: 0x1041, or the transitional 0x1000.
bool is_network_device(const pci::Function& function);

// 4.1.4.3.
struct Common_configuration {
  std::uint32_t device_feature_select;
  std::uint32_t device_feature;
  std::uint32_t driver_feature_select;
  std::uint32_t driver_feature;
  std::uint16_t config_msix_vector;
  std::uint16_t num_queues;
  std::uint8_t device_status;
  std::uint8_t config_generation;
  std::uint16_t queue_select;
  std::uint16_t queue_size;
  std::uint16_t queue_msix_vector;
  std::uint16_t queue_enable;
  std::uint16_t queue_notify_offset;
  std::uint32_t queue_descriptors[2];
  std::uint32_t queue_available[2];
  std::uint32_t queue_used[2];
};
static_assert(sizeof(Common_configuration) == 56);

class Pci_transport final : public Transport {
 public:
  static constexpr std::uint16_t kMostQueues = 2;

  explicit Pci_transport(const pci::Function& function) : function_(function) {}

  // Find and map the device's structures, and set MSI-X up. nullptr, or what is wrong, in words for the
  // console.
  [[nodiscard]] const char* start();

  void set_status(std::uint8_t bits) override;
  std::uint8_t status() override { return common_->device_status; }
  std::uint64_t features() override;
  void set_features(std::uint64_t features) override;
  std::uint16_t queue_size(std::uint16_t queue) override;
  [[nodiscard]] bool set_queue(std::uint16_t queue, const Rings& rings, bool wakes) override;
  void notify(std::uint16_t queue) override { *notify_[queue] = queue; }
  std::uint8_t config8(std::uint8_t offset) override;
  bool is_there() override { return function_.is_there(); }

 private:
  struct Structure {
    volatile void* memory;    // nullptr: there is none
    std::uint32_t length;     // octets
    std::uint8_t capability;  // its offset in the configuration space
  };
  std::uint8_t next_of(std::uint8_t type, std::uint8_t after) const;
  Structure locate(std::uint8_t type, std::uint32_t least, std::uint32_t alignment) const;

  pci::Function function_;
  volatile Common_configuration* common_ = nullptr;
  volatile std::uint8_t* notify_area_ = nullptr;
  std::uint32_t notify_length_ = 0;
  std::uint32_t notify_multiplier_ = 0;
  volatile std::uint8_t* device_ = nullptr;
  std::uint32_t device_length_ = 0;
  volatile std::uint16_t* notify_[kMostQueues] = {};
};

}  // namespace virtio
