#include "kernel/commands.hpp"

#include <cstdint>
#include <hw/nic.hpp>
#include <os.hpp>

#include "kernel/console.hpp"
#include "kernel/nic_watch.hpp"
#include "kernel/text.hpp"
#include "net/stack.hpp"
#include "platform/platform.hpp"

namespace {

using kernel::Text;

void print_counters(const char*) {
  net::print_counters();
  Text<24>().add("counters end\n").print();
}

void print_nic(const hw::Nic& nic) {
  const hw::Nic::Counters& counted = nic.counters();
  char mac[18];
  nic.mac().write_text(mac);
  Text<320>()
      .add("nic ")
      .add(nic.device_name())
      .add(" ")
      .add(nic.driver_name())
      .add(" ")
      .add(mac)
      .add(" state=")
      .add(kernel::text_of(nic.state()))
      .add(" received=")
      .add(counted.received)
      .add(" transmitted=")
      .add(counted.transmitted)
      .add(" receive-malformed=")
      .add(counted.receive_malformed)
      .add(" receive-no-frame=")
      .add(counted.receive_no_frame)
      .add(" transmit-full=")
      .add(counted.transmit_full)
      .add(" transmit-malformed=")
      .add(counted.transmit_malformed)
      .add("\n")
      .print();
}

void print_nics(const char*) {
  for (const hw::Nic* nic : platform::nics()) print_nic(*nic);
  Text<24>().add("nics end\n").print();
}

void print_memory(const char*) {
  platform::Heap_use heap = platform::heap_use();
  Text<128>()
      .add("memory frames_free=")
      .add(hw::Frame_pool::available())
      .add(" heap_used=")
      .add(heap.used)
      .add(" heap_capacity=")
      .add(heap.capacity)
      .add("\n")
      .print();
}

// The status is a decimal number 0..127; nothing means 0.
void exit_machine(const char* rest) {
  int status = 0;
  for (; *rest >= '0' && *rest <= '9' && status <= 127; ++rest) status = status * 10 + (*rest - '0');
  if (*rest != '\0' || status > 127) {
    Text<48>().add("exit: the status is 0..127\n").print();
    return;
  }
  platform::exit(status);
}

void panic_on_request(const char*) { os::panic("asked for at the console"); }

}  // namespace

namespace kernel {

void register_commands() {
  console::on_command("counters", &print_counters);
  console::on_command("nics", &print_nics);
  console::on_command("memory", &print_memory);
  console::on_command("exit", &exit_machine);
  console::on_command("panic", &panic_on_request);
}

}  // namespace kernel
