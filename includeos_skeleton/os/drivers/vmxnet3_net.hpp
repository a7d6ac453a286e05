// vmxnet3 as a NIC: one receive and one transmit queue, polled; interrupts only to end a sleep.
//
//   device ──completions──▶ receive() ──▶ stack ──▶ transmit() ──descriptors──▶ flush(): doorbell ──▶ device
//
// Vector 0 is raised by received frames and events, and masks itself when it is; arm() lets it through again.
// Vector 1, of sent frames, stays masked.
//
// Tested  QEMU `-device vmxnet3` on q35 and pc (tests/cxx/test_machine.py), and on the host against a
// simulated device
//         that lies (tests/cxx/vmxnet3_test.cpp).
// Owns    its receive buffers, taken from the pool at start, and what transmit() took until the
// device is done
//         with it. Allocates nothing afterwards.
// Drops   what the device says wrongly (receive_malformed): an unknown or repeated descriptor, a frame in
// parts, with an
//         error or without its tag, a length outside 14..Frame::kCapacity; and a good frame when the pool is
//         empty (receive_no_frame). A wrong word about a frame to be sent is counted (transmit_malformed).
// Lets in frames to its own address and to everybody, of every VLAN, with their tags.
// Not     offloads, multicast, several queues, changing the address.
//
// Single core, no locks: call from the event loop only.
#pragma once

#include <cstdint>
#include <hw/nic.hpp>

#include "drivers/vmxnet3.hpp"
#include "drivers/vmxnet3_rings.hpp"

namespace drivers {

enum class Vmxnet3_error : std::uint8_t {
  kNone,
  kNoAnswer,      // its registers read as if there were no device
  kVersion,       // neither revision 1 nor UPT version 1
  kNoReset,       // it refused to reset
  kBadAddress,    // its MAC address is zero, or a group's
  kNoFrames,      // the pool cannot fill the receive ring
  kNotActivated,  // it refused what it was given
};
const char* text_of(Vmxnet3_error error);

class Vmxnet3 final : public hw::Nic {
 public:
  // `buffers`: how many frames the receive ring is filled with, at most Receive_ring::kFrames.
  Vmxnet3(vmxnet3::Transport& transport, std::size_t buffers) : transport_(transport), buffers_(buffers) {}

  // Agree on the version, reset the device, give it its rings, activate it. On an error it must not be used.
  [[nodiscard]] Vmxnet3_error start();

  const MAC::Addr& mac() const override { return mac_; }
  const char* driver_name() const override { return "vmxnet3"; }
  [[nodiscard]] std::size_t receive(hw::Frame** frames, std::size_t limit) override;
  [[nodiscard]] bool transmit(hw::Frame* frame) override;
  void flush() override;
  [[nodiscard]] bool arm() override;
  void look() override;

 private:
  std::uint32_t command(vmxnet3::Command which);
  Vmxnet3_error agree();
  Vmxnet3_error reset();
  Vmxnet3_error activate();
  Vmxnet3_error restart();
  void describe();
  bool find(const vmxnet3::Completion& done);
  hw::Frame* accept(const vmxnet3::Completion& done);
  void refill(hw::Frame* frame);
  bool transmit_ring_full() const;
  void reclaim();
  void read_link();

  vmxnet3::Transport& transport_;
  std::size_t buffers_;
  vmxnet3::Receive_ring receive_ring_;
  vmxnet3::Completions<vmxnet3::kReceiveSize> received_;
  vmxnet3::Transmit_ring transmit_ring_;
  vmxnet3::Completions<vmxnet3::kTransmitSize> sent_;
  alignas(vmxnet3::kQueuesAlignment) vmxnet3::Queues queues_{};
  alignas(64) vmxnet3::Shared shared_{};
  MAC::Addr mac_;
  std::uint16_t told_transmit_ = 0;  // what the doorbells last said
  std::uint16_t told_receive_ = 0;
};

}  // namespace drivers
