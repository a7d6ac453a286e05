// A packet: a view of one hw::Frame that owns the frame. A datagram that was put together from fragments and
// is longer than a frame lies in a Large_buffer instead, and leaves the machine in pieces (net/division.hpp).
//
//   buf()        layer_begin()              data_end()      buffer_end()
//     | free       | the layer's header, data  | free            | the Packet itself
//
// The Packet lives in the last octets of its buffer, so that it costs no allocation and shares the buffer's
// life. Deleting it (what a Packet_ptr does) gives the frame back to the pool, or the buffer to its owner.
//
// INVARIANT bounds   buf() <= layer_begin() <= data_end() <= buffer_end().
//
// Not     packet chains, payload offsets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <hw/nic.hpp>
#include <memory>
#include <new>

namespace net {

class Inet;
class Packet;
using Packet_ptr = std::unique_ptr<Packet>;

// Room for the longest IPv4 packet behind the headroom of a frame. Owned by net/reassembly.cpp.
struct Large_buffer {
  static constexpr std::size_t kSize = 65'728;  // octets
  alignas(64) std::array<std::uint8_t, kSize> octets;
};

class Packet {
 public:
  using Byte = std::uint8_t;
  using Byte_ptr = Byte*;

  // Where a packet came from, for the counters. It stays with the packet when a filter returns another one.
  struct Origin {
    Inet* home = nullptr;         // the Iface that received it, or sends it if `own`
    bool own = false;             // made by this machine
    bool link_broadcast = false;  // came in a frame to everybody
  };

  Packet(const Packet&) = delete;
  ~Packet() = default;
  Packet& operator=(const Packet&) = delete;

  Byte* buf() noexcept { return buffer_; }
  const Byte* buf() const noexcept { return buffer_; }
  Byte* layer_begin() const noexcept { return layer_begin_; }
  Byte* data_end() const noexcept { return data_end_; }
  const Byte* buffer_end() const noexcept { return reinterpret_cast<const Byte*>(this); }

  int size() const noexcept { return static_cast<int>(data_end_ - layer_begin_); }         // octets
  int capacity() const noexcept { return static_cast<int>(buffer_end() - layer_begin_); }  // octets
  int bufsize() const noexcept { return static_cast<int>(buffer_end() - buf()); }          // octets

  // Move the begin of the layer by `octets` (negative: towards the buffer's begin). Out of bounds is a panic.
  void increment_layer_begin(int octets);
  // Set the end of the data, in octets from layer_begin(). Out of bounds is a panic.
  void set_data_end(int offset);
  void increment_data_end(int octets) { set_data_end(size() + octets); }

  const Origin& origin() const noexcept { return origin_; }
  void set_origin(const Origin& origin) noexcept { origin_ = origin; }

  // The connection entry (a Conntrack::Entry_ptr) of a packet that waits to arrive on another Iface.
  const void* known_entry() const noexcept { return known_entry_; }
  void set_known_entry(const void* entry) noexcept { known_entry_ = entry; }

  // The packet that holds `frame` from now on, its layer beginning `offset` octets after frame->data; null,
  // and the frame still the caller's, when frame->data and length do not leave the room that INVARIANT bounds
  // asks.
  template <class P>
  [[nodiscard]] static std::unique_ptr<P> in_frame(hw::Frame* frame, std::size_t offset) noexcept;

  // The packet of `length` octets in `buffer`, its layer beginning `offset` octets after the buffer's begin.
  template <class P>
  [[nodiscard]] static std::unique_ptr<P> in_buffer(Large_buffer& buffer, std::size_t offset,
                                                    std::size_t length) noexcept;

  // False for what lies in a Large_buffer.
  bool is_in_frame() const noexcept { return frame_ != nullptr; }

  // Give up the packet, which must be in a frame, and get its frame, whose data begins `header` octets in
  // front of the layer.
  [[nodiscard]] static hw::Frame* take_frame(Packet_ptr packet, std::size_t header) noexcept;

  static void operator delete(Packet* packet, std::destroying_delete_t) noexcept {
    hw::Frame* const frame = packet->frame_;
    frame != nullptr ? hw::Frame_pool::give_back(frame) : give_back_buffer(packet->buffer_);
  }

 protected:
  Packet(Byte* buffer, hw::Frame* frame, Byte* begin, Byte* end) noexcept
      : buffer_{buffer}, layer_begin_{begin}, data_end_{end}, frame_{frame} {}

 private:
  [[noreturn]] static void not_in_a_frame() noexcept;
  static void give_back_buffer(Byte* begin) noexcept;  // of a Large_buffer

  static constexpr std::size_t kReserved = 64;  // octets at the end of the buffer that hold the Packet

  friend class Packet_queue;

  Byte* buffer_;
  Byte* layer_begin_;
  Byte* data_end_;
  hw::Frame* frame_;        // null: in a Large_buffer
  Packet* next_ = nullptr;  // in the Packet_queue that holds the packet
  const void* known_entry_ = nullptr;
  Origin origin_;
};

// Packets that wait, first in, first out. Owns them; bounded by the frame pool, and by those who put.
class Packet_queue {
 public:
  constexpr Packet_queue() = default;
  Packet_queue(const Packet_queue&) = delete;
  Packet_queue& operator=(const Packet_queue&) = delete;

  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  void put(Packet_ptr packet) noexcept;
  Packet_ptr take() noexcept;  // the one put first; null when empty

 private:
  Packet* first_ = nullptr;
  Packet* last_ = nullptr;
  std::size_t size_ = 0;
};

inline void Packet_queue::put(Packet_ptr packet) noexcept {
  Packet* const p = packet.release();
  p->next_ = nullptr;
  (first_ == nullptr ? first_ : last_->next_) = p;
  last_ = p;
  ++size_;
}

inline Packet_ptr Packet_queue::take() noexcept {
  Packet* const p = first_;
  if (p == nullptr) return nullptr;
  first_ = p->next_;
  --size_;
  return Packet_ptr{p};
}

template <class P>
std::unique_ptr<P> Packet::in_frame(hw::Frame* frame, std::size_t offset) noexcept {
  static_assert(sizeof(P) <= kReserved && alignof(P) <= kReserved);
  static_assert(sizeof(P) == sizeof(Packet), "a layer's packet adds accessors, no members");
  Byte* const place = frame->buffer.data() + hw::Frame::kBufferSize - kReserved;
  if (frame->data < frame->buffer.data() || frame->length < offset || frame->data + frame->length > place)
    return nullptr;
  return std::unique_ptr<P>{
      ::new (place) P(frame->buffer.data(), frame, frame->data + offset, frame->data + frame->length)};
}

template <class P>
std::unique_ptr<P> Packet::in_buffer(Large_buffer& buffer, std::size_t offset, std::size_t length) noexcept {
  static_assert(sizeof(P) == sizeof(Packet) && (Large_buffer::kSize - kReserved) % alignof(P) == 0);
  Byte* const begin = buffer.octets.data() + offset;
  Byte* const place = buffer.octets.data() + Large_buffer::kSize - kReserved;
  return std::unique_ptr<P>{::new (place) P(buffer.octets.data(), nullptr, begin, begin + length)};
}

inline hw::Frame* Packet::take_frame(Packet_ptr packet, std::size_t header) noexcept {
  Packet* const p = packet.release();
  hw::Frame* const frame = p->frame_;
  if (frame == nullptr) not_in_a_frame();
  frame->data = p->layer_begin_ - header;
  frame->length = static_cast<std::uint16_t>(p->data_end_ - frame->data);
  return frame;
}

}  // namespace net
