// The driver against a simulated device: what it does for an honest one, and that a lying one does no harm.
#include <array>
#include <deque>

#include "check.hpp"
#include "drivers/vmxnet3_net.hpp"
#include "simulated_vmxnet3.hpp"

namespace {

using drivers::Vmxnet3_error;
using hw::Frame;
using hw::Frame_pool;
using State = hw::Nic::State;

constexpr std::size_t kGiven = vmxnet3::Receive_ring::kFrames;

void start_pool() {
  static bool started = false;
  if (!started) Frame_pool::start(64 * 1024);
  started = true;
}

// A device and its driver. NICs live as long as the machine: they are kept until the program ends.
struct Bench {
  Simulated_vmxnet3 device;
  drivers::Vmxnet3 nic{device, kGiven};
  Vmxnet3_error started = Vmxnet3_error::kNone;
  std::size_t free_frames = 0;  // after the start
};

Bench& bench(void (*prepare)(Simulated_vmxnet3&) = [](Simulated_vmxnet3&) {}) {
  static std::deque<Bench> all;
  start_pool();
  Bench& made = all.emplace_back();
  prepare(made.device);
  made.started = made.nic.start();
  made.free_frames = Frame_pool::available();
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
  const std::size_t sent = b.device.sent.size();
  CHECK(b.nic.transmit(filled(60, 0x22)));
  b.nic.flush();
  CHECK(b.device.sent.size() == sent + 1);
}

std::uint64_t malformed(Bench& b) { return b.nic.counters().receive_malformed; }

}  // namespace

CASE("the start tells the device all it needs, and fills the receive ring but for one place") {
  Bench& b = bench();
  CHECK(b.started == Vmxnet3_error::kNone);
  CHECK(b.device.active);
  CHECK(b.nic.mac() == MAC::Addr("02:00:00:00:00:2a"));
  CHECK(b.nic.state() == State::kUp);
  const vmxnet3::Shared& shared = b.device.shared();
  CHECK(shared.mtu == 1500 && shared.features == 0);
  CHECK(shared.receive_mode == (vmxnet3::kUnicast | vmxnet3::kBroadcast));
  CHECK(shared.vlans[0] == 0xffff'ffff && shared.vlans[127] == 0xffff'ffff);
  CHECK(shared.queues % 128 == 0 && b.device.queues().receive.rings[0] % 512 == 0);
  CHECK(b.device.queues().transmit.ring % 512 == 0 && b.device.queues().transmit.completions % 512 == 0);
  CHECK(b.device.receive_doorbells == std::vector<std::uint32_t>{kGiven});
  CHECK((b.device.receive_ring()[0].length & vmxnet3::kLengthMask) == Frame::kCapacity);
  CHECK((b.device.receive_ring()[kGiven - 1].length & vmxnet3::kGeneration) != 0);
  CHECK((b.device.receive_ring()[kGiven].length & vmxnet3::kGeneration) == 0);
}

CASE("what cannot be used is refused") {
  CHECK(bench([](Simulated_vmxnet3& device) { device.gone = true; }).started == Vmxnet3_error::kNoAnswer);
  CHECK(bench([](Simulated_vmxnet3& device) { device.revisions = 2; }).started == Vmxnet3_error::kVersion);
  CHECK(bench([](Simulated_vmxnet3& device) { device.upt_versions = 0; }).started == Vmxnet3_error::kVersion);
  CHECK(bench([](Simulated_vmxnet3& device) { device.resets = false; }).started == Vmxnet3_error::kNoReset);
  CHECK(bench([](Simulated_vmxnet3& device) { device.mac[0] = 3; }).started == Vmxnet3_error::kBadAddress);
  CHECK(bench([](Simulated_vmxnet3& device) { std::memset(device.mac, 0, 6); }).started ==
        Vmxnet3_error::kBadAddress);
  CHECK(bench([](Simulated_vmxnet3& device) { device.activates = false; }).started ==
        Vmxnet3_error::kNotActivated);
}

CASE("a ring that is given few frames holds these") {
  static Simulated_vmxnet3 device;
  static drivers::Vmxnet3 nic(device, 5);
  start_pool();
  CHECK(nic.start() == Vmxnet3_error::kNone);
  CHECK(device.receive_doorbells == std::vector<std::uint32_t>{5});
  for (int i = 0; i < 3000; ++i) {
    for (int burst = 0; burst < 7; ++burst) device.arrive(60, 1);
    std::array<Frame*, 64> frames;
    const std::size_t count = nic.receive(frames.data(), frames.size());
    CHECK(count == 5);
    for (std::size_t frame = 0; frame < count; ++frame) Frame_pool::give_back(frames[frame]);
  }
  CHECK(device.missed == 6000);
}

