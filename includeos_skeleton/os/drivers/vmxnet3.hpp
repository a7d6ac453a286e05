// vmxnet3, apart from any bus: what driver and device say to each other in registers and in memory.
//
//   driver ──▶ Shared, Queues, rings (memory that the device reads and writes) ──registers──▶ Transport
//
// A ring has no index in memory: an entry is of this lap when its generation bit is, and the bit changes with
// each lap. Everything is little-endian.
//
// Spec    VMware publishes none; these are the offsets and bits that the free drivers and QEMU's device agree
// on, of
//         device revision 1 and UPT version 1.
// Not     data rings, receive rings for more than whole frames, offloads, RSS, several queues, wake-up
// patterns.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vmxnet3 {

// Entries of the rings: multiples of 32, at most 4096. A device takes what was given to be sent at once, but
// it drops a frame that comes while no buffer is there: the receive ring is as large as the pauses of the
// machine are long.
inline constexpr std::uint16_t kReceiveSize = 1024;
inline constexpr std::uint16_t kTransmitSize = 256;
inline constexpr std::size_t kRingAlignment = 512;    // octets
inline constexpr std::size_t kQueuesAlignment = 128;  // octets

// Registers of 32 bits in BAR 1.
enum class Register : std::uint16_t {
  kRevision = 0x00,     // read: a bit for each revision; write: the one that is chosen
  kUptVersion = 0x08,   // the same
  kSharedLow = 0x10,    // address of Shared
  kSharedHigh = 0x18,   // its upper half: writing it sets both
  kCommand = 0x20,      // write: a Command; read: what it answers
  kAddressLow = 0x28,   // first four octets of the MAC address
  kAddressHigh = 0x30,  // the other two
  kEventCause = 0x40,   // write: clears bits of Shared::events
};

// Registers in BAR 0: what is written while frames flow.
enum class Doorbell : std::uint16_t {
  kInterruptMask = 0x000,     // of vector 0; the next is 8 octets on. 1: masked
  kTransmitProduced = 0x600,  // index of the descriptor after the last one that was filled
  kReceiveProduced = 0x800,
};
inline constexpr std::uint16_t kDoorbellStep = 8;  // octets from one vector to the next

enum class Command : std::uint32_t {
  kActivate = 0xcafe'0000,  // answers 0 when it has happened
  kQuiesce = 0xcafe'0001,
  kReset = 0xcafe'0002,
  kGetQueueStatus = 0xf00d'0000,  // fills Queue_status
  kGetStatistics = 0xf00d'0001,   // fills the statistics of the queues
  kGetLink = 0xf00d'0002,         // bit 0: up
};

inline constexpr std::uint32_t kNobody =
    0xffff'ffff;  // what a register reads when there is no device any more

// Bits of Shared::events.
inline constexpr std::uint32_t kReceiveQueueError = 1 << 0;
inline constexpr std::uint32_t kTransmitQueueError = 1 << 1;
inline constexpr std::uint32_t kLinkChanged = 1 << 2;

// Shared::receive_mode.
inline constexpr std::uint32_t kUnicast = 1 << 0;  // to the device's own address
inline constexpr std::uint32_t kBroadcast = 1 << 2;

inline constexpr std::uint32_t kMagic = 0xbabe'fee1;
inline constexpr std::uint64_t kNoDriverData = ~std::uint64_t{0};

struct Configuration {
  std::uint32_t version;
  std::uint32_t extent;
  std::uint64_t address;
};

// The area that both share; the device reads it at kActivate, and writes `events`.
struct Shared {
  std::uint32_t magic;
  std::uint32_t padding;

  std::uint32_t driver_version;
  std::uint32_t guest;  // bits 0, 1: 2 for 64 bits; bits 2..5: the system
  std::uint32_t revisions;
  std::uint32_t upt_versions;
  std::uint64_t features;  // 0: no checksums, no tag stripping, no large receive
  std::uint64_t driver_data;
  std::uint64_t queues;
  std::uint32_t driver_data_length;  // octets
  std::uint32_t queues_length;       // octets
  std::uint32_t mtu;                 // octets; tagged frames may be 4 longer
  std::uint16_t most_fragments;      // receive buffers a frame
  std::uint8_t transmit_queues;
  std::uint8_t receive_queues;
  std::uint32_t reserved1[4];

  std::uint8_t auto_mask;  // 1: the device masks a vector when it has raised it
  std::uint8_t vectors;
  std::uint8_t event_vector;
  std::uint8_t moderation[25];  // of each vector; 0: none
  std::uint32_t interrupt_control;
  std::uint32_t reserved2[2];

  std::uint32_t receive_mode;
  std::uint16_t groups_length;
  std::uint16_t reserved3;
  std::uint64_t groups;
  std::uint32_t vlans[128];  // a bit for each VLAN that is let in

