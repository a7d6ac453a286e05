#include <algorithm>
#include <cstring>
#include <net/inet.hpp>

#include "net/clock.hpp"
#include "net/ethernet.hpp"
#include "net/wire.hpp"

namespace net {

namespace {

// RFC 826, for Ethernet and IPv4: offsets and sizes in octets, from the start of the ARP message.
constexpr std::size_t kMessage = 28;
constexpr std::size_t kOperation = 6;
constexpr std::size_t kSenderMac = 8;
constexpr std::size_t kSenderIp = 14;
constexpr std::size_t kTargetMac = 18;
constexpr std::size_t kTargetIp = 24;
constexpr std::uint8_t kFixedPart[kOperation] = {0, 1, 0x08, 0x00, 6, 4};  // Ethernet, IPv4, their sizes
constexpr std::uint16_t kRequest = 1;
constexpr std::uint16_t kReply = 2;

struct Message {
  std::uint16_t operation;
  MAC::Addr sender_mac;
  ip4::Addr sender_ip;
  ip4::Addr target_ip;
};

MAC::Addr mac_at(const std::uint8_t* at) {
  MAC::Addr mac;
  std::memcpy(mac.part, at, sizeof mac.part);
  return mac;
}

ip4::Addr ip_at(const std::uint8_t* at) {
  ip4::Addr ip;
  std::memcpy(&ip.whole, at, sizeof ip);
  return ip;
}

// False for what is no ARP message of Ethernet and IPv4, or names no single host as its sender.
bool read_message(const hw::Frame& frame, Message& message) {
  if (frame.length < ethernet::kHeader + kMessage) return false;
  const std::uint8_t* const at = frame.data + ethernet::kHeader;
  if (std::memcmp(at, kFixedPart, sizeof kFixedPart) != 0) return false;
  message = {.operation = wire::get16(at + kOperation),
             .sender_mac = mac_at(at + kSenderMac),
             .sender_ip = ip_at(at + kSenderIp),
             .target_ip = ip_at(at + kTargetIp)};
  if (message.operation != kRequest && message.operation != kReply) return false;
  return !message.sender_mac.is_multicast() && message.sender_mac != MAC::EMPTY;
}

void write_message(hw::Frame& frame, std::uint16_t operation, const Inet& iface, const MAC::Addr& target_mac,
                   ip4::Addr target_ip) {
  std::uint8_t* const at = frame.data + ethernet::kHeader;
  const MAC::Addr own_mac = iface.link_addr();
  const ip4::Addr own_ip = iface.ip_addr();
  std::memcpy(at, kFixedPart, sizeof kFixedPart);
  wire::put16(at + kOperation, operation);
  std::memcpy(at + kSenderMac, own_mac.part, sizeof own_mac.part);
  std::memcpy(at + kSenderIp, &own_ip.whole, sizeof own_ip);
  std::memcpy(at + kTargetMac, target_mac.part, sizeof target_mac.part);
  std::memcpy(at + kTargetIp, &target_ip.whole, sizeof target_ip);
  frame.length = ethernet::kHeader + kMessage;
}

// The table's set for an address: neighbours of one subnet differ in their low bits.
template <class Item, std::size_t N>
std::span<Item, Arp::kWays> set_of(std::array<Item, N>& table, ip4::Addr address) {
  static_assert(N % Arp::kWays == 0 && (N & (N - 1)) == 0);
  const std::size_t set = ntohl(address.whole) & (N / Arp::kWays - 1);
  return std::span<Item, Arp::kWays>{&table[set * Arp::kWays], Arp::kWays};
}

}  // namespace

Arp::Neighbour* Arp::find(ip4::Addr address) {
  for (Neighbour& neighbour : set_of(neighbours_, address))
    if (neighbour.address == address && neighbour.expires_ns > clock::now()) return &neighbour;
  return nullptr;
}

bool Arp::knows(ip4::Addr address) { return find(address) != nullptr; }

Arp::Resolution* Arp::find_resolution(ip4::Addr address) {
  if (resolutions_ == 0) return nullptr;
  for (Resolution& resolution : set_of(pending_, address))
    if (resolution.address == address) return &resolution;
  return nullptr;
}

// Only a host of this Iface's subnet, other than this machine.
bool Arp::can_be_neighbour(ip4::Addr address) const {
  IP4& ip4 = inet_.ip_obj();
  return ip4.on_link(address) && address != inet_.ip_addr() && !ip4.is_subnet_broadcast(address) &&
         address != ip4::Addr::addr_any && !address.is_multicast();
}

void Arp::receive(hw::Frame* frame) {
  Counters& counters = inet_.counters();
  ++counters.arp;
  Message message;
  if (!read_message(*frame, message)) {
    counters.count(Drop::kArpMalformed);
    return hw::Frame_pool::give_back(frame);
  }
  const bool own_claimed = message.sender_mac == inet_.link_addr() ||
                           (inet_.is_configured() && message.sender_ip == inet_.ip_addr());
  if (own_claimed) {
    counters.count(Drop::kArpOwnAddress);
    return hw::Frame_pool::give_back(frame);
  }
  const bool asked_us =
      message.operation == kRequest && inet_.is_configured() && message.target_ip == inet_.ip_addr();
  if (message.sender_ip != ip4::Addr::addr_any) learn(message.sender_ip, message.sender_mac, asked_us);
  if (asked_us) return answer(frame, message.sender_mac, message.sender_ip);
  hw::Frame_pool::give_back(frame);
}

void Arp::answer(hw::Frame* frame, const MAC::Addr& mac, ip4::Addr address) {
  write_message(*frame, kReply, inet_, mac, address);
  if (ethernet::transmit(inet_, frame, mac, ethernet::kTypeArp)) ++inet_.counters().arp_sent;
}

// What is asked for is learned whoever it is; what is known is corrected; anything else only if `add`.
void Arp::learn(ip4::Addr address, const MAC::Addr& mac, bool add) {
  Resolution* const resolution = find_resolution(address);
  Neighbour* place = nullptr;
  for (Neighbour& neighbour : set_of(neighbours_, address)) {
    if (neighbour.address == address) {
      place = &neighbour;
      break;
    }
    if (place == nullptr || neighbour.expires_ns < place->expires_ns) place = &neighbour;
  }
  const bool known = place->address == address && place->expires_ns > clock::now();
  if (!known && resolution == nullptr && !(add && can_be_neighbour(address))) return;
  const std::uint64_t expires = clock::now() + kLifetime;
  *place = {.address = address, .mac = mac, .expires_ns = expires, .refresh_ns = expires - kRefresh};
  if (resolution != nullptr) resolve(*resolution, mac);
}

// Everything that waited goes out in the order in which it came.
void Arp::resolve(Resolution& resolution, const MAC::Addr& mac) {
  waiting_ -= resolution.waiting.size();
  while (Packet_ptr packet = resolution.waiting.take()) send_to(std::move(packet), mac);
  end_resolution(resolution);
}

void Arp::send_to(Packet_ptr packet, const MAC::Addr& mac) {
  hw::Frame* const frame = Packet::take_frame(std::move(packet), ethernet::kHeader);
  if (ethernet::transmit(inet_, frame, mac, ethernet::kTypeIp4)) ++inet_.counters().sent;
}

void Arp::transmit(Packet_ptr packet, ip4::Addr next_hop) {
  if (next_hop == IP4::ADDR_BCAST || inet_.ip_obj().is_subnet_broadcast(next_hop))
    return send_to(std::move(packet), MAC::BROADCAST);
  Neighbour* const neighbour = find(next_hop);
  if (neighbour == nullptr) return wait(std::move(packet), next_hop);
  if (clock::now() >= neighbour->refresh_ns) {  // whatever is searched for: who scans cuts nobody off
    neighbour->refresh_ns = clock::now() + kRetry;
    send_request(next_hop);
  }
  send_to(std::move(packet), neighbour->mac);
}

void Arp::wait(Packet_ptr packet, ip4::Addr next_hop) {
  Resolution* found = find_resolution(next_hop);
  Resolution& resolution = found != nullptr ? *found : start_resolution(next_hop);
  if (resolution.waiting.size() == kWaitingPerNeighbour) {
    drop_oldest_of(resolution);
  } else if (waiting_ == waiting_limit_) {
    drop_oldest();
  }
  resolution.waiting.put(std::move(packet));
  ++waiting_;
}

Arp::Resolution& Arp::start_resolution(ip4::Addr address) {
  auto set = set_of(pending_, address);
  Resolution* place = &set[0];
  for (Resolution& resolution : set) {
    if (resolution.address == ip4::Addr::addr_any) {
      place = &resolution;
      break;
    }
    if (resolution.started_ns < place->started_ns) place = &resolution;
  }
  if (place->address != ip4::Addr::addr_any) give_up(*place, Drop::kArpQueueFull);
  ++resolutions_;
  place->address = address;
  place->tries = 0;
  place->started_ns = clock::now();
  ask(*place);
  return *place;
}

void Arp::end_resolution(Resolution& resolution) {
  resolution.address = ip4::Addr::addr_any;
  --resolutions_;
}

void Arp::give_up(Resolution& resolution, Drop reason) {
  while (!resolution.waiting.empty()) drop_oldest_of(resolution, reason);
  end_resolution(resolution);
}

void Arp::drop_oldest_of(Resolution& resolution, Drop reason) {
  Packet_ptr oldest = resolution.waiting.take();
  --waiting_;
  inet_.counters().count(reason);
}

// Of the searches that hold packets, the one started first gives up the packet it was given first.
void Arp::drop_oldest() {
  Resolution* oldest = nullptr;
  for (Resolution& resolution : pending_) {
    if (resolution.waiting.empty()) continue;
    if (oldest == nullptr || resolution.started_ns < oldest->started_ns) oldest = &resolution;
  }
  if (oldest != nullptr) drop_oldest_of(*oldest, Drop::kArpQueueFull);
}

// One request now if the Iface may send one; else the next tick asks.
void Arp::ask(Resolution& resolution) {
  resolution.next_try_ns = clock::now();
  if (!may_ask() || !send_request(resolution.address)) return;
  ++resolution.tries;
  resolution.next_try_ns += kRetry;
}

void Arp::tick() {
  if (resolutions_ == 0) return;
  for (Resolution& resolution : pending_) {
    if (resolution.address == ip4::Addr::addr_any || resolution.next_try_ns > clock::now()) continue;
    if (resolution.tries < kTries) {
      ask(resolution);
    } else {
      give_up(resolution, Drop::kArpTimeout);
    }
  }
}

// Whoever was met under another address of this Iface's, and whatever waits for somebody there.
void Arp::forget() {
  neighbours_.fill({});
  for (Resolution& resolution : pending_)
    if (resolution.address != ip4::Addr::addr_any) give_up(resolution, Drop::kArpTimeout);
}

// RFC 5227 §2.3: a request for the own address, so that others replace what they know.
void Arp::announce() { send_request(inet_.ip_addr()); }

// RFC 1122 §2.3.2.1: searches of an Iface keep to a schedule, which they may be ahead of by a burst.
bool Arp::may_ask() {
  const std::uint64_t due = std::max(next_request_ns_, clock::now());
  if (due - clock::now() > kRequestBurst) return false;
  next_request_ns_ = due + kRequestInterval;
  return true;
}

bool Arp::send_request(ip4::Addr address) {
  hw::Frame* const frame = hw::Frame_pool::take();
  if (frame == nullptr) return false;
  write_message(*frame, kRequest, inet_, MAC::EMPTY, address);
  if (ethernet::transmit(inet_, frame, MAC::BROADCAST, ethernet::kTypeArp)) ++inet_.counters().arp_sent;
  return true;
}

}  // namespace net
