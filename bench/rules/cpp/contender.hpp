// What one of the contenders is: a shared library with these functions. race.cpp loads them and lets them
// take turns.
#pragma once

#include <cstdint>

// A rule of a set: prefixes (length 0: any address), port ranges with both ends, an IANA protocol number.
// Only TCP and UDP packets match a rule whose port ranges are not 0 .. 65535.
struct Rule {
  static constexpr std::uint32_t kAnyProtocol = 256;

  std::uint32_t source, source_length;  // addresses in host order
  std::uint32_t destination, destination_length;
  std::uint32_t source_first, source_last;
  std::uint32_t destination_first, destination_last;
  std::uint32_t protocol;
  std::uint32_t accept;  // 1, or 0 to drop

  bool has_ports() const {
    return source_first != 0 || source_last != 65535 || destination_first != 0 || destination_last != 65535;
  }
};

enum Verdict : std::uint8_t { kDropped, kAccepted, kUnknown };

// A packet of a trace, in a cache line of its own: IPv4 header, transport header, and what is known of it.
struct alignas(64) Slot {
  std::uint8_t packet[56];
  std::uint16_t length;   // octets of the packet, little-endian in the file
  std::uint8_t state;     // of its flow: ct.state as naclc numbers it
  std::uint8_t expected;  // a Verdict; kUnknown: what the reference says
  std::uint32_t unused;
};
static_assert(sizeof(Slot) == 64);

extern "C" {
// Makes ready for `count` rules in order of preference; null, or why it cannot. A contender that was compiled
// for its rules takes no notice of these.
[[gnu::visibility("default")]] const char* contender_open(const Rule* rules, std::uint32_t count);

// Octets of memory that contender_open took, beyond what is in the library.
[[gnu::visibility("default")]] std::uint64_t contender_octets();

// One Verdict a packet.
[[gnu::visibility("default")]] void contender_run(const Slot* slots, std::uint32_t count,
                                                  std::uint8_t* verdicts);
}
