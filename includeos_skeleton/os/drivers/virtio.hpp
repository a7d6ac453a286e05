// VIRTIO, apart from any bus: what a driver asks of a transport, and the split virtqueue.
//
//   driver ──▶ Queue (memory shared with the device) ──notify──▶ Transport ──▶ device
//
// Spec    Virtual I/O Device (VIRTIO) 1.2: 2.1 (status), 2.2 (feature bits), 2.7 (split virtqueues).
// Not     packed rings, indirect descriptors, event indices (flags are used instead), chained descriptors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace virtio {

// 2.1: bits of the device status.
inline constexpr std::uint8_t kAcknowledge = 1;
inline constexpr std::uint8_t kDriver = 2;
inline constexpr std::uint8_t kDriverOk = 4;
inline constexpr std::uint8_t kFeaturesOk = 8;
inline constexpr std::uint8_t kFailed = 128;

inline constexpr std::uint64_t kVersion1 = std::uint64_t{1} << 32;  // 6: VIRTIO_F_VERSION_1

inline constexpr std::uint16_t kQueueSize = 256;  // entries; a power of two (2.7)

// 2.7.5, 2.7.6, 2.7.8: the parts of a split virtqueue, little-endian.
struct Descriptor {
  std::uint64_t address;
  std::uint32_t length;  // octets
  std::uint16_t flags;
  std::uint16_t next;
};
static_assert(sizeof(Descriptor) == 16);
inline constexpr std::uint16_t kDeviceWrites = 2;  // VIRTQ_DESC_F_WRITE

struct Available {
  std::uint16_t flags;  // 1: VIRTQ_AVAIL_F_NO_INTERRUPT
  std::uint16_t index;
  std::array<std::uint16_t, kQueueSize> ring;
};

struct Used_entry {
  std::uint32_t id;
  std::uint32_t length;  // octets the device wrote
};
static_assert(sizeof(Used_entry) == 8);

struct Used {
  std::uint16_t flags;  // 1: VIRTQ_USED_F_NO_NOTIFY
  std::uint16_t index;
  std::array<Used_entry, kQueueSize> ring;
};

struct Rings {
  alignas(16) std::array<Descriptor, kQueueSize> descriptors;
  alignas(64) Available available;
  alignas(64) Used used;
};

class Transport {
 public:
  virtual void set_status(std::uint8_t bits) = 0;  // 0 resets the device, and waits until it has happened
  virtual std::uint8_t status() = 0;
  virtual std::uint64_t features() = 0;
  virtual void set_features(std::uint64_t features) = 0;
  virtual std::uint16_t queue_size(std::uint16_t queue) = 0;  // entries at most; 0: no such queue
  // Give the device the memory of a queue of kQueueSize entries. With `wakes`, its interrupt ends
  // platform::idle; false when the device cannot do that.
  [[nodiscard]] virtual bool set_queue(std::uint16_t queue, const Rings& rings, bool wakes) = 0;
  virtual void notify(std::uint16_t queue) = 0;
  virtual std::uint8_t config8(std::uint8_t offset) = 0;  // of the device's own configuration

  virtual bool is_there() = 0;  // false once the device has left its bus

 protected:
  ~Transport() = default;
};

// One virtqueue whose buffers are single descriptors, with a cookie each.
//
// What the device writes is untrusted: an entry that names a descriptor which is not with the device, and an
// index that runs ahead of what was given, are counted in faults() and do nothing else.
//
// INVARIANT owned   a descriptor is on the free list or has a cookie, never both.
template <class Cookie>
class Queue {
 public:
  struct Completion {
    Cookie* cookie;        // nullptr: none
    std::uint32_t length;  // octets the device says it wrote: still to be checked against the buffer
  };

  Queue() { reset(); }
  const Rings& rings() const { return rings_; }
  std::size_t free() const { return free_count_; }
  std::uint64_t faults() const { return faults_; }

  // Queue one buffer; `cookie` comes back when the device is done. Needs free() > 0. The device sees it at
  // the next publish().
  void add(Cookie* cookie, const void* memory, std::uint32_t length, std::uint16_t flags) {
    std::uint16_t id = free_ids_[--free_count_];
    rings_.descriptors[id] = {reinterpret_cast<std::uint64_t>(memory), length, flags, 0};
    cookies_[id] = cookie;
    rings_.available.ring[added_++ % kQueueSize] = id;
  }

  // The device must see descriptors and ring entries before the index (2.7.13.3).
  void publish() { __atomic_store_n(&rings_.available.index, added_, __ATOMIC_RELEASE); }

  // True when something was published since the last call and the device wants to be told. The index must be
  // out before the flag is read (2.7.13.4).
  bool take_notification() {
    if (notified_ == added_) return false;
    notified_ = added_;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return (__atomic_load_n(&rings_.used.flags, __ATOMIC_RELAXED) & 1) == 0;
  }

  bool has_completion() const { return __atomic_load_n(&rings_.used.index, __ATOMIC_ACQUIRE) != seen_; }

  // The next buffer that the device is done with. After a fault there is none until the next call, so that a
  // device cannot keep its driver busy for good.
  Completion take() {
    std::uint16_t index = __atomic_load_n(&rings_.used.index, __ATOMIC_ACQUIRE);
    auto waiting = static_cast<std::uint16_t>(index - seen_);
    if (waiting == 0) return {nullptr, 0};
    if (waiting > kQueueSize - free_count_) {  // more than it was given
      ++faults_;
      seen_ = index;
      return {nullptr, 0};
    }
    const volatile Used_entry& entry = rings_.used.ring[seen_++ % kQueueSize];
    std::uint32_t id = entry.id;  // read once: the device may change it
    std::uint32_t length = entry.length;
    if (id >= kQueueSize || cookies_[id] == nullptr) {
      ++faults_;
      return {nullptr, 0};
    }
    Cookie* cookie = cookies_[id];
    cookies_[id] = nullptr;
    free_ids_[free_count_++] = static_cast<std::uint16_t>(id);
    return {cookie, length};
  }

  void disable_interrupts() { __atomic_store_n(&rings_.available.flags, std::uint16_t{1}, __ATOMIC_RELAXED); }

  // False when a completion waits already: it may have come before the device saw the flag (2.7.7.2).
  [[nodiscard]] bool enable_interrupts() {
    __atomic_store_n(&rings_.available.flags, std::uint16_t{0}, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return !has_completion();
  }

 private:
  void reset() {
    for (std::uint16_t i = 0; i < kQueueSize; ++i)
      free_ids_[i] = static_cast<std::uint16_t>(kQueueSize - 1 - i);
    rings_.available.flags = 1;
  }

  Rings rings_{};
  std::array<Cookie*, kQueueSize> cookies_{};
  std::array<std::uint16_t, kQueueSize> free_ids_{};
  std::size_t free_count_ = kQueueSize;
  std::uint16_t added_ = 0;     // entries ever put into the available ring
  std::uint16_t notified_ = 0;  // `added_` when the device was last told
  std::uint16_t seen_ = 0;      // entries ever taken from the used ring
  std::uint64_t faults_ = 0;
};

}  // namespace virtio
