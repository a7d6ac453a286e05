// Filters and chains, under IncludeOS's names.
//
//   packet ─▶ filter ─ACCEPT▶ filter ─ACCEPT▶ … ─▶ ACCEPT, the packet goes on
//                └──DROP──▶ the packet is gone
//
// A filter owns the packet it is given. With ACCEPT it returns a packet (the same or another); ACCEPT without
// a packet is a panic. An empty chain accepts.
#pragma once

#include <cstdint>
#include <delegate>
#include <initializer_list>
#include <net/conntrack.hpp>
#include <net/counters.hpp>
#include <utility>
#include <vector>

namespace net {

class Inet;

enum class Filter_verdict_type : std::uint8_t { ACCEPT, DROP };

template <typename IPV>
struct Filter_verdict {
  using IP_packet_ptr = typename IPV::IP_packet_ptr;

  Filter_verdict() noexcept = default;
  Filter_verdict(IP_packet_ptr p, Filter_verdict_type v) noexcept : packet{std::move(p)}, verdict{v} {}

  operator Filter_verdict_type() const noexcept { return verdict; }
  IP_packet_ptr release() { return std::move(packet); }

  IP_packet_ptr packet;
  Filter_verdict_type verdict = Filter_verdict_type::DROP;
};

template <typename IPV>
using Packetfilter = delegate<Filter_verdict<IPV>(typename IPV::IP_packet_ptr, Inet&, Conntrack::Entry_ptr)>;

// Why a translation (net/nat/napt.hpp) could not be done in the chain that runs, Drop::kCount when none
// failed.
inline constinit Drop translation_refused = Drop::kCount;
inline void refuse_translation(Drop reason) noexcept { translation_refused = reason; }
// What a drop in a chain counts as: for the translation that it is because of, else for the chain.
inline Drop reason_of(Drop chain) noexcept {
  return translation_refused == Drop::kCount ? chain : translation_refused;
}

[[noreturn]] void accepted_without_packet(const char* chain_name);

template <typename IPV>
struct Filter_chain {
  using IP_packet_ptr = typename IPV::IP_packet_ptr;

  Filter_chain(const char* chain_name, std::initializer_list<Packetfilter<IPV>> filters)
      : chain(filters), name{chain_name} {}

  // Run the filters in order. A packet that a filter returns in place of another inherits its origin.
  Filter_verdict<IPV> operator()(IP_packet_ptr packet, Inet& stack, Conntrack::Entry_ptr ct) {
    if (chain.empty()) return {std::move(packet), Filter_verdict_type::ACCEPT};
    const auto origin = packet->origin();
    translation_refused = Drop::kCount;
    for (auto& filter : chain) {
      auto verdict = filter(std::move(packet), stack, ct);
      if (verdict == Filter_verdict_type::DROP) return {nullptr, Filter_verdict_type::DROP};
      packet = verdict.release();
      if (packet == nullptr) accepted_without_packet(name);
      packet->set_origin(origin);
    }
    return {std::move(packet), Filter_verdict_type::ACCEPT};
  }

  std::vector<Packetfilter<IPV>> chain;
  const char* name;
};

}  // namespace net
