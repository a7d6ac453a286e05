// The driver against a simulated device: what it does for an honest one, and that a lying one does no harm.
#include "drivers/virtio_net.hpp"

#include <array>
#include <deque>

#include "check.hpp"
#include "simulated_device.hpp"

namespace {

using drivers::Start_error;
using hw::Frame;
using hw::Frame_pool;

constexpr std::size_t kHeader = sizeof(drivers::Virtio_net_header);

void start_pool() {
  static bool started = false;
  if (!started) Frame_pool::start(16 * 1024);
  started = true;
}

// A device and its driver. NICs live as long as the machine: they are kept until the program ends.
struct Bench {
  Simulated_device device;
  drivers::Virtio_net nic{device};
  Start_error started = Start_error::kNone;
  std::size_t free_frames = 0;  // after the start
};

Bench& bench(void (*prepare)(Simulated_device&) = [](Simulated_device&) {}) {
  static std::deque<Bench> all;
  start_pool();
  Bench& made = all.emplace_back();
  prepare(made.device);
  made.started = made.nic.start();
  made.free_frames = Frame_pool::available();
  made.device.notified.clear();
  return made;
}

// How many frames the driver hands up now; they go back to the pool.
std::size_t receive_and_release(Bench& b) {
  std::array<Frame*, 64> frames;
  std::size_t count = b.nic.receive(frames.data(), frames.size());
  for (std::size_t i = 0; i < count; ++i) Frame_pool::give_back(frames[i]);
  return count;
}

Frame* filled(std::size_t length, std::uint8_t octet) {
  Frame* frame = Frame_pool::take();
  frame->length = static_cast<std::uint16_t>(length);
  std::memset(frame->data, octet, length);
  return frame;
}

// An honest frame still goes through in both directions.
void check_alive(Bench& b) {
  b.device.arrive(60, 0x11);
  CHECK(receive_and_release(b) == 1);
  CHECK(b.nic.transmit(filled(60, 0x22)));
  b.nic.flush();
  CHECK(b.device.send_all().size() == 1);
}

}  // namespace

CASE("the start takes VERSION_1 and the address, and fills the receive queue") {
  Bench& b = bench();
  CHECK(b.started == Start_error::kNone);
  CHECK(b.device.chosen == (virtio::kVersion1 | 1 << 5));
  CHECK(b.device.status() ==
        (virtio::kAcknowledge | virtio::kDriver | virtio::kFeaturesOk | virtio::kDriverOk));
  CHECK(b.nic.mac() == MAC::Addr("02:00:00:00:00:2a"));
  CHECK(b.device.receive().available.index == 256);
  CHECK(b.device.receive().descriptors[0].length == kHeader + Frame::kCapacity);
  CHECK(b.device.receive().descriptors[0].flags == virtio::kDeviceWrites);
}

CASE("a legacy device is refused") {
  Bench& b = bench([](Simulated_device& device) { device.offered = 1 << 5; });
  CHECK(b.started == Start_error::kLegacyDevice);
  CHECK(b.device.status() == virtio::kFailed);
}

CASE("a device that does not take the features is refused") {
  CHECK(bench([](Simulated_device& device) { device.takes_features = false; }).started ==
        Start_error::kFeaturesRefused);
}

CASE("a device that does not reset is refused") {
  Bench& b = bench([](Simulated_device& device) { device.resets = false; });
  CHECK(b.started == Start_error::kNoReset);
  CHECK(b.device.status() == virtio::kFailed);
}

CASE("an address that is no single host's is refused") {
  CHECK(bench([](Simulated_device& device) { device.mac[0] = 0x03; }).started == Start_error::kBadAddress);
  CHECK(bench([](Simulated_device& device) { std::memset(device.mac, 0xff, 6); }).started ==
        Start_error::kBadAddress);
  CHECK(bench([](Simulated_device& device) { std::memset(device.mac, 0, 6); }).started ==
        Start_error::kBadAddress);
}

CASE("a queue of 255 entries is too small") {
  CHECK(bench([](Simulated_device& device) { device.sizes[1] = 255; }).started ==
        Start_error::kQueueTooSmall);
}

