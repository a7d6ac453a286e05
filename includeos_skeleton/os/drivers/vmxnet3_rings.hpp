// The rings of one vmxnet3 device, each with the frames whose buffers its descriptors name.
//
//   Receive_ring    frames that wait to be filled ──device──▶ Completions
//   Transmit_ring   frames that wait to be sent   ──device──▶ Completions
//
// What the device writes is untrusted: an index is only ever used after it was found to be one that the
// device can name, and nothing that a descriptor says is read back.
#pragma once

#include <array>
#include <cstdint>
#include <hw/nic.hpp>

#include "drivers/vmxnet3.hpp"

namespace vmxnet3 {

// A place in a ring, and the generation of the lap that it is in: true in the first.
template <std::uint16_t Size>
struct Place {
  std::uint16_t index = 0;
  bool generation = true;

  void advance() {
    if (++index < Size) return;
    index = 0;
    generation = !generation;
  }
  std::uint16_t after() const { return static_cast<std::uint16_t>((index + 1) % Size); }
};

// What the device says it is done with, in its order.
template <std::uint16_t Size>
class Completions {
 public:
  const Completion* memory() const { return ring_.data(); }

  bool waits() const { return is_new(__atomic_load_n(&ring_[place_.index].kind, __ATOMIC_ACQUIRE)); }

  // Copy the next one to `taken`; false when there is none. The generation is in the word that the device
  // writes last.
  bool take(Completion& taken) {
    const volatile Completion& entry = ring_[place_.index];
    const std::uint32_t kind = __atomic_load_n(&entry.kind, __ATOMIC_ACQUIRE);
    if (!is_new(kind)) return false;
    taken = {.place = entry.place, .hash = 0, .length = entry.length, .kind = kind};
    place_.advance();
    return true;
  }

  void start_over() {
    ring_ = {};
    place_ = {};
  }

 private:
  bool is_new(std::uint32_t kind) const { return ((kind & kGeneration) != 0) == place_.generation; }

  alignas(kRingAlignment) std::array<Completion, Size> ring_{};
  Place<Size> place_;
};

// Frames for the device to fill, in the order in which it does. One place at least stays free: a full ring
// does not look like an empty one.
//
// INVARIANT order   the places with a frame follow each other, from the one the device is to be done with
// next.
class Receive_ring {
 public:
  static constexpr std::uint16_t kFrames = kReceiveSize - 1;  // at most

  const Receive_descriptor* memory() const { return ring_.data(); }
  std::uint16_t produced() const { return place_.index; }
  std::uint16_t waiting() const { return waiting_; }  // frames that are with the device

  // Places from the one that the device is to be done with next to `index`, 0..kReceiveSize - 1.
  std::uint16_t distance(std::uint16_t index) const {
    return static_cast<std::uint16_t>((index + kReceiveSize - next_) % kReceiveSize);
  }

  // The frame the device is to be done with next. Needs waiting() > 0.
  hw::Frame* take() {
    hw::Frame* const frame = frames_[next_];
    frames_[next_] = nullptr;
    next_ = static_cast<std::uint16_t>((next_ + 1) % kReceiveSize);
    --waiting_;
    return frame;
  }

  // Needs waiting() < kFrames.
  void give(hw::Frame* frame) {
    constexpr std::uint32_t kLength = hw::Frame::kCapacity;
    Receive_descriptor& descriptor = ring_[place_.index];
    frames_[place_.index] = frame;
    descriptor.address = reinterpret_cast<std::uint64_t>(frame->data);
    // The device takes a descriptor as soon as it has the generation.
    const std::uint32_t generation = place_.generation ? kGeneration : 0;
    __atomic_store_n(&descriptor.length, kLength | generation, __ATOMIC_RELEASE);
    place_.advance();
    ++waiting_;
  }

  // As new, with the same frames; only while the device is not active.
  void start_over() {
    const std::array<hw::Frame*, kReceiveSize> kept = frames_;
    frames_ = {};
    ring_ = {};
    place_ = {};
    next_ = 0;
    waiting_ = 0;
    for (hw::Frame* frame : kept) {
      if (frame != nullptr) give(frame);
    }
  }

 private:
  alignas(kRingAlignment) std::array<Receive_descriptor, kReceiveSize> ring_{};
  std::array<hw::Frame*, kReceiveSize> frames_{};
  Place<kReceiveSize> place_;  // to be filled next
  std::uint16_t next_ = 0;
  std::uint16_t waiting_ = 0;
};

// Frames for the device to send. One place stays free: a full ring does not look like an empty one.
class Transmit_ring {
 public:
  const Transmit_descriptor* memory() const { return ring_.data(); }
  std::uint16_t produced() const { return place_.index; }
  std::uint16_t waiting() const { return waiting_; }  // frames that are with the device

  bool has_room() const { return frames_[place_.index] == nullptr && frames_[place_.after()] == nullptr; }

  // Needs has_room().
  void add(hw::Frame* frame) {
    Transmit_descriptor& descriptor = ring_[place_.index];
    frames_[place_.index] = frame;
    descriptor.address = reinterpret_cast<std::uint64_t>(frame->data);
    descriptor.flags = kEndOfPacket | kWantsCompletion;
    const std::uint32_t generation = place_.generation ? kTransmitGeneration : 0;
    __atomic_store_n(&descriptor.length, frame->length | generation, __ATOMIC_RELEASE);
    place_.advance();
    ++waiting_;
  }

  // The frame of the descriptor `index`, any number; nullptr when there is none.
  hw::Frame* take(std::uint32_t index) {
    if (index >= kTransmitSize || frames_[index] == nullptr) return nullptr;
    hw::Frame* const frame = frames_[index];
    frames_[index] = nullptr;
    --waiting_;
    return frame;
  }

  // As new; only while the device is not active, and when all frames were taken.
  void start_over() {
    ring_ = {};
    place_ = {};
  }

 private:
  alignas(kRingAlignment) std::array<Transmit_descriptor, kTransmitSize> ring_{};
  std::array<hw::Frame*, kTransmitSize> frames_{};
  Place<kTransmitSize> place_;
  std::uint16_t waiting_ = 0;
};

}  // namespace vmxnet3
