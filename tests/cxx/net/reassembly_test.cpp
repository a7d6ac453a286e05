// Fragments for the machine itself: docs/language.md 8.1 (5); and packets that leave in pieces.
#include "net/reassembly.hpp"

#include <algorithm>
#include <random>

#include "bench.hpp"
#include "net/division.hpp"

using namespace bench;
using net::Drop;
using net::Inet;
using net::IP4;

namespace {

constexpr std::uint8_t kIcmp = 1, kUdp = 17;
constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kMoreFragments = 0x2000;

// A piece of a datagram: `length` octets of its data from `at`.
struct Piece {
  std::size_t at;
  std::size_t length;
};

Octets fragment_of(const Ip& header, const Octets& data, const Piece& piece, std::uint16_t id = 7) {
  Ip own = header;
  const bool more = piece.at + piece.length < data.size();
  own.fragment = static_cast<std::uint16_t>(piece.at / 8 | (more ? kMoreFragments : 0));
  const auto begin = data.begin() + static_cast<std::ptrdiff_t>(piece.at);
  Octets packet = ip_packet(own, {begin, begin + static_cast<std::ptrdiff_t>(piece.length)});
  put16(packet, 4, id);
  fix_ip_checksum(packet);
  return packet;
}

std::vector<Piece> pieces_of(std::size_t size, std::size_t most) {
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < size; at += most) pieces.push_back({at, std::min(most, size - at)});
  return pieces;
}

// A bare fragment from a host, for tests of what is kept and what is not.
Octets fragment(std::size_t at, std::size_t length, bool more, std::uint16_t id = 7,
                const char* from = "10.0.0.2", std::uint8_t octet = 0x33) {
  const auto place = static_cast<std::uint16_t>(at / 8 | (more ? kMoreFragments : 0));
  Octets packet = ip_packet({.from = from, .fragment = place}, Octets(length, octet));
  put16(packet, 4, id);
  fix_ip_checksum(packet);
  return packet;
}

// What left by a NIC as pieces of one packet, put together; "" when nothing did.
Octets whole_of(Machine& machine, std::size_t nic) {
  Octets whole;
  for (;;) {
    const Octets piece = machine.take_sent_packet(nic);
    if (piece.empty()) return whole;
    CHECK(piece.size() <= 1500);
    CHECK(checksums_hold(piece) || get16(piece, 6) != 0);
    Octets header = piece;
    fix_ip_checksum(header);
    CHECK(get16(header, 10) == get16(piece, 10));
    CHECK_EQUAL((get16(piece, 6) & 0x1fff) * 8, whole.empty() ? 0 : whole.size() - 20);
    if (whole.empty()) {
      whole.assign(piece.begin(), piece.begin() + 20);
    } else {
      CHECK_EQUAL(get16(piece, 4), get16(whole, 4));
    }
    whole.insert(whole.end(), piece.begin() + 20, piece.end());
    const bool more = (get16(piece, 6) & kMoreFragments) != 0;
    CHECK(!more || piece.size() == 1500);
    if (!more) break;
  }
  put16(whole, 2, static_cast<std::uint16_t>(whole.size()));
  put16(whole, 6, 0);
  fix_ip_checksum(whole);
  return whole;
}

void send_pieces(Machine& machine, const Ip& header, const Octets& data, std::vector<Piece> pieces,
                 std::size_t nic = 0) {
  for (const Piece& piece : pieces) machine.receive_packet(nic, fragment_of(header, data, piece));
}

}  // namespace

TEST(a_large_echo_request_is_answered) {
  Machine machine;
  machine.meet_neighbours();
  std::mt19937 random{1};
  std::uint64_t answered = 0;
  for (std::size_t size : {1, 8, 1472, 1473, 1480, 2952, 2953, 9000, 65506, 65507}) {
    for (std::size_t most : {8, 24, 1480}) {
      if (size / most > 3000) continue;
      const Octets ping = icmp(8, 0, 77, size);
      auto pieces = pieces_of(ping.size(), most);
      if (pieces.size() == 1) continue;
      if (most != 8) std::ranges::shuffle(pieces, random);
      send_pieces(machine, {.protocol = kIcmp, .tos = 0xb8}, ping, pieces);
      const Octets reply = whole_of(machine, 0);
      CHECK_EQUAL(reply.size(), 28 + size);
      CHECK(checksums_hold(reply));
      CHECK_EQUAL(reply[1], 0xb8);
      CHECK_EQUAL(reply[8], 64);
      CHECK_EQUAL(get32(reply, 16), address("10.0.0.2"));
      CHECK_EQUAL(get16(reply, 20), 0);
      for (std::size_t i = 28; i < reply.size(); ++i) CHECK_EQUAL(reply[i], 0x66);
      CHECK(machine.nic(0).sent.empty());
      CHECK_EQUAL(machine.iface(0).counters().delivered, ++answered);
      CHECK_EQUAL(hw::Frame_pool::available(), kFrames);
    }
  }
  CHECK(answered > 15);
  machine.check_books();
}

