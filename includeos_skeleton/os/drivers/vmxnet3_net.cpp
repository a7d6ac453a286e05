#include "drivers/vmxnet3_net.hpp"

#include <algorithm>
#include <cstring>

namespace drivers {

using vmxnet3::Command;
using vmxnet3::Doorbell;
using vmxnet3::Register;

namespace {

constexpr std::uint8_t kWakeVector = 0;    // received frames and events
constexpr std::uint8_t kSilentVector = 1;  // sent frames
constexpr std::uint32_t kVersion1 = 1;
constexpr std::uint32_t kLinux64 =
    2 | 1 << 2;  // what the device is told of its driver; it knows no better name
constexpr std::uint32_t kEthernetHeader = 14;                        // octets
constexpr std::uint16_t kReclaimAbove = vmxnet3::kTransmitSize / 2;  // frames with the device
constexpr std::uint16_t kMostPassed =
    vmxnet3::kTransmitSize / 2;  // descriptors the device may leave out at a time

std::uint64_t address_of(const void* memory) { return reinterpret_cast<std::uint64_t>(memory); }

// One whole frame as it was on the wire, from the ring that there is.
bool is_whole(const vmxnet3::Completion& done) {
  constexpr std::uint32_t kPlaceBits = vmxnet3::kFirstPart | vmxnet3::kLastPart;
  return (done.place & kPlaceBits) == kPlaceBits &&
         (done.length & (vmxnet3::kError | vmxnet3::kTagStripped)) == 0;
}

}  // namespace

const char* text_of(Vmxnet3_error error) {
  switch (error) {
    case Vmxnet3_error::kNone:
      return "no error";
    case Vmxnet3_error::kNoAnswer:
      return "the device does not answer";
    case Vmxnet3_error::kVersion:
      return "the device knows neither revision 1 nor UPT version 1";
    case Vmxnet3_error::kNoReset:
      return "the device does not reset";
    case Vmxnet3_error::kBadAddress:
      return "its MAC address is no single host's";
    case Vmxnet3_error::kNoFrames:
      return "there is not enough memory for its frames";
    case Vmxnet3_error::kNotActivated:
      return "the device refused to be activated";
  }
  return "unknown error";
}

std::uint32_t Vmxnet3::command(Command which) {
  transport_.write(Register::kCommand, static_cast<std::uint32_t>(which));
  return transport_.read(Register::kCommand);
}

Vmxnet3_error Vmxnet3::start() {
  Vmxnet3_error error = agree();
  if (error == Vmxnet3_error::kNone) error = reset();
  if (error != Vmxnet3_error::kNone) return error;
  const std::size_t buffers = std::min<std::size_t>(buffers_, vmxnet3::Receive_ring::kFrames);
  if (hw::Frame_pool::available() < buffers) return Vmxnet3_error::kNoFrames;
  while (receive_ring_.waiting() < buffers) receive_ring_.give(hw::Frame_pool::take());
  return activate();
}

// The version, and the address.
Vmxnet3_error Vmxnet3::agree() {
  const std::uint32_t revisions = transport_.read(Register::kRevision);
  const std::uint32_t versions = transport_.read(Register::kUptVersion);
  if (revisions == vmxnet3::kNobody || versions == vmxnet3::kNobody) return Vmxnet3_error::kNoAnswer;
  if ((revisions & versions & kVersion1) == 0) return Vmxnet3_error::kVersion;
  transport_.write(Register::kRevision, kVersion1);
  transport_.write(Register::kUptVersion, kVersion1);
  const std::uint32_t low = transport_.read(Register::kAddressLow);
  const std::uint32_t high = transport_.read(Register::kAddressHigh);
  std::memcpy(mac_.part, &low, 4);
  std::memcpy(mac_.part + 4, &high, 2);
  return mac_.is_multicast() || mac_ == MAC::EMPTY ? Vmxnet3_error::kBadAddress : Vmxnet3_error::kNone;
}

Vmxnet3_error Vmxnet3::reset() {
  command(Command::kQuiesce);
  return command(Command::kReset) == 0 ? Vmxnet3_error::kNone : Vmxnet3_error::kNoReset;
}

// Hand over the shared area; the rings are ready.
Vmxnet3_error Vmxnet3::activate() {
  describe();
  const std::uint64_t place = address_of(&shared_);
  transport_.write(Register::kSharedLow, static_cast<std::uint32_t>(place));
  transport_.write(Register::kSharedHigh, static_cast<std::uint32_t>(place >> 32));
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (command(Command::kActivate) != 0) {
    command(Command::kReset);
    return Vmxnet3_error::kNotActivated;
  }
  transport_.ring(Doorbell::kInterruptMask, kWakeVector, 1);
  transport_.ring(Doorbell::kInterruptMask, kSilentVector, 1);
  transport_.ring(Doorbell::kReceiveProduced, 0, receive_ring_.produced());
  told_receive_ = receive_ring_.produced();
  told_transmit_ = transmit_ring_.produced();
  read_link();
  return Vmxnet3_error::kNone;
}

void Vmxnet3::describe() {
  shared_ = {};
  shared_.magic = vmxnet3::kMagic;
  shared_.driver_version = 1;
  shared_.guest = kLinux64;
  shared_.revisions = kVersion1;
  shared_.upt_versions = kVersion1;
  shared_.driver_data = vmxnet3::kNoDriverData;
  shared_.queues = address_of(&queues_);
  shared_.queues_length = sizeof queues_;
  shared_.mtu = mtu();
  shared_.most_fragments = 1;
  shared_.transmit_queues = 1;
  shared_.receive_queues = 1;
  shared_.auto_mask = 1;
  shared_.vectors = 2;
  shared_.event_vector = kWakeVector;
  shared_.receive_mode = vmxnet3::kUnicast | vmxnet3::kBroadcast;
  std::memset(shared_.vlans, 0xff, sizeof shared_.vlans);

  queues_ = {};
  queues_.transmit.ring = address_of(transmit_ring_.memory());
  queues_.transmit.ring_size = vmxnet3::kTransmitSize;
  queues_.transmit.completions = address_of(sent_.memory());
  queues_.transmit.completions_size = vmxnet3::kTransmitSize;
  queues_.transmit.driver_data = vmxnet3::kNoDriverData;
  queues_.transmit.vector = kSilentVector;
  queues_.receive.rings[0] = address_of(receive_ring_.memory());
  queues_.receive.ring_sizes[0] = vmxnet3::kReceiveSize;
  queues_.receive.completions = address_of(received_.memory());
  queues_.receive.completions_size = vmxnet3::kReceiveSize;
  queues_.receive.driver_data = vmxnet3::kNoDriverData;
  queues_.receive.vector = kWakeVector;
}

std::size_t Vmxnet3::receive(hw::Frame** frames, std::size_t limit) {
  std::size_t count = 0;
  vmxnet3::Completion done;
  for (std::size_t looked = 0; looked < vmxnet3::kReceiveSize && count < limit; ++looked) {
    if (!received_.take(done)) break;
    if (hw::Frame* frame = accept(done); frame != nullptr) frames[count++] = frame;
  }
  counters_.received += count;
  return count;
}

// Within the buffer limit: a ring that is above it shrinks, frame by frame.
void Vmxnet3::refill(hw::Frame* frame) {
  if (receive_ring_.waiting() < buffer_room(vmxnet3::Receive_ring::kFrames)) return receive_ring_.give(frame);
  hw::Frame_pool::give_back(frame);
}

// True when the descriptor is one that the device may be done with: of this ring, with a frame, and not one
// that it was done with a moment ago. Descriptors that it passed over are given to it again.
bool Vmxnet3::find(const vmxnet3::Completion& done) {
  const auto index = static_cast<std::uint16_t>(done.place & vmxnet3::kIndexMask);
  const std::uint32_t kind = done.kind & vmxnet3::kKindMask;
  const bool ours = (kind == vmxnet3::kReceived || kind == vmxnet3::kUnnamed) &&
                    (done.place & vmxnet3::kRingMask) == 0 && index < vmxnet3::kReceiveSize;
  const std::uint16_t passed = ours ? receive_ring_.distance(index) : vmxnet3::kReceiveSize;
  if (passed > kMostPassed || passed >= receive_ring_.waiting()) return false;
  for (std::uint16_t i = 0; i < passed; ++i) receive_ring_.give(receive_ring_.take());
  return true;
}

// The frame that a completion is about, when it can be had; the ring gets another one.
hw::Frame* Vmxnet3::accept(const vmxnet3::Completion& done) {
  if (!find(done)) {
    ++counters_.receive_malformed;
    return nullptr;
  }
  hw::Frame* const frame = receive_ring_.take();
  const std::uint32_t length = done.length & vmxnet3::kLengthMask;
  const bool good = is_whole(done) && length >= kEthernetHeader && length <= hw::Frame::kCapacity;
  hw::Frame* const fresh = good ? hw::Frame_pool::take() : nullptr;
  if (fresh == nullptr) {
    ++(good ? counters_.receive_no_frame : counters_.receive_malformed);
    refill(frame);
    return nullptr;
  }
  refill(fresh);
  frame->length = static_cast<std::uint16_t>(length);
  return frame;
}

bool Vmxnet3::transmit_ring_full() const {
  return !transmit_ring_.has_room() || transmit_ring_.waiting() >= sendq_room(vmxnet3::kTransmitSize);
}

bool Vmxnet3::transmit(hw::Frame* frame) {
  if (transmit_ring_full()) reclaim();
  const bool fits = frame->length >= kEthernetHeader && frame->length <= hw::Frame::kCapacity;
  if (transmit_ring_full() || !fits || state_ == State::kGone) {
    ++counters_.transmit_full;
    return false;
  }
  transmit_ring_.add(frame);
  ++counters_.transmitted;
  return true;
}

void Vmxnet3::flush() {
  if (transmit_ring_.produced() != told_transmit_) {
    told_transmit_ = transmit_ring_.produced();
    transport_.ring(Doorbell::kTransmitProduced, 0, told_transmit_);
  }
  const bool wanted = __atomic_load_n(&queues_.receive.wants_produced, __ATOMIC_RELAXED) != 0;
  if (wanted && receive_ring_.produced() != told_receive_) {
    told_receive_ = receive_ring_.produced();
    transport_.ring(Doorbell::kReceiveProduced, 0, told_receive_);
  }
  if (transmit_ring_.waiting() > kReclaimAbove) reclaim();
}

// What came before the mask was lifted is seen here or raises the vector at once: nothing falls between.
bool Vmxnet3::arm() {
  if (state_ == State::kGone) return true;
  transport_.ring(Doorbell::kInterruptMask, kWakeVector, 0);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return !received_.waits();
}

void Vmxnet3::reclaim() {
  vmxnet3::Completion done;
  for (std::size_t looked = 0; looked < vmxnet3::kTransmitSize && sent_.take(done); ++looked) {
    const bool right = (done.kind & vmxnet3::kKindMask) == vmxnet3::kTransmitted;
    hw::Frame* const frame = right ? transmit_ring_.take(done.place & vmxnet3::kIndexMask) : nullptr;
    if (frame == nullptr) {
      ++counters_.transmit_malformed;
    } else {
      hw::Frame_pool::give_back(frame);
    }
  }
}

void Vmxnet3::look() {
  if (state_ == State::kGone) return;
  if (!transport_.is_there()) {
    state_ = State::kGone;
    return;
  }
  const std::uint32_t events = __atomic_load_n(&shared_.events, __ATOMIC_RELAXED);
  if (events != 0) transport_.write(Register::kEventCause, events);
  if ((events & vmxnet3::kLinkChanged) != 0) read_link();
  constexpr std::uint32_t kStopped = vmxnet3::kReceiveQueueError | vmxnet3::kTransmitQueueError;
  if ((events & kStopped) != 0 && restart() != Vmxnet3_error::kNone) state_ = State::kGone;
}

void Vmxnet3::read_link() {
  const bool up = (command(Command::kGetLink) & 1) != 0;
  state_ = up ? State::kUp : State::kDown;
}

// A queue has stopped: begin anew. What was received is still taken, what was to be sent is lost.
Vmxnet3_error Vmxnet3::restart() {
  if (Vmxnet3_error error = reset(); error != Vmxnet3_error::kNone) return error;
  for (std::uint32_t i = 0; i < vmxnet3::kTransmitSize; ++i) {
    if (hw::Frame* frame = transmit_ring_.take(i); frame != nullptr) hw::Frame_pool::give_back(frame);
  }
  transmit_ring_.start_over();
  sent_.start_over();
  receive_ring_.start_over();
  received_.start_over();
  return activate();
}

}  // namespace drivers
