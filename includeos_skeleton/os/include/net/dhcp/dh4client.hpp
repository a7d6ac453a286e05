// The DHCP client of an Iface, under IncludeOS's name. Inet::negotiate_dhcp makes it.
//
//            ┌────────────── NAK, no acknowledgement, end of the lease ───────────────┐
//            ▼                                                                        │
//   kIdle ─▶ kSelecting ─ offer ─▶ kRequesting ─ ack ─▶ kBound ─ T1 ─▶ kRenewing ─ T2 ─▶ kRebinding
//            DISCOVER              REQUEST                ▲  ack          │              │
//                                                         └───────────────┴──────────────┘
//
// Its messages are packets like any other: they pass the chains, and are let through or not by the policy.
// While it waits for none, nobody listens at its port.
//
// Spec    RFC 2131 §4.4 (client), §4.1 (retransmission), §4.4.5 (T1, T2); RFC 5227 §2.3 (announcement).
//
// Not     probing an offered address by ARP and DHCPDECLINE, DHCPRELEASE, the address of an earlier boot.
#pragma once

#include <chrono>
#include <cstdint>
#include <delegate>
#include <kernel/timers.hpp>
#include <net/ip4/addr.hpp>
#include <net/udp/socket.hpp>
#include <span>

namespace net {

class Inet;
namespace dhcp {
struct Answer;
enum class Type : std::uint8_t;
}  // namespace dhcp

class DHClient {
 public:
  using Stack = Inet;
  using config_func = delegate<void(bool timed_out)>;

  explicit DHClient(Stack& inet);
  DHClient(const DHClient&) = delete;
  DHClient& operator=(const DHClient&) = delete;

  // Begin to ask, in the event loop's next round; nothing if it asks or has a lease already. Without a lease
  // after `timeout` (0: never) the handler is told. If it gives the Iface an address the client ends, else it
  // goes on asking. After the loss of a lease all of this begins again.
  void negotiate(std::chrono::seconds timeout);
  // Called with false when the Iface got an address, with true when time was up.
  void on_config(config_func handler) { handler_ = std::move(handler); }

 private:
  enum class State : std::uint8_t { kIdle, kSelecting, kRequesting, kBound, kRenewing, kRebinding };
  struct Lease {
    ip4::Addr address, netmask, router, dns, server;
    bool operator==(const Lease&) const = default;
  };

  void start();
  void start_over();
  void wake();
  void wake_at(std::uint64_t when_ns);
  void ask();
  void ask_again();
  void extend();
  void time_out();
  void end();

  void open();
  void close();
  void new_transaction();
  void send(dhcp::Type type);

  void receive(udp::port_t port, std::span<const std::uint8_t> message);
  void take(const dhcp::Answer& answer);
  bool is_awaited(const dhcp::Answer& answer) const;
  void take_offer(const dhcp::Answer& answer);
  void bind(const dhcp::Answer& answer);
  void set_times(const dhcp::Answer& answer);
  void lose();

  std::uint64_t random();

  Stack& inet_;
  udp::Socket* socket_ = nullptr;
  config_func handler_;
  Timers::id_t timer_ = Timers::UNUSED_ID;
  State state_ = State::kIdle;
  unsigned tries_ = 0;  // messages sent in this state
  std::uint32_t transaction_ = 0;
  std::uint64_t timeout_ns_ = 0;
  std::uint64_t random_;
  Lease lease_;
  // Nanoseconds since start:
  std::uint64_t started_ns_ = 0;
  std::uint64_t deadline_ns_ = 0;  // of the negotiation
  std::uint64_t renew_ns_ = 0;     // T1
  std::uint64_t rebind_ns_ = 0;    // T2
  std::uint64_t expires_ns_ = 0;
};

}  // namespace net
