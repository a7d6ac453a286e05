#include <algorithm>
#include <limits>
#include <net/dhcp/dh4client.hpp>
#include <net/interfaces.hpp>

#include "kernel/mix.hpp"
#include "kernel/text.hpp"
#include "net/clock.hpp"
#include "net/dhcp_message.hpp"
#include "platform/platform.hpp"

namespace net {

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;  // nanoseconds
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr unsigned kLongestBackOff = 6;  // 64 s
constexpr unsigned kRequestTries = 4;    // for one offer
constexpr std::uint64_t kExtendEvery = 60 * kSecond;

bool is_of_another_iface(ip4::Addr address, const Inet& own) {
  const auto ifaces = Interfaces::all();
  return std::any_of(ifaces.begin(), ifaces.end(),
                     [&](const Inet* each) { return each != &own && each->ip_addr() == address; });
}

void add_address(kernel::Text<128>& line, const char* before, ip4::Addr address) {
  char text[16];
  address.write_text(text);
  line.add(before).add(text);
}

// Whether the server's T1 and T2 can be.
bool has_times(const dhcp::Answer& answer) {
  return answer.renew_after != 0 && answer.renew_after < answer.rebind_after &&
         answer.rebind_after < answer.lease;
}

}  // namespace

DHClient::DHClient(Stack& inet) : inet_{inet}, random_{platform::unforeseen()} {
  for (const std::uint8_t part : inet.link_addr().part) random_ = random_ * 257 + part;
}

