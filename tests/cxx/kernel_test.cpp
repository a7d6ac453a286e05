// Timers, console, plugins, delegates, text and panic, on a platform whose clock is set by hand.
#include <hw/mac_addr.hpp>
#include <memory>
#include <os>
#include <profile>
#include <timers>
#include <vector>

#include "check.hpp"
#include "fake_platform.hpp"
#include "kernel/console.hpp"
#include "kernel/plugins.hpp"
#include "kernel/text.hpp"
#include "kernel/time_account.hpp"
#include "kernel/timer_table.hpp"
#include "platform/platform.hpp"

using namespace std::chrono_literals;

namespace {

std::vector<int> fired;

void advance(std::chrono::nanoseconds by) {
  fake::now += static_cast<std::uint64_t>(by.count());
  timers::run(fake::now);
}

std::string answer(const std::string& typed) {
  fake::written.clear();
  fake::typed = typed;
  while (console::poll()) {
  }
  return fake::written;
}

}  // namespace

CASE("a oneshot fires once, at its time and not before") {
  fired.clear();
  Timers::oneshot(5ms, [](auto) { fired.push_back(1); });
  advance(5ms - 1ns);
  CHECK(fired.empty());
  advance(1ns);
  advance(1s);
  CHECK(fired.size() == 1);
  CHECK(Timers::active() == 0);
}

CASE("a periodic timer fires first after `when`, then every period") {
  fired.clear();
  auto id = Timers::periodic(10ms, 3ms, [](auto) { fired.push_back(1); });
  for (int i = 0; i < 16; ++i) advance(1ms);
  CHECK(fired.size() == 3);
  Timers::stop(id);
}

CASE("missed periods are not made up for, and the rhythm stays") {
  fired.clear();
  auto id = Timers::periodic(10ms, [](auto) { fired.push_back(1); });
  advance(35ms);
  CHECK(fired.size() == 1);
  advance(5ms);
  CHECK(fired.size() == 2);
  Timers::stop(id);
}

CASE("timers fire in the order of their deadlines, equal ones in the order of their start") {
  fired.clear();
  Timers::oneshot(2ms, [](auto) { fired.push_back(2); });
  Timers::oneshot(1ms, [](auto) { fired.push_back(1); });
  Timers::oneshot(2ms, [](auto) { fired.push_back(3); });
  advance(2ms);
  CHECK((fired == std::vector<int>{1, 2, 3}));
}

CASE("a handler may stop its own timer, and start others") {
  fired.clear();
  Timers::periodic(1ms, [](Timers::id_t id) {
    fired.push_back(1);
    Timers::stop(id);
    Timers::oneshot(0ns, [](auto) { fired.push_back(2); });
  });
  advance(1ms);
  CHECK((fired == std::vector<int>{1}));
  advance(0ns);
  CHECK((fired == std::vector<int>{1, 2}));
  CHECK(Timers::active() == 0);
}

CASE("an old id does not stop the timer that got its place") {
  fired.clear();
  auto old = Timers::oneshot(1ms, [](auto) {});
  Timers::stop(old);
  Timers::oneshot(1ms, [](auto) { fired.push_back(1); });
  Timers::stop(old);
  Timers::stop(Timers::UNUSED_ID);
  Timers::stop(1'000'000);
  advance(1ms);
  CHECK(fired.size() == 1);
}

CASE("the next deadline is the earliest, and none is never") {
  CHECK(timers::next_deadline() == UINT64_MAX);
  auto id = Timers::oneshot(-5ms, [](auto) {});
  CHECK(timers::next_deadline() == fake::now);
  Timers::stop(id);
  CHECK(timers::next_deadline() == UINT64_MAX);
}

CASE("one timer more than there is room for is a panic") {
  CHECK(check::status_of([] {
          for (std::size_t i = 0; i < Timers::kCapacity; ++i) Timers::oneshot(1s, [](auto) {});
        }) == 0);
  CHECK(check::status_of([] {
          for (std::size_t i = 0; i <= Timers::kCapacity; ++i) Timers::oneshot(1s, [](auto) {});
        }) == platform::kPanicStatus);
}

CASE("a command gets the rest of its line, and lines may end in either way") {
  console::on_command("say", [](const char* rest) { os::print(rest, std::strlen(rest)); });
  CHECK(answer("say hello  you\n") == "hello  you");
  CHECK(answer("  say   hello\r\nsay\r") == "hello");
  CHECK(answer("\n\r\n   \n").empty());
}

CASE("an unknown command is answered with one line, and a half line with nothing") {
  CHECK(answer("sayx\n") == "unknown command\n");
  CHECK(answer("unfini").empty());
  CHECK(answer("shed\n") == "unknown command\n");
}

