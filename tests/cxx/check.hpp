// Tests of the skeleton OS on the host: cases that register themselves, and checks that are counted.
//
//   CASE("an empty ring gives nothing") { CHECK(queue.take().cookie == nullptr); }
//
// The program ends with 0 when there was a case and no check failed.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace check {

struct Case {
  const char* name;
  void (*run)();
};
inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}
inline int failures = 0;

struct Registration {
  Registration(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

inline void that(bool holds, const char* what, const char* file, int line) {
  if (holds) return;
  ++failures;
  std::printf("  %s:%d: not so: %s\n", file, line, what);
}

// The exit status of a child process that does `what`; -1 when a signal ended it.
inline int status_of(const std::function<void()>& what) {
  std::fflush(nullptr);
  pid_t child = ::fork();
  if (child == 0) {
    what();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace check

#define CHECK_JOIN2(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN2(a, b)
#define CHECK(condition) ::check::that((condition), #condition, __FILE__, __LINE__)
#define CASE(name)                                                                                          \
  static void CHECK_JOIN(case_, __LINE__)();                                                                \
  static const ::check::Registration CHECK_JOIN(registered_, __LINE__)(name, CHECK_JOIN(&case_, __LINE__)); \
  static void CHECK_JOIN(case_, __LINE__)()
