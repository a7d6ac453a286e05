// DPDK's environment in a process that owns no huge pages and no cards.
#pragma once

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <sched.h>

#include <cstdint>

// Starts the environment unless another contender has; false when it cannot. It would tie this thread to one
// core: the thread stays where it was allowed to be.
inline bool start_dpdk() {
  static char words[][40] = {
      "race",        "--no-huge", "--no-pci",          "--no-telemetry",
      "--no-shconf", "-m2048",    "--log-level=error", "--force-max-simd-bitwidth=512"};
  constexpr int kWords = sizeof words / sizeof *words;
  char* list[kWords + 1] = {};
  for (int i = 0; i < kWords; ++i) list[i] = words[i];
  cpu_set_t allowed;
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  const bool started = rte_eal_init(kWords, list) >= 0 || rte_errno == EALREADY;
  ::sched_setaffinity(0, sizeof allowed, &allowed);
  return started;
}

// Octets of DPDK's heap in use.
inline std::uint64_t dpdk_heap() {
  rte_malloc_socket_stats stats{};
  rte_malloc_get_socket_stats(0, &stats);
  return stats.heap_allocsz_bytes;
}
