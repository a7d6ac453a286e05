// Both NIC drivers against a device whose every word comes from the input.
//
//   octet 0   which driver; then what the device says at the start
//   then      steps of 4 octets: what is done, and three octets for it
//
// What must hold: no access out of bounds (AddressSanitizer), no frame given back twice or handed up twice,
// no length outside a frame, no loop that the device keeps going, and no frame lost: what is not in the pool
// is with the driver, at most its rings' worth, or with us.
#include <sanitizer/asan_interface.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <os.hpp>
#include <set>
#include <vector>

#include "drivers/virtio_net.hpp"
#include "drivers/vmxnet3_net.hpp"
#include "input.hpp"
#include "simulated_device.hpp"
#include "simulated_vmxnet3.hpp"

namespace {

using hw::Frame;

constexpr std::size_t kBuffers = 300;  // of vmxnet3's receive ring
constexpr std::size_t kInRings = 2 * 512;
constexpr std::size_t kFrames = kInRings + 64;

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

// The pool of this program: it knows where each frame is, and begins anew with each input.
std::array<Frame, kFrames> arena;
std::vector<Frame*> pool;
std::set<Frame*> ours;  // handed up, or taken to be sent

void fill_pool() {
  ours.clear();
  pool.clear();
  for (Frame& frame : arena) {
    ASAN_POISON_MEMORY_REGION(frame.buffer.data(), frame.buffer.size());
    pool.push_back(&frame);
  }
}

// What the two kinds of device have in common here: lies about what was received and sent.
struct Virtio {
  Simulated_device device;
  drivers::Virtio_net nic{device};

  bool start(Input& input) {
    const std::uint8_t says = input.octet();
    device.resets = (says & 1) == 0;
    device.takes_features = (says & 2) == 0;
    device.takes_queues = (says & 4) == 0;
    if ((says & 8) != 0) device.offered = input.octet();
    if ((says & 16) != 0) device.sizes[0] = input.word();
    if ((says & 32) != 0) device.mac[0] = input.octet();
    return nic.start() == drivers::Start_error::kNone;
  }
  void received(std::uint16_t place, std::uint32_t length, bool honest) {
    virtio::Rings& rings = device.receive();
    const std::uint16_t id = honest ? Simulated_device::given(rings, rings.used.index) : place;
    Simulated_device::complete(rings, id, length + sizeof(drivers::Virtio_net_header));
  }
  void sent(std::uint16_t place, bool honest) {
    virtio::Rings& rings = device.transmit();
    const std::uint16_t id = honest ? Simulated_device::given(rings, rings.used.index) : place;
    Simulated_device::complete(rings, id, 0);
  }
  void scribble(std::uint8_t octet, std::uint16_t where) {
    virtio::Rings& rings = (where & 1) != 0 ? device.receive() : device.transmit();
    reinterpret_cast<std::uint8_t*>(&rings.used)[where / 2U % sizeof rings.used] = octet;
  }
  void change(std::uint8_t) {}
  void leave() { device.gone = true; }
};

struct Vmxnet3 {
  Simulated_vmxnet3 device;
  drivers::Vmxnet3 nic{device, kBuffers};
  std::uint16_t next_received = 0;
  std::uint16_t next_sent = 0;