CASE("the longest line is taken, a longer one is thrown away whole") {
  CHECK(answer("say " + std::string(console::kLineLength - 4, 'x') + "\n") ==
        std::string(console::kLineLength - 4, 'x'));
  CHECK(answer("say " + std::string(console::kLineLength - 3, 'x') + "\n") == "line too long\n");
  CHECK(answer(std::string(100'000, 'x') + "\nsay on\n") == "line too long\non");
}

CASE("octets that are no text do no harm") {
  CHECK(answer(std::string("\0\xff\x80 say\n", 8)) == "");
  CHECK(answer("say on\n") == "on");
}

CASE("plugins run in the order of their registration, the seventeenth is a panic") {
  CHECK(check::status_of([] {
          os::register_plugin([] { fired = {1}; }, "first");
          os::register_plugin([] { fired.push_back(2); }, "second");
          kernel::run_plugins();
          ::_exit(fired == std::vector<int>{1, 2} ? 42 : 1);
        }) == 42);
  CHECK(check::status_of([] {
          for (int i = 0; i < 17; ++i) os::register_plugin([] {}, "many");
        }) == platform::kPanicStatus);
}

CASE("a panic prints why, calls the handler, and ends with its status") {
  CHECK(check::status_of([] {
          fake::written.clear();
          os::on_panic([](const char* why) {
            ::_exit(fake::written == "panic: " + std::string(why) + "\n" ? 42 : 1);
          });
          os::panic("for a reason");
        }) == 42);
  CHECK(check::status_of([] {
          os::on_panic([](const char*) { os::panic("again"); });
          os::panic("for a reason");
        }) == platform::kPanicStatus);
}

CASE("a delegate holds functions, lambdas and members, and copies what it holds") {
  struct Adder {
    int base;
    int add(int x) { return base + x; }
    int add_const(int x) const { return base + x; }
  } adder{10};
  auto shared = std::make_shared<int>(7);
  delegate<int(int)> held = [shared](int x) { return *shared + x; };
  delegate<int(int)> copy = held;
  CHECK(shared.use_count() == 3);
  held = {&adder, &Adder::add};
  CHECK(shared.use_count() == 2);
  CHECK(held(1) == 11 && copy(1) == 8);
  copy.reset();
  CHECK(shared.use_count() == 1 && !copy && copy == nullptr);
  held = {static_cast<const Adder*>(&adder), &Adder::add_const};
  CHECK(held(2) == 12 && held);
}

CASE("a delegate passes what can only be moved") {
  delegate<int(std::unique_ptr<int>)> take = [](std::unique_ptr<int> given) { return *given; };
  CHECK(take(std::make_unique<int>(5)) == 5);
}

CASE("64 octets of captured state fit") {
  std::array<char, 64> state{};
  state[63] = 9;
  delegate<int()> held = [state] { return state[63]; };
  CHECK(held() == 9);
}

CASE("calling an empty delegate is a panic") {
  CHECK(check::status_of([] { delegate<void()>{}(); }) == platform::kPanicStatus);
}

CASE("text is cut at its end, and numbers are written in full") {
  kernel::Text<64> text;
  text.add("a=").add(std::uint64_t{0}).add(" b=").add(UINT64_MAX).add(" c=").hex(0xbeef, 8);
  CHECK(std::string(text.c_str()) == "a=0 b=18446744073709551615 c=0000beef");
  CHECK(std::string(kernel::Text<8>().add("0123456789").c_str()) == "0123456");
}

CASE("a MAC address is read and written") {
  constexpr MAC::Addr address("02:00:5E:10:00:fF");
  CHECK(address.to_string() == "02:00:5e:10:00:ff");
  CHECK(MAC::Addr(std::string("ff:ff:ff:ff:ff:ff")) == MAC::BROADCAST);
  CHECK(MAC::BROADCAST.is_multicast() && !address.is_multicast());
  CHECK(MAC::Addr("02:0").part[0] == 2 && MAC::Addr("") == MAC::EMPTY);
}

CASE("time is accounted to the part it was spent in") {
  using kernel::account::Part;
  constexpr std::uint64_t kMillisecond = 1'000'000;
  kernel::account::enter(Part::kReceive);  // nothing is kept yet
  fake::now += 50 * kMillisecond;
  StackSampler::begin();
  CHECK(StackSampler::samples_total() == 0);
  for (int round = 0; round < 10; ++round) {
    kernel::account::enter(Part::kReceive);
    fake::now += 3 * kMillisecond;
    kernel::account::enter(Part::kTimers);
    fake::now += kMillisecond;
    kernel::account::enter(Part::kAsleep);
    fake::now += 16 * kMillisecond;
  }
  kernel::account::enter(Part::kReceive);
  CHECK(StackSampler::samples_total() == 200);
  CHECK(StackSampler::samples_asleep() == 160);
  fake::written.clear();
  StackSampler::print(2);
  CHECK(fake::written ==
        "Stack sampling - 2 results (200 samples)\n15.00%  30: receive\n5.00%  10: timers\n");
  fake::written.clear();
  StackSampler::print(-1);
  CHECK(fake::written == "Stack sampling - 0 results (200 samples)\n");
  kernel::account::is_kept = false;
}

CASE("timers are counted") {
  const std::size_t before = Timers::active();
  const Timers::id_t id = Timers::oneshot(std::chrono::seconds{1}, [](Timers::id_t) {});
  CHECK(Timers::active() == before + 1);
  CHECK(Timers::active() + Timers::free() == Timers::existing());
  Timers::stop(id);
  CHECK(Timers::active() == before);
}
