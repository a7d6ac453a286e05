// A network stack of one answer, to test boot, drivers and platforms without the real one: every ARP request
// for 10.0.0.1 is answered by the NIC that received it, every other frame is sent back as it came.
#include <cstring>
#include <hw/nic.hpp>

#include "kernel/text.hpp"
#include "net/stack.hpp"

namespace {

std::span<hw::Nic* const> cards;
std::size_t refused = 0;

constexpr std::uint8_t kRequestStart[] = {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1};  // from the EtherType on
constexpr std::uint8_t kAddress[] = {10, 0, 0, 1};

bool asks_for_us(const hw::Frame& frame) {
  return frame.length >= 42 && std::memcmp(frame.data + 12, kRequestStart, sizeof kRequestStart) == 0 &&
         std::memcmp(frame.data + 38, kAddress, sizeof kAddress) == 0;
}

void answer(hw::Frame& frame, const MAC::Addr& own) {
  std::memcpy(frame.data, frame.data + 6, 6);
  std::memcpy(frame.data + 6, own.part, 6);
  frame.data[21] = 2;
  std::memcpy(frame.data + 32, frame.data + 22, 10);
  std::memcpy(frame.data + 22, own.part, 6);
  std::memcpy(frame.data + 28, kAddress, sizeof kAddress);
}

}  // namespace

namespace net {

void start(std::span<hw::Nic* const> nics) { cards = nics; }

void receive(std::size_t nic, hw::Frame* frame) {
  if (asks_for_us(*frame)) answer(*frame, cards[nic]->mac());
  if (cards[nic]->transmit(frame)) return;
  ++refused;
  hw::Frame_pool::give_back(frame);
}

void print_counters() {
  for (const hw::Nic* nic : cards) {
    const hw::Nic::Counters& counted = nic->counters();
    kernel::Text<160>()
        .add(nic->driver_name())
        .add(" received=")
        .add(counted.received)
        .add(" transmitted=")
        .add(counted.transmitted)
        .add(" receive_malformed=")
        .add(counted.receive_malformed)
        .add(" transmit_full=")
        .add(counted.transmit_full)
        .add("\n")
        .print();
  }
  kernel::Text<40>().add("refused=").add(refused).add("\n").print();
}

}  // namespace net