  bool start(Input& input) {
    const std::uint8_t says = input.octet();
    device.sends = false;  // what was sent is never read: its frame may be back in the pool after a lie
    device.resets = (says & 1) == 0;
    device.activates = (says & 2) == 0;
    if ((says & 4) != 0) device.revisions = input.octet();
    if ((says & 8) != 0) device.upt_versions = input.octet();
    if ((says & 16) != 0) device.mac[0] = input.octet();
    device.gone = (says & 32) != 0;
    return nic.start() == drivers::Vmxnet3_error::kNone;
  }
  void received(std::uint16_t place, std::uint32_t length, bool honest) {
    const std::uint32_t bits = (place & 0xf000U) << 4;  // which ring
    const std::uint32_t index = honest ? next_received++ % vmxnet3::kReceiveSize : (place & 0xfff) | bits;
    device.say_received(index, honest ? length & vmxnet3::kLengthMask : length);
  }
  void sent(std::uint16_t place, bool honest) {
    device.say_sent(honest ? next_sent++ % vmxnet3::kTransmitSize : place);
  }
  void scribble(std::uint8_t octet, std::uint16_t where) {
    const bool receives = (where & 1) != 0;
    const std::uint64_t ring =
        receives ? device.queues().receive.completions : device.queues().transmit.completions;
    const std::size_t size = receives ? vmxnet3::kReceiveSize : vmxnet3::kTransmitSize;
    reinterpret_cast<std::uint8_t*>(ring)[where / 2U % (size * sizeof(vmxnet3::Completion))] = octet;
  }
  void change(std::uint8_t bits) {
    device.event(bits & 15);
    device.queues().receive.wants_produced = bits >> 4 & 1;
    device.link_up = (bits & 32) == 0;
    device.activates = (bits & 64) == 0;
    device.resets = (bits & 128) == 0;
    if ((bits & 3) == 0) return;
    next_received = next_sent = 0;  // the device will be started over
  }
  void leave() { device.gone = true; }
};

void receive(hw::Nic& nic, std::uint8_t limit) {
  std::array<Frame*, 64> frames{};
  const std::size_t most = limit % (frames.size() + 1);
  const std::size_t count = nic.receive(frames.data(), most);
  must(count <= most, "at most as many frames as were asked for");
  for (std::size_t i = 0; i < count; ++i) {
    Frame& frame = *frames[i];
    must(frame.length >= 14 && frame.length <= Frame::kCapacity, "14..1522 octets are handed up");
    must(frame.headroom() + frame.length <= Frame::kBufferSize, "a frame lies in its buffer");
    must(ours.insert(&frame).second, "a frame is handed up once");
    frame.data[frame.length - 1] = limit;  // is it in the pool?
  }
}

void transmit(hw::Nic& nic, std::uint16_t length) {
  Frame* frame = ours.empty() ? hw::Frame_pool::take() : *ours.begin();
  if (frame == nullptr) return;
  ours.erase(frame);
  frame->data = frame->buffer.data() + (length & 0x8000 ? length & 63 : Frame::kHeadroom);
  frame->length = length & 0x7ff;
  if (frame->tailroom() > Frame::kBufferSize) frame->length = 60;
  if (!nic.transmit(frame)) hw::Frame_pool::give_back(frame);
}

template <class Device>
void step(Device& device, Input& input) {
  const std::uint8_t what = input.octet();
  const std::uint8_t more = input.octet();
  const std::uint16_t word = input.word();
  switch (what % 9) {
    case 0:
      return device.received(word, word, true);
    case 1:
      return device.received(word, static_cast<std::uint32_t>(more * 257), false);
    case 2:
      return device.sent(word, more % 2 == 0);
    case 3:
      return device.scribble(more, word);
    case 4:
      return receive(device.nic, more);
    case 5:
      for (int i = 0; i <= more; ++i) transmit(device.nic, word);
      return device.nic.flush();
    case 6:
      static_cast<void>(device.nic.arm());
      return device.nic.flush();
    case 7:
      device.change(more);
      if (word == 0xffff) device.leave();
      return device.nic.look();
    default:
      device.nic.set_sendq_limit(word % 300);
      device.nic.set_buffer_limit(more);
  }
}

template <class Device>
void play(Input& input) {
  fill_pool();
  const auto device = std::make_unique<Device>();
  if (!device->start(input)) return;
  while (!input.empty()) {
    step(*device, input);
    must(kFrames - pool.size() - ours.size() <= kInRings, "a driver has what its rings hold, no more");
    if (ours.size() > 32) hw::Frame_pool::give_back(*ours.begin());
  }
}

}  // namespace

namespace hw {

Frame* Frame_pool::take() {
  if (pool.empty()) return nullptr;
  Frame* frame = pool.back();
  pool.pop_back();
  ASAN_UNPOISON_MEMORY_REGION(frame->buffer.data(), frame->buffer.size());
  frame->data = frame->buffer.data() + Frame::kHeadroom;
  frame->length = 0;
  return frame;
}

void Frame_pool::give_back(Frame* frame) {
  must(__asan_address_is_poisoned(frame->buffer.data()) == 0, "a frame is given back once");
  ours.erase(frame);
  ASAN_POISON_MEMORY_REGION(frame->buffer.data(), frame->buffer.size());
  pool.push_back(frame);
}

std::size_t Frame_pool::available() { return pool.size(); }
void Nic::set_device_name(const char*) {}

}  // namespace hw

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  if (input.octet() % 2 == 0) {
    play<Virtio>(input);
  } else {
    play<Vmxnet3>(input);
  }
  return 0;
}