  Configuration rss;
  Configuration wake_up;
  Configuration plugin;

  std::uint32_t events;
  std::uint32_t reserved4[5];
};
static_assert(offsetof(Shared, driver_version) == 8 && offsetof(Shared, auto_mask) == 80);
static_assert(offsetof(Shared, receive_mode) == 120 && offsetof(Shared, vlans) == 136);
static_assert(offsetof(Shared, events) == 696 && sizeof(Shared) == 720);

struct Queue_status {
  std::uint8_t stopped;
  std::uint8_t padding[3];
  std::uint32_t error;
};

struct Transmit_queue {
  std::uint32_t deferred;
  std::uint32_t threshold;
  std::uint64_t reserved1;
  std::uint64_t ring;
  std::uint64_t data_ring;
  std::uint64_t completions;
  std::uint64_t driver_data;
  std::uint64_t reserved2;
  std::uint32_t ring_size;  // entries, as the next two
  std::uint32_t data_ring_size;
  std::uint32_t completions_size;
  std::uint32_t driver_data_length;
  std::uint8_t vector;
  std::uint8_t padding1[7];
  Queue_status status;
  std::uint64_t statistics[10];
  std::uint8_t padding2[88];
};
static_assert(sizeof(Transmit_queue) == 256);

struct Receive_queue {
  std::uint8_t wants_produced;  // written by the device: kReceiveProduced is to be written
  std::uint8_t padding1[7];
  std::uint64_t reserved1;
  std::uint64_t rings[2];  // the second is for what goes beyond one buffer
  std::uint64_t completions;
  std::uint64_t driver_data;
  std::uint64_t reserved2;
  std::uint32_t ring_sizes[2];  // entries, as the next
  std::uint32_t completions_size;
  std::uint32_t driver_data_length;
  std::uint8_t vector;
  std::uint8_t padding2[7];
  Queue_status status;
  std::uint64_t statistics[10];
  std::uint8_t padding3[88];
};
static_assert(sizeof(Receive_queue) == 256);
inline constexpr std::size_t kMissed = 8;  // index in Receive_queue::statistics: frames that found no buffer

struct Queues {
  Transmit_queue transmit;
  Receive_queue receive;
};

struct Transmit_descriptor {
  std::uint64_t address;
  std::uint32_t length;  // bits 0..13: octets, 0 for 16384; kTransmitGeneration
  std::uint32_t flags;
};
inline constexpr std::uint32_t kTransmitGeneration = 1 << 14;
inline constexpr std::uint32_t kEndOfPacket = 1 << 12;
inline constexpr std::uint32_t kWantsCompletion = 1 << 13;

struct Receive_descriptor {
  std::uint64_t address;
  std::uint32_t length;  // bits 0..13: octets; bits 14, 15: 0 for the start of a frame; kGeneration
  std::uint32_t reserved;
};
inline constexpr std::uint32_t kGeneration = std::uint32_t{1} << 31;

struct Completion {
  std::uint32_t place;  // bits 0..11: index of the descriptor; received: see below
  std::uint32_t hash;
  std::uint32_t length;  // received: see below
  std::uint32_t kind;    // bits 24..30: what is completed; kGeneration
};
static_assert(sizeof(Transmit_descriptor) == 16 && sizeof(Receive_descriptor) == 16 &&
              sizeof(Completion) == 16);

inline constexpr std::uint32_t kIndexMask = 0xfff;  // of Completion::place
inline constexpr std::uint32_t kLastPart = 1 << 14;
inline constexpr std::uint32_t kFirstPart = 1 << 15;
inline constexpr std::uint32_t kRingMask = 0x3ff << 16;  // which ring of which queue
inline constexpr std::uint32_t kLengthMask = 0x3fff;     // of Completion::length: octets
inline constexpr std::uint32_t kError = 1 << 14;         // cut short, or damaged
inline constexpr std::uint32_t kTagStripped = 1 << 15;
inline constexpr std::uint32_t kKindMask = 0x7f << 24;  // of Completion::kind
inline constexpr std::uint32_t kTransmitted = 0 << 24;
inline constexpr std::uint32_t kReceived = 3 << 24;
inline constexpr std::uint32_t kUnnamed = 0 << 24;  // what QEMU says of received frames

class Transport {
 public:
  virtual std::uint32_t read(Register which) = 0;
  virtual void write(Register which, std::uint32_t value) = 0;
  virtual void ring(Doorbell which, std::uint8_t number,
                    std::uint32_t value) = 0;  // number: of vector or queue

  virtual bool is_there() = 0;  // false once the device has left its bus

 protected:
  ~Transport() = default;
};

}  // namespace vmxnet3
