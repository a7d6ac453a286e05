#include "net/stack.hpp"

#include <net/interfaces.hpp>
#include <timers>

#include "net/clock.hpp"
#include "net/ethernet.hpp"
#include "net/reassembly.hpp"

namespace net {

namespace {

constexpr std::chrono::milliseconds kTick{250};

void tick() {
  clock::read();
  reassembly::tick();
  for (Inet* iface : Interfaces::all()) iface->arp().tick();
}

}  // namespace

void start(std::span<hw::Nic* const> nics) {
  clock::read();
  Interfaces::start(nics);
  reassembly::start();
  if (!nics.empty()) Timers::periodic(kTick, [](Timers::id_t) { tick(); });
}

void receive(std::size_t nic, hw::Frame* frame) {
  clock::read();
  ethernet::receive(nic, frame);
  process_arrivals();
}

}  // namespace net
