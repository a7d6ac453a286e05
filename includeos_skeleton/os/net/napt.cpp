#include <net/interfaces.hpp>
#include <net/nat/napt.hpp>
#include <os.hpp>
#include <utility>

#include "net/port_pool.hpp"
#include "net/readdress.hpp"
#include "platform/platform.hpp"

namespace net::nat {

// The ports that flows may hide behind at one Iface.
struct NAPT::Pools {
  Inet* stack;
  Port_pool tcp;
  Port_pool udp;

  Port_pool& of(Protocol protocol) { return protocol == Protocol::TCP ? tcp : udp; }
};

namespace {

bool is_translatable(const Conntrack& table, const PacketIP4& packet, Conntrack::Entry_ptr entry) {
  return table.owns(entry) && entry->proto == packet.ip_protocol() && packet.has_transport_header();
}

bool has_ports(const PacketIP4& packet) { return packet.ip_protocol() != Protocol::ICMPv4; }

bool is_hidden(Conntrack::Entry_ptr entry) { return entry->first.src != entry->second.dst; }
bool is_redirected(Conntrack::Entry_ptr entry) { return entry->first.dst != entry->second.src; }

// One of the ports, as many behind `port` as nobody can foresee, round and round.
std::uint32_t somewhere_from(std::uint32_t port) {
  const std::uint64_t number = port - Port_pool::kFirst + platform::unforeseen() % Port_pool::kPorts;
  return Port_pool::kFirst + static_cast<std::uint32_t>(number % Port_pool::kPorts);
}

void give_back(void* pool, Conntrack::Entry& entry) {
  static_cast<Port_pool*>(pool)->give_back(entry.masquerade_port);
  entry.masquerade_port = 0;
  entry.on_close = {};
}

}  // namespace

NAPT::NAPT(std::shared_ptr<Conntrack> conntrack) : conntrack_{std::move(conntrack)} {
  if (conntrack_ == nullptr) os::panic("NAPT was made without a Conntrack");
  for (Inet* stack : Interfaces::all()) pools_.push_back({stack, {}, {}});
}

NAPT::~NAPT() {
  for (Pools& pools : pools_) {
    conntrack_->forget_handlers_of(&pools.tcp);
    conntrack_->forget_handlers_of(&pools.udp);
  }
}

// Whether the replies to a flow may come from there; if so, they are expected from there.
bool NAPT::expect_from(Conntrack::Entry_ptr entry, const Socket& source) {
  if (entry->second.src == source) return true;
  return conntrack_->expect(entry, {source, entry->second.dst}) != nullptr;
}

// Whether the replies to a flow may go there; if so, they are expected there.
bool NAPT::expect_at(Conntrack::Entry_ptr entry, const Socket& destination) {
  if (entry->second.dst == destination) return true;
  return conntrack_->expect(entry, {entry->second.src, destination}) != nullptr;
}

void NAPT::dnat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, Socket to) {
  if (!is_translatable(*conntrack_, packet, entry) || !has_ports(packet)) return;
  if (!expect_from(entry, to)) return refuse_translation(Drop::kNatCollision);
  readdress(packet, End::kDestination, to);
}

void NAPT::dnat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, ip4::Addr to) {
  if (!is_translatable(*conntrack_, packet, entry)) return;
  const Socket target{to, Conntrack::quadruple_of(packet).dst.port()};
  if (!expect_from(entry, target)) return refuse_translation(Drop::kNatCollision);
  readdress(packet, End::kDestination, target);
}

void NAPT::dnat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, std::uint16_t to) {
  dnat(packet, entry, Socket{packet.ip_dst(), to});
}

void NAPT::dnat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry) {
  if (!is_translatable(*conntrack_, packet, entry) || !is_hidden(entry)) return;
  if (Conntrack::quadruple_of(packet).dst == entry->second.dst)
    readdress(packet, End::kDestination, entry->first.src);
}

void NAPT::snat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, Socket to) {
  if (!is_translatable(*conntrack_, packet, entry) || !has_ports(packet)) return;
  if (!expect_at(entry, to)) return refuse_translation(Drop::kNatCollision);
  readdress(packet, End::kSource, to);
}

void NAPT::snat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, ip4::Addr to) {
  if (!is_translatable(*conntrack_, packet, entry)) return;
  const Socket target{to, Conntrack::quadruple_of(packet).src.port()};
  if (!expect_at(entry, target)) return refuse_translation(Drop::kNatCollision);
  readdress(packet, End::kSource, target);
}

void NAPT::snat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry, std::uint16_t to) {
  snat(packet, entry, Socket{packet.ip_src(), to});
}

void NAPT::snat(IP4::IP_packet& packet, Conntrack::Entry_ptr entry) {
  if (!is_translatable(*conntrack_, packet, entry) || !is_redirected(entry)) return;
  if (Conntrack::quadruple_of(packet).src == entry->second.src)
    readdress(packet, End::kSource, entry->first.dst);
}

void NAPT::masquerade(IP4::IP_packet& packet, Stack& stack, Conntrack::Entry_ptr entry) {
  const ip4::Addr address = stack.ip_addr();
  if (!is_translatable(*conntrack_, packet, entry) || address == IP4::ADDR_ANY) return;
  if (!has_ports(packet)) {
    if (!expect_at(entry, {address, entry->first.src.port()})) return refuse_translation(Drop::kNatCollision);
  } else if (!hide(entry, stack, address)) {
    return refuse_translation(Drop::kPortsExhausted);
  }
  readdress(packet, End::kSource, entry->second.dst);
}

void NAPT::demasquerade(IP4::IP_packet& packet, const Stack&, Conntrack::Entry_ptr entry) {
  if (is_translatable(*conntrack_, packet, entry) && is_hidden(entry))
    readdress(packet, End::kDestination, entry->first.src);
}

// Let the replies to a flow come to `address` of `stack`, at a port that is the flow's alone.
bool NAPT::hide(Conntrack::Entry_ptr entry, const Stack& stack, ip4::Addr address) {
  for (Pools& pools : pools_) {
    if (pools.stack != &stack) continue;
    const bool has_one = entry->masquerade_port != 0 && entry->on_close.object == &pools.of(entry->proto);
    return (has_one && expect_at(entry, {address, entry->masquerade_port})) ||
           hide_anew(entry, pools, address);
  }
  return false;
}

// The same with another port: it has none, hid behind another Iface until now, or its port is another flow's.
// Who watches some flows cannot foresee the port of the next (RFC 6056 §3.3.1), nor hold those that it would
// get.
bool NAPT::hide_anew(Conntrack::Entry_ptr known, Pools& pools, ip4::Addr address) {
  Port_pool& pool = pools.of(known->proto);
  if (known->masquerade_port != 0) {
    Conntrack::Entry& entry = conntrack_->changeable(known);
    give_back(entry.on_close.object, entry);
  }
  std::uint16_t port = pool.next(somewhere_from(Port_pool::kFirst));
  for (int tried = 0; port != 0 && tried < kTries; ++tried) {
    const bool own = known->proto == Protocol::UDP && pools.stack->udp().is_bound(port);
    Conntrack::Entry* const entry =
        own ? nullptr : conntrack_->expect(known, {known->second.src, {address, port}});
    if (entry != nullptr) {
      pool.take(port);
      entry->masquerade_port = port;
      entry->on_close = {give_back, &pool};
      return true;
    }
    port = pool.next(somewhere_from(port + 1U));
  }
  return false;
}

}  // namespace net::nat
