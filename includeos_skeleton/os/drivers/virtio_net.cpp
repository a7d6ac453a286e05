#include "drivers/virtio_net.hpp"

#include <cstring>

namespace drivers {

namespace {

constexpr std::uint16_t kReceive = 0;  // 5.1.2: queue numbers
constexpr std::uint16_t kTransmit = 1;
constexpr std::uint64_t kHasMac = 1 << 5;  // 5.1.3: VIRTIO_NET_F_MAC
constexpr std::size_t kHeader = sizeof(Virtio_net_header);
constexpr std::size_t kEthernetHeader = 14;                    // octets
constexpr std::size_t kReclaimBelow = virtio::kQueueSize / 2;  // free transmit descriptors

}  // namespace

const char* text_of(Start_error error) {
  switch (error) {
    case Start_error::kNone:
      return "no error";
    case Start_error::kNoReset:
      return "the device does not reset";
    case Start_error::kLegacyDevice:
      return "a legacy device: it does not offer VIRTIO 1.x";
    case Start_error::kFeaturesRefused:
      return "the device refused the features";
    case Start_error::kBadAddress:
      return "its MAC address is no single host's";
    case Start_error::kQueueTooSmall:
      return "a queue has fewer than 256 entries";
    case Start_error::kQueueRefused:
      return "a queue could not be set up";
    case Start_error::kNoFrames:
      return "there is not enough memory for its frames";
  }
  return "unknown error";
}

// 3.1.1: steps 1 to 8.
Start_error Virtio_net::start() {
  transport_.set_status(0);
  Start_error error = transport_.status() == 0 ? Start_error::kNone : Start_error::kNoReset;
  transport_.set_status(virtio::kAcknowledge);
  transport_.set_status(virtio::kAcknowledge | virtio::kDriver);
  if (error == Start_error::kNone) error = negotiate();
  if (error == Start_error::kNone) error = start_queues();
  if (error != Start_error::kNone) {
    transport_.set_status(virtio::kFailed);
    return error;
  }
  transport_.set_status(virtio::kAcknowledge | virtio::kDriver | virtio::kFeaturesOk | virtio::kDriverOk);
  flush();
  return Start_error::kNone;
}

// Steps 4 to 6, and the address from the device's configuration (5.1.4), or a local one (IEEE 802) without
// it.
Start_error Virtio_net::negotiate() {
  std::uint64_t offered = transport_.features();
  if ((offered & virtio::kVersion1) == 0) return Start_error::kLegacyDevice;
  transport_.set_features(virtio::kVersion1 | (offered & kHasMac));
  transport_.set_status(virtio::kAcknowledge | virtio::kDriver | virtio::kFeaturesOk);
  if ((transport_.status() & virtio::kFeaturesOk) == 0) return Start_error::kFeaturesRefused;
  mac_ = MAC::Addr(0x02, 0, 0, 0, 0, 1);
  if ((offered & kHasMac) == 0) return Start_error::kNone;
  for (std::uint8_t i = 0; i < MAC::Addr::PARTS_LEN; ++i) mac_.part[i] = transport_.config8(i);
  return mac_.is_multicast() || mac_ == MAC::EMPTY ? Start_error::kBadAddress : Start_error::kNone;
}

// Step 7; 5.1.6.3.1 says to fill the receive queue as far as possible.
Start_error Virtio_net::start_queues() {
  for (std::uint16_t queue : {kReceive, kTransmit}) {
    if (transport_.queue_size(queue) < virtio::kQueueSize) return Start_error::kQueueTooSmall;
  }
  if (!transport_.set_queue(kReceive, receive_queue_.rings(), true) ||
      !transport_.set_queue(kTransmit, transmit_queue_.rings(), false)) {
    return Start_error::kQueueRefused;
  }
  if (hw::Frame_pool::available() < virtio::kQueueSize) return Start_error::kNoFrames;
  while (receive_queue_.free() != 0) give_to_device(hw::Frame_pool::take());
  receive_queue_.publish();
  return Start_error::kNone;
}

// The device writes its header right in front of the frame (5.1.6.3: one buffer for both, with VERSION_1).
void Virtio_net::give_to_device(hw::Frame* frame) {
  constexpr std::uint32_t kLength = kHeader + hw::Frame::kCapacity;
  receive_queue_.add(frame, frame->data - kHeader, kLength, virtio::kDeviceWrites);
}

// The same within the buffer limit: a ring that is above it shrinks, frame by frame.
void Virtio_net::refill(hw::Frame* frame) {
  const std::size_t posted = virtio::kQueueSize - receive_queue_.free();
  if (posted < buffer_room(virtio::kQueueSize)) return give_to_device(frame);
  hw::Frame_pool::give_back(frame);
}

std::size_t Virtio_net::receive(hw::Frame** frames, std::size_t limit) {
  if (armed_) {
    receive_queue_.disable_interrupts();
    armed_ = false;
  }
  std::size_t count = 0;
  std::uint64_t faults = receive_queue_.faults();
  for (std::size_t looked = 0; looked < virtio::kQueueSize && count < limit; ++looked) {
    auto [frame, length] = receive_queue_.take();
    if (frame == nullptr) break;
    bool good = length >= kHeader + kEthernetHeader && length <= kHeader + hw::Frame::kCapacity;
    hw::Frame* fresh = good ? hw::Frame_pool::take() : nullptr;
    if (fresh == nullptr) {
      ++(good ? counters_.receive_no_frame : counters_.receive_malformed);
      refill(frame);
      continue;
    }
    refill(fresh);
    frame->length = static_cast<std::uint16_t>(length - kHeader);
    frames[count++] = frame;
  }
  receive_queue_.publish();
  counters_.receive_malformed += receive_queue_.faults() - faults;
  counters_.received += count;
  return count;
}

bool Virtio_net::transmit_queue_full() const {
  return virtio::kQueueSize - transmit_queue_.free() >= sendq_room(virtio::kQueueSize);
}

bool Virtio_net::transmit(hw::Frame* frame) {
  if (transmit_queue_full()) reclaim();
  bool fits = frame->headroom() >= kHeader && frame->length <= hw::Frame::kCapacity;
  if (transmit_queue_full() || !fits || state_ == State::kGone) {
    ++counters_.transmit_full;
    return false;
  }
  std::memset(frame->data - kHeader, 0, kHeader);  // 5.1.6.2: nothing is offloaded
  transmit_queue_.add(frame, frame->data - kHeader, static_cast<std::uint32_t>(kHeader + frame->length), 0);
  ++counters_.transmitted;
  return true;
}

void Virtio_net::flush() {
  transmit_queue_.publish();
  if (transmit_queue_.take_notification()) transport_.notify(kTransmit);
  if (receive_queue_.take_notification()) transport_.notify(kReceive);
  if (transmit_queue_.free() < kReclaimBelow) reclaim();
}

bool Virtio_net::arm() {
  armed_ = true;
  return receive_queue_.enable_interrupts();
}

void Virtio_net::look() {
  if (!transport_.is_there()) state_ = State::kGone;
}

void Virtio_net::reclaim() {
  while (hw::Frame* frame = transmit_queue_.take().cookie) hw::Frame_pool::give_back(frame);
  counters_.transmit_malformed = transmit_queue_.faults();
}

}  // namespace drivers