namespace {

// What the input chain saw.
Octets seen;
net::Conntrack::State seen_state;
bool seen_entry;

net::Filter_verdict<IP4> look(IP4::IP_packet_ptr packet, Inet&, net::Conntrack::Entry_ptr entry) {
  seen.assign(packet->layer_begin(), packet->data_end());
  seen_entry = entry != nullptr;
  if (seen_entry) seen_state = entry->state;
  return {std::move(packet), net::Filter_verdict_type::ACCEPT};
}

}  // namespace

TEST(input_sees_the_datagram) {
  Machine machine;
  machine.track();
  machine.iface(0).ip_obj().input_chain().chain.push_back(look);
  for (std::size_t size : {40, 4000}) {
    const Octets datagram = udp(5, 6, size);
    Ip header{.ttl = 9, .tos = 0x48, .options = {1, 1, 1, 1}};
    auto pieces = pieces_of(datagram.size(), 24);
    std::ranges::reverse(pieces);
    for (const Piece& piece : pieces) {
      Ip own = header;
      if (piece.at != 0) own.ttl = 77, own.tos = 0, own.options = {};
      machine.receive_packet(0, fragment_of(own, datagram, piece));
    }
    Octets expected = ip_packet({.ttl = 9, .tos = 0x48}, datagram);
    put16(expected, 4, 7);
    put16(expected, 10, 0);
    CHECK(seen == expected);
    CHECK(seen_entry && seen_state == net::Conntrack::State::NEW);
  }
  CHECK_EQUAL(machine.iface(0).counters().delivered, 2);
  machine.check_books();
}

// The first piece is too short for ports: only the datagram has an entry.
TEST(the_datagram_is_tracked) {
  Machine machine;
  net::Conntrack& table = machine.track();
  machine.iface(0).ip_obj().input_chain().chain.push_back(look);
  Octets segment = tcp_packet({}, {.from = 1000, .to = 80});
  segment.erase(segment.begin(), segment.begin() + 20);
  machine.receive_packet(0, fragment_of({.protocol = 6}, segment, {0, 16}));
  CHECK_EQUAL(table.number_of_entries(), 0);
  machine.receive_packet(0, fragment_of({.protocol = 6}, segment, {16, 4}));
  CHECK_EQUAL(table.number_of_entries(), 2);
  CHECK(seen_entry && seen_state == net::Conntrack::State::NEW);
  machine.receive_packet(0, fragment_of({.protocol = 47}, Octets(32), {0, 16}, 8));
  machine.receive_packet(0, fragment_of({.protocol = 47}, Octets(32), {16, 16}, 8));
  CHECK(!seen_entry);
  machine.check_books();
}

TEST(an_error_about_a_large_datagram_quotes_its_begin) {
  Machine machine;
  machine.meet_neighbours();
  const Octets datagram = udp(5, 6, 30000);
  send_pieces(machine, {}, datagram, pieces_of(datagram.size(), 1480));
  const Octets error = machine.take_sent_packet(0);
  CHECK_EQUAL(error.size(), 56);
  CHECK(checksums_hold(error));
  CHECK_EQUAL(get16(error, 20), 0x0303);
  CHECK_EQUAL(error[28], 0x45);
  CHECK_EQUAL(get16(error, 28 + 2), 30028);
  CHECK_EQUAL(get16(error, 28 + 20 + 2), 6);
  CHECK(machine.nic(0).sent.empty());
  machine.check_books();
}

TEST(a_large_segment_is_reset) {
  Machine machine;
  machine.meet_neighbours();
  Octets packet = tcp_packet({}, {.sequence = 100, .flags = 2, .data = 5000});
  packet.erase(packet.begin(), packet.begin() + 20);
  send_pieces(machine, {.protocol = 6}, packet, pieces_of(packet.size(), 1480));
  const Octets reset = machine.take_sent_packet(0);
  CHECK_EQUAL(reset.size(), 40);
  CHECK(checksums_hold(reset));
  CHECK_EQUAL(get32(reset, 20 + 8), 100 + 1 + 5000);
  machine.check_books();
}

