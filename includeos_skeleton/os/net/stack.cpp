#include "net/stack.hpp"

#include <net/interfaces.hpp>
#include <timers>

#include "net/clock.hpp"
#include "net/ethernet.hpp"

namespace net {

namespace {

constexpr std::chrono::milliseconds kArpTick{250};

void tick_neighbours() {
  clock::read();
  for (Inet* iface : Interfaces::all()) iface->arp().tick();
}

}  // namespace

void start(std::span<hw::Nic* const> nics) {
  clock::read();
  Interfaces::start(nics);
  if (!nics.empty()) Timers::periodic(kArpTick, [](Timers::id_t) { tick_neighbours(); });
}

void receive(std::size_t nic, hw::Frame* frame) {
  clock::read();
  ethernet::receive(nic, frame);
  process_arrivals();
}

}  // namespace net
