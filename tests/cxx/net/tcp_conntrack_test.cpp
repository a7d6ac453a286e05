// TCP followed by its flags: every state and every step, docs/language.md 8.2 and 13.
#include <net/tcp/tcp_conntrack.hpp>

#include "bench.hpp"
#include "net/clock.hpp"

using namespace bench;
using net::Conntrack;
using net::tcp::Ct_state;

namespace {

constexpr std::uint8_t FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, ECE = 64, CWR = 128;

struct Step {
  char from;  // 'o': as the first segment, 'r': a reply
  std::uint8_t flags;
};

// A machine whose eth0 receives the segments of one connection through it.
class Connection {
 public:
  explicit Connection(std::size_t limit = 0) : table_{machine_.track(limit)} {
    table_.tcp_in = net::tcp::tcp4_conntrack;
    machine_.route();
    machine_.meet_neighbours();
  }

  // The entry after these segments; null when there is none.
  Conntrack::Entry* after(std::initializer_list<Step> steps) {
    ++port_;
    for (const Step& step : steps) take(step);
    return table_.get(quad(), net::Protocol::TCP);
  }
  Conntrack::Entry* and_then(Step step) {
    take(step);
    return table_.get(quad(), net::Protocol::TCP);
  }
  Conntrack& table() { return table_; }
  Machine& machine() { return machine_; }

 private:
  net::Quadruple quad() const {
    return {{net::ip4::Addr{10, 0, 0, 2}, port_}, {net::ip4::Addr{10, 0, 1, 5}, 80}};
  }
  void take(const Step& step) {
    if (step.from == 'o') {
      machine_.receive_packet(0,
                              tcp_packet({.to = "10.0.1.5"}, {.from = port_, .to = 80, .flags = step.flags}));
    } else {
      const Ip back{.from = "10.0.1.5", .to = "10.0.0.2"};
      machine_.receive_packet(1, tcp_packet(back, {.from = 80, .to = port_, .flags = step.flags}));
    }
  }

  Machine machine_;
  Conntrack& table_;
  std::uint16_t port_ = 1000;
};

bool is(const Conntrack::Entry* entry, Ct_state state, std::uint64_t seconds) {
  return entry != nullptr && static_cast<Ct_state>(entry->other) == state &&
         entry->timeout == net::clock::now() + seconds * 1'000'000'000;
}

}  // namespace

TEST(only_a_lone_syn_opens_a_connection) {
  Connection tcp;
  for (unsigned flags = 0; flags < 256; ++flags) {
    const auto octet = static_cast<std::uint8_t>(flags);
    const bool opens = (octet & (SYN | ACK | RST | FIN)) == SYN;
    CHECK((tcp.after({{'o', octet}}) != nullptr) == opens);
  }
}

TEST(a_handshake_establishes_with_the_answer) {
  Connection tcp;
  Conntrack::Entry* entry = tcp.after({{'o', SYN}});
  CHECK(is(entry, Ct_state::SYN_SENT, 120));  // CONFIRM has left it alone
  CHECK(entry->state == Conntrack::State::NEW && entry->isset(Conntrack::Flag::UNREPLIED));
  CHECK(is(tcp.and_then({'r', ACK}), Ct_state::SYN_SENT, 120));
  CHECK(is(tcp.and_then({'r', SYN}), Ct_state::SYN_SENT, 120));
  CHECK(is(tcp.and_then({'o', SYN | ACK}), Ct_state::SYN_SENT, 120));
  CHECK(entry->state == Conntrack::State::NEW);
  CHECK(is(tcp.and_then({'r', SYN | ACK}), Ct_state::SYN_RECV, 60));
  CHECK(entry->state == Conntrack::State::ESTABLISHED && !entry->isset(Conntrack::Flag::UNREPLIED));
  CHECK(is(tcp.and_then({'r', ACK}), Ct_state::SYN_RECV, 60));
  CHECK(is(tcp.and_then({'o', PSH}), Ct_state::SYN_RECV, 60));
  CHECK(!entry->isset(Conntrack::Flag::ASSURED));
  CHECK(is(tcp.and_then({'o', ACK}), Ct_state::ESTABLISHED, 86400));
  CHECK(entry->isset(Conntrack::Flag::ASSURED));
  CHECK(is(tcp.and_then({'o', ACK | ECE | CWR}), Ct_state::ESTABLISHED, 86400));
}