CASE("a queue that cannot be set up is refused") {
  CHECK(bench([](Simulated_device& device) { device.takes_queues = false; }).started ==
        Start_error::kQueueRefused);
}

CASE("a device without an address gets a local one") {
  Bench& b = bench([](Simulated_device& device) { device.offered = virtio::kVersion1; });
  CHECK(b.started == Start_error::kNone);
  CHECK((b.nic.mac()[0] & 3) == 2);
}

CASE("a received frame comes up as it was sent") {
  Bench& b = bench();
  b.device.arrive(60, 0xab);
  Frame* frame = nullptr;
  CHECK(b.nic.receive(&frame, 1) == 1);
  CHECK(frame->length == 60);
  CHECK(frame->data[0] == 0xab && frame->data[59] == 0xab);
  CHECK(b.nic.counters().received == 1);
  Frame_pool::give_back(frame);
  CHECK(Frame_pool::available() == b.free_frames);
}

CASE("the rings wrap: 1000 frames, one after the other") {
  Bench& b = bench();
  std::size_t received = 0;
  for (int i = 0; i < 1000; ++i) {
    b.device.arrive(60, static_cast<std::uint8_t>(i));
    received += receive_and_release(b);
  }
  CHECK(received == 1000);
  CHECK(b.nic.counters().receive_malformed == 0);
  CHECK(Frame_pool::available() == b.free_frames);
}

CASE("the indices wrap: 70000 frames in both directions, in bursts of every size") {
  Bench& b = bench();
  std::size_t received = 0;
  std::size_t sent = 0;
  for (std::size_t burst = 1; sent < 70'000; burst = burst % 64 + 1) {
    for (std::size_t i = 0; i < burst; ++i) b.device.arrive(60, static_cast<std::uint8_t>(burst));
    std::array<Frame*, 64> frames;
    std::size_t count = b.nic.receive(frames.data(), frames.size());
    CHECK(count == burst && frames[0]->data[59] == burst);
    for (std::size_t i = 0; i < count; ++i) CHECK(b.nic.transmit(frames[i]));
    b.nic.flush();
    CHECK(!b.device.notified.empty());
    b.device.notified.clear();
    received += count;
    sent += b.device.send_all().size();
  }
  CHECK(received == sent);
  CHECK(b.nic.counters().receive_malformed == 0 && b.nic.counters().transmit_malformed == 0);
  CHECK(Frame_pool::available() + virtio::kQueueSize >= b.free_frames);
  check_alive(b);
}

CASE("the shortest and the longest frame come up, one octet beyond does not") {
  Bench& b = bench();
  for (std::size_t length : {14UL, 13UL, Frame::kCapacity, Frame::kCapacity + 1}) b.device.arrive(length, 1);
  CHECK(receive_and_release(b) == 2);
  CHECK(b.nic.counters().receive_malformed == 2);
  CHECK(Frame_pool::available() == b.free_frames);
}

CASE("a length that would pass the buffer is dropped") {
  Bench& b = bench();
  for (std::uint32_t length : {0U, 11U, 12U, 65535U, 65536U + 72, 0xffffffffU}) {
    Simulated_device::complete(b.device.receive(), 0, length);
    std::uint64_t malformed = b.nic.counters().receive_malformed;
    CHECK(receive_and_release(b) == 0);
    CHECK(b.nic.counters().receive_malformed == malformed + 1);
  }
  CHECK(Frame_pool::available() == b.free_frames);
}

CASE("a descriptor number that does not exist is dropped") {
  Bench& b = bench();
  for (std::uint32_t id : {256U, 65535U, 0xffffffffU}) {
    Simulated_device::complete(b.device.receive(), id, 72);
    CHECK(receive_and_release(b) == 0);
  }
  CHECK(b.nic.counters().receive_malformed == 3);
}

CASE("a descriptor that is returned twice is given up once") {
  Bench& b = bench();
  CHECK(b.nic.transmit(filled(60, 1)));
  b.nic.flush();
  std::uint16_t id = Simulated_device::given(b.device.transmit(), 0);
  Simulated_device::complete(b.device.transmit(), id, 0);
  Simulated_device::complete(b.device.transmit(), id, 0);
  for (int i = 0; i < 512; ++i) {
    Frame* frame = filled(60, 2);
    if (!b.nic.transmit(frame)) Frame_pool::give_back(frame);
  }
  CHECK(Frame_pool::available() + virtio::kQueueSize >= b.free_frames);
  CHECK(Frame_pool::available() <= b.free_frames);
  CHECK(b.nic.counters().transmit_malformed == 1);
}