namespace {

struct Kept {
  const char* why;
  std::vector<Octets> before;
  Octets last;
  std::optional<Drop> reason;  // none: it is held
};

const std::vector<Kept>& cases() {
  static const std::vector<Kept> all = {
      {"no data", {}, fragment(0, 0, true), Drop::kFragmentMalformed},
      {"no data at the end", {fragment(0, 8, true)}, fragment(8, 0, false), Drop::kFragmentMalformed},
      {"9 octets and more", {}, fragment(0, 9, true), Drop::kFragmentMalformed},
      {"9 octets at the end", {}, fragment(8, 9, false), std::nullopt},
      {"up to the last octet", {}, fragment(65504, 11, false), std::nullopt},
      {"one octet beyond", {}, fragment(65504, 12, false), Drop::kFragmentTooLong},
      {"beyond, and more", {}, fragment(65504, 16, true), Drop::kFragmentTooLong},
      {"as far as an offset goes", {}, fragment(65528, 1480, true), Drop::kFragmentTooLong},
      {"one after the other", {fragment(0, 16, true)}, fragment(16, 8, true), std::nullopt},
      {"the same again", {fragment(0, 16, true)}, fragment(0, 16, true), std::nullopt},
      {"the last again", {fragment(16, 5, false)}, fragment(16, 5, false), std::nullopt},
      {"other octets",
       {fragment(0, 16, true)},
       fragment(0, 16, true, 7, "10.0.0.2", 1),
       Drop::kFragmentOverlap},
      {"shorter", {fragment(0, 16, true)}, fragment(0, 8, true), Drop::kFragmentOverlap},
      {"longer", {fragment(0, 16, true)}, fragment(0, 24, true), Drop::kFragmentOverlap},
      {"its second half", {fragment(0, 16, true)}, fragment(8, 8, true), Drop::kFragmentOverlap},
      {"over the end of one", {fragment(0, 16, true)}, fragment(8, 16, true), Drop::kFragmentOverlap},
      {"over the begin of one", {fragment(16, 16, true)}, fragment(8, 16, true), Drop::kFragmentOverlap},
      {"over all of one", {fragment(16, 8, true)}, fragment(8, 24, true), Drop::kFragmentOverlap},
      {"over two at once",
       {fragment(8, 8, true), fragment(16, 8, true)},
       fragment(8, 16, true),
       Drop::kFragmentOverlap},
      {"an end before what came", {fragment(16, 8, true)}, fragment(8, 8, false), Drop::kFragmentOverlap},
      {"an end in what came", {fragment(16, 8, true)}, fragment(16, 8, false), Drop::kFragmentOverlap},
      {"behind the end", {fragment(16, 8, false)}, fragment(24, 8, true), Drop::kFragmentOverlap},
      {"over the end", {fragment(16, 4, false)}, fragment(8, 16, true), Drop::kFragmentOverlap},
      {"in the end's unit", {fragment(16, 4, false)}, fragment(16, 8, true), Drop::kFragmentOverlap},
      {"a second end", {fragment(16, 8, false)}, fragment(8, 8, false), Drop::kFragmentOverlap},
      {"the end goes on", {fragment(16, 8, false)}, fragment(16, 8, true), Drop::kFragmentOverlap},
      {"a shorter end", {fragment(16, 5, false)}, fragment(16, 4, false), Drop::kFragmentOverlap},
      {"a longer end", {fragment(16, 5, false)}, fragment(16, 6, false), Drop::kFragmentOverlap},
      {"of another host", {fragment(0, 16, true)}, fragment(8, 16, true, 7, "10.0.0.3"), std::nullopt},
      {"of another datagram", {fragment(0, 16, true)}, fragment(8, 16, true, 8), std::nullopt},
  };
  return all;
}

}  // namespace

TEST(fragments_are_kept_or_dropped_with_a_reason) {
  Machine machine;
  std::uint64_t received = 0;
  for (const Kept& each : cases()) {
    for (const Octets& packet : each.before) machine.receive_packet(0, packet);
    const net::Counters before = machine.iface(0).counters();
    machine.receive_packet(0, each.last);
    const net::Counters& after = machine.iface(0).counters();
    check(after.held == before.held + (each.reason ? 0 : 1), each.why, __FILE__, __LINE__);
    check(after.dropped() == before.dropped() + (each.reason ? 1 : 0), each.why, __FILE__, __LINE__);
    if (each.reason)
      check(after.of(*each.reason) == before.of(*each.reason) + 1, each.why, __FILE__, __LINE__);
    received += each.before.size() + 1;
    machine.pass_time(31);  // whatever waits goes
    machine.check_books();
  }
  CHECK_EQUAL(machine.iface(0).counters().received, received);
  CHECK_EQUAL(machine.iface(0).counters().delivered, 0);
}

