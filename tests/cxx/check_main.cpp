#include "check.hpp"

int main() {
  for (const check::Case& each : check::cases()) {
    int before = check::failures;
    each.run();
    std::printf("%s %s\n", check::failures == before ? "ok    " : "FAILED", each.name);
  }
  return check::failures == 0 && !check::cases().empty() ? 0 : 1;
}
