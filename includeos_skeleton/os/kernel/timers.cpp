#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <os.hpp>
#include <timers>

#include "kernel/timer_table.hpp"
#include "platform/platform.hpp"

namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

struct Slot {
  std::uint64_t deadline = kNever;  // nanoseconds since start; kNever: the slot is free
  std::uint64_t period = 0;         // nanoseconds; 0: once
  std::uint64_t order = 0;          // of equal deadlines the smaller goes first
  std::uint32_t generation = 0;     // so that the id of a stopped timer does not stop its successor
  Timers::handler_t handler;
};

// INVARIANT earliest   `earliest` is the least deadline of all slots.
struct Table {
  std::array<Slot, Timers::kCapacity> slots;
  std::uint64_t earliest = kNever;
  std::uint64_t started = 0;  // timers ever queued: the next `order`
};
Table& table() {
  static Table timers{};
  return timers;
}

constexpr std::uint32_t kGenerations = 1U << 23;  // keeps ids positive

Timers::id_t id_of(const Table& timers, const Slot& slot) {
  auto index = static_cast<std::uint32_t>(&slot - timers.slots.data());
  return static_cast<Timers::id_t>(slot.generation % kGenerations * Timers::kCapacity + index);
}

const Slot* first_slot(const Table& timers) {
  const Slot* first = nullptr;
  for (const Slot& slot : timers.slots) {
    if (slot.deadline == kNever) continue;
    if (first == nullptr || slot.deadline < first->deadline ||
        (slot.deadline == first->deadline && slot.order < first->order)) {
      first = &slot;
    }
  }
  return first;
}

void find_earliest(Table& timers) {
  const Slot* first = first_slot(timers);
  timers.earliest = first == nullptr ? kNever : first->deadline;
}

void release(Slot& slot) {
  slot.deadline = kNever;
  slot.generation = (slot.generation + 1) % kGenerations;
  slot.handler.reset();
}

std::uint64_t not_negative(Timers::duration_t duration) {
  return duration.count() < 0 ? 0 : static_cast<std::uint64_t>(duration.count());
}

}  // namespace

Timers::id_t Timers::periodic(duration_t when, duration_t period, handler_t handler) {
  Table& timers = table();
  for (Slot& slot : timers.slots) {
    if (slot.deadline != kNever) continue;
    slot.deadline = platform::nanoseconds() + not_negative(when);
    slot.period = not_negative(period);
    slot.order = timers.started++;
    slot.handler = handler;
    if (slot.deadline < timers.earliest) timers.earliest = slot.deadline;
    return id_of(timers, slot);
  }
  os::panic("no free timer");
}

void Timers::stop(id_t id) {
  if (id < 0) return;
  Table& timers = table();
  Slot& slot = timers.slots[static_cast<std::size_t>(id) % kCapacity];
  if (slot.deadline == kNever || id_of(timers, slot) != id) return;
  release(slot);
  find_earliest(timers);
}

std::size_t Timers::active() {
  std::size_t count = 0;
  for (const Slot& slot : table().slots) count += slot.deadline != kNever ? 1 : 0;
  return count;
}

namespace timers {

bool run(std::uint64_t now) {
  Table& timers = table();
  const std::uint64_t started_before =
      timers.started;  // a timer that a handler starts waits for the next round
  bool fired = false;
  while (timers.earliest <= now) {
    Slot& slot = const_cast<Slot&>(*first_slot(timers));
    if (slot.order >= started_before) break;
    fired = true;
    Timers::handler_t handler = slot.handler;  // a copy: the handler may stop its own timer
    Timers::id_t id = id_of(timers, slot);
    if (slot.period == 0) {
      release(slot);
    } else {
      std::uint64_t missed = (now - slot.deadline) / slot.period;
      slot.deadline += (missed + 1) * slot.period;
      slot.order = timers.started++;
    }
    find_earliest(timers);
    handler(id);
  }
  return fired;
}

std::uint64_t next_deadline() { return table().earliest; }

}  // namespace timers
