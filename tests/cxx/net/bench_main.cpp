// Runs one test by its name; without a name it lists them.
#include <cstdio>
#include <cstring>

#include "bench.hpp"

namespace {

std::vector<bench::Test*>& tests() {
  static std::vector<bench::Test*> all;
  return all;
}

}  // namespace

namespace bench {

Test::Test(const char* test_name, void (*function)()) : name{test_name}, run{function} {
  tests().push_back(this);
}

}  // namespace bench

int main(int count, char** arguments) {
  for (bench::Test* test : tests()) {
    if (count == 1) std::puts(test->name);
    if (count == 2 && std::strcmp(arguments[1], test->name) == 0) return test->run(), 0;
  }
  return count == 1 ? 0 : 2;
}