// RFC 5722: what came before an overlap, and what comes after it, makes no datagram.
TEST(an_overlap_ends_the_whole_datagram) {
  for (const bool too_long : {false, true}) {
    static Machine machine;
    machine.iface(0).ip_obj().input_chain().chain.clear();
    const Octets datagram = udp(5, 6, 24);
    const std::uint64_t delivered = machine.iface(0).counters().delivered;
    machine.receive_packet(0, fragment_of({}, datagram, {0, 16}));
    machine.receive_packet(0, too_long ? fragment(65528, 8, true) : fragment(8, 8, true));
    machine.receive_packet(0, fragment_of({}, datagram, {16, 16}));
    CHECK_EQUAL(machine.iface(0).counters().delivered, delivered);
    machine.receive_packet(0, fragment_of({}, datagram, {0, 16}));  // it makes the last one whole
    CHECK_EQUAL(machine.iface(0).counters().delivered, delivered + 1);
    machine.check_books();
  }
}

TEST(a_datagram_has_thirty_seconds) {
  Machine machine;
  const Octets datagram = udp(5, 6, 24);
  machine.receive_packet(0, fragment_of({}, datagram, {0, 16}));
  machine.pass_time(29);
  machine.receive_packet(0, fragment_of({}, datagram, {16, 16}));
  CHECK_EQUAL(machine.iface(0).counters().delivered, 1);
  machine.receive_packet(0, fragment_of({}, datagram, {0, 16}));
  machine.receive_packet(1, fragment_of({.to = "10.0.1.1"}, datagram, {0, 16}));
  machine.pass_time(31);
  machine.receive_packet(0, fragment_of({}, datagram, {16, 16}));
  CHECK_EQUAL(machine.iface(0).counters().delivered, 1);
  CHECK_EQUAL(machine.drops(0, Drop::kFragmentTimeout), 1);
  CHECK_EQUAL(machine.drops(1, Drop::kFragmentTimeout), 1);
  machine.check_books();
}

TEST(ifaces_keep_their_fragments_apart) {
  Machine machine;
  const Octets datagram = udp(5, 6, 24);
  machine.receive_packet(0, fragment_of({.to = "255.255.255.255"}, datagram, {0, 16}));
  machine.receive_packet(1, fragment_of({.to = "255.255.255.255"}, datagram, {16, 16}));
  CHECK_EQUAL(machine.iface(0).counters().delivered + machine.iface(1).counters().delivered, 0);
  machine.receive_packet(1, fragment_of({.to = "255.255.255.255"}, datagram, {0, 16}));
  CHECK_EQUAL(machine.iface(1).counters().delivered, 1);
  machine.check_books();
}

TEST(a_flood_of_first_fragments_costs_the_oldest) {
  Machine machine;
  const std::size_t room = net::reassembly::kDatagrams;
  for (std::uint16_t id = 0; id < 1000; ++id) {
    machine.receive_packet(0, fragment(0, 8, true, id));
    CHECK_EQUAL(machine.drops(0, Drop::kReassemblyFull), id < room ? 0 : id - room + 1);
  }
  machine.receive_packet(0, fragment(8, 8, false, 999));
  CHECK_EQUAL(machine.iface(0).counters().delivered, 1);
  machine.receive_packet(0, fragment(8, 8, false, 984));  // the oldest that is left
  CHECK_EQUAL(machine.iface(0).counters().delivered, 2);
  machine.receive_packet(0, fragment(8, 8, false, 983));
  CHECK_EQUAL(machine.iface(0).counters().delivered, 2);
  machine.check_books();
}

TEST(a_flood_from_one_host_costs_the_others_nothing) {
  Machine machine;
  machine.receive_packet(0, fragment(0, 8, true, 1, "10.0.0.3"));
  machine.receive_packet(0, fragment(0, 8, true, 2, "10.0.0.4"));
  for (std::uint16_t id = 0; id < 1000; ++id) machine.receive_packet(0, fragment(0, 8, true, id));
  machine.receive_packet(0, fragment(8, 8, false, 1, "10.0.0.3"));
  machine.receive_packet(0, fragment(8, 8, false, 2, "10.0.0.4"));
  CHECK_EQUAL(machine.iface(0).counters().delivered, 2);
  machine.check_books();
}

