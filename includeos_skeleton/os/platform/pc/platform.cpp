// The machine as a PC: q35 or i440fx in QEMU, entered by PVH.
//
//   start.S ──▶ pc_start: serial, exceptions, heap, interrupts, clock, drivers ──▶ kernel::boot
//
// Exit statuses, with QEMU's `-device isa-debug-exit,iobase=0xf4,iosize=4` (it ends QEMU with 2·v + 1):
//   platform::exit(0)      ACPI power-off               QEMU ends with 0
//   platform::exit(s)      s 1..127 to the exit device  QEMU ends with 2·s + 1
//   a panic (101)                                       QEMU ends with 203
// Without that device a status other than 0 cannot be told, and the last resort is done instead.
#include "platform/platform.hpp"

#include <array>
#include <cstdint>
#include <os.hpp>

#include "kernel/boot.hpp"
#include "platform/pc/apic.hpp"
#include "platform/pc/chance.hpp"
#include "platform/pc/clock.hpp"
#include "platform/pc/exceptions.hpp"
#include "platform/pc/heap.hpp"
#include "platform/pc/io.hpp"
#include "platform/pc/memory_map.hpp"
#include "platform/pc/nics.hpp"
#include "platform/pc/paging.hpp"
#include "platform/pc/rtc.hpp"
#include "platform/pc/serial.hpp"

extern "C" {
using Constructor = void (*)();
extern Constructor os_constructors_begin[];
extern Constructor os_constructors_end[];
extern char image_end[];
[[noreturn]] void pc_start(std::uint32_t start_info);
}

namespace {

// Some of the compiler's own library is built with a stack protector, which reads a word of this block.
alignas(16) std::array<std::uint8_t, 64> thread_block;

void start_heap(std::uint32_t start_info) {
  auto from = reinterpret_cast<std::uint64_t>(image_end);
  pc::Range memory = pc::memory_from(start_info, from);
  if (memory.end <= memory.begin) os::panic("the start info has no memory map");
  pc::heap::start(reinterpret_cast<void*>(memory.begin), reinterpret_cast<void*>(memory.end));
}

[[noreturn]] void halt() {
  for (;;) asm volatile("cli; hlt");
}

// Keyboard controller, then the chipset's reset register, then a triple fault.
[[noreturn]] void reset() {
  pc::out8(0x64, 0xfe);
  pc::out8(0xcf9, 0x06);
  std::uint64_t no_table[2] = {};
  asm volatile("lidt %0; int3" ::"m"(no_table));
  halt();
}

// PM1a control at the place where QEMU's firmware puts it on both machines: sleep type 0 (S5), enable.
[[noreturn]] void power_off() {
  pc::out16(0x604, 0x2000);
  halt();
}

}  // namespace

void pc_start(std::uint32_t start_info) {
  pc::serial::start();
  pc::exceptions::start();
  start_heap(start_info);  // before page 0, where QEMU puts the memory map, goes
  pc::paging::start();
  constexpr std::uint32_t kFsBase = 0xc000'0100;
  pc::write_msr(kFsBase, reinterpret_cast<std::uint64_t>(thread_block.data()));
  for (Constructor* each = os_constructors_begin; each != os_constructors_end; ++each) (*each)();
  pc::apic::start();
  pc::clock::start();
  pc::rtc::start();
  pc::nics::start();
  kernel::boot();
}

namespace platform {

std::span<hw::Nic* const> nics() { return pc::nics::all(); }

void console_write(const char* text, std::size_t length) { pc::serial::write(text, length); }
int console_read() { return pc::serial::read(); }

std::uint64_t nanoseconds() { return pc::clock::nanoseconds(); }
std::uint64_t wall_seconds() { return pc::rtc::seconds(); }
std::uint64_t unforeseen() { return pc::chance::number(); }

// Interrupts are only ever enabled here. One that came since the last look at the devices waits in the APIC,
// and ends the HLT: `sti` lets nothing in before the next instruction has begun.
void idle(std::uint64_t deadline_ns) {
  if (pc::serial::has_input() || deadline_ns <= nanoseconds()) return;
  pc::clock::wake_at(deadline_ns);
  asm volatile("sti; hlt; cli" ::: "memory");
}

Heap_use heap_use() { return pc::heap::use(); }

void exit(int status, Last_resort last_resort) {
  asm volatile("cli");
  pc::serial::drain();
  if (status == 0) power_off();
  pc::out32(0xf4, static_cast<std::uint32_t>(status));
  switch (last_resort) {
    case Last_resort::halt:
      halt();
    case Last_resort::power_off:
      power_off();
    case Last_resort::reset:
      reset();
  }
  reset();
}

}  // namespace platform
