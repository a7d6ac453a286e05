// A virtio-net device in memory, honest until a test makes it lie.
#pragma once

#include <cstring>
#include <vector>

#include "drivers/virtio.hpp"
#include "drivers/virtio_net.hpp"

class Simulated_device final : public virtio::Transport {
 public:
  std::uint64_t offered = virtio::kVersion1 | 1 << 5;
  std::uint16_t sizes[2] = {256, 256};
  bool takes_features = true;
  bool takes_queues = true;
  bool resets = true;
  bool gone = false;  // from the bus
  std::uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x2a};
  std::vector<std::uint16_t> notified;
  std::uint64_t chosen = 0;

  void set_status(std::uint8_t bits) override {
    status_ = bits == 0 && !resets ? virtio::kDriverOk : bits;
    if (!takes_features) status_ &= static_cast<std::uint8_t>(~virtio::kFeaturesOk);
  }
  std::uint8_t status() override { return status_; }
  std::uint64_t features() override { return offered; }
  void set_features(std::uint64_t features) override { chosen = features; }
  std::uint16_t queue_size(std::uint16_t queue) override { return sizes[queue]; }
  bool set_queue(std::uint16_t queue, const virtio::Rings& rings, bool) override {
    rings_[queue] = const_cast<virtio::Rings*>(&rings);
    return takes_queues;
  }
  void notify(std::uint16_t queue) override { notified.push_back(queue); }
  std::uint8_t config8(std::uint8_t offset) override { return mac[offset]; }

  bool is_there() override { return !gone; }

  virtio::Rings& receive() { return *rings_[0]; }
  virtio::Rings& transmit() { return *rings_[1]; }

  // Say that a descriptor is done; nothing is checked.
  static void complete(virtio::Rings& rings, std::uint32_t id, std::uint32_t length) {
    rings.used.ring[rings.used.index % virtio::kQueueSize] = {id, length};
    ++rings.used.index;
  }

  // The id of the `number`th buffer that the driver ever made available.
  static std::uint16_t given(const virtio::Rings& rings, std::uint16_t number) {
    return rings.available.ring[number % virtio::kQueueSize];
  }

  // Receive honestly: take the driver's next buffer and fill it with a header and `length` octets `octet`.
  void arrive(std::size_t length, std::uint8_t octet) {
    std::uint16_t id = given(receive(), taken_++);
    auto* memory = reinterpret_cast<std::uint8_t*>(receive().descriptors[id].address);
    std::memset(memory, 0, sizeof(drivers::Virtio_net_header));
    std::memset(memory + sizeof(drivers::Virtio_net_header), octet, length);
    complete(receive(), id, static_cast<std::uint32_t>(sizeof(drivers::Virtio_net_header) + length));
  }

  // Send honestly: finish everything that waits; returns the frames without their headers.
  std::vector<std::vector<std::uint8_t>> send_all() {
    std::vector<std::vector<std::uint8_t>> frames;
    for (; sent_ != transmit().available.index; ++sent_) {
      std::uint16_t id = given(transmit(), sent_);
      const virtio::Descriptor& part = transmit().descriptors[id];
      const auto* memory = reinterpret_cast<const std::uint8_t*>(part.address);
      frames.emplace_back(memory + sizeof(drivers::Virtio_net_header), memory + part.length);
      complete(transmit(), id, 0);
    }
    return frames;
  }

 private:
  std::uint8_t status_ = 0;
  virtio::Rings* rings_[2] = {};
  std::uint16_t taken_ = 0;
  std::uint16_t sent_ = 0;
};
