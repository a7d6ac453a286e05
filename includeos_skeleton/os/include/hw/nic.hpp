// A network interface card as the stack sees it, whatever bus it sits on.
//
//   device ──receive()──▶ stack ──transmit()──▶ device
//
// Frames travel by pointer: a frame that was received may be changed in place and handed to another NIC's
// transmit() without a copy. Every frame belongs to exactly one holder: the pool, a device ring, or the
// stack.
//
// Not supported: scatter-gather, checksum offload, frames longer than Frame::kCapacity.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <hw/mac_addr.hpp>

namespace hw {

// One Ethernet frame (without FCS) in a buffer of fixed size. `data` may be moved within `buffer`, so that a
// header can be put in front: the first kHeadroom octets are free when a frame leaves the pool, and a driver
// may use up to kDriverHeadroom octets in front of `data` for its own header.
struct Frame {
  static constexpr std::size_t kDriverHeadroom = 16;
  static constexpr std::size_t kHeadroom = 64;
  static constexpr std::size_t kCapacity = 1522;  // octets: 14 Ethernet + 4 VLAN tag + 1500 MTU, rounded up
  static constexpr std::size_t kBufferSize = 1792;

  std::uint8_t* data;    // first octet of the Ethernet header
  std::uint16_t length;  // octets from `data`
  Frame* next;           // link of the list that holds the frame; meaningless while nobody's list does
  alignas(64) std::array<std::uint8_t, kBufferSize> buffer;

  std::size_t headroom() const { return static_cast<std::size_t>(data - buffer.data()); }
  std::size_t tailroom() const { return kBufferSize - headroom() - length; }
};

// The one pool of frames of the machine: a free list over a block taken once at start.
class Frame_pool {
 public:
  // Take `count` frames from the heap; call once, before the drivers start.
  static void start(std::size_t count);
  // A frame with data == buffer + kHeadroom and length 0, or nullptr when the pool is empty.
  [[nodiscard]] static Frame* take();
  static void give_back(Frame* frame);
  static std::size_t available();
};

class Nic {
 public:
  struct Counters {
    std::uint64_t received = 0;            // frames handed to the stack
    std::uint64_t transmitted = 0;         // frames taken by the device
    std::uint64_t receive_malformed = 0;   // the device named a bad descriptor, or a bad length
    std::uint64_t receive_no_frame = 0;    // good, but the pool was empty: dropped
    std::uint64_t transmit_full = 0;       // refused: ring full, or the device is gone
    std::uint64_t transmit_malformed = 0;  // the device named a bad descriptor or index
  };

  enum class State : std::uint8_t {
    kUp,
    kDown,  // its link
    kGone,  // the device does not answer any more, and will not be asked again: nothing is received or
            // transmitted
  };

  virtual const MAC::Addr& mac() const = 0;
  virtual const char* driver_name() const = 0;  // "virtionet", "vmxnet3", "datagram"
  virtual std::uint16_t mtu() const { return 1500; }
  const char* device_name() const { return name_.data(); }  // "eth0", numbered by Interfaces

  // Take at most `limit` received frames, which then belong to the caller; returns how many. Never blocks.
  [[nodiscard]] virtual std::size_t receive(Frame** frames, std::size_t limit) = 0;

  // Queue one frame; on false (ring full) it still belongs to the caller. `length` is 14..kCapacity.
  [[nodiscard]] virtual bool transmit(Frame* frame) = 0;

  // Tell the device about what transmit() queued; called once per round of the main loop.
  virtual void flush() = 0;

  // Ask to be woken from platform::idle by the next received frame. False when one is already waiting.
  [[nodiscard]] virtual bool arm() = 0;

  // Look after what changes seldom, and set state() and counters(); called once a second.
  virtual void look() {}

  State state() const { return state_; }
  const Counters& counters() const { return counters_; }
  void set_device_name(const char* name);

  // IncludeOS's limits, 0 for none: frames that may rest in the send queue until the device has sent them,
  // and frames that may lie ready for the device to receive into. The queues are rings of fixed size here: a
  // limit above that size changes nothing. Set them once, before frames flow; on a VLAN they do nothing.
  void set_sendq_limit(std::uint32_t frames) { sendq_limit_ = frames; }
  void set_buffer_limit(std::uint32_t frames) { buffer_limit_ = frames; }
  std::uint32_t sendq_limit() const { return sendq_limit_; }
  std::uint32_t buffer_limit() const { return buffer_limit_; }

 protected:
  ~Nic() = default;  // NICs live as long as the machine and are never deleted through this class
  Counters counters_;
  State state_ = State::kUp;

  // Of a ring for `size` frames: how many may be in it.
  std::size_t sendq_room(std::size_t size) const { return limited(size, sendq_limit_); }
  std::size_t buffer_room(std::size_t size) const { return limited(size, buffer_limit_); }

 private:
  static std::size_t limited(std::size_t size, std::uint32_t limit) {
    return limit != 0 && limit < size ? limit : size;
  }

  std::uint32_t sendq_limit_ = 0;
  std::uint32_t buffer_limit_ = 0;
  std::array<char, 16> name_{};
};

}  // namespace hw
