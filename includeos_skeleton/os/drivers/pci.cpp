#include "drivers/pci.hpp"

namespace pci {

namespace {

// Offsets in the configuration space (6.1).
constexpr std::uint8_t kId = 0x00;
constexpr std::uint8_t kCommand = 0x04;
constexpr std::uint8_t kStatus = 0x06;
constexpr std::uint8_t kHeaderType = 0x0e;
constexpr std::uint8_t kFirstBar = 0x10;
constexpr std::uint8_t kSecondaryBus = 0x19;
constexpr std::uint8_t kCapabilities = 0x34;

constexpr std::uint32_t kMemorySpace = 1 << 1;
constexpr std::uint32_t kBusMaster = 1 << 2;
constexpr std::uint32_t kInterruptDisable = 1 << 10;
constexpr std::uint32_t kCommandMask = 0xffff;  // the upper half is status, where writing ones clears
constexpr std::uint16_t kCapabilityList = 1 << 4;

constexpr std::uint8_t kMsix = 0x11;
constexpr int kMostCapabilities = 48;  // that fit behind the header

struct Bar {
  std::uint64_t address;  // 0: not assigned
  std::uint64_t size;     // octets
};

// Sizing by writing ones (6.2.5.1), with the function's memory decoding off meanwhile.
Bar read_bar(const Function& function, std::uint8_t index) {
  auto offset = static_cast<std::uint8_t>(kFirstBar + 4 * index);
  std::uint32_t low = function.read32(offset);
  bool is_64 = (low & 0x6) == 0x4;
  if ((low & 1) != 0 || (is_64 && index == 5)) return {};
  auto upper = static_cast<std::uint8_t>(offset + 4);
  std::uint32_t high = is_64 ? function.read32(upper) : 0;

  Address place = function.address();
  std::uint32_t command = function.read32(kCommand) & kCommandMask;
  write_config(place, kCommand, command & ~kMemorySpace);
  write_config(place, offset, 0xffff'ffff);
  std::uint64_t mask = function.read32(offset) & ~0xfU;
  write_config(place, offset, low);
  if (is_64) {
    write_config(place, upper, 0xffff'ffff);
    mask |= std::uint64_t{function.read32(upper)} << 32;
    write_config(place, upper, high);
  } else {
    mask |= 0xffff'ffff'0000'0000;
  }
  write_config(place, kCommand, command);
  return {.address = std::uint64_t{high} << 32 | (low & ~0xfU), .size = mask == 0 ? 0 : ~mask + 1};
}

struct Search {
  std::span<Function> found;
  std::size_t count = 0;
  bool (*wanted)(const Function&);
  bool visited[256] = {};
};

void search_bus(Search& search, std::uint8_t bus);

void look_at(Search& search, const Function& function) {
  constexpr std::uint8_t kBridge = 1;
  if ((function.read8(kHeaderType) & 0x7f) == kBridge) {
    search_bus(search, function.read8(kSecondaryBus));
  } else if (search.wanted(function) && search.count < search.found.size()) {
    search.found[search.count++] = function;
  }
}

// Depth first; a bus is looked at once, whatever the bridges say.
void search_bus(Search& search, std::uint8_t bus) {
  if (search.visited[bus]) return;
  search.visited[bus] = true;
  for (std::uint8_t device = 0; device < 32; ++device) {
    Function first(Address{bus, device, 0});
    if (first.vendor() == 0xffff) continue;
    look_at(search, first);
    bool several = (first.read8(kHeaderType) & 0x80) != 0;
    for (std::uint8_t index = 1; several && index < 8; ++index) {
      Function function(Address{bus, device, index});
      if (function.vendor() != 0xffff) look_at(search, function);
    }
  }
}

}  // namespace

void Address::write_text(char (&text)[kTextSize]) const {
  constexpr char kDigits[] = "0123456789abcdef";
  text[0] = kDigits[bus >> 4];
  text[1] = kDigits[bus & 15];
  text[2] = ':';
  text[3] = kDigits[device >> 4 & 1];
  text[4] = kDigits[device & 15];
  text[5] = '.';
  text[6] = kDigits[function & 7];
  text[7] = '\0';
}

Function::Function(Address address) : address_(address) {
  std::uint32_t id = read32(kId);
  vendor_ = static_cast<std::uint16_t>(id);
  device_ = static_cast<std::uint16_t>(id >> 16);
}

bool Function::is_there() const {
  const Function now(address_);
  return now.vendor_ == vendor_ && now.device_ == device_;
}

std::uint8_t Function::read8(std::uint8_t offset) const {
  return static_cast<std::uint8_t>(read32(offset & 0xfc) >> 8 * (offset & 3));
}

std::uint16_t Function::read16(std::uint8_t offset) const {
  return static_cast<std::uint16_t>(read32(offset & 0xfc) >> 8 * (offset & 2));
}

std::uint8_t Function::capability(std::uint8_t id, std::uint8_t after) const {
  if ((read16(kStatus) & kCapabilityList) == 0) return 0;
  std::uint8_t at = after == 0 ? read8(kCapabilities) : read8(static_cast<std::uint8_t>(after + 1));
  for (int i = 0; i < kMostCapabilities; ++i) {
    at &= 0xfc;
    if (at < 0x40) return 0;
    if (read8(at) == id) return at;
    at = read8(static_cast<std::uint8_t>(at + 1));
  }
  return 0;
}

void* Function::memory(std::uint8_t bar, std::uint32_t offset, std::uint32_t length) const {
  if (bar > 5) return nullptr;
  Bar place = read_bar(*this, bar);
  if (place.address == 0 || std::uint64_t{offset} + length > place.size) return nullptr;
  return map_memory(place.address + offset, length);
}

void Function::enable() const {
  std::uint32_t command = read32(kCommand) & kCommandMask;
  write_config(address_, kCommand, command | kMemorySpace | kBusMaster | kInterruptDisable);
}

bool Function::enable_wake() const {
  std::uint8_t at = capability(kMsix);
  if (at == 0) return false;
  auto entries = static_cast<std::uint32_t>(read16(static_cast<std::uint8_t>(at + 2)) & 0x7ff) + 1;
  std::uint32_t table = read32(static_cast<std::uint8_t>(at + 4));
  auto* words = static_cast<volatile std::uint32_t*>(memory(table & 7, table & ~7U, entries * 16));
  if (words == nullptr) return false;
  Message message = wake_message();
  for (std::uint32_t i = 0; i < entries; ++i) words[4 * i + 3] = i == 0 ? 0 : 1;  // 1: masked
  words[0] = static_cast<std::uint32_t>(message.address);
  words[1] = static_cast<std::uint32_t>(message.address >> 32);
  words[2] = message.data;
  constexpr std::uint32_t kEnable = std::uint32_t{1} << 31;
  constexpr std::uint32_t kMaskAll = std::uint32_t{1} << 30;
  write_config(address_, at, (read32(at) & ~kMaskAll) | kEnable);
  return true;
}

std::size_t find(std::span<Function> found, bool (*wanted)(const Function&)) {
  Search search{.found = found, .wanted = wanted};
  search_bus(search, 0);
  return search.count;
}

}  // namespace pci