CASE("an index that runs ahead is counted, and the driver goes on") {
  Bench& b = bench();
  b.device.receive().used.index = 40000;
  CHECK(receive_and_release(b) == 0);
  CHECK(b.nic.counters().receive_malformed == 1);
  Simulated_device::complete(b.device.receive(), 7, kHeader + 60);
  CHECK(receive_and_release(b) == 1);
  CHECK(Frame_pool::available() == b.free_frames);
}

CASE("an index that goes back is counted") {
  Bench& b = bench();
  b.device.receive().used.index = 0xffff;
  CHECK(receive_and_release(b) == 0);
  CHECK(b.nic.counters().receive_malformed == 1);
}

CASE("a device that writes over the descriptors changes nothing") {
  Bench& b = bench();
  for (virtio::Descriptor& each : b.device.receive().descriptors) each = {0xdeadbeef, 0xffffffff, 7, 255};
  Simulated_device::complete(b.device.receive(), 3, kHeader + 60);
  CHECK(receive_and_release(b) == 1);
  CHECK(Frame_pool::available() == b.free_frames);
}

CASE("a frame is sent behind a header of zeros") {
  Bench& b = bench();
  Frame* frame = filled(60, 0xcd);
  std::memset(frame->buffer.data(), 0xff, Frame::kHeadroom);
  CHECK(b.nic.transmit(frame));
  b.nic.flush();
  const auto* memory = reinterpret_cast<const std::uint8_t*>(b.device.transmit().descriptors[0].address);
  CHECK(b.device.transmit().available.index == 1);
  std::uint16_t id = Simulated_device::given(b.device.transmit(), 0);
  memory = reinterpret_cast<const std::uint8_t*>(b.device.transmit().descriptors[id].address);
  bool zeros = true;
  for (std::size_t i = 0; i < kHeader; ++i) zeros = zeros && memory[i] == 0;
  CHECK(zeros);
  auto sent = b.device.send_all();
  CHECK(sent.size() == 1 && sent[0] == std::vector<std::uint8_t>(60, 0xcd));
}

CASE("a full ring refuses, counts, and takes again when the device has sent") {
  Bench& b = bench();
  std::size_t taken = 0;
  for (int i = 0; i < 257; ++i) {
    Frame* frame = filled(60, 1);
    if (b.nic.transmit(frame)) {
      ++taken;
    } else {
      Frame_pool::give_back(frame);
    }
  }
  CHECK(taken == 256);
  CHECK(b.nic.counters().transmit_full == 1);
  b.nic.flush();
  CHECK(b.device.send_all().size() == 256);
  b.nic.flush();
  CHECK(Frame_pool::available() == b.free_frames);
  CHECK(b.nic.transmit(filled(60, 1)));
}

CASE("a send queue with a limit refuses, counts, and takes again") {
  for (std::uint32_t limit : {1U, 10U, 255U, 256U, 257U, 0U, 0xffffffffU}) {
    Bench& b = bench();
    b.nic.set_sendq_limit(limit);
    const std::size_t room = limit == 0 || limit > 256 ? 256 : limit;
    for (int round = 0; round < 3; ++round) {
      for (std::size_t i = 0; i < room; ++i) CHECK(b.nic.transmit(filled(60, 1)));
      Frame* frame = filled(60, 1);
      CHECK(!b.nic.transmit(frame));
      Frame_pool::give_back(frame);
      b.nic.flush();
      CHECK(b.device.send_all().size() == room);
    }
    CHECK(b.nic.counters().transmit_full == 3);
    CHECK(b.nic.transmit(filled(60, 1)));
  }
}

