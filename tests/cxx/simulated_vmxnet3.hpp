// A vmxnet3 device in memory, honest until a test makes it lie.
#pragma once

#include <cstring>
#include <map>
#include <vector>

#include "drivers/vmxnet3.hpp"

class Simulated_vmxnet3 final : public vmxnet3::Transport {
 public:
  using Register = vmxnet3::Register;
  using Doorbell = vmxnet3::Doorbell;

  // What it says.
  std::uint32_t revisions = 1;
  std::uint32_t upt_versions = 1;
  std::uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x2a};
  bool resets = true;
  bool activates = true;
  bool gone = false;  // from the bus
  bool link_up = true;

  // What it was told.
  std::vector<std::uint32_t> commands;
  std::vector<std::uint32_t> transmit_doorbells;
  std::vector<std::uint32_t> receive_doorbells;
  std::map<std::uint8_t, bool> masked;
  bool active = false;
  std::vector<std::vector<std::uint8_t>> sent;  // frames
  std::uint64_t missed = 0;                     // frames that found no buffer
  int wakes = 0;                                // interrupts of the receive vector
  bool sends = true;                            // at the doorbell; false: when the test says so

  std::uint32_t read(Register which) override {
    if (gone) return vmxnet3::kNobody;
    switch (which) {
      case Register::kRevision:
        return revisions;
      case Register::kUptVersion:
        return upt_versions;
      case Register::kAddressLow:
        return mac[0] | mac[1] << 8 | mac[2] << 16 | static_cast<std::uint32_t>(mac[3]) << 24;
      case Register::kAddressHigh:
        return mac[4] | static_cast<std::uint32_t>(mac[5]) << 8;
      case Register::kCommand:
        return answer_;
      default:
        return 0;
    }
  }

  void write(Register which, std::uint32_t value) override {
    if (gone) return;
    if (which == Register::kSharedLow) shared_low_ = value;
    if (which == Register::kSharedHigh) shared_at_ = std::uint64_t{value} << 32 | shared_low_;
    if (which == Register::kCommand) obey(value);
    if (which == Register::kEventCause) shared().events &= ~value;
  }

  void ring(Doorbell which, std::uint8_t number, std::uint32_t value) override {
    if (gone || !active) return;
    if (which == Doorbell::kTransmitProduced) {
      transmit_doorbells.push_back(value);
      if (sends) send_all();
    } else if (which == Doorbell::kReceiveProduced) {
      receive_doorbells.push_back(value);
    } else {
      masked[number] = value != 0;
      if (value == 0 && pending_) raise();
    }
  }

  bool is_there() override { return !gone; }

  vmxnet3::Shared& shared() const { return *reinterpret_cast<vmxnet3::Shared*>(shared_at_); }
  vmxnet3::Queues& queues() const { return *reinterpret_cast<vmxnet3::Queues*>(shared().queues); }

  // Receive honestly: fill the next buffer with `length` octets `octet`. What does not fit is cut off and
  // marked.
  void arrive(std::size_t length, std::uint8_t octet) {
    vmxnet3::Receive_descriptor& descriptor = receive_ring()[taken_ % kReceives];
    if (((descriptor.length & vmxnet3::kGeneration) != 0) != first_of_lap(taken_, kReceives)) {
      ++missed;
      return;
    }
    const std::uint32_t room = descriptor.length & vmxnet3::kLengthMask;
    const std::uint32_t copied = length < room ? static_cast<std::uint32_t>(length) : room;
    std::memset(reinterpret_cast<void*>(descriptor.address), octet, copied);
    const auto index = static_cast<std::uint32_t>(taken_++ % kReceives);
    say_received(index, copied | (length > room ? vmxnet3::kError : 0));
  }

  // Pass over descriptors without a word.
  void skip(std::size_t count) { taken_ += count; }

  // Say anything of a received frame; nothing is checked but the generation.
  void say_received(std::uint32_t place, std::uint32_t length, std::uint32_t kind = vmxnet3::kReceived) {
    constexpr std::uint32_t kWhole = vmxnet3::kFirstPart | vmxnet3::kLastPart;
    say(queues().receive.completions, received_++, kReceives, {place ^ kWhole, 0, length, kind});
    pending_ = true;
    if (!masked[queues().receive.vector]) raise();
  }

  void say_sent(std::uint32_t place, std::uint32_t kind = vmxnet3::kTransmitted) {
    say(queues().transmit.completions, done_++, kTransmits, {place, 0, 0, kind});
  }

  void send_all() {
    for (;; ++fetched_) {
      const vmxnet3::Transmit_descriptor& descriptor = transmit_ring()[fetched_ % kTransmits];
      if (((descriptor.length & vmxnet3::kTransmitGeneration) != 0) != first_of_lap(fetched_, kTransmits))
        return;
      const auto* memory = reinterpret_cast<const std::uint8_t*>(descriptor.address);
      sent.emplace_back(memory, memory + (descriptor.length & vmxnet3::kLengthMask));
      say_sent(static_cast<std::uint32_t>(fetched_ % kTransmits));
    }
  }

  void event(std::uint32_t bits) { shared().events |= bits; }

  vmxnet3::Receive_descriptor* receive_ring() const {
    return reinterpret_cast<vmxnet3::Receive_descriptor*>(queues().receive.rings[0]);
  }
  vmxnet3::Transmit_descriptor* transmit_ring() const {
    return reinterpret_cast<vmxnet3::Transmit_descriptor*>(queues().transmit.ring);
  }

 private:
  static constexpr std::size_t kReceives = vmxnet3::kReceiveSize;
  static constexpr std::size_t kTransmits = vmxnet3::kTransmitSize;
  static bool first_of_lap(std::size_t number, std::size_t size) { return number / size % 2 == 0; }

  static void say(std::uint64_t ring, std::size_t number, std::size_t size, vmxnet3::Completion what) {
    what.kind = (what.kind & ~vmxnet3::kGeneration) | (first_of_lap(number, size) ? vmxnet3::kGeneration : 0);
    reinterpret_cast<vmxnet3::Completion*>(ring)[number % size] = what;
  }

  void obey(std::uint32_t value) {
    commands.push_back(value);
    answer_ = 0;
    if (value == static_cast<std::uint32_t>(vmxnet3::Command::kReset)) {
      answer_ = resets ? 0 : 1;
      active = false;
      for (std::uint8_t vector = 0; vector < 25; ++vector) masked[vector] = true;
    }
    if (value == static_cast<std::uint32_t>(vmxnet3::Command::kActivate)) {
      answer_ = activates && shared().magic == vmxnet3::kMagic ? 0 : 1;
      active = answer_ == 0;
      taken_ = received_ = fetched_ = done_ = 0;
      pending_ = false;
    }
    if (value == static_cast<std::uint32_t>(vmxnet3::Command::kGetLink))
      answer_ = link_up ? 1000 << 16 | 1 : 0;
  }

  void raise() {
    pending_ = false;
    ++wakes;
    if (shared().auto_mask != 0) masked[queues().receive.vector] = true;
  }

  std::uint32_t answer_ = 0;
  std::uint32_t shared_low_ = 0;
  std::uint64_t shared_at_ = 0;
  bool pending_ = false;
  std::size_t taken_ = 0;     // receive descriptors
  std::size_t received_ = 0;  // completions
  std::size_t fetched_ = 0;   // transmit descriptors
  std::size_t done_ = 0;      // completions
};
