#include "platform/pc/serial.hpp"

#include <cstdint>

#include "platform/pc/io.hpp"

namespace pc::serial {

namespace {

constexpr std::uint16_t kPort = 0x3f8;
constexpr std::uint16_t kData = kPort;  // with the divisor latch open: its low octet
constexpr std::uint16_t kInterruptEnable = kPort + 1;
constexpr std::uint16_t kInterruptId = kPort + 2;  // when read
constexpr std::uint16_t kFifoControl = kPort + 2;  // when written
constexpr std::uint16_t kLineControl = kPort + 3;
constexpr std::uint16_t kModemControl = kPort + 4;
constexpr std::uint16_t kLineStatus = kPort + 5;
constexpr std::uint16_t kScratch = kPort + 7;

constexpr std::uint8_t kDataReady = 0x01;
constexpr std::uint8_t kTransmitEmpty = 0x20;     // the FIFO takes 16 octets
constexpr std::uint8_t kTransmitterEmpty = 0x40;  // the shift register, too
constexpr std::size_t kFifoSize = 16;             // octets

bool present = false;
std::size_t transmit_room = 1;  // octets that may follow when the port says it is empty

}  // namespace

void start() {
  out8(kScratch, 0x5a);
  present = in8(kScratch) == 0x5a;
  if (!present) return;
  out8(kInterruptEnable, 0);
  out8(kLineControl, 0x80);  // open the divisor latch
  out8(kData, 1);            // 115200 baud
  out8(kInterruptEnable, 0);
  out8(kLineControl, 0x03);  // 8 data bits, no parity, 1 stop bit
  // Switching the FIFO on empties it: what was typed before the boot is worth more than a faster port.
  bool fifo_is_on = (in8(kInterruptId) & 0xc0) == 0xc0;
  if (fifo_is_on || (in8(kLineStatus) & kDataReady) == 0) {
    out8(kFifoControl, 0x01);  // on, interrupt from the first octet
    transmit_room = kFifoSize;
  }
  out8(kModemControl, 0x0b);     // DTR, RTS, OUT2 (lets the interrupt out)
  out8(kInterruptEnable, 0x01);  // received data
}

void write(const char* text, std::size_t length) {
  if (!present) return;
  std::size_t room = 0;
  for (std::size_t i = 0; i < length; ++i, --room) {
    while (room == 0) {
      if ((in8(kLineStatus) & kTransmitEmpty) != 0) room = transmit_room;
    }
    out8(kData, static_cast<std::uint8_t>(text[i]));
  }
}

bool has_input() { return present && (in8(kLineStatus) & kDataReady) != 0; }

int read() { return has_input() ? in8(kData) : -1; }

void drain() {
  while (present && (in8(kLineStatus) & kTransmitterEmpty) == 0) asm volatile("pause");
}

}  // namespace pc::serial
