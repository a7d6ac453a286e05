// A service that tells in which order the machine calls what it defines, and has a console command for each
// way in which a machine can end. NIC number N is 10.0.N.1/24.
#include <cstring>
#include <memory>
#include <net/interfaces>
#include <os>
#include <string>
#include <timers>
#include <vector>

#include "kernel/console.hpp"

using namespace std::chrono_literals;

void register_plugin_nacl();

namespace {

void say(const std::string& text) { os::print(text.data(), text.size()); }

struct Global {
  Global() { say("service constructor\n"); }
} global;

int beats = 0;
volatile int depth = 0;
volatile char* volatile kept = nullptr;

int recurse(int n) {
  volatile char frame[4096];
  frame[n & 4095] = 1;
  depth = depth + frame[n & 4095];
  return recurse(n + 1) + frame[0];
}

void beat(Timers::id_t id) {
  say("beat\n");
  if (++beats == 3) Timers::stop(id);
}

void add_commands() {
  console::on_command("null", [](const char*) { *reinterpret_cast<volatile int*>(8) = 1; });
  console::on_command("divide", [](const char*) {
    asm volatile("xorl %%ecx, %%ecx; divl %%ecx" ::: "eax", "ecx", "edx");
  });
  console::on_command("text",
                      [](const char*) { *reinterpret_cast<volatile char*>(&register_plugin_nacl) = 1; });
  console::on_command("overflow", [](const char*) { say(std::to_string(recurse(0))); });
  console::on_command("hoard", [](const char*) {
    for (;;) {
      kept = new char[1 << 20];
      kept[0] = '.';
    }
  });
  console::on_command("empty", [](const char*) { delegate<void()>{}(); });
  console::on_command("strings", [](const char* rest) {
    auto shared = std::make_shared<std::vector<std::string>>(3, rest);
    std::string all;
    for (const std::string& each : *shared) all += each + ",";
    say(all + "\n");
  });
  console::on_command("clock", [](const char*) { say(std::to_string(os::nanos_since_boot()) + "\n"); });
  console::on_command("hang", [](const char*) {
    for (;;) asm volatile("");
  });
}

}  // namespace

void register_plugin_nacl() {
  say("register_plugin_nacl\n");
  os::set_panic_action(os::Panic_action::reboot);
  for (int i = 0; i < 32; ++i) {
    if (net::Interfaces::all().size() == static_cast<std::size_t>(i)) break;
    net::Interfaces::get(i).network_config({10, 0, static_cast<std::uint8_t>(i), 1}, {255, 255, 255, 0}, 0);
  }
}

#ifndef PLUGIN
void Service::start() {
  say("Service::start\n");
  register_plugin_nacl();
  add_commands();
  Timers::oneshot(1ms, [](auto) { say("oneshot\n"); });
  Timers::periodic(20ms, 10ms, beat);
}
#endif
