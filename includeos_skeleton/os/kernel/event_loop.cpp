// One round takes a batch from every NIC, then fires what is due, then tells the devices what was queued.
// Only a round that found nothing to do goes to sleep, and only after every NIC was armed: a frame that
// arrives between the last look and the sleep makes arm() false or ends idle() at once.
#include "kernel/event_loop.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <hw/nic.hpp>
#include <span>

#include "kernel/console.hpp"
#include "kernel/time_account.hpp"
#include "kernel/timer_table.hpp"
#include "net/stack.hpp"
#include "platform/platform.hpp"

namespace {

constexpr std::size_t kBatch = 64;              // frames a NIC a round: bounds how long the others wait
constexpr std::uint32_t kConsoleInterval = 64;  // rounds between looks at the console while frames flow

// Returns how many frames the stack was given.
std::size_t receive_batch(std::span<hw::Nic* const> nics) {
  std::array<hw::Frame*, kBatch> frames;
  std::size_t total = 0;
  for (std::size_t index = 0; index < nics.size(); ++index) {
    std::size_t count = nics[index]->receive(frames.data(), frames.size());
    for (std::size_t i = 0; i < count; ++i) net::receive(index, frames[i]);
    total += count;
  }
  return total;
}

// False when a NIC has something already.
bool arm_all(std::span<hw::Nic* const> nics) {
  bool quiet = true;
  for (hw::Nic* nic : nics) quiet = nic->arm() && quiet;
  return quiet;
}

}  // namespace

namespace kernel {

void run_event_loop() {
  using account::Part;
  std::span<hw::Nic* const> nics = platform::nics();
  for (std::uint32_t round = 0;; ++round) {
    account::enter(Part::kReceive);
    std::size_t received = receive_batch(nics);
    account::enter(Part::kTimers);
    bool fired = timers::run(platform::nanoseconds());
    bool typed = false;
    account::enter(Part::kConsole);
    if (received == 0 || round % kConsoleInterval == 0) typed = console::poll();
    account::enter(Part::kDevices);
    for (hw::Nic* nic : nics) nic->flush();
    if (received != 0 || fired || typed) continue;
    if (!arm_all(nics)) continue;
    account::enter(Part::kAsleep);
    platform::idle(timers::next_deadline());
  }
}

}  // namespace kernel
