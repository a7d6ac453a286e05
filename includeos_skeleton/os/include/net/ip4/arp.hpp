// ARP: finds the neighbours of one Iface and keeps what waits for them.
//
//   transmit ─┬─ known ─▶ wire
//             └─ unknown ─▶ waits, request ─ (1 s, three times) ─▶ wire, or dropped
//
// Spec    RFC 826; RFC 1122 §2.3.2 (expiry, keeping the latest packets, no flooding with requests);
//         RFC 5227 §2.1 (probes are answered and not learned).
// Owns    kNeighbours known neighbours and kResolutions searches, in tables of kWays by the address's low
// bits;
//         a set that is full gives up its oldest. Packets that wait are bounded per neighbour and per Iface,
//         the oldest is dropped first. Nothing on the wire can make it hold more.
// Trust   only the answer to a question, a request to this Iface, or news of a neighbour already known is
//         learned. Who claims this Iface's own address is counted and not believed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <hw/mac_addr.hpp>
#include <hw/nic.hpp>
#include <net/counters.hpp>
#include <net/ip4/addr.hpp>
#include <net/packet.hpp>

namespace net {

class Inet;

class Arp {
 public:
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kNeighbours = 512;
  static constexpr std::size_t kResolutions = 256;
  static constexpr std::size_t kWaitingPerNeighbour = 32;  // packets
  static constexpr std::uint64_t kSecond = 1'000'000'000;  // ns
  static constexpr std::uint64_t kLifetime = 120 * kSecond;
  static constexpr std::uint64_t kRefresh =
      30 * kSecond;  // before the end, an entry in use is asked for again
  static constexpr std::uint64_t kRetry = kSecond;
  static constexpr unsigned kTries = 3;
  static constexpr std::uint64_t kRequestInterval = kSecond / 1000;  // on average, searches of an Iface
  static constexpr std::uint64_t kRequestBurst = 256 * kRequestInterval;

  // `waiting_limit`: packets that may wait at once on this Iface.
  Arp(Inet& stack, std::size_t waiting_limit) : inet_{stack}, waiting_limit_{waiting_limit} {}

  // Call while nothing waits.
  void set_waiting_limit(std::size_t packets) { waiting_limit_ = packets; }

  // Take an ARP frame that came in.
  void receive(hw::Frame* frame);

  // Send an IPv4 packet to the neighbour `next_hop`, now or when it is found.
  void transmit(Packet_ptr packet, ip4::Addr next_hop);

  // Ask again, or give up; call a few times a second.
  void tick();

  void forget();    // whom it knows, and what waits: the Iface's address changed
  void announce();  // the Iface's new address, to everybody

  std::size_t waiting() const { return waiting_; }
  bool knows(ip4::Addr address);

 private:
  struct Neighbour {
    ip4::Addr address;  // 0.0.0.0: free
    MAC::Addr mac;
    std::uint64_t expires_ns = 0;
    std::uint64_t refresh_ns = 0;
  };
  struct Resolution {
    ip4::Addr address;  // 0.0.0.0: free
    unsigned tries = 0;
    std::uint64_t started_ns = 0;
    std::uint64_t next_try_ns = 0;
    Packet_queue waiting;
  };

  Neighbour* find(ip4::Addr address);
  void learn(ip4::Addr address, const MAC::Addr& mac, bool add);
  bool can_be_neighbour(ip4::Addr address) const;
  void answer(hw::Frame* frame, const MAC::Addr& mac, ip4::Addr address);
  void send_to(Packet_ptr packet, const MAC::Addr& mac);
  bool may_ask();
  bool send_request(ip4::Addr address);

  void wait(Packet_ptr packet, ip4::Addr next_hop);
  Resolution* find_resolution(ip4::Addr address);
  Resolution& start_resolution(ip4::Addr address);
  void ask(Resolution& resolution);
  void resolve(Resolution& resolution, const MAC::Addr& mac);
  void give_up(Resolution& resolution, Drop reason);
  void end_resolution(Resolution& resolution);
  void drop_oldest_of(Resolution& resolution, Drop reason = Drop::kArpQueueFull);
  void drop_oldest();

  Inet& inet_;
  std::size_t waiting_limit_;
  std::size_t waiting_ = 0;
  std::size_t resolutions_ = 0;
  std::uint64_t next_request_ns_ = 0;  // the virtual schedule of requests (RFC 1122 §2.3.2.1)
  std::array<Neighbour, kNeighbours> neighbours_{};
  std::array<Resolution, kResolutions> pending_{};
};

}  // namespace net