CASE("without frames the device is not started") {
  start_pool();
  std::vector<Frame*> hoard;
  while (Frame_pool::available() >= kGiven) hoard.push_back(Frame_pool::take());
  Bench& b = bench();
  CHECK(b.started == Vmxnet3_error::kNoFrames);
  CHECK(!b.device.active);
  for (Frame* frame : hoard) Frame_pool::give_back(frame);
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

CASE("the rings wrap and the generations flip: 70000 frames in both directions, in bursts of every size") {
  Bench& b = bench();
  std::size_t received = 0;
  for (std::size_t burst = 1; received < 70'000; burst = burst % 64 + 1) {
    for (std::size_t i = 0; i < burst; ++i) b.device.arrive(60, static_cast<std::uint8_t>(burst));
    std::array<Frame*, 64> frames;
    std::size_t count = b.nic.receive(frames.data(), frames.size());
    CHECK(count == burst && frames[0]->data[59] == burst);
    for (std::size_t i = 0; i < count; ++i) CHECK(b.nic.transmit(frames[i]));
    b.nic.flush();
    received += count;
    CHECK(b.device.sent.size() == received);
    CHECK(b.device.sent.back() == std::vector<std::uint8_t>(60, static_cast<std::uint8_t>(burst)));
  }
  CHECK(malformed(b) == 0 && b.nic.counters().transmit_malformed == 0 && b.device.missed == 0);
  CHECK(Frame_pool::available() + vmxnet3::kTransmitSize >= b.free_frames);
  check_alive(b);
}

CASE("a burst larger than the ring fills it, and what came is handed up") {
  Bench& b = bench();
  for (int lap = 0; lap < 5; ++lap) {
    const std::uint64_t missed = b.device.missed;
    for (int i = 0; i < 1200; ++i) b.device.arrive(60, static_cast<std::uint8_t>(i));
    CHECK(b.device.missed == missed + 1200 - kGiven);
    std::size_t received = 0;
    while (std::size_t count = receive_and_release(b)) received += count;
    CHECK(received == kGiven);
  }
  CHECK(malformed(b) == 0);
  CHECK(Frame_pool::available() == b.free_frames);
  check_alive(b);
}

CASE("the shortest and the longest frame come up, one octet beyond does not") {
  Bench& b = bench();
  for (std::size_t length : {14UL, 13UL, 1518UL, Frame::kCapacity, Frame::kCapacity + 1})
    b.device.arrive(length, 1);
  CHECK(receive_and_release(b) == 3);
  CHECK(malformed(b) == 2);
  CHECK(Frame_pool::available() == b.free_frames);
  check_alive(b);
}

CASE("lengths beyond the buffer, parts, errors, stripped tags, other rings and kinds are dropped") {
  struct Lie {
    std::uint32_t place;  // beside the index; the bits of a whole frame are flipped
    std::uint32_t length;
    std::uint32_t kind;
  };
  constexpr Lie kLies[] = {
      {0, 0, vmxnet3::kReceived},
      {0, Frame::kCapacity + 1, vmxnet3::kReceived},
      {0, vmxnet3::kLengthMask, vmxnet3::kReceived},
      {vmxnet3::kFirstPart, 60, vmxnet3::kReceived},
      {vmxnet3::kLastPart, 60, vmxnet3::kReceived},
      {0, 60 | vmxnet3::kError, vmxnet3::kReceived},
      {0, 60 | vmxnet3::kTagStripped, vmxnet3::kReceived},
      {1 << 16, 60, vmxnet3::kReceived},
      {vmxnet3::kRingMask, 60, vmxnet3::kReceived},
      {0, 60, 4 << 24},
      {0, 60, vmxnet3::kKindMask},
  };
  Bench& b = bench();
  std::uint32_t index = 0;
  for (const Lie& lie : kLies) {
    const std::uint64_t before = malformed(b);
    b.device.say_received(index | lie.place, lie.length, lie.kind);
    CHECK(receive_and_release(b) == 0);
    CHECK(malformed(b) == before + 1);
    const bool ours = (lie.place & vmxnet3::kRingMask) == 0 && lie.kind == vmxnet3::kReceived;
    if (!ours) continue;  // not about our ring: its place is still the device's
    b.device.skip(1);
    ++index;
  }
  CHECK(Frame_pool::available() == b.free_frames);
  check_alive(b);
}

CASE("a descriptor that does not exist is dropped") {
  Bench& b = bench();
  for (std::uint32_t index : {1024U, 1025U, 4095U}) {
    b.device.say_received(index, 60);
    CHECK(receive_and_release(b) == 0);
  }
  CHECK(malformed(b) == 3);
  check_alive(b);
}

CASE("a descriptor that is returned twice is given up once") {
  Bench& b = bench();
  b.device.arrive(60, 1);
  b.device.say_received(0, 60);
  b.device.say_received(0, 60);
  CHECK(receive_and_release(b) == 1);
  CHECK(malformed(b) == 2);
  CHECK(Frame_pool::available() == b.free_frames);
  check_alive(b);
}

CASE("the place without a frame cannot be returned") {
  Bench& b = bench();
  b.device.say_received(kGiven, 60);
  CHECK(receive_and_release(b) == 0);
  CHECK(malformed(b) == 1);
  for (int i = 0; i < 10; ++i) b.device.arrive(60, 1);
  CHECK(receive_and_release(b) == 10);
  b.device.say_received(9, 60);
  CHECK(receive_and_release(b) == 0);
  CHECK(malformed(b) == 2);
  check_alive(b);
}

CASE("descriptors that the device passes over are given to it again") {
  Bench& b = bench();
  for (int i = 0; i < 1000; ++i) {
    b.device.skip(static_cast<std::size_t>(i % 7));
    b.device.arrive(60, static_cast<std::uint8_t>(i));
    CHECK(receive_and_release(b) == 1);
  }
  CHECK(malformed(b) == 0 && b.device.missed == 0);
  CHECK(Frame_pool::available() == b.free_frames);
  check_alive(b);
}

CASE("a device that writes over the descriptors changes nothing") {
  Bench& b = bench();
  for (std::size_t i = 0; i < vmxnet3::kReceiveSize; ++i)
    b.device.receive_ring()[i] = {0xdeadbeef, 0xffffffff, 7};
  b.device.say_received(0, 60);
  CHECK(receive_and_release(b) == 1);
  CHECK(Frame_pool::available() == b.free_frames);
}

CASE("all completions at once keep the driver busy for one look only") {
  Bench& b = bench();
  for (std::size_t i = 0; i < vmxnet3::kReceiveSize; ++i) b.device.say_received(4095, 60);
  CHECK(receive_and_release(b) == 0);
  CHECK(malformed(b) == vmxnet3::kReceiveSize);
  CHECK(receive_and_release(b) == 0);
  CHECK(malformed(b) == vmxnet3::kReceiveSize);
  check_alive(b);
}

CASE("with an empty pool frames are dropped and counted, and the ring stays full") {
  Bench& b = bench();
  std::vector<Frame*> hoard;
  while (Frame* frame = Frame_pool::take()) hoard.push_back(frame);
  for (int i = 0; i < 3000; ++i) {
    b.device.arrive(60, 1);
    CHECK(receive_and_release(b) == 0);
  }
  CHECK(b.nic.counters().receive_no_frame == 3000);
  CHECK(b.device.missed == 0);
  for (Frame* frame : hoard) Frame_pool::give_back(frame);
  check_alive(b);
}

CASE("frames of 14, 1514 and 1522 octets are sent as they are") {
  Bench& b = bench();
  for (std::size_t length : {14UL, 1514UL, Frame::kCapacity}) {
    CHECK(b.nic.transmit(filled(length, 0xcd)));
    b.nic.flush();
    CHECK(b.device.sent.back() == std::vector<std::uint8_t>(length, 0xcd));
  }
}

CASE("a frame of no octets, which the device would take for 16384, is refused, and one too long") {
  Bench& b = bench();
  for (std::size_t length : {0UL, 13UL, Frame::kCapacity + 1}) {
    Frame* frame = filled(length, 1);
    CHECK(!b.nic.transmit(frame));
    Frame_pool::give_back(frame);
  }
  CHECK(b.nic.counters().transmit_full == 3);
}

CASE("a full ring refuses, counts, and takes again when the device has sent") {
  Bench& b = bench();
  b.device.sends = false;
  std::size_t taken = 0;
  for (int i = 0; i < 257; ++i) {
    Frame* frame = filled(60, 1);
    if (b.nic.transmit(frame)) {
      ++taken;
    } else {
      Frame_pool::give_back(frame);
    }
  }
  b.nic.flush();
  CHECK(taken == 255);
  CHECK(b.nic.counters().transmit_full == 2);
  b.device.send_all();
  CHECK(b.device.sent.size() == 255);
  CHECK(b.nic.transmit(filled(60, 1)));
  b.nic.flush();
  b.device.send_all();
  CHECK(b.device.sent.size() == 256);
}

CASE("a send queue with a limit refuses, counts, and takes again") {
  for (std::uint32_t limit : {1U, 10U, 254U, 255U, 256U, 0U, 0xffffffffU}) {
    Bench& b = bench();
    b.device.sends = false;
    b.nic.set_sendq_limit(limit);
    const std::size_t room = limit == 0 || limit > 255 ? 255 : limit;
    for (int round = 0; round < 3; ++round) {
      for (std::size_t i = 0; i < room; ++i) CHECK(b.nic.transmit(filled(60, 1)));
      Frame* frame = filled(60, 1);
      CHECK(!b.nic.transmit(frame));
      Frame_pool::give_back(frame);
      b.nic.flush();
      b.device.send_all();
    }
    CHECK(b.device.sent.size() == 3 * room);
    CHECK(b.nic.counters().transmit_full == 3);
    CHECK(b.nic.transmit(filled(60, 1)));
  }
}

CASE("a receive ring with a limit shrinks to it, and goes on receiving") {
  for (std::uint32_t limit : {1U, 10U, 1022U}) {
    Bench& b = bench();
    b.nic.set_buffer_limit(limit);
    for (int i = 0; i < 3000; ++i) {
      b.device.arrive(i % 5 == 0 ? 13 : 60, 1);  // among them malformed ones
      CHECK(receive_and_release(b) == (i % 5 == 0 ? 0 : 1));
    }
    CHECK(Frame_pool::available() == b.free_frames + kGiven - limit);
    const std::uint64_t before = malformed(b);
    if (limit <= 10) b.device.say_received((3000 + 20) % vmxnet3::kReceiveSize, 60);  // has no frame now
    CHECK(receive_and_release(b) == 0);
    CHECK(malformed(b) == before + (limit <= 10 ? 1 : 0));
    check_alive(b);
  }
}

CASE("sent frames go back to the pool") {
  Bench& b = bench();
  for (int i = 0; i < 200; ++i) CHECK(b.nic.transmit(filled(60, 1)));
  b.nic.flush();
  CHECK(Frame_pool::available() == b.free_frames);
}

CASE("wrong words about sent frames are counted and free nothing") {
  Bench& b = bench();
  b.device.sends = false;
  CHECK(b.nic.transmit(filled(60, 1)));
  b.nic.flush();
  b.device.send_all();
  b.device.say_sent(0);    // again
  b.device.say_sent(256);  // does not exist
  b.device.say_sent(4095);
  b.device.say_sent(0, vmxnet3::kReceived);  // another kind
  for (int i = 0; i < 300; ++i) {
    Frame* frame = filled(60, 2);
    if (!b.nic.transmit(frame)) Frame_pool::give_back(frame);
  }
  CHECK(b.nic.counters().transmit_malformed == 4);
  CHECK(Frame_pool::available() + vmxnet3::kTransmitSize >= b.free_frames);
  CHECK(Frame_pool::available() <= b.free_frames);
}

CASE("frames that are done in another order free their own places only") {
  Bench& b = bench();
  b.device.sends = false;
  std::size_t taken = 0;
  for (int i = 0; i < 255; ++i) taken += b.nic.transmit(filled(60, 1)) ? 1 : 0;
  CHECK(taken == 255);
  b.device.say_sent(200);
  Frame* frame = filled(60, 2);
  CHECK(!b.nic.transmit(frame));
  b.device.say_sent(0);
  CHECK(b.nic.transmit(frame));
  CHECK(b.nic.counters().transmit_malformed == 0);
}

CASE("the device is told once a round") {
  Bench& b = bench();
  for (int i = 0; i < 5; ++i) CHECK(b.nic.transmit(filled(60, 1)));
  b.nic.flush();
  b.nic.flush();
  CHECK(b.device.transmit_doorbells == std::vector<std::uint32_t>{5});
  CHECK(b.device.receive_doorbells.size() == 1);
}

CASE("a device that wants to hear of its receive ring does") {
  Bench& b = bench();
  b.device.queues().receive.wants_produced = 1;
  b.device.arrive(60, 1);
  CHECK(receive_and_release(b) == 1);
  b.nic.flush();
  b.nic.flush();
  CHECK(b.device.receive_doorbells == (std::vector<std::uint32_t>{kGiven, 0}));
}

CASE("only an armed NIC wakes, once, and a frame that came first is noticed") {
  Bench& b = bench();
  b.device.arrive(60, 1);
  CHECK(b.device.wakes == 0);
  CHECK(!b.nic.arm());
  CHECK(receive_and_release(b) == 1);
  CHECK(b.nic.arm());
  const int before = b.device.wakes;
  b.device.arrive(60, 1);
  b.device.arrive(60, 1);
  CHECK(b.device.wakes == before + 1);
  CHECK(receive_and_release(b) == 2);
  CHECK(b.device.masked[1]);
}

CASE("a link that goes and comes is seen") {
  Bench& b = bench();
  b.device.link_up = false;
  b.nic.look();
  CHECK(b.nic.state() == State::kUp);  // without an event nobody asks
  b.device.event(vmxnet3::kLinkChanged);
  b.nic.look();
  CHECK(b.nic.state() == State::kDown);
  CHECK(b.device.shared().events == 0);
  b.device.link_up = true;
  b.device.event(vmxnet3::kLinkChanged);
  b.nic.look();
  CHECK(b.nic.state() == State::kUp);
  check_alive(b);
}

CASE("a queue that stopped is started over, wherever its rings were") {
  Bench& b = bench();
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 400 * round; ++i) {
      b.device.arrive(60, 1);
      CHECK(receive_and_release(b) == 1);
    }
    b.device.sends = false;
    for (int i = 0; i < 10; ++i) CHECK(b.nic.transmit(filled(60, 1)));
    b.device.event(round % 2 == 0 ? vmxnet3::kReceiveQueueError : vmxnet3::kTransmitQueueError);
    b.nic.look();
    CHECK(b.device.active && b.nic.state() == State::kUp);
    CHECK(Frame_pool::available() == b.free_frames);
    b.device.sends = true;
    check_alive(b);
    for (int i = 0; i < 1200; ++i) b.device.arrive(60, 1);
    std::size_t received = 0;
    while (std::size_t count = receive_and_release(b)) received += count;
    CHECK(received == kGiven);
  }
}

