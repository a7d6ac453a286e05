// Lets classifiers take turns on the same packets.
//
//   race RULES ROUNDS OUTPUT REFERENCE CONTENDER... -- TRACE...
//
// RULES is an array of Rule, a TRACE one of Slot. Every verdict of every contender is compared with what the
// trace expects, or with REFERENCE where it does not say. Then, ROUNDS times, each contender decides each
// whole trace; what is measured is processor time of this thread. OUTPUT becomes JSON: for each contender the
// seconds that it took to get ready, its memory, and for each trace the mismatches and nanoseconds a packet
// of each round.
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "contender.hpp"

namespace {

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "race: %s\n", why.c_str());
  std::exit(1);
}

double own_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <class Item>
std::vector<Item> read(const char* path) {
  std::ifstream file{path, std::ios::binary | std::ios::ate};
  if (!file) stop(std::string{"cannot read "} + path);
  std::vector<Item> items(static_cast<std::size_t>(file.tellg()) / sizeof(Item));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(items.data()), static_cast<std::streamsize>(items.size() * sizeof(Item)));
  return items;
}

struct Trace {
  std::vector<Slot> slots;
  std::vector<std::uint8_t> expected;
};

class Contender {
 public:
  Contender(const char* path, const std::vector<Rule>& rules) {
    void* const library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      failure = "its library does not load";
      std::fprintf(stderr, "%s\n", ::dlerror());
      return;
    }
    run_ = function<decltype(&contender_run)>(library, "contender_run");
    const auto open = function<decltype(&contender_open)>(library, "contender_open");
    const double start = own_seconds();
    const char* const problem = open(rules.data(), static_cast<std::uint32_t>(rules.size()));
    seconds = own_seconds() - start;
    if (problem != nullptr) failure = problem;
    octets = function<decltype(&contender_octets)>(library, "contender_octets")();
  }

  void run(const Slot* slots, std::size_t count, std::uint8_t* verdicts) const {
    run_(slots, static_cast<std::uint32_t>(count), verdicts);
  }

  std::uint64_t mismatches(const Trace& trace) const {
    std::vector<std::uint8_t> verdicts(trace.slots.size(), kUnknown);
    run(trace.slots.data(), trace.slots.size(), verdicts.data());
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < verdicts.size(); ++i) count += verdicts[i] != trace.expected[i] ? 1 : 0;
    return count;
  }

  // Nanoseconds a packet. The first packets of the trace warm the caches that the others have used.
  double measure(const Trace& trace, std::vector<std::uint8_t>& verdicts) const {
    run(trace.slots.data(), trace.slots.size() / 8, verdicts.data());
    const double start = own_seconds();
    run(trace.slots.data(), trace.slots.size(), verdicts.data());
    return (own_seconds() - start) * 1e9 / static_cast<double>(trace.slots.size());
  }

  double seconds = 0;
  std::uint64_t octets = 0;
  std::string failure;

 private:
  template <class Function>
  static Function function(void* library, const char* name) {
    void* const symbol = ::dlsym(library, name);
    if (symbol == nullptr) stop(::dlerror());
    return reinterpret_cast<Function>(symbol);
  }

  decltype(&contender_run) run_ = nullptr;
};

struct Result {
  std::uint64_t mismatches = 0;
  std::vector<double> rounds;
};

std::vector<Trace> traces(char** begin, char** end, const Contender& reference) {
  std::vector<Trace> all;
  for (char** path = begin; path != end; ++path) {
    Trace trace{read<Slot>(*path), {}};
    trace.expected.resize(trace.slots.size());
    reference.run(trace.slots.data(), trace.slots.size(), trace.expected.data());
    for (std::size_t i = 0; i < trace.slots.size(); ++i) {
      if (trace.slots[i].expected != kUnknown) trace.expected[i] = trace.slots[i].expected;
    }
    all.push_back(std::move(trace));
  }
  return all;
}

std::vector<std::vector<Result>> race(const std::vector<Contender>& contenders,
                                      const std::vector<Trace>& runs, int rounds) {
  std::vector<std::vector<Result>> results(contenders.size(), std::vector<Result>(runs.size()));
  for (std::size_t c = 0; c < contenders.size(); ++c) {
    for (std::size_t t = 0; t < runs.size() && contenders[c].failure.empty(); ++t)
      results[c][t].mismatches = contenders[c].mismatches(runs[t]);
  }
  std::size_t longest = 0;
  for (const Trace& trace : runs) longest = std::max(longest, trace.slots.size());
  std::vector<std::uint8_t> verdicts(longest);
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t t = 0; t < runs.size(); ++t) {
      for (std::size_t turn = 0; turn < contenders.size(); ++turn) {  // another one begins each round
        const std::size_t c = (turn + static_cast<std::size_t>(round)) % contenders.size();
        if (contenders[c].failure.empty())
          results[c][t].rounds.push_back(contenders[c].measure(runs[t], verdicts));
      }
    }
  }
  return results;
}

void write(const char* path, const std::vector<Contender>& contenders,
           const std::vector<std::vector<Result>>& results) {
  std::ofstream out{path};
  out << "[";
  for (std::size_t c = 0; c < contenders.size(); ++c) {
    out << (c == 0 ? "" : ",\n ") << "{\"failure\": \"" << contenders[c].failure
        << "\", \"open_s\": " << contenders[c].seconds << ", \"octets\": " << contenders[c].octets
        << ", \"traces\": [";
    for (std::size_t t = 0; t < results[c].size(); ++t) {
      out << (t == 0 ? "" : ",") << "\n  {\"mismatches\": " << results[c][t].mismatches << ", \"ns\": [";
      for (std::size_t i = 0; i < results[c][t].rounds.size(); ++i)
        out << (i == 0 ? "" : ", ") << results[c][t].rounds[i];
      out << "]}";
    }
    out << "]}";
  }
  out << "]\n";
  out.close();
  if (!out) stop(std::string{"cannot write "} + path);
}

}  // namespace

int main(int count, char** words) {
  char** const end = words + count;
  char** const dashes = std::find_if(words, end, [](char* word) { return std::strcmp(word, "--") == 0; });
  if (dashes - words < 5 || dashes == end)
    stop("usage: race RULES ROUNDS OUTPUT REFERENCE CONTENDER... -- TRACE...");
  const std::vector<Rule> rules = read<Rule>(words[1]);
  const Contender reference{words[4], rules};
  std::vector<Contender> contenders;
  for (char** path = words + 5; path != dashes; ++path) contenders.emplace_back(*path, rules);
  const std::vector<Trace> runs = traces(dashes + 1, end, reference);
  write(words[3], contenders, race(contenders, runs, std::atoi(words[2])));
}
