// Which octets of a datagram have come, in pieces that share none.
//
//   offset  0       8       16      24 …
//   covered 1       1       0       1        a bit for each 8 octets
//   starts  1       0       0       1        set where a piece begins
//
// INVARIANT disjoint   no piece covers what another covers; every piece but the one that ends the datagram is
//                      a multiple of kUnit octets long.
#pragma once

#include <bitset>
#include <cstddef>

namespace net {

class Piece_map {
 public:
  static constexpr std::size_t kUnit = 8;         // octets
  static constexpr std::size_t kLimit = 1 << 16;  // octets: no piece goes beyond

  void clear() {
    covered_.reset();
    starts_.reset();
    octets_ = 0;
    reach_ = 0;
    ended_ = false;
  }

  // Whether exactly this piece is there; `at` is a multiple of kUnit, `more` is said to follow or not.
  bool has(std::size_t at, std::size_t length, bool more) const {
    const std::size_t first = at / kUnit;
    const std::size_t end = units(at + length);
    if (!covered_[first] || !starts_[first]) return false;
    for (std::size_t unit = first + 1; unit < end; ++unit)
      if (!covered_[unit] || starts_[unit]) return false;
    const bool ends_here = end == kUnits || !covered_[end] || starts_[end];
    const bool is_last = ended_ && end == units(reach_);
    return ends_here && more != is_last && (!is_last || at + length == reach_);
  }

  // Add a piece. False, and nothing changed, when it contradicts those that are there: it shares an octet
  // with one, reaches beyond the end, or says where the end is and is wrong or not the first to say so.
  bool add(std::size_t at, std::size_t length, bool more) {
    const std::size_t end = at + length;
    if (ended_ && (!more || end > reach_)) return false;
    if (!more && reach_ > end) return false;
    for (std::size_t unit = at / kUnit; unit < units(end); ++unit)
      if (covered_[unit]) return false;
    starts_.set(at / kUnit);
    for (std::size_t unit = at / kUnit; unit < units(end); ++unit) covered_.set(unit);
    octets_ += length;
    if (end > reach_) reach_ = end;
    ended_ = ended_ || !more;
    return true;
  }

  bool is_whole() const { return ended_ && octets_ == reach_; }
  std::size_t end() const { return reach_; }  // octets, once the end is known

 private:
  static constexpr std::size_t kUnits = kLimit / kUnit;
  static constexpr std::size_t units(std::size_t octets) { return (octets + kUnit - 1) / kUnit; }

  std::bitset<kUnits> covered_;
  std::bitset<kUnits> starts_;
  std::size_t octets_ = 0;  // of all pieces together
  std::size_t reach_ = 0;   // where the piece that reaches furthest ends
  bool ended_ = false;      // that one is the last of the datagram
};

}  // namespace net
