#include <cstring>
#include <net/inet.hpp>
#include <optional>
#include <os.hpp>

#include "kernel/text.hpp"
#include "net/answer.hpp"
#include "net/wire.hpp"

namespace net {

namespace {

// RFC 768: sizes and offsets in octets.
constexpr std::size_t kIpHeader = 20;
constexpr std::size_t kHeader = 8;
constexpr std::size_t kLength = 4;
constexpr std::size_t kChecksum = 6;

// IANA's dynamic ports (RFC 6335 §6), from the last one on: masquerading takes the first ones.
constexpr UDP::port_t kLastEphemeral = 65535;
constexpr UDP::port_t kEphemeralPorts = 65536 - 49152;

std::optional<Drop> fault_of(const PacketIP4& packet) {
  const auto datagram = packet.ip_data();
  if (datagram.size() < kHeader) return Drop::kUdpMalformed;
  const std::size_t length = wire::get16(datagram.data() + kLength);
  if (length < kHeader || length > datagram.size()) return Drop::kUdpMalformed;
  if (wire::get16(datagram.data() + kChecksum) == 0) return std::nullopt;  // the sender made none
  const std::uint16_t rest =
      answer::transport_checksum(packet.ip_src(), packet.ip_dst(), Protocol::UDP, datagram.data(), length);
  return rest == 0 ? std::nullopt : std::optional{Drop::kUdpBadChecksum};
}

[[noreturn]] void cannot_bind(const char* why, UDP::port_t port) {
  os::panic(kernel::Text<64>().add("UDP port ").add(port).add(why).c_str());
}

}  // namespace

std::uint16_t UDP::max_datagram_size() const noexcept {
  return static_cast<std::uint16_t>(stack_.MTU() - kIpHeader - kHeader);
}

udp::Socket* UDP::find(port_t port) {
  for (udp::Socket& socket : sockets_)
    if (socket.port_ == port) return &socket;
  return nullptr;
}

bool UDP::is_bound(port_t port) const { return port != 0 && const_cast<UDP*>(this)->find(port) != nullptr; }

udp::Socket& UDP::bind(port_t port) {
  if (port == 0) return bind();
  if (is_bound(port)) cannot_bind(" is bound already", port);
  udp::Socket* const place = find(0);
  if (place == nullptr) cannot_bind(": too many sockets", port);
  place->udp_ = this;
  place->port_ = port;
  return *place;
}

udp::Socket& UDP::bind() {
  port_t port = 0;
  do {  // ends: there are more ports than sockets
    port = static_cast<port_t>(kLastEphemeral - next_ephemeral_);
    next_ephemeral_ = static_cast<port_t>((next_ephemeral_ + 1) % kEphemeralPorts);
  } while (is_bound(port));
  return bind(port);
}

void UDP::receive4(Packet_ptr base) {
  auto packet = static_unique_ptr_cast<PacketIP4>(std::move(base));
  if (auto fault = fault_of(*packet)) return stack_.counters().count(*fault);
  const std::uint8_t* const datagram = packet->ip_data().data();
  const port_t port = wire::get16(datagram + 2);
  const udp::Socket* const socket = port == 0 ? nullptr : find(port);
  if (socket == nullptr)
    return stack_.icmp().destination_unreachable(std::move(packet), icmp4::code::Dest_unreachable::PORT);
  const udp::Socket::recvfrom_handler handler = socket->on_read_;  // a copy: it may close the socket
  if (handler == nullptr) return;
  handler(addr_t{packet->ip_src()}, wire::get16(datagram), reinterpret_cast<const char*>(datagram + kHeader),
          wire::get16(datagram + kLength) - kHeader);
}

void UDP::send(ip4::Addr source, port_t source_port, ip4::Addr to, port_t port, const void* data,
               std::size_t length) {
  if (length == 0) return;
  auto packet = length > max_datagram_size() ? nullptr : stack_.create_ip_packet(Protocol::UDP);
  if (packet == nullptr) {
    ++stack_.counters().originated;
    return stack_.counters().count_own(length > max_datagram_size() ? Drop::kTooBig : Drop::kNoFrame);
  }
  const std::size_t size = kHeader + length;
  packet->set_data_end(static_cast<int>(kIpHeader + size));
  packet->set_ip_src(source);
  packet->set_ip_dst(to);
  std::uint8_t* const at = packet->ip_data().data();
  wire::put16(at, source_port);
  wire::put16(at + 2, port);
  wire::put16(at + kLength, static_cast<std::uint16_t>(size));
  wire::put16(at + kChecksum, 0);
  std::memcpy(at + kHeader, data, length);
  const std::uint16_t check = answer::transport_checksum(source, to, Protocol::UDP, at, size);
  wire::put16_raw(at + kChecksum, check == 0 ? 0xffff : check);  // 0 would say that there is none
  stack_.ip_obj().transmit(std::move(packet));
}

namespace udp {

addr_t Socket::local_addr() const { return udp_->stack_.ip_addr(); }

void Socket::sendto(addr_t to, port_t port, const void* data, std::size_t length) {
  udp_->send(udp_->stack_.ip_addr(), port_, to.v4(), port, data, length);
}

void Socket::bcast(addr_t source, port_t port, const void* data, std::size_t length) {
  udp_->send(source.v4(), port_, IP4::ADDR_BCAST, port, data, length);
}

void Socket::close() {
  port_ = 0;
  on_read_.reset();
}

}  // namespace udp
}  // namespace net
