// IncludeOS's Timers: handlers that the event loop calls when their time has come.
//
// Owns    a table of kCapacity timers; a timer more is a panic. Allocates nothing.
// Order   by deadline; of equal deadlines the one started first. A late timer is called once, not once for
//         every period that was missed.
// A handler may start and stop timers, itself included.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <delegate>

class Timers {
 public:
  using id_t = std::int32_t;
  using duration_t = std::chrono::nanoseconds;
  using handler_t = delegate<void(id_t)>;
  static constexpr id_t UNUSED_ID = -1;
  static constexpr std::size_t kCapacity = 512;  // one for each Iface with DHCP, and the policy's

  // Call `handler` once, `when` from now; a negative time is now. The id is never UNUSED_ID.
  static id_t oneshot(duration_t when, handler_t handler) { return periodic(when, duration_t{0}, handler); }
  // Call `handler` every `period`, the first time one period from now.
  static id_t periodic(duration_t period, handler_t handler) { return periodic(period, period, handler); }
  // Call `handler` `when` from now and then every `period`; a period of 0 means once.
  static id_t periodic(duration_t when, duration_t period, handler_t handler);

  // Forget a timer. An id that is not active (already fired, stopped, never given) does nothing.
  static void stop(id_t id);

  static std::size_t active();                         // how many timers wait
  static std::size_t existing() { return kCapacity; }  // how many there can be
  static std::size_t free() { return kCapacity - active(); }
};
