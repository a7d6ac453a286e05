#include <net/tcp/tcp_conntrack.hpp>

#include "net/clock.hpp"

namespace net::tcp {

namespace {

constexpr std::size_t kFlags = 13;  // offset
constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;

Conntrack::Timeout_duration lifetime_in(Ct_state state) {
  switch (state) {
    case Ct_state::SYN_SENT:
      return timeout::SYN_SENT;
    case Ct_state::SYN_RECV:
      return timeout::SYN_RECV;
    case Ct_state::ESTABLISHED:
      return timeout::ESTABLISHED;
    case Ct_state::FIN_WAIT:
      return timeout::FIN_WAIT;
    case Ct_state::TIME_WAIT:
      return timeout::TIME_WAIT;
    case Ct_state::CLOSE_WAIT:
      return timeout::CLOSE_WAIT;
    case Ct_state::LAST_ACK:
      return timeout::LAST_ACK;
    case Ct_state::CLOSE:
      return timeout::CLOSE;
    case Ct_state::NONE:
      break;
  }
  return timeout::NONE;
}

// The state after a segment with these flags.
Ct_state following(Ct_state state, std::uint8_t flags, bool reply) {
  const bool fin = (flags & kFin) != 0;
  const bool ack = (flags & kAck) != 0;
  if ((flags & kRst) != 0) return Ct_state::CLOSE;
  switch (state) {
    case Ct_state::SYN_SENT:
      return reply && (flags & kSyn) != 0 && ack ? Ct_state::SYN_RECV : state;
    case Ct_state::SYN_RECV:
      return !reply && ack ? Ct_state::ESTABLISHED : state;
    case Ct_state::ESTABLISHED:
      if (!fin) return state;
      return reply ? Ct_state::CLOSE_WAIT : Ct_state::FIN_WAIT;
    case Ct_state::FIN_WAIT:
      return fin ? Ct_state::TIME_WAIT : state;
    case Ct_state::CLOSE_WAIT:
      return fin ? Ct_state::LAST_ACK : state;
    case Ct_state::TIME_WAIT:
    case Ct_state::LAST_ACK:
      return ack && !fin ? Ct_state::CLOSE : state;  // one with FIN is no ACK of the last FIN
    default:
      return state;
  }
}

void enter(Conntrack::Entry& entry, Ct_state state) {
  entry.other = static_cast<std::uint8_t>(state);
  const std::chrono::nanoseconds lifetime = lifetime_in(state);
  entry.timeout = clock::now() + static_cast<std::uint64_t>(lifetime.count());
}

Conntrack::Entry* open(Conntrack& table, const Quadruple& quad, std::uint8_t flags) {
  if ((flags & (kSyn | kAck | kRst | kFin)) != kSyn) return nullptr;
  Conntrack::Entry* const entry = table.add_entry(quad, Protocol::TCP);
  if (entry == nullptr) return nullptr;
  entry->set_flag(Conntrack::Flag::UNREPLIED);
  enter(*entry, Ct_state::SYN_SENT);
  return entry;
}

}  // namespace

Conntrack::Entry* tcp4_conntrack(Conntrack& table, Quadruple quad, const PacketIP4& packet) {
  if (packet.ip_protocol() != Protocol::TCP || !packet.has_transport_header()) return nullptr;
  const std::uint8_t flags = packet.ip_data()[kFlags];
  Conntrack::Entry* const entry = table.get(quad, Protocol::TCP);
  if (entry == nullptr) return open(table, quad, flags);
  const auto before = static_cast<Ct_state>(entry->other);
  const Ct_state after = following(before, flags, !entry->is_original(quad));
  // Nobody got the SYN that this answers: it was dropped, and the answer is forged.
  if (after == Ct_state::SYN_RECV && entry->state == Conntrack::State::UNCONFIRMED) return entry;
  if (before == Ct_state::SYN_SENT && after == Ct_state::SYN_RECV) {
    entry->unset_flag(Conntrack::Flag::UNREPLIED);
    entry->state = Conntrack::State::ESTABLISHED;
  }
  if (before == Ct_state::SYN_RECV && after == Ct_state::ESTABLISHED)
    entry->set_flag(Conntrack::Flag::ASSURED);
  enter(*entry, after);
  return entry;
}

}  // namespace net::tcp
