// The service of everything.nacl, as the fuzzers drive it: one machine, which each input finds empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "bench.hpp"

namespace fuzz {

using bench::Octets;

class Machine {
 public:
  static Machine& get();

  // A frame comes in; lost when the pool is empty, as in a driver.
  void receive(std::size_t nic, const Octets& frame);
  void pass(std::uint64_t nanoseconds);
  void refuse_frames(std::size_t nic, bool refuse) { bench_.nic(nic).full = refuse; }
  MAC::Addr mac(std::size_t nic) { return bench_.nic(nic).mac(); }

  // Hands each frame that was sent to `see` and forgets it.
  void take_sent(const std::function<void(std::size_t nic, const Octets& frame)>& see);

  // What must hold whenever no packet is on its way.
  void check();
  // The input is over: time passes until nothing waits any more, and everything is as before it.
  void end();

 private:
  Machine();
  void check_sent(const Octets& frame);
  void check_wires();

  bench::Machine bench_;
  std::size_t timers_ = 0;
  std::uint64_t received_ = 0;  // frames of this input
  std::uint64_t sent_ = 0;
};

}  // namespace fuzz
