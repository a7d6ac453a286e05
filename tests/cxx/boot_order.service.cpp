// A whole service that tells in which order the machine calls what it defines, and that its timers fire.
#include <cstring>
#include <os>
#include <timers>

using namespace std::chrono_literals;

namespace {

void say(const char* text) { os::print(text, std::strlen(text)); }

struct Global {
  Global() { say("service constructor\n"); }
} global;

int beats = 0;

void beat(Timers::id_t id) {
  say("beat\n");
  if (++beats == 3) Timers::stop(id);
}

}  // namespace

void register_plugin_nacl() { say("register_plugin_nacl\n"); }

void Service::start() {
  say("Service::start\n");
  register_plugin_nacl();
  Timers::oneshot(1ms, [](auto) { say("oneshot\n"); });
  Timers::periodic(2ms, 1ms, beat);
}
