// virtio-net: one receive and one transmit queue, polled; interrupts only to end a sleep.
//
//   device ──used ring──▶ receive() ──▶ stack ──▶ transmit() ──avail ring──▶ flush(): notify ──▶ device
//
// Spec    VIRTIO 1.2: 3.1.1 (initialisation), 2.7 (split virtqueues), 5.1 (network device). Each step in the
//         .cpp names its section.
// Tested  QEMU `-device virtio-net-pci` on q35 and pc (tests/cxx/test_machine.py), and on the host against a
//         simulated device that lies (tests/cxx/virtio_net_test.cpp).
// Owns    kQueueSize receive frames, taken from the pool at start, and what transmit() took until the device
// is
//         done with it. Allocates nothing afterwards.
// Drops   what the device says wrongly (receive_malformed): an unknown descriptor, a length outside
//         14..Frame::kCapacity; and a good frame when the pool is empty (receive_no_frame). A wrong word
//         about a frame to be sent is counted (transmit_malformed).
// Not     checksum offload, segmentation offload, mergeable buffers, several queue pairs, the control queue,
// link
//         status: the device forwards everything it sees, and the stack looks at the addresses.
//
// Single core, no locks: call from the event loop only.
#pragma once

#include <cstdint>
#include <hw/nic.hpp>

#include "drivers/virtio.hpp"

namespace drivers {

// 5.1.6: sits in front of every frame, in both directions. Little-endian.
struct Virtio_net_header {
  std::uint8_t flags;
  std::uint8_t gso_type;
  std::uint16_t header_length;    // octets
  std::uint16_t gso_size;         // octets
  std::uint16_t checksum_start;   // octets from the start of the frame
  std::uint16_t checksum_offset;  // octets from checksum_start
  std::uint16_t buffer_count;     // only means something with VIRTIO_NET_F_MRG_RXBUF
};
static_assert(sizeof(Virtio_net_header) == 12);
static_assert(sizeof(Virtio_net_header) <= hw::Frame::kDriverHeadroom);

enum class Start_error : std::uint8_t {
  kNone,
  kNoReset,          // the status does not become 0 (3.1.1 step 1)
  kLegacyDevice,     // VIRTIO_F_VERSION_1 is not offered
  kFeaturesRefused,  // FEATURES_OK did not stick (3.1.1 step 6)
  kBadAddress,       // its MAC address is zero, or a group's
  kQueueTooSmall,    // a queue of the device holds fewer than virtio::kQueueSize entries
  kQueueRefused,     // the transport could not set a queue up
  kNoFrames,         // the pool cannot fill the receive queue
};
const char* text_of(Start_error error);

class Virtio_net final : public hw::Nic {
 public:
  explicit Virtio_net(virtio::Transport& transport) : transport_(transport) {}

  // Reset the device, negotiate VERSION_1 and MAC, fill the receive queue. On an error the device is left in
  // FAILED and must not be used.
  [[nodiscard]] Start_error start();

  const MAC::Addr& mac() const override { return mac_; }
  const char* driver_name() const override { return "virtionet"; }
  [[nodiscard]] std::size_t receive(hw::Frame** frames, std::size_t limit) override;
  [[nodiscard]] bool transmit(hw::Frame* frame) override;
  void flush() override;
  [[nodiscard]] bool arm() override;
  void look() override;

 private:
  Start_error negotiate();
  Start_error start_queues();
  void give_to_device(hw::Frame* frame);
  void refill(hw::Frame* frame);
  bool transmit_queue_full() const;
  void reclaim();

  virtio::Transport& transport_;
  MAC::Addr mac_;
  bool armed_ = false;
  virtio::Queue<hw::Frame> receive_queue_;
  virtio::Queue<hw::Frame> transmit_queue_;
};

}  // namespace drivers
