// The service that naclc generated, asked as the generated glue asks it: one packet at a time.
#include NACLC_SERVICE

#include "contender.hpp"

namespace {

void no_log(const char*, std::uint32_t) {}

}  // namespace

const char* contender_open(const Rule*, std::uint32_t) { return nullptr; }

std::uint64_t contender_octets() { return 0; }

void contender_run(const Slot* slots, std::uint32_t count, std::uint8_t* verdicts) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const Slot& slot = slots[i];
    Log log{no_log};
    const Packet packet{slot.packet, transport_header(slot.packet, slot.length),
                        static_cast<State>(slot.state), 0, 0xffff};
    const std::uint32_t decision = kFunctions[0](packet, log);
    verdicts[i] = (decision & 0xff) == kAccept ? kAccepted : kDropped;
  }
}
