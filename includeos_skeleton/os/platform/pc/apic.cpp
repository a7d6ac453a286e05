#include "platform/pc/apic.hpp"

#include <initializer_list>
#include <os.hpp>

#include "platform/pc/io.hpp"
#include "platform/pc/paging.hpp"

namespace pc::apic {

namespace {

constexpr std::uint64_t kLocal = 0xfee0'0000;  // as start.S has it
constexpr std::uint64_t kIo = 0xfec0'0000;

enum Register : std::uint32_t {
  kId = 0x20,
  kTaskPriority = 0x80,
  kSpurious = 0xf0,
  kLocalTimer = 0x320,
  kLocalLint0 = 0x350,
  kLocalLint1 = 0x360,
  kTimerInitial = 0x380,
  kTimerCurrent = 0x390,
  kTimerDivide = 0x3e0,
};
constexpr std::uint32_t kMasked = 1 << 16;
constexpr std::uint32_t kEnable = 1 << 8;
constexpr std::uint32_t kDivideBy16 = 0b0011;

volatile std::uint32_t& local(Register reg) {
  return *reinterpret_cast<volatile std::uint32_t*>(kLocal + reg);
}

void write_io(std::uint32_t index, std::uint32_t value) {
  *reinterpret_cast<volatile std::uint32_t*>(kIo) = index;
  *reinterpret_cast<volatile std::uint32_t*>(kIo + 0x10) = value;
}

// The old controller is moved off the exceptions' vectors and then masked.
void disable_8259() {
  for (bool first : {true, false}) {
    std::uint16_t port = first ? 0x20 : 0xa0;
    out8(port, 0x11);  // initialise, four words
    out8(port + 1, static_cast<std::uint8_t>(first ? kLegacyVectors : kLegacyVectors + 8));
    out8(port + 1, first ? 4 : 2);  // the second one is at line 2 of the first
    out8(port + 1, 1);              // 8086 mode
    out8(port + 1, 0xff);           // mask all
  }
}

}  // namespace

void start() {
  constexpr std::uint32_t kHasApic = 1 << 9;  // CPUID leaf 1, EDX
  if ((cpuid(1).edx & kHasApic) == 0) os::panic("the processor has no local APIC");
  disable_8259();
  paging::map_device(kLocal, 4096);
  paging::map_device(kIo, 4096);
  local(kLocalLint0) = kMasked;
  local(kLocalLint1) = kMasked;
  local(kTaskPriority) = 0;
  local(kSpurious) = kEnable | kSpuriousVector;
  local(kTimerDivide) = kDivideBy16;
  local(kLocalTimer) = kWakeVector;  // one-shot
  constexpr std::uint32_t kSerialLine = 4;
  write_io(0x10 + 2 * kSerialLine + 1, local(kId));  // to this processor; the id is in the same bits, 24..31
  write_io(0x10 + 2 * kSerialLine, kWakeVector);     // fixed, edge, active high
}

std::uint64_t message_address() { return kLocal | local(kId) >> 24 << 12; }
std::uint32_t message_data() { return kWakeVector; }

void set_timer(std::uint32_t ticks) { local(kTimerInitial) = ticks; }
std::uint32_t timer_ticks_left() { return local(kTimerCurrent); }

}  // namespace pc::apic
