// Sensible packets to the machine of everything.nacl: hosts, ports and flags are chosen from what its policy
// speaks of.
//
//   op   op % 12 is what is done
//     0   from, to, ports, flags          a TCP segment
//     1   from, to, ports, size           a UDP datagram
//     2   from, to, type, identifier      an ICMP message
//     3   which, flags                    an answer to a packet that was sent lately
//     4   which, host, type, code, size   an ICMP error about one
//     5   from, to, kind, offset, size, more   a fragment; kind: protocol and identification
//     6   k                               2^(k % 20) milliseconds pass
//     7   what, host                      ARP (Play::arp)
//     8   type, address, netmask, lease, change   a DHCP answer to what was asked last
//     9   nic                             the NIC refuses frames, or takes them again
//     10  offset, value                   the last packet again, an octet changed, the IP checksum right
//     11  from, to, protocol, how many    that many new flows
#include <array>
#include <deque>
#include <iterator>
#include <string>

#include "dhcp.hpp"
#include "input.hpp"
#include "machine.hpp"
#include "packets.hpp"

namespace {

using bench::Ip;
using bench::Octets;
using fuzz::Machine;

constexpr std::size_t kSteps = 64;  // of an input, at most

struct Host {
  const char* address;
  std::size_t nic;
  int vlan;  // 0: none
};
constexpr Host kHosts[] = {{"192.0.2.4", 0, 0},  {"192.0.2.254", 0, 0}, {"8.8.8.8", 0, 0},
                           {"10.0.1.4", 1, 0},   {"10.0.1.5", 1, 0},    {"10.9.3.4", 1, 0},
                           {"10.0.10.4", 1, 10}, {"10.0.20.4", 1, 20},  {"198.51.100.4", 2, 0},
                           {"0.0.0.0", 1, 20}};
constexpr const char* kTargets[] = {"192.0.2.1",  "10.0.1.4",  "8.8.8.8",      "10.0.10.4",       "192.0.2.4",
                                    "10.9.3.4",   "10.0.1.1",  "198.51.100.4", "255.255.255.255", "10.0.10.1",
                                    "192.0.2.7",  "10.0.20.9", "198.51.100.1", "192.0.2.255",     "127.0.0.1",
                                    "10.0.10.77", "224.0.0.1", "10.0.1.5"};
constexpr std::uint16_t kPorts[] = {80,    22,   8080, 53,   5353, 6000, 7000, 49152, 49153,
                                    49154, 1000, 1001, 1002, 443,  67,   68,   514,   0};
constexpr std::uint8_t kIcmpTypes[] = {8, 0, 8, 13, 3, 11, 5};
constexpr std::size_t kRemembered = 16;  // packets

MAC::Addr mac_of(const Host& host) {
  return {2, 0xaa, static_cast<std::uint8_t>(host.nic), 0, 0, static_cast<std::uint8_t>(&host - kHosts + 2)};
}

struct Sent {
  std::size_t nic;
  int vlan;
  Octets packet;
};

class Play {
 public:
  Play(Machine& machine, Input& input) : machine_{machine}, input_{input} {}

  void step();

 private:
  void tcp();
  void udp();
  void icmp();
  void answer();
  void error();
  void fragment();
  void arp();
  void dhcp();
  void refuse();
  void again();
  void burst();

  void look();
  void note(std::size_t nic, const Octets& frame);
  void send(const Host& from, const Octets& packet);
  Ip header(const Host& from, std::uint8_t protocol) {
    return {.from = from.address, .to = input_.one_of(kTargets), .protocol = protocol};
  }

