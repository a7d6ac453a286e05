#include "platform/pc/nics.hpp"

#include <algorithm>
#include <array>

#include "drivers/pci.hpp"
#include "drivers/virtio_net.hpp"
#include "drivers/virtio_pci.hpp"
#include "drivers/vmxnet3_net.hpp"
#include "drivers/vmxnet3_pci.hpp"
#include "kernel/boot.hpp"
#include "kernel/nic_watch.hpp"
#include "kernel/text.hpp"
#include "platform/platform.hpp"

namespace pc::nics {

namespace {

constexpr std::size_t kMost = 32;
constexpr std::size_t kMostNamed = 2 * kMost;  // NICs beyond kMost are named and not used
std::array<hw::Nic*, kMost> table;
std::size_t count = 0;

constexpr std::size_t kBuffers = 256;  // of a receive ring, at least
std::size_t more_buffers = 0;          // of a vmxnet3 receive ring

bool is_nic(const pci::Function& function) {
  return virtio::is_network_device(function) || vmxnet3::is_network_device(function);
}

void report(const pci::Function& function, const char* what) {
  char place[pci::Address::kTextSize];
  function.address().write_text(place);
  kernel::Text<128>()
      .add(virtio::is_network_device(function) ? "virtio-net" : "vmxnet3")
      .add(" at ")
      .add(place)
      .add(": ")
      .add(what)
      .add("; not used\n")
      .print();
}

// nullptr, or what is wrong.
const char* start_virtio(const pci::Function& function) {
  auto* transport = new virtio::Pci_transport(function);
  if (const char* fault = transport->start(); fault != nullptr) return fault;
  auto* nic = new drivers::Virtio_net(*transport);
  if (drivers::Start_error error = nic->start(); error != drivers::Start_error::kNone) {
    return drivers::text_of(error);
  }
  table[count++] = nic;
  return nullptr;
}

const char* start_vmxnet3(const pci::Function& function) {
  auto* transport = new vmxnet3::Pci_transport(function);
  if (const char* fault = transport->start(); fault != nullptr) return fault;
  auto* nic = new drivers::Vmxnet3(*transport, kBuffers + more_buffers);
  if (drivers::Vmxnet3_error error = nic->start(); error != drivers::Vmxnet3_error::kNone) {
    return drivers::text_of(error);
  }
  table[count++] = nic;
  return nullptr;
}

void start_one(const pci::Function& function) {
  if (count == kMost) return report(function, "more than 32 NICs");
  const char* fault = virtio::is_network_device(function) ? start_virtio(function) : start_vmxnet3(function);
  if (fault != nullptr) report(function, fault);
}

// The pool: what every NIC needs, and for each vmxnet3 NIC, whose device drops what it has no buffer for, as
// much more as fits into a quarter of the memory that is then left.
void take_frames(std::span<const pci::Function> nics) {
  const std::size_t least = kernel::frames_for(nics.size());
  const auto rings = static_cast<std::size_t>(std::ranges::count_if(nics, &vmxnet3::is_network_device));
  const platform::Heap_use heap = platform::heap_use();
  const std::size_t taken = heap.used + least * sizeof(hw::Frame);
  const std::size_t left = heap.capacity > taken ? heap.capacity - taken : 0;
  constexpr std::size_t kMostMore = vmxnet3::Receive_ring::kFrames - kBuffers;
  if (rings != 0) more_buffers = std::min(kMostMore, left / 4 / sizeof(hw::Frame) / rings);
  hw::Frame_pool::start(least + rings * more_buffers);
}

}  // namespace

void start() {
  std::array<pci::Function, kMostNamed> found;
  const std::size_t there = std::min(pci::find(found, &is_nic), found.size());
  const std::size_t used = std::min(there, kMost);
  take_frames({found.data(), used});
  for (std::size_t i = 0; i < there; ++i) start_one(found[i]);
  kernel::start_nic_watch();
}

std::span<hw::Nic* const> all() { return {table.data(), count}; }

}  // namespace pc::nics
