// What a stack counts: every packet, and a named reason for every one that goes no further.
//
// INVARIANT conservation   for every Iface, whenever no packet is on its way:
//     received   = delivered + forwarded + held + the drops of class kPacket
//     originated = departed + the own drops
// where a drop is counted at the Iface that received (or originated) the packet, also when it happens at the
// Iface it was to leave by.
//
// docs/runtime-stack.md lists the reasons with their meaning.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace net {

// Where on its way something was dropped.
enum class Drop_class : std::uint8_t {
  kFrame,   // before it was known to be an IPv4 packet for this machine
  kPacket,  // an IPv4 packet, between arrival and the link it leaves by
  kLink,    // handed to the link, which could not send it
  kHeld,    // a datagram of which fragments waited in vain, each of them counted as held
  kAnswer,  // delivered, and then not answered because it is malformed
};

// clang-format off
#define NET_DROP_REASONS(X)                                                                                \
  X(kRunt, "runt", kFrame)                            X(kGiant, "giant", kFrame)                           \
  X(kNotForUs, "not-for-us", kFrame)                  X(kMulticastFrame, "multicast-frame", kFrame)        \
  X(kEthertype, "ethertype", kFrame)                  X(kArpMalformed, "arp-malformed", kFrame)            \
  X(kArpOwnAddress, "arp-own-address", kFrame)        X(kVlanTruncated, "vlan-truncated", kFrame)          \
  X(kVlanDoubleTag, "vlan-double-tag", kFrame)        X(kVlanUnexpected, "vlan-unexpected", kFrame)        \
  X(kVlanUnknown, "vlan-unknown", kFrame)                                                                  \
  X(kTruncated, "truncated", kPacket)                 X(kBadVersion, "bad-version", kPacket)               \
  X(kBadHeaderLength, "bad-header-length", kPacket)   X(kBadTotalLength, "bad-total-length", kPacket)      \
  X(kBadChecksum, "bad-checksum", kPacket)            X(kBadSource, "bad-source", kPacket)                 \
  X(kPrerouting, "prerouting", kPacket)               X(kMulticast, "multicast", kPacket)                  \
  X(kNotForwarding, "not-forwarding", kPacket)        X(kFragmentMalformed, "fragment-malformed", kPacket) \
  X(kFragmentTooLong, "fragment-too-long", kPacket)   X(kFragmentOverlap, "fragment-overlap", kPacket)     \
  X(kFragmentTimeout, "fragment-timeout", kHeld)      X(kReassemblyFull, "reassembly-full", kHeld)         \
  X(kInput, "input", kPacket)                         X(kOutput, "output", kPacket)                        \
  X(kTtlExpired, "ttl-expired", kPacket)              X(kForward, "forward", kPacket)                      \
  X(kNoRoute, "no-route", kPacket)                    X(kLoopbackAddress, "loopback-address", kPacket)     \
  X(kPostrouting, "postrouting", kPacket)             X(kNoNextHop, "no-next-hop", kPacket)                \
  X(kNatCollision, "nat-collision", kPacket)          X(kPortsExhausted, "ports-exhausted", kPacket)       \
  X(kTooBig, "too-big", kPacket)                      X(kNoHeadroom, "no-headroom", kPacket)               \
  X(kNoFrame, "no-frame", kPacket)                                                                         \
  X(kArpTimeout, "arp-timeout", kLink)                X(kArpQueueFull, "arp-queue-full", kLink)            \
  X(kTransmitFull, "transmit-full", kLink)            X(kIcmpBadChecksum, "icmp-bad-checksum", kAnswer)    \
  X(kIcmpMalformed, "icmp-malformed", kAnswer)        X(kUdpMalformed, "udp-malformed", kAnswer)           \
  X(kUdpBadChecksum, "udp-bad-checksum", kAnswer)     X(kTcpMalformed, "tcp-malformed", kAnswer)           \
  X(kTcpBadChecksum, "tcp-bad-checksum", kAnswer)     X(kDhcpMalformed, "dhcp-malformed", kAnswer)         \
  X(kDhcpNotOurs, "dhcp-not-ours", kAnswer)           X(kDhcpUnasked, "dhcp-unasked", kAnswer)             \
  X(kDhcpBadLease, "dhcp-bad-lease", kAnswer)
// clang-format on

enum class Drop : std::uint8_t {
#define NET_DROP_NAME(name, text, drop_class) name,
  NET_DROP_REASONS(NET_DROP_NAME)
#undef NET_DROP_NAME
      kCount
};
inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(Drop::kCount);

const char* name_of(Drop reason);
Drop_class class_of(Drop reason);

struct Counters {
  std::uint64_t received = 0;    // IPv4 packets that arrived: from the wire, or from another Iface by (S1)
  std::uint64_t delivered = 0;   // accepted by INPUT and handed to ICMP, UDP, TCP, or what answers the others
  std::uint64_t forwarded = 0;   // received here, and handed to the link or to the Iface it is addressed to
  std::uint64_t held = 0;        // fragments that wait, or waited, for the rest of their datagram
  std::uint64_t originated = 0;  // made by this machine to leave by this Iface
  std::uint64_t departed = 0;    // of those, handed to the link or to the Iface they are addressed to
  std::uint64_t sent = 0;        // IPv4 packets that the NIC took
  std::uint64_t arp = 0;         // ARP frames that came in
  std::uint64_t arp_sent = 0;    // ARP frames that the NIC took
  std::array<std::uint64_t, kDropReasons> drop{};
  std::array<std::uint64_t, kDropReasons> own_drop{};  // the same, of packets made by this machine

  void count(Drop reason) { ++drop[static_cast<std::size_t>(reason)]; }
  void count_own(Drop reason) { ++own_drop[static_cast<std::size_t>(reason)]; }
  std::uint64_t of(Drop reason) const { return drop[static_cast<std::size_t>(reason)]; }
  std::uint64_t own_of(Drop reason) const { return own_drop[static_cast<std::size_t>(reason)]; }
  std::uint64_t dropped() const;      // all drops of class kPacket
  std::uint64_t own_dropped() const;  // all own drops of class kPacket
  void add(const Counters& other);
};

}  // namespace net
