// A bench for the network stack: NICs that record what they are given, a clock that the test turns, and the
// real kernel's timers and frame pool. One test a process: stacks cannot be stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <net/interfaces.hpp>
#include <net/router.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Octets = std::vector<std::uint8_t>;

// Fails the test, with the place, when `held` is false.
void check(bool held, const char* what, const char* file, int line);
void check_equal(std::uint64_t found, std::uint64_t expected, const char* what, const char* file, int line);
#define CHECK(condition) bench::check((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(found, expected)                                                                  \
  bench::check_equal(static_cast<std::uint64_t>(found), static_cast<std::uint64_t>(expected), #found, \
                     __FILE__, __LINE__)

class Nic final : public hw::Nic {
 public:
  explicit Nic(MAC::Addr mac) : mac_{mac} {}
  const MAC::Addr& mac() const override { return mac_; }
  const char* driver_name() const override { return "bench"; }
  std::size_t receive(hw::Frame**, std::size_t) override { return 0; }
  bool transmit(hw::Frame* frame) override;
  void flush() override {}
  bool arm() override { return true; }

  std::deque<Octets> sent;
  bool full = false;  // refuse every frame

 private:
  MAC::Addr mac_;
};

inline constexpr std::size_t kNics = 3;
inline constexpr std::size_t kFrames = 2048;

// A machine with kNics NICs, 02:00:00:00:00:01 and on. With `configured`, eth0 is 10.0.0.1/24 with gateway
// 10.0.0.254, eth1 is 10.0.1.1/24, eth2 has no address.
class Machine {
 public:
  explicit Machine(bool configured = true);

  Nic& nic(std::size_t index) { return *nics_[index]; }
  net::Inet& iface(std::size_t index) { return net::Interfaces::get(static_cast<int>(index)); }

  // Routes to 10.0.0.0/24 by eth0, 10.0.1.0/24 by eth1, 10.9.0.0/16 by 10.0.1.9; both Ifaces forward.
  net::Router<net::IP4>& route();
  // One table for eth0 and eth1.
  net::Conntrack& track(std::size_t limit = 0);
  // 10.0.0.2 .. 10.0.0.9 and 10.0.1.2 .. 10.0.1.9 are at 02:aa:<iface>:00:00:<last octet>.
  void meet_neighbours();

  void receive(std::size_t nic, const Octets& frame);          // whatever its length, up to the buffer's size
  void receive_packet(std::size_t nic, const Octets& packet);  // in a frame to the NIC, padded to 60 octets
  Octets take_sent(std::size_t nic);                           // the oldest frame sent, "" when there is none
  Octets take_sent_packet(std::size_t nic);   // the same without Ethernet header and padding; ARP is skipped
  void pass_time(double seconds);             // in steps of 10 ms, firing timers
  void skip_time(std::uint64_t nanoseconds);  // at once, firing each timer that is due once

  std::uint64_t drops(std::size_t iface_number, net::Drop reason) {
    return iface(iface_number).counters().of(reason);
  }

  // Every frame is in the pool or waits for a neighbour, and the counters add up.
  void check_books();

 private:
  std::vector<Nic*> nics_;
};

std::string& console();                      // what was printed
void set_wall_clock(std::uint64_t seconds);  // since 1970; 0: there is none
inline bool exits_by_abort = false;          // what a panic ends in: a fuzzer must see it
void set_chance(std::uint64_t number);       // what nobody can foresee; 0 at first

void put16(Octets& octets, std::size_t at, std::uint16_t value);
std::uint16_t get16(const Octets& octets, std::size_t at);
std::uint32_t get32(const Octets& octets, std::size_t at);
std::uint32_t address(const char* dotted);  // host order

struct Ip {
  const char* from = "10.0.0.2";
  const char* to = "10.0.0.1";
  std::uint8_t protocol = 17;
  std::uint8_t ttl = 64;
  std::uint16_t fragment = 0;  // flags and offset
  std::uint8_t tos = 0;
  Octets options = {};  // a multiple of 4 octets
};

Octets ip_packet(const Ip& header, const Octets& data);  // with correct length and checksum
void fix_ip_checksum(Octets& packet);
Octets udp(std::uint16_t from, std::uint16_t to, std::size_t data = 4);  // without checksum
Octets icmp(std::uint8_t type, std::uint8_t code, std::uint16_t id, std::size_t data = 4);
struct Segment {
  std::uint16_t from = 40000;
  std::uint16_t to = 80;
  std::uint32_t sequence = 1000;
  std::uint32_t acknowledge = 0;
  std::uint8_t flags = 2;
  std::size_t data = 0;
};
Octets tcp_packet(const Ip& header, const Segment& segment);  // with the TCP checksum
bool checksums_hold(const Octets& packet);                    // IP, and ICMP, TCP or UDP (when it has one)

enum class Operation : std::uint16_t { kRequest = 1, kReply = 2 };
Octets arp(Operation operation, const MAC::Addr& sender_mac, const char* sender_ip, const char* target_ip,
           const MAC::Addr& to = MAC::BROADCAST);
Octets ethernet(const MAC::Addr& to, const MAC::Addr& from, std::uint16_t type, const Octets& payload);
// `frame` with a tag before its type (IEEE 802.1Q): priority and VLAN identifier.
Octets with_tag(Octets frame, std::uint16_t control, std::uint16_t tag_type = 0x8100);

// A test is run by its name; without a name the program lists them.
struct Test {
  Test(const char* name, void (*run)());
  const char* name;
  void (*run)();
};
#define TEST(name)                                      \
  static void name();                                   \
  static const bench::Test test_of_##name(#name, name); \
  static void name()

}  // namespace bench