// SplitMix64: hosts that started at once must not ask in step, no more.
std::uint64_t DHClient::random() { return kernel::mix(random_ += 0x9e37'79b9'7f4a'7c15); }

void DHClient::negotiate(std::chrono::seconds timeout) {
  if (state_ != State::kIdle) return;
  timeout_ns_ = static_cast<std::uint64_t>(timeout.count()) * kSecond;
  start();
}

// ---- Asking ----

void DHClient::start() {
  started_ns_ = platform::nanoseconds();
  deadline_ns_ = timeout_ns_ == 0 ? kNever : started_ns_ + timeout_ns_;
  start_over();
  wake_at(started_ns_);
}

void DHClient::start_over() {
  state_ = State::kSelecting;
  tries_ = 0;
  lease_ = {};
  new_transaction();
  open();
}

void DHClient::new_transaction() { transaction_ = static_cast<std::uint32_t>(random() >> 32); }

void DHClient::wake_at(std::uint64_t when_ns) {
  Timers::stop(timer_);
  const std::uint64_t now = platform::nanoseconds();
  const std::chrono::nanoseconds left{when_ns > now ? when_ns - now : 0};
  timer_ = Timers::oneshot(left, [this](Timers::id_t) {
    timer_ = Timers::UNUSED_ID;
    clock::read();
    wake();
  });
}

void DHClient::wake() {
  switch (state_) {
    case State::kIdle:
      return;
    case State::kSelecting:
    case State::kRequesting:
      return clock::now() >= deadline_ns_ ? time_out() : ask();
    case State::kBound:
      state_ = State::kRenewing;
      new_transaction();
      open();
      return extend();
    case State::kRenewing:
    case State::kRebinding:
      return extend();
  }
}

void DHClient::ask() {
  if (state_ == State::kRequesting && tries_ == kRequestTries) start_over();
  ask_again();
}

// RFC 2131 §4.1: twice as long each time, and not in step with others. The first time after a second, not
// four.
void DHClient::ask_again() {
  send(state_ == State::kSelecting ? dhcp::Type::kDiscover : dhcp::Type::kRequest);
  const std::uint64_t wait = kSecond << std::min(tries_, kLongestBackOff);
  ++tries_;
  wake_at(std::min(clock::now() + wait - wait / 8 + random() % (wait / 4), deadline_ns_));
}

// RFC 2131 §4.4.5: half of what is left, but not more often than each minute.
void DHClient::extend() {
  if (clock::now() >= expires_ns_) return lose();
  if (clock::now() >= rebind_ns_) state_ = State::kRebinding;
  const std::uint64_t until = state_ == State::kRenewing ? rebind_ns_ : expires_ns_;
  send(dhcp::Type::kRequest);
  const std::uint64_t wait = std::max((until - clock::now()) / 2, kExtendEvery);
  wake_at(std::min(clock::now() + wait, until));
}

void DHClient::time_out() {
  deadline_ns_ = kNever;
  if (handler_ != nullptr) handler_(true);
  inet_.is_configured() ? end() : ask();
}

void DHClient::end() {
  close();
  state_ = State::kIdle;
}

void DHClient::open() {
  if (socket_ != nullptr) return;
  socket_ = &inet_.udp().bind(dhcp::kClientPort);
  socket_->on_read([this](udp::addr_t, udp::port_t port, const char* data, std::size_t length) {
    receive(port, {reinterpret_cast<const std::uint8_t*>(data), length});
  });
}

void DHClient::close() {
  if (socket_ != nullptr) socket_->close();
  socket_ = nullptr;
}

// RFC 2131 §4.3.2, table 4: what a REQUEST names depends on the state.
void DHClient::send(dhcp::Type type) {
  const bool extends = state_ == State::kRenewing || state_ == State::kRebinding;
  const std::uint64_t seconds = (clock::now() - started_ns_) / kSecond;
  dhcp::Request_octets octets;
  dhcp::write_request(octets,
                      {.type = type,
                       .transaction = transaction_,
                       .seconds = static_cast<std::uint16_t>(std::min<std::uint64_t>(seconds, 0xffff)),
                       .mac = inet_.link_addr(),
                       .current = extends ? lease_.address : ip4::Addr{},
                       .wanted = extends ? ip4::Addr{} : lease_.address,
                       .server = extends ? ip4::Addr{} : lease_.server});
  if (state_ == State::kRenewing) {
    socket_->sendto(lease_.server, dhcp::kServerPort, octets.data(), octets.size());
  } else {
    socket_->bcast(inet_.ip_addr(), dhcp::kServerPort, octets.data(), octets.size());
  }
}

// ---- Answers ----

void DHClient::receive(udp::port_t port, std::span<const std::uint8_t> message) {
  if (port != dhcp::kServerPort) return inet_.counters().count(Drop::kDhcpNotOurs);
  dhcp::Answer answer;
  if (auto fault = dhcp::read_answer(message, transaction_, inet_.link_addr(), answer))
    return inet_.counters().count(*fault);
  take(answer);
}

void DHClient::take(const dhcp::Answer& answer) {
  if (!is_awaited(answer)) return inet_.counters().count(Drop::kDhcpUnasked);
  if (answer.type == dhcp::Type::kNak) {
    if (state_ != State::kRequesting) return lose();
    state_ = State::kSelecting;  // once the wait is over: who says no to everything is not asked faster
    tries_ = std::max(tries_, 1U);
    lease_ = {};
    return new_transaction();
  }
  if (!dhcp::is_sound(answer) || is_of_another_iface(answer.address, inet_))
    return inet_.counters().count(Drop::kDhcpBadLease);
  answer.type == dhcp::Type::kOffer ? take_offer(answer) : bind(answer);
}

bool DHClient::is_awaited(const dhcp::Answer& answer) const {
  const bool about_lease = answer.type == dhcp::Type::kNak ||
                           (answer.type == dhcp::Type::kAck && answer.address == lease_.address);
  switch (state_) {
    case State::kSelecting:
      return answer.type == dhcp::Type::kOffer;
    case State::kRequesting:
    case State::kRenewing:
      return about_lease && answer.server == lease_.server;
    case State::kRebinding:
      return about_lease;
    case State::kIdle:
    case State::kBound:
      return false;
  }
  return false;
}

void DHClient::take_offer(const dhcp::Answer& answer) {
  lease_ = {.address = answer.address, .netmask = {}, .router = {}, .dns = {}, .server = answer.server};
  state_ = State::kRequesting;
  tries_ = 0;
  ask_again();
}

// RFC 2131 §4.4.5: half of the lease and seven eighths, where the server says nothing else.
void DHClient::set_times(const dhcp::Answer& answer) {
  const std::uint64_t lease = answer.lease * kSecond;
  const std::uint64_t now = clock::now();
  renew_ns_ = now + (has_times(answer) ? answer.renew_after * kSecond : lease / 2);
  rebind_ns_ = now + (has_times(answer) ? answer.rebind_after * kSecond : lease / 8 * 7);
  expires_ns_ = now + lease;
  Timers::stop(timer_);
  if (answer.lease != dhcp::kForEver) wake_at(renew_ns_);
}

void DHClient::bind(const dhcp::Answer& answer) {
  const bool is_new = state_ == State::kRequesting;
  const Lease lease{answer.address, answer.netmask, answer.router, answer.dns, answer.server};
  if (is_new || lease != lease_) inet_.network_config(lease.address, lease.netmask, lease.router, lease.dns);
  lease_ = lease;

  close();
  state_ = State::kBound;
  set_times(answer);
  if (!is_new) return;
  inet_.arp().announce();
  kernel::Text<128> line;
  add_address(line.add("DHCP: ").add(inet_.ifname().c_str()), " has ", lease.address);
  add_address(line, ", netmask ", lease.netmask);
  add_address(line, ", router ", lease.router);
  line.add("\n").print();
  if (handler_ != nullptr) handler_(false);
}

void DHClient::lose() {
  kernel::Text<128> line;
  add_address(line.add("DHCP: ").add(inet_.ifname().c_str()), " has no longer ", lease_.address);
  line.add("\n").print();
  inet_.network_config({}, {}, {});
  start();
}

}  // namespace net
