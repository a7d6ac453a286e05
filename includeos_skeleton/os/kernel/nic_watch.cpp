#include "kernel/nic_watch.hpp"

#include <timers>

#include "kernel/text.hpp"
#include "platform/platform.hpp"

namespace kernel {

namespace {

using State = hw::Nic::State;

void look_at(hw::Nic& nic) {
  const State before = nic.state();
  nic.look();
  if (nic.state() == before) return;
  const bool gone = nic.state() == State::kGone;
  Text<128>()
      .add("nic ")
      .add(nic.device_name())
      .add(gone ? ": the device is gone; not used any more" : ": link ")
      .add(gone ? "" : text_of(nic.state()))
      .add("\n")
      .print();
}

void look_at_all(Timers::id_t) {
  for (hw::Nic* nic : platform::nics()) look_at(*nic);
}

}  // namespace

void start_nic_watch() { Timers::periodic(std::chrono::seconds{1}, &look_at_all); }

const char* text_of(State state) {
  switch (state) {
    case State::kUp:
      return "up";
    case State::kDown:
      return "down";
    case State::kGone:
      return "gone";
  }
  return "unknown";
}

}  // namespace kernel
