// TCP followed by its flags, for Conntrack::tcp_in, under IncludeOS's names.
//
//   SYN_SENT ──reply SYN+ACK──▶ SYN_RECV ──original ACK──▶ ESTABLISHED
//   ESTABLISHED ──original FIN──▶ FIN_WAIT ──FIN──▶ TIME_WAIT ──ACK──▶ CLOSE
//       └─────────reply FIN─────▶ CLOSE_WAIT ──FIN──▶ LAST_ACK ──ACK──▶ CLOSE
//   any ──RST──▶ CLOSE
//
// Meaning   docs/language.md 8.2 and 13. A segment makes one step at most, and renews the entry. The entry's
//           state becomes ESTABLISHED with SYN_RECV; its `other` is the Ct_state.
// Trust     an answer to a SYN that was dropped on its way establishes nothing: who can send in the name of
// others would
//           open a connection that the policy refuses.
// Differs   only a segment with SYN and without ACK, RST, FIN makes an entry; a full table gives none.
#pragma once

#include <net/conntrack.hpp>

namespace net::tcp {

enum class Ct_state : std::uint8_t {
  NONE,
  SYN_SENT,
  SYN_RECV,
  ESTABLISHED,
  FIN_WAIT,
  TIME_WAIT,
  CLOSE_WAIT,
  LAST_ACK,
  CLOSE
};

// How long an entry lives after its last segment.
namespace timeout {
inline constexpr Conntrack::Timeout_duration ESTABLISHED{24 * 60 * 60};
inline constexpr Conntrack::Timeout_duration SYN_SENT{2 * 60};
inline constexpr Conntrack::Timeout_duration SYN_RECV{60};
inline constexpr Conntrack::Timeout_duration FIN_WAIT{2 * 60};
inline constexpr Conntrack::Timeout_duration TIME_WAIT{2 * 60};
inline constexpr Conntrack::Timeout_duration CLOSE_WAIT{12 * 60};
inline constexpr Conntrack::Timeout_duration LAST_ACK{30};
inline constexpr Conntrack::Timeout_duration NONE{30 * 60};
inline constexpr Conntrack::Timeout_duration CLOSE{10};
}  // namespace timeout

// The entry of a segment that looks like `quad`; null when it has none and makes none.
Conntrack::Entry* tcp4_conntrack(Conntrack& table, Quadruple quad, const PacketIP4& packet);

}  // namespace net::tcp
