// A NIC that is a datagram socket: one Ethernet frame a datagram.
//
//   socket ──recvmmsg──▶ receive() ──▶ stack ──▶ transmit() ──flush(): sendmmsg──▶ socket
//
// Tested  tests/cxx/test_process.py, over both ends of a socketpair.
// Owns    kBatch frames for receiving, taken from the pool at start, and what transmit() queued. Allocates
//         nothing afterwards.
// Drops   datagrams shorter than an Ethernet header or longer than Frame::kCapacity (receive_malformed), and
//         queued frames when the other end is gone (the socket refuses them; they do not come back).
// Not     stream sockets.
#pragma once

#include <array>
#include <cstddef>
#include <hw/nic.hpp>

namespace platform {

class Datagram_nic final : public hw::Nic {
 public:
  static constexpr std::size_t kBatch = 64;           // frames a system call
  static constexpr std::size_t kTransmitQueue = 256;  // frames

  Datagram_nic(int socket, const MAC::Addr& mac) : socket_(socket), mac_(mac) {}

  const MAC::Addr& mac() const override { return mac_; }
  const char* driver_name() const override { return "datagram"; }

  [[nodiscard]] std::size_t receive(hw::Frame** frames, std::size_t limit) override;
  [[nodiscard]] bool transmit(hw::Frame* frame) override;
  void flush() override;
  [[nodiscard]] bool arm() override { return true; }  // idle() polls the socket, which remembers

  int socket() const { return socket_; }
  bool wants_to_send() const { return queued_ != 0; }

 private:
  void fill_spare(std::size_t count);
  void forget_sent(std::size_t count);

  int socket_;
  MAC::Addr mac_;
  std::array<hw::Frame*, kBatch> spare_{};  // frames to receive into
  std::size_t spares_ = 0;
  std::array<hw::Frame*, kTransmitQueue> queue_{};
  std::size_t queued_ = 0;
};

}  // namespace platform