  Machine& machine_;
  Input& input_;
  std::deque<Sent> sent_;
  std::deque<std::pair<std::size_t, Octets>> asked_;  // ARP requests that were not answered
  fuzz::Dhcp_question question_;
  std::array<bool, bench::kNics> refuses_{};
  bool answers_arp_ = true;
  bool honest_ = true;  // all that came in had right checksums
  const Host* last_from_ = kHosts;
  Octets last_;
};

void Play::send(const Host& from, const Octets& packet) {
  last_from_ = &from;
  last_ = packet;
  machine_.receive(from.nic, fuzz::frame_of(packet, machine_.mac(from.nic), mac_of(from), from.vlan));
}

void Play::tcp() {
  const Host& from = input_.one_of(kHosts);
  const Ip ip = header(from, 6);
  const std::uint16_t sport = input_.one_of(kPorts), dport = input_.one_of(kPorts);
  send(from, bench::tcp_packet(ip, {.from = sport, .to = dport, .flags = input_.octet()}));
}

void Play::udp() {
  const Host& from = input_.one_of(kHosts);
  const Ip ip = header(from, 17);
  const std::uint16_t sport = input_.one_of(kPorts), dport = input_.one_of(kPorts);
  send(from, fuzz::udp_packet(ip, sport, dport, Octets(input_.octet() * std::size_t{5}, 0x55)));
}

void Play::icmp() {
  const Host& from = input_.one_of(kHosts);
  const Ip ip = header(from, 1);
  const std::uint8_t type = input_.one_of(kIcmpTypes);
  send(from, bench::ip_packet(ip, bench::icmp(type, 0, input_.octet() % 8)));
}

void Play::answer() {
  const std::uint8_t which = input_.octet(), flags = input_.octet();
  if (sent_.empty()) return;
  const Sent& to = sent_[which % sent_.size()];
  if (!fuzz::has_transport(to.packet)) return;
  const Host end{"", to.nic, to.vlan};
  last_ = fuzz::reply_to(to.packet, flags);
  machine_.receive(end.nic, fuzz::frame_of(last_, machine_.mac(end.nic), {2, 0xaa, 0, 0, 0, 9}, end.vlan));
}

void Play::error() {
  const std::uint8_t which = input_.octet();
  const Host& reporter = input_.one_of(kHosts);
  const std::uint8_t type = input_.octet() % 20, code = input_.octet() % 16, size = input_.octet();
  if (!sent_.empty())
    send(reporter, fuzz::error_about(sent_[which % sent_.size()].packet, reporter.address, type, code, size));
}

void Play::fragment() {
  const Host& from = input_.one_of(kHosts);
  Ip ip = header(from, 17);
  const std::uint8_t kind = input_.octet(), at = input_.octet(), size = input_.octet(), more = input_.octet();
  if ((kind & 1) != 0) ip.protocol = 1;
  const unsigned offset = (more & 2) != 0 ? at * 32U : at * 2U;
  ip.fragment = static_cast<std::uint16_t>(offset | ((more & 1) != 0 ? 0x2000 : 0));
  Octets data((more & 4) != 0 ? size * std::size_t{4} : size / 2 * std::size_t{16}, kind);
  if (at == 0 && data.size() >= 8 && ip.protocol == 1) std::copy_n("\x08\0\0\0\0\0\0\0", 8, data.begin());
  data.resize(std::min<std::size_t>(data.size(), 1480));
  Octets packet = bench::ip_packet(ip, data);
  bench::put16(packet, 4, kind >> 1 & 7);
  bench::fix_ip_checksum(packet);
  honest_ = honest_ && ip.fragment != 0;
  send(from, packet);
}

// Answers begin or end; a host says where it is; it claims an address of the machine; the last question is
// answered.
void Play::arp() {
  const std::uint8_t what = input_.octet();
  const Host& host = input_.one_of(kHosts);
  const char* const own = host.nic == 0 ? "192.0.2.1" : host.vlan == 10 ? "10.0.10.1" : "10.0.1.1";
  if (what % 4 == 0) {
    answers_arp_ = !answers_arp_;
  } else if (what % 4 == 3) {
    if (asked_.empty()) return;
    machine_.receive(asked_.back().first, fuzz::arp_answer(asked_.back().second, mac_of(host)));
    asked_.pop_back();
  } else {
    const auto operation = (what & 4) != 0 ? bench::Operation::kReply : bench::Operation::kRequest;
    const char* const sender = what % 4 == 1 ? host.address : own;
    Octets frame = bench::arp(operation, mac_of(host), sender, own);
    if (host.vlan != 0) frame = bench::with_tag(frame, static_cast<std::uint16_t>(host.vlan));
    machine_.receive(host.nic, frame);
  }
}

void Play::dhcp() {
  const Octets packet = fuzz::dhcp_answer(question_, input_);
  if (packet.empty()) return;
  last_ = packet;
  machine_.receive(question_.nic, fuzz::frame_of(packet, machine_.mac(question_.nic), {2, 0xaa, 0, 0, 0, 9},
                                                 question_.vlan));
}

void Play::refuse() {
  const std::size_t nic = input_.octet() % bench::kNics;
  refuses_[nic] = !refuses_[nic];
  machine_.refuse_frames(nic, refuses_[nic]);
}

void Play::again() {
  const std::uint8_t at = input_.octet(), value = input_.octet();
  if (last_.empty()) return;
  honest_ = false;
  Octets packet = last_;
  packet[at % packet.size()] = value;
  if (packet.size() >= (packet[0] & 15U) * 4) bench::fix_ip_checksum(packet);
  send(*last_from_, packet);
}

void Play::burst() {
  const Host& from = input_.one_of(kHosts);
  Ip ip = header(from, 17);
  const bool tcp = input_.octet() % 2 == 0;
  const unsigned count = input_.octet() % 80;
  for (unsigned i = 0; i < count; ++i) {
    const auto port = static_cast<std::uint16_t>(20000 + i);
    send(from, tcp ? bench::tcp_packet(ip, {.from = port, .to = 80}) : fuzz::udp_packet(ip, port, 53, {}));
    look();
  }
}

void Play::note(std::size_t nic, const Octets& frame) {
  if (fuzz::is_arp_request(frame)) {
    asked_.emplace_back(nic, frame);
    if (asked_.size() > kRemembered) asked_.pop_front();
  }
  const int vlan = bench::get16(frame, 12) == 0x8100 ? bench::get16(frame, 14) & 0xfff : 0;
  Octets packet = fuzz::packet_in(frame);
  if (packet.empty()) return;
  if (honest_ && fuzz::has_transport(packet)) CHECK(bench::checksums_hold(packet));
  question_.note(nic, vlan, packet);
  sent_.push_front({nic, vlan, std::move(packet)});
  if (sent_.size() > kRemembered) sent_.pop_back();
}

// Takes what was sent, and answers for the hosts if they answer.
void Play::look() {
  do {
    machine_.take_sent([this](std::size_t nic, const Octets& frame) { note(nic, frame); });
    if (!answers_arp_ || asked_.empty()) return;
    const auto [nic, request] = asked_.front();
    asked_.pop_front();
    machine_.receive(nic, fuzz::arp_answer(request, {2, 0xaa, 0, 0, 0, 9}));
  } while (true);
}

void Play::step() {
  using Step = void (Play::*)();
  static constexpr Step kPlays[] = {&Play::tcp,   &Play::udp,      &Play::icmp,  &Play::answer,
                                    &Play::error, &Play::fragment, nullptr,      &Play::arp,
                                    &Play::dhcp,  &Play::refuse,   &Play::again, &Play::burst};
  const Step play = input_.one_of(kPlays);
  if (play != nullptr) {
    (this->*play)();
  } else {
    machine_.pass(std::uint64_t{1'000'000} << input_.octet() % 20);
  }
  look();
  machine_.check();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Machine& machine = Machine::get();
  Input input{data, size};
  Play play{machine, input};
  for (std::size_t i = 0; i < kSteps && !input.empty(); ++i) play.step();
  machine.end();
  return 0;
}
