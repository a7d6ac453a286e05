#include <algorithm>
#include <array>
#include <profile>
#include <span>

#include "kernel/text.hpp"
#include "kernel/time_account.hpp"
#include "platform/platform.hpp"

namespace kernel::account {

namespace {

std::array<std::uint64_t, kParts> spent{};  // nanoseconds
std::uint64_t since = 0;                    // nanoseconds since start
Part current = Part::kTimers;

}  // namespace

void begin() {
  spent = {};
  since = platform::nanoseconds();
  is_kept = true;
}

void switch_to(Part part) {
  const std::uint64_t now = platform::nanoseconds();
  spent[static_cast<std::size_t>(current)] += now - since;
  since = now;
  current = part;
}

std::uint64_t nanoseconds(Part part) { return spent[static_cast<std::size_t>(part)]; }

}  // namespace kernel::account

namespace {

using kernel::account::Part;

constexpr std::uint64_t kSample = 1'000'000;  // nanoseconds

struct Row {
  const char* name;
  std::uint64_t samples;
};

std::uint64_t samples_of(Part part) { return kernel::account::nanoseconds(part) / kSample; }

std::array<Row, kernel::account::kParts - 1> awake() {
  return {Row{"receive", samples_of(Part::kReceive)}, Row{"timers", samples_of(Part::kTimers)},
          Row{"console", samples_of(Part::kConsole)}, Row{"devices", samples_of(Part::kDevices)}};
}

}  // namespace

void StackSampler::begin() { kernel::account::begin(); }

std::uint64_t StackSampler::samples_asleep() noexcept { return samples_of(Part::kAsleep); }

std::uint64_t StackSampler::samples_total() noexcept {
  std::uint64_t total = samples_asleep();
  for (const Row& row : awake()) total += row.samples;
  return total;
}

void StackSampler::print(int count) {
  auto rows = awake();
  std::sort(rows.begin(), rows.end(),
            [](const Row& left, const Row& right) { return left.samples > right.samples; });
  const auto shown = static_cast<std::size_t>(std::clamp(count, 0, static_cast<int>(rows.size())));
  const std::uint64_t total = samples_total();
  kernel::Text<96>()
      .add("Stack sampling - ")
      .add(shown)
      .add(" results (")
      .add(total)
      .add(" samples)\n")
      .print();
  for (const Row& row : std::span{rows}.first(shown)) {
    const std::uint64_t share = total == 0 ? 0 : row.samples * 10'000 / total;  // hundredths of a percent
    kernel::Text<96> line;
    line.add(share / 100).add(share % 100 < 10 ? ".0" : ".").add(share % 100).add("%  ");
    line.add(row.samples).add(": ").add(row.name).add("\n").print();
  }
}
