// Enumeration, capabilities and BARs over a configuration space that a test fills as it likes.
#include "drivers/pci.hpp"

#include <cstring>
#include <map>
#include <tuple>
#include <vector>

#include "check.hpp"
#include "drivers/virtio_pci.hpp"
#include "drivers/vmxnet3_pci.hpp"

namespace {

struct Simulated_function {
  std::uint32_t words[64] = {};
  std::uint32_t writable_bars[6] = {};  // which bits of a BAR stick
  std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(1 << 16);

  void set8(std::size_t offset, std::uint8_t value) {
    std::memcpy(reinterpret_cast<std::uint8_t*>(words) + offset, &value, 1);
  }
  void set32(std::size_t offset, std::uint32_t value) { words[offset / 4] = value; }
};

std::map<unsigned, Simulated_function> machine;
std::uint64_t mapped_at = 0;

unsigned key(pci::Address address) { return address.bus << 8U | address.device << 3U | address.function; }

Simulated_function& plug(unsigned bus, unsigned device, unsigned function, std::uint16_t id) {
  Simulated_function& made = machine[bus << 8 | device << 3 | function] = Simulated_function{};
  made.set32(0, static_cast<std::uint32_t>(id) << 16 | 0x1af4);
  return made;
}

void make_bridge(Simulated_function& function, std::uint8_t secondary) {
  function.set8(0x0e, 1);
  function.set8(0x19, secondary);
}

std::size_t nics(std::span<pci::Function> found) { return pci::find(found, &virtio::is_network_device); }

// A virtio-net function whose structures all lie in BAR 4 (64 bits, 64 KiB).
Simulated_function& plug_virtio(std::uint32_t structure_length = 0x1000) {
  machine.clear();
  Simulated_function& made = plug(0, 3, 0, 0x1041);
  made.set32(0x04, 1 << 20);
  made.set8(0x34, 0x40);
  made.set32(0x10 + 16, 0xfe00'0004);
  made.writable_bars[4] = 0xffff'0000;
  made.writable_bars[5] = 0xffff'ffff;
  std::uint8_t at = 0x40;
  for (std::uint8_t type : {1, 2, 4}) {
    made.set8(at, 0x09);
    made.set8(at + 1U, static_cast<std::uint8_t>(at + 0x14));
    made.set8(at + 3U, type);
    made.set8(at + 4U, 4);
    made.set32(at + 8U, type * 0x1000U);
    made.set32(at + 12U, structure_length);
    at = static_cast<std::uint8_t>(at + 0x14);
  }
  made.set8(at, 0x11);  // MSI-X, 3 entries, at the start of BAR 4
  made.set8(at + 2U, 2);
  made.set32(at + 4U, 4);
  return made;
}

// A vmxnet3 function: three BARs of 32 bits behind each other, MSI-X in the third.
Simulated_function& plug_vmxnet3() {
  machine.clear();
  Simulated_function& made = plug(0, 3, 0, 0);
  made.set32(0, 0x07b0'15ad);
  made.set32(0x04, 1 << 20);
  made.set8(0x34, 0x40);
  for (unsigned bar = 0; bar < 3; ++bar) {
    made.set32(0x10 + 4 * bar, 0xfe00'0000 + 0x1000 * bar);
    made.writable_bars[bar] = 0xffff'f000;
  }
  made.set8(0x40, 0x11);  // MSI-X, 25 entries
  made.set8(0x42, 24);
  made.set32(0x44, 2);
  return made;
}

const char* vmxnet3_start_error() {
  vmxnet3::Pci_transport transport(pci::Function({0, 3, 0}));
  return transport.start();
}

std::uint32_t word_at(const Simulated_function& function, std::size_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, function.memory.data() + offset, sizeof word);
  return word;
}

const char* start_error() {
  virtio::Pci_transport transport(pci::Function({0, 3, 0}));
  return transport.start();
}

}  // namespace

namespace pci {

std::uint32_t read_config(Address address, std::uint8_t offset) {
  auto found = machine.find(key(address));
  return found == machine.end() ? 0xffff'ffff : found->second.words[offset / 4];
}

void write_config(Address address, std::uint8_t offset, std::uint32_t value) {
  Simulated_function& function = machine.at(key(address));
  if (offset >= 0x10 && offset < 0x28) {
    std::uint32_t sticks = function.writable_bars[(offset - 0x10) / 4];
    value = (value & sticks) | (function.words[offset / 4] & ~sticks & 0xf);
  } else if (offset == 0x04) {  // the upper half is status
    value = (value & 0xffff) | (function.words[1] & 0xffff'0000);
  }
  function.words[offset / 4] = value;
}

void* map_memory(std::uint64_t address, std::size_t length) {
  mapped_at = address;
  std::uint64_t offset = address - 0xfe00'0000;
  auto& memory = machine.begin()->second.memory;
  return offset + length <= memory.size() ? memory.data() + offset : nullptr;
}

Message wake_message() { return {.address = 0xfee0'0000, .data = 0x40}; }

}  // namespace pci

CASE("an empty machine has no NICs") {
  machine.clear();
  std::array<pci::Function, 4> found;
  CHECK(nics(found) == 0);
}

CASE("NICs come in the order of their places, both ids, other devices left out") {
  machine.clear();
  plug(0, 5, 0, 0x1000);
  plug(0, 3, 0, 0x1041);
  plug(0, 4, 0, 0x1042);
  std::array<pci::Function, 4> found;
  CHECK(nics(found) == 2);
  CHECK(found[0].address().device == 3 && found[1].address().device == 5);
}

CASE("further functions are looked at only where the header says so") {
  machine.clear();
  plug(0, 1, 0, 0x1041).set8(0x0e, 0x80);
  plug(0, 1, 3, 0x1041);
  plug(0, 2, 0, 0x1041);
  plug(0, 2, 1, 0x1041);
  std::array<pci::Function, 8> found;
  CHECK(nics(found) == 3);
  CHECK(found[1].address().function == 3);
}

CASE("a NIC behind two bridges is found, between its neighbours") {
  machine.clear();
  make_bridge(plug(0, 1, 0, 1), 1);
  make_bridge(plug(1, 0, 0, 1), 2);
  plug(2, 7, 0, 0x1041);
  plug(0, 2, 0, 0x1041);
  std::array<pci::Function, 4> found;
  CHECK(nics(found) == 2);
  char place[pci::Address::kTextSize];
  found[0].address().write_text(place);
  CHECK(std::strcmp(place, "02:07.0") == 0);
}

CASE("bridges in a circle end") {
  machine.clear();
  make_bridge(plug(0, 1, 0, 1), 1);
  make_bridge(plug(1, 0, 0, 1), 0);
  plug(1, 1, 0, 0x1041);
  std::array<pci::Function, 4> found;
  CHECK(nics(found) == 1);
}

CASE("more NICs than there is room for are left out") {
  machine.clear();
  for (unsigned device = 0; device < 8; ++device) plug(0, device, 0, 0x1041);
  std::array<pci::Function, 3> found;
  CHECK(nics(found) == 3);
}

CASE("a good device starts, and its wake message is in the table") {
  Simulated_function& device = plug_virtio();
  CHECK(start_error() == nullptr);
  std::uint32_t entry[4];
  std::memcpy(entry, device.memory.data(), sizeof entry);
  CHECK(entry[0] == 0xfee0'0000 && entry[1] == 0 && entry[2] == 0x40 && entry[3] == 0);
  CHECK(device.memory[16 + 12] == 1);  // the second entry is masked
  CHECK((device.words[1] & 0x6) == 0x6);
  CHECK(device.words[(0x10 + 16) / 4] == 0xfe00'0004);
}

CASE("a capability list that loops ends") {
  Simulated_function& device = plug_virtio();
  device.set8(0x7c + 1, 0x40);
  CHECK(pci::Function({0, 3, 0}).capability(0x05) == 0);
}

CASE("a capability list that points into the header ends") {
  Simulated_function& device = plug_virtio();
  device.set8(0x34, 0x10);
  CHECK(pci::Function({0, 3, 0}).capability(0x09) == 0);
  CHECK(start_error() != nullptr);
}

CASE("a device without capabilities is a legacy device") {
  plug_virtio().set32(0x04, 0);
  CHECK(std::strstr(start_error(), "legacy") != nullptr);
}

CASE("a structure beyond the end of its BAR is refused") {
  Simulated_function& device = plug_virtio();
  device.set32(0x40 + 8, 0xf001);
  CHECK(std::strstr(start_error(), "memory") != nullptr);
  device.set32(0x40 + 8, 0xffff'ffff);
  CHECK(std::strstr(start_error(), "memory") != nullptr);
}

CASE("of two structures of a type the one that can be reached is used") {
  Simulated_function& device = plug_virtio();
  device.set32(0x10, 0xc001);  // BAR 0 is in I/O space
  device.set8(0x34, 0xa0);     // and its notification structure comes first
  device.set8(0xa0, 0x09);
  device.set8(0xa1, 0x40);
  device.set8(0xa3, 2);
  device.set32(0xa8, 0);
  device.set32(0xac, 4);
  CHECK(start_error() == nullptr);
}

CASE("a structure that is not aligned is refused") {
  Simulated_function& device = plug_virtio();
  device.set32(0x40 + 8, 0x1002);
  CHECK(std::strstr(start_error(), "memory") != nullptr);
  device.set32(0x40 + 8, 0x1000);
  device.set32(0x54 + 8, 0x2001);
  CHECK(std::strstr(start_error(), "memory") != nullptr);
}

CASE("a notification place that is odd or beyond the end is refused") {
  static virtio::Rings rings{};
  for (auto [multiplier, number, good] : {std::tuple{4U, 1U, true}, {1U, 1U, false}, {4U, 0xffffU, false}}) {
    Simulated_function& device = plug_virtio();
    device.set32(0x54 + 16, multiplier);
    virtio::Pci_transport transport(pci::Function({0, 3, 0}));
    CHECK(transport.start() == nullptr);
    auto& common = *reinterpret_cast<virtio::Common_configuration*>(device.memory.data() + 0x1000);
    common.queue_notify_offset = static_cast<std::uint16_t>(number);
    CHECK(transport.set_queue(0, rings, true) == good);
    CHECK(common.queue_enable == (good ? 1 : 0));
  }
}

CASE("a structure that is too short is refused") {
  plug_virtio(8);
  CHECK(std::strstr(start_error(), "memory") != nullptr);
}

CASE("a BAR that the firmware did not assign is refused") {
  plug_virtio().set32(0x10 + 16, 4);
  CHECK(std::strstr(start_error(), "not assigned") != nullptr);
}

CASE("a BAR in I/O space is refused") {
  plug_virtio().set32(0x10 + 16, 0xc001);
  CHECK(std::strstr(start_error(), "memory") != nullptr);
}

CASE("a BAR above 4 GiB keeps its upper half") {
  plug_virtio().set32(0x10 + 20, 0x8);
  mapped_at = 0;
  CHECK(start_error() != nullptr);  // the test's memory is not there
  CHECK(mapped_at >> 32 == 8);
}

CASE("a BAR number of 6 or 7 is not used") {
  plug_virtio().set8(0x40 + 4, 7);
  CHECK(std::strstr(start_error(), "legacy") != nullptr);
}

CASE("a device without MSI-X is refused") {
  plug_virtio().set8(0x7c, 0x05);
  CHECK(std::strstr(start_error(), "MSI-X") != nullptr);
}

CASE("a function that leaves the bus, or whose place another takes, is not there") {
  plug_vmxnet3();
  const pci::Function function({0, 3, 0});
  CHECK(function.is_there());
  plug(0, 3, 0, 0x1041);
  CHECK(!function.is_there());
  machine.clear();
  CHECK(!function.is_there());
}

CASE("vmxnet3: registers, doorbells and the wake message are where they belong") {
  Simulated_function& device = plug_vmxnet3();
  CHECK(vmxnet3::is_network_device(pci::Function({0, 3, 0})));
  CHECK(!virtio::is_network_device(pci::Function({0, 3, 0})));
  vmxnet3::Pci_transport transport(pci::Function({0, 3, 0}));
  CHECK(transport.start() == nullptr);
  transport.write(vmxnet3::Register::kCommand, 0xcafe'0002);
  CHECK(word_at(device, 0x1020) == 0xcafe'0002);
  CHECK(transport.read(vmxnet3::Register::kCommand) == 0xcafe'0002);
  transport.ring(vmxnet3::Doorbell::kInterruptMask, 1, 7);
  transport.ring(vmxnet3::Doorbell::kTransmitProduced, 0, 8);
  CHECK(word_at(device, 0x0008) == 7 && word_at(device, 0x0600) == 8);
  CHECK(word_at(device, 0x2000) == 0xfee0'0000 && word_at(device, 0x2008) == 0x40 &&
        word_at(device, 0x200c) == 0);
  CHECK(word_at(device, 0x201c) == 1);  // the second vector is masked
  CHECK((device.words[1] & 0x6) == 0x6);
}

CASE("vmxnet3: without its BARs, or without MSI-X, it is refused") {
  plug_vmxnet3().set32(0x10, 0);
  CHECK(std::strstr(vmxnet3_start_error(), "memory") != nullptr);
  plug_vmxnet3().set32(0x14, 0xc001);
  CHECK(std::strstr(vmxnet3_start_error(), "memory") != nullptr);
  plug_vmxnet3().writable_bars[1] = 0xffff'ff00;
  CHECK(std::strstr(vmxnet3_start_error(), "memory") != nullptr);
  plug_vmxnet3().set32(0x04, 0);
  CHECK(std::strstr(vmxnet3_start_error(), "MSI-X") != nullptr);
}