CASE("a receive ring with a limit shrinks to it, and goes on receiving") {
  for (std::uint32_t limit : {1U, 10U, 255U}) {
    Bench& b = bench();
    b.nic.set_buffer_limit(limit);
    for (int i = 0; i < 1000; ++i) {
      b.device.arrive(i % 5 == 0 ? 13 : 60, 1);  // among them malformed ones
      CHECK(receive_and_release(b) == (i % 5 == 0 ? 0 : 1));
    }
    CHECK(Frame_pool::available() == b.free_frames + 256 - limit);
    check_alive(b);
  }
}

CASE("a frame without room for the header is refused") {
  Bench& b = bench();
  Frame* frame = filled(60, 1);
  frame->data = frame->buffer.data() + kHeader - 1;
  CHECK(!b.nic.transmit(frame));
  Frame_pool::give_back(frame);
}

CASE("the device is told once a round, and not when it does not want to be") {
  Bench& b = bench();
  for (int i = 0; i < 5; ++i) CHECK(b.nic.transmit(filled(60, 1)));
  b.nic.flush();
  b.nic.flush();
  CHECK(b.device.notified == std::vector<std::uint16_t>{1});
  b.device.transmit().used.flags = 1;
  CHECK(b.nic.transmit(filled(60, 1)));
  b.nic.flush();
  CHECK(b.device.notified.size() == 1);
}

CASE("interrupts are on only while armed, and a frame that came first is noticed") {
  Bench& b = bench();
  CHECK(b.device.receive().available.flags == 1);
  CHECK(b.device.transmit().available.flags == 1);
  CHECK(b.nic.arm());
  CHECK(b.device.receive().available.flags == 0);
  b.device.arrive(60, 1);
  CHECK(!b.nic.arm());
  CHECK(receive_and_release(b) == 1);
  CHECK(b.device.receive().available.flags == 1);
}

CASE("with an empty pool frames are dropped and counted, and the ring stays full") {
  Bench& b = bench();
  std::vector<Frame*> hoard;
  while (Frame* frame = Frame_pool::take()) hoard.push_back(frame);
  for (int i = 0; i < 300; ++i) {
    b.device.arrive(60, 1);
    CHECK(receive_and_release(b) == 0);
  }
  CHECK(b.nic.counters().receive_no_frame == 300);
  for (Frame* frame : hoard) Frame_pool::give_back(frame);
  check_alive(b);
}

CASE("a device that leaves the bus is gone for good: nothing is taken, nothing is given, nothing waits") {
  Bench& b = bench();
  b.nic.look();
  CHECK(b.nic.state() == hw::Nic::State::kUp);
  b.device.gone = true;
  b.nic.look();
  CHECK(b.nic.state() == hw::Nic::State::kGone);
  b.device.gone = false;
  b.nic.look();
  CHECK(b.nic.state() == hw::Nic::State::kGone);
  Frame* frame = filled(60, 1);
  CHECK(!b.nic.transmit(frame));
  CHECK(b.nic.counters().transmit_full == 1);
  Frame_pool::give_back(frame);
  CHECK(receive_and_release(b) == 0);
  b.nic.flush();
  CHECK(b.nic.arm());
}

CASE("random used rings do no harm") {
  Bench& b = bench();
  std::uint32_t random = 12345;
  auto next = [&random] { return random = random * 1664525 + 1013904223; };
  for (int i = 0; i < 20000; ++i) {
    virtio::Rings& rings = (next() >> 16 & 1) != 0 ? b.device.receive() : b.device.transmit();
    rings.used.ring[next() >> 16 & 255] = {next() >> (next() >> 24 & 31), next() >> (next() >> 24 & 31)};
    if ((next() >> 16 & 3) == 0)
      rings.used.index = static_cast<std::uint16_t>(rings.used.index + (next() >> 28));
    if ((next() >> 16 & 255) == 0) rings.used.index = static_cast<std::uint16_t>(next() >> 16);
    receive_and_release(b);
    Frame* frame = filled(60, 1);
    if (!b.nic.transmit(frame)) Frame_pool::give_back(frame);
    b.nic.flush();
  }
  CHECK(b.nic.counters().receive_malformed > 0);
  CHECK(Frame_pool::available() + virtio::kQueueSize >= b.free_frames);
  CHECK(Frame_pool::available() <= b.free_frames);
}