// Whoever sent the answer, nobody got what it answers.
TEST(an_answer_to_a_segment_that_was_dropped_establishes_nothing) {
  Connection tcp;
  for (std::size_t i = 0; i < 2; ++i)
    tcp.machine().iface(i).ip_obj().prerouting_chain().chain.push_back(
        [](net::IP4::IP_packet_ptr, net::Inet&, Conntrack::Entry_ptr) {
          return net::Filter_verdict<net::IP4>{};
        });
  Conntrack::Entry* entry = tcp.after({{'o', SYN}, {'r', SYN | ACK}});
  CHECK(is(entry, Ct_state::SYN_SENT, 120) && entry->state == Conntrack::State::UNCONFIRMED);
  const auto expires = entry->timeout;
  tcp.machine().pass_time(5);
  CHECK(tcp.and_then({'r', SYN | ACK})->timeout == expires);
  CHECK(is(tcp.and_then({'o', SYN}), Ct_state::SYN_SENT, 120));
  CHECK(entry->state == Conntrack::State::UNCONFIRMED);
}

TEST(a_close_from_either_end) {
  Connection tcp;
  CHECK(is(tcp.after({{'o', SYN}, {'r', SYN | ACK}, {'o', ACK}, {'o', FIN | ACK}}), Ct_state::FIN_WAIT, 120));
  CHECK(is(tcp.and_then({'r', ACK}), Ct_state::FIN_WAIT, 120));
  CHECK(is(tcp.and_then({'r', FIN | ACK}), Ct_state::TIME_WAIT, 120));
  CHECK(is(tcp.and_then({'r', FIN | ACK}), Ct_state::TIME_WAIT, 120));  // again: no ACK of the last FIN
  CHECK(is(tcp.and_then({'o', ACK}), Ct_state::CLOSE, 10));
  CHECK(is(tcp.and_then({'o', SYN}), Ct_state::CLOSE, 10));

  CHECK(
      is(tcp.after({{'o', SYN}, {'r', SYN | ACK}, {'o', ACK}, {'r', FIN | ACK}}), Ct_state::CLOSE_WAIT, 720));
  CHECK(is(tcp.and_then({'o', ACK}), Ct_state::CLOSE_WAIT, 720));
  CHECK(is(tcp.and_then({'o', FIN | ACK}), Ct_state::LAST_ACK, 30));
  CHECK(is(tcp.and_then({'o', FIN | ACK}), Ct_state::LAST_ACK, 30));
  CHECK(is(tcp.and_then({'r', ACK}), Ct_state::CLOSE, 10));
}

TEST(a_reset_closes_in_every_state) {
  Connection tcp;
  const std::initializer_list<Step> to[] = {
      {{'o', SYN}, {'r', RST | ACK}},
      {{'o', SYN}, {'r', SYN | ACK}, {'o', RST}},
      {{'o', SYN}, {'r', SYN | ACK}, {'o', ACK}, {'r', RST}},
      {{'o', SYN}, {'r', SYN | ACK}, {'o', ACK}, {'o', FIN | ACK}, {'o', RST}},
      {{'o', SYN}, {'r', SYN | ACK}, {'o', ACK}, {'o', FIN | ACK}, {'r', FIN | ACK}, {'r', RST | FIN}},
      {{'o', SYN}, {'r', SYN | ACK}, {'o', ACK}, {'r', FIN | ACK}, {'o', RST}},
      {{'o', SYN}, {'r', SYN | ACK}, {'o', ACK}, {'r', FIN | ACK}, {'o', FIN | ACK}, {'o', RST}},
      {{'o', SYN}, {'r', RST | ACK}, {'r', RST}},
  };
  for (const auto& steps : to) CHECK(is(tcp.after(steps), Ct_state::CLOSE, 10));
}

TEST(a_full_table_follows_what_it_knows) {
  Connection tcp{2};
  CHECK(tcp.after({{'o', SYN}}) != nullptr);
  CHECK(is(tcp.and_then({'r', SYN | ACK}), Ct_state::SYN_RECV, 60));
  CHECK(tcp.after({{'o', SYN}}) == nullptr);
  CHECK_EQUAL(tcp.table().number_of_entries(), 2);
}

TEST(a_connection_that_ended_is_swept_and_opened_again) {
  Connection tcp;
  CHECK(is(tcp.after({{'o', SYN}, {'r', RST | ACK}}), Ct_state::CLOSE, 10));
  tcp.machine().pass_time(20.1);
  CHECK(tcp.and_then({'o', ACK}) == nullptr);
  CHECK(is(tcp.and_then({'o', SYN}), Ct_state::SYN_SENT, 120));
}

TEST(a_segment_without_its_header_is_not_followed) {
  Connection tcp;
  tcp.machine().receive_packet(0, ip_packet({.to = "10.0.1.5", .protocol = 6}, Octets(19, SYN)));
  CHECK_EQUAL(tcp.table().number_of_entries(), 0);
}