TEST(a_large_answer_finds_no_frames) {
  Machine machine;
  machine.meet_neighbours();
  const Octets ping = icmp(8, 0, 77, 20000);
  auto pieces = pieces_of(ping.size(), 1480);
  const Piece last = pieces.back();
  pieces.pop_back();
  send_pieces(machine, {.protocol = kIcmp}, ping, pieces);
  std::vector<hw::Frame*> hoard;
  while (hw::Frame_pool::available() > 13) hoard.push_back(hw::Frame_pool::take());
  send_pieces(machine, {.protocol = kIcmp}, ping, {last});  // 14 pieces, and its own frame is back by then
  for (hw::Frame* frame : hoard) hw::Frame_pool::give_back(frame);
  CHECK_EQUAL(machine.iface(0).counters().own_of(Drop::kNoFrame), 1);
  CHECK_EQUAL(machine.iface(0).counters().delivered, 1);
  CHECK(machine.nic(0).sent.empty());
  machine.check_books();
}

TEST(pieces_wait_for_the_neighbour) {
  Machine machine;
  const Octets ping = icmp(8, 0, 77, 20000);
  send_pieces(machine, {.protocol = kIcmp}, ping, pieces_of(ping.size(), 1480));
  CHECK_EQUAL(machine.iface(0).arp().waiting(), 14);
  machine.check_books();
  machine.receive(
      0, arp(Operation::kReply, {2, 0xaa, 0, 0, 0, 2}, "10.0.0.2", "10.0.0.1", machine.nic(0).mac()));
  machine.take_sent(0);  // the question
  CHECK_EQUAL(whole_of(machine, 0).size(), 20028);
  machine.check_books();
}

// (S1): the fragments arrive again at the Iface they are addressed to, and the answer goes back through the
// router.
TEST(another_own_address_reassembles_too) {
  Machine machine;
  machine.route();
  machine.track();
  machine.meet_neighbours();
  const Octets ping = icmp(8, 0, 77, 9000);
  send_pieces(machine, {.to = "10.0.1.1", .protocol = kIcmp}, ping, pieces_of(ping.size(), 1480));
  const Octets reply = whole_of(machine, 0);
  CHECK_EQUAL(reply.size(), 9028);
  CHECK_EQUAL(get32(reply, 12), address("10.0.1.1"));
  CHECK_EQUAL(machine.iface(1).counters().delivered, 1);
  machine.check_books();

  // A forged source: the answer, longer than any frame, goes to this machine itself.
  send_pieces(machine, {.from = "10.0.1.1", .protocol = kIcmp}, ping, pieces_of(ping.size(), 1480));
  CHECK_EQUAL(machine.iface(0).counters().delivered, 1);
  CHECK_EQUAL(machine.iface(1).counters().delivered, 2);
  machine.check_books();
  for (std::uint16_t id = 0; id < 16; ++id) machine.receive_packet(0, fragment(0, 8, true, id));
  CHECK_EQUAL(machine.drops(0, Drop::kReassemblyFull), 0);  // every buffer is free again
}

TEST(a_packet_with_dont_fragment_is_not_divided) {
  Machine machine;
  hw::Frame* frame = hw::Frame_pool::take();
  const Octets packet = ip_packet({.fragment = kDontFragment}, Octets(1481));
  std::copy(packet.begin(), packet.end(), frame->data);
  frame->length = static_cast<std::uint16_t>(packet.size());
  auto view = net::Packet::in_frame<net::PacketIP4>(frame, 0);
  net::Packet_queue pieces;
  CHECK(net::division::divide(machine.iface(0), *view, pieces) == Drop::kTooBig);
  view->layer_begin()[6] = 0x20;  // a fragment itself
  CHECK(net::division::divide(machine.iface(0), *view, pieces) == Drop::kTooBig);
  view->layer_begin()[6] = 0;
  CHECK(!net::division::divide(machine.iface(0), *view, pieces));
  CHECK_EQUAL(pieces.size(), 2);
  CHECK_EQUAL(pieces.take()->size(), 1500);
  CHECK_EQUAL(pieces.take()->size(), 21);
}

TEST(panics_when_a_nic_is_given_what_is_in_no_frame) {
  static net::Large_buffer buffer;
  auto packet = net::Packet::in_buffer<net::PacketIP4>(buffer, 100, 2000);
  hw::Frame* const frame = net::Packet::take_frame(std::move(packet), 14);
  CHECK(frame == nullptr);
}