CASE("a device that does not start over is gone") {
  Bench& b = bench();
  b.device.activates = false;
  b.device.event(vmxnet3::kReceiveQueueError);
  b.nic.look();
  CHECK(b.nic.state() == State::kGone);
}

CASE("a device that leaves the bus is gone for good: nothing is taken, nothing is given, nothing waits") {
  Bench& b = bench();
  b.device.gone = true;
  b.nic.look();
  CHECK(b.nic.state() == State::kGone);
  Frame* frame = filled(60, 1);
  CHECK(!b.nic.transmit(frame));
  CHECK(b.nic.counters().transmit_full == 1);
  Frame_pool::give_back(frame);
  CHECK(receive_and_release(b) == 0);
  b.nic.flush();
  CHECK(b.nic.arm());
  b.device.gone = false;
  b.nic.look();
  CHECK(b.nic.state() == State::kGone);
}

CASE("random memory does no harm") {
  Bench& b = bench();
  std::uint32_t random = 12345;
  auto next = [&random] { return (random = random * 1664525 + 1013904223) >> 8; };
  auto any = [&next] { return next() << 16 ^ next(); };
  for (int i = 0; i < 20000; ++i) {
    const bool receives = (next() & 1) != 0;
    const std::uint64_t at =
        receives ? b.device.queues().receive.completions : b.device.queues().transmit.completions;
    auto* ring = reinterpret_cast<vmxnet3::Completion*>(at);
    const bool near = (next() & 1) != 0;
    ring[next() % (receives ? vmxnet3::kReceiveSize : vmxnet3::kTransmitSize)] = {near ? next() & 255 : any(),
                                                                                  any(), any(), any()};
    if (next() % 100 == 0) b.device.event(any());
    if (next() % 10 == 0) b.nic.look();
    receive_and_release(b);
    Frame* frame = filled(60, 1);
    if (!b.nic.transmit(frame)) Frame_pool::give_back(frame);
    b.nic.flush();
  }
  CHECK(malformed(b) > 0);
  CHECK(Frame_pool::available() + vmxnet3::kTransmitSize >= b.free_frames);
  CHECK(Frame_pool::available() <= b.free_frames);
}
