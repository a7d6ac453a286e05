#include "platform/pc/exceptions.hpp"

#include <array>
#include <cstdint>

#include "kernel/text.hpp"
#include "platform/pc/apic.hpp"
#include "platform/platform.hpp"

// What start.S leaves on the stack, lowest address first.
struct Saved_registers {
  std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  std::uint64_t vector, error_code;
  std::uint64_t rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(Saved_registers) == 22 * 8);

extern "C" {
extern const char exception_entries[];  // 16 octets each
void wake_interrupt();
void spurious_interrupt();
extern std::uint64_t descriptor_table[5];
extern const char stack_guard[];
[[noreturn]] void pc_exception(const Saved_registers* registers);
}

namespace pc::exceptions {

namespace {

struct Gate {
  std::uint16_t offset_low;
  std::uint16_t selector;
  std::uint8_t stack;  // 1..7: of the task state; 0: the current one
  std::uint8_t type;   // 0x8e: present, interrupt gate
  std::uint16_t offset_middle;
  std::uint32_t offset_high;
  std::uint32_t reserved;
};
static_assert(sizeof(Gate) == 16);

struct [[gnu::packed]] Task_state {
  std::uint32_t reserved0;
  std::uint64_t ring_stacks[3];
  std::uint64_t reserved1;
  std::uint64_t interrupt_stacks[7];
  std::uint64_t reserved2;
  std::uint16_t reserved3;
  std::uint16_t port_map;
};
static_assert(sizeof(Task_state) == 104);

struct [[gnu::packed]] Table_pointer {
  std::uint16_t limit;
  const void* base;
};

constexpr std::uint16_t kCodeSelector = 8;
constexpr std::uint16_t kTaskSelector = 24;

std::array<Gate, 256> gates;
Task_state task_state;
alignas(16) std::array<std::uint8_t, 16384> exception_stack;

void set_gate(std::size_t vector, std::uint64_t handler, std::uint8_t stack) {
  gates[vector] = {.offset_low = static_cast<std::uint16_t>(handler),
                   .selector = kCodeSelector,
                   .stack = stack,
                   .type = 0x8e,
                   .offset_middle = static_cast<std::uint16_t>(handler >> 16),
                   .offset_high = static_cast<std::uint32_t>(handler >> 32),
                   .reserved = 0};
}

void load_task_state() {
  task_state.interrupt_stacks[0] =
      reinterpret_cast<std::uint64_t>(exception_stack.data() + exception_stack.size());
  task_state.port_map = sizeof(Task_state);
  auto base = reinterpret_cast<std::uint64_t>(&task_state);
  descriptor_table[3] = (sizeof(Task_state) - 1) | (base & 0xff'ffff) << 16 | std::uint64_t{0x89} << 40 |
                        (base >> 24 & 0xff) << 56;
  descriptor_table[4] = base >> 32;
  asm volatile("ltr %0" ::"r"(kTaskSelector));
}

const char* name_of(std::uint64_t vector, std::uint64_t fault_address) {
  auto guard = reinterpret_cast<std::uint64_t>(stack_guard);
  if (vector == 14 && fault_address >= guard && fault_address < guard + 4096) return "stack overflow";
  switch (vector) {
    case 0:
      return "divide error";
    case 3:
      return "breakpoint";
    case 6:
      return "invalid instruction";
    case 8:
      return "double fault";
    case 13:
      return "general protection";
    case 14:
      return "page fault";
    case 16:
    case 19:
      return "floating point";
    default:
      return "exception";
  }
}

}  // namespace

void start() {
  load_task_state();
  auto entries = reinterpret_cast<std::uint64_t>(exception_entries);
  for (std::size_t vector = 0; vector < 32; ++vector) set_gate(vector, entries + 16 * vector, 1);
  auto spurious = reinterpret_cast<std::uint64_t>(&spurious_interrupt);
  for (std::size_t vector = 32; vector < gates.size(); ++vector) set_gate(vector, spurious, 0);
  set_gate(apic::kWakeVector, reinterpret_cast<std::uint64_t>(&wake_interrupt), 0);
  Table_pointer pointer{sizeof gates - 1, gates.data()};
  asm volatile("lidt %0" ::"m"(pointer));
}

}  // namespace pc::exceptions

void pc_exception(const Saved_registers* registers) {
  std::uint64_t fault_address;
  asm volatile("mov %%cr2, %0" : "=r"(fault_address));
  const Saved_registers& r = *registers;
  kernel::Text<160>()
      .add("panic: ")
      .add(pc::exceptions::name_of(r.vector, fault_address))
      .add(" (vector ")
      .add(r.vector)
      .add(", error code 0x")
      .hex(r.error_code)
      .add(")\n")
      .print();
  struct Named {
    const char* name;
    std::uint64_t value;
  };
  const std::array<Named, 20> lines{
      {{"rip", r.rip}, {"rsp", r.rsp}, {"rbp", r.rbp}, {"cr2", fault_address}, {"rax", r.rax},
       {"rbx", r.rbx}, {"rcx", r.rcx}, {"rdx", r.rdx}, {"rsi", r.rsi},         {"rdi", r.rdi},
       {"r8 ", r.r8},  {"r9 ", r.r9},  {"r10", r.r10}, {"r11", r.r11},         {"r12", r.r12},
       {"r13", r.r13}, {"r14", r.r14}, {"r15", r.r15}, {"flags", r.rflags},    {"cs", r.cs}}};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    kernel::Text<48>()
        .add(lines[i].name)
        .add("=")
        .hex(lines[i].value, 16)
        .add(i % 4 == 3 ? "\n" : " ")
        .print();
  }
  platform::exit(platform::kPanicStatus);
}
