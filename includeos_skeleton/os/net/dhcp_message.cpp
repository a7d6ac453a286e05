#include "net/dhcp_message.hpp"

#include <algorithm>
#include <cstring>

#include "net/one_host.hpp"
#include "net/wire.hpp"

namespace net::dhcp {

namespace {

using Octets = std::span<const std::uint8_t>;

// RFC 2131 §2: offsets and sizes in octets.
constexpr std::size_t kOperation = 0;
constexpr std::size_t kTransaction = 4;
constexpr std::size_t kSeconds = 8;
constexpr std::size_t kFlags = 10;
constexpr std::size_t kClientAddress = 12;
constexpr std::size_t kYourAddress = 16;
constexpr std::size_t kHardware = 28;
constexpr std::size_t kServerName = 44;
constexpr std::size_t kServerNameSize = 64;
constexpr std::size_t kFile = 108;
constexpr std::size_t kFileSize = 128;
constexpr std::size_t kCookie = 236;
constexpr std::size_t kOptions = 240;

constexpr std::uint8_t kFromClient = 1;
constexpr std::uint8_t kFromServer = 2;
constexpr std::uint8_t kEthernet = 1;
constexpr std::uint8_t kMacSize = 6;
constexpr std::uint16_t kAnswerToAll = 0x8000;  // what has no address yet can only hear everybody's
constexpr std::uint32_t kMagic = 0x6382'5363;

// RFC 2132, by number.
enum Option : std::uint8_t {
  kPad = 0,
  kNetmask = 1,
  kRouter = 3,
  kDns = 6,
  kWanted = 50,
  kLease = 51,
  kOverload = 52,
  kType = 53,
  kServer = 54,
  kParameters = 55,
  kRenewAfter = 58,
  kRebindAfter = 59,
  kClientId = 61,
  kEnd = 255,
};

// What an option that is read may hold. `several`: one or more of that size.
struct Form {
  Option option;
  std::uint8_t size;  // octets
  bool several;
};
constexpr Form kForms[] = {
    {kNetmask, 4, false}, {kRouter, 4, true},      {kDns, 4, true},
    {kLease, 4, false},   {kOverload, 1, false},   {kType, 1, false},
    {kServer, 4, false},  {kRenewAfter, 4, false}, {kRebindAfter, 4, false},
};
constexpr std::size_t kRead = std::size(kForms);

// The options that are read, each at most once.
class Options {
 public:
  // False when they are cut short, or one of them is there twice or has a wrong length.
  bool read(Octets area) {
    std::size_t at = 0;
    while (at < area.size()) {
      const std::uint8_t option = area[at++];
      if (option == kPad) continue;
      if (option == kEnd) return true;
      if (at == area.size()) return false;
      const std::size_t length = area[at++];
      if (length > area.size() - at || !take(option, area.subspan(at, length))) return false;
      at += length;
    }
    return false;  // without an end
  }

  Octets of(Option option) const { return values_[place_of(option)]; }
  std::uint32_t number(Option option) const {
    return of(option).empty() ? 0 : wire::get32(of(option).data());
  }
  ip4::Addr address(Option option) const { return ip4::Addr{htonl(number(option))}; }

 private:
  static std::size_t place_of(std::uint8_t option) {
    const auto* found = std::find_if(std::begin(kForms), std::end(kForms),
                                     [option](const Form& form) { return form.option == option; });
    return static_cast<std::size_t>(found - std::begin(kForms));
  }

  bool take(std::uint8_t option, Octets value) {
    const std::size_t place = place_of(option);
    if (place == kRead) return true;
    const Form& form = kForms[place];
    const bool fits =
        form.several ? !value.empty() && value.size() % form.size == 0 : value.size() == form.size;
    if (!fits || !values_[place].empty()) return false;
    values_[place] = value;
    return true;
  }

  std::array<Octets, kRead> values_{};
};

// RFC 2132 §9.3: options may go on in the fields for the boot file and the server's name.
bool read_overloaded(Octets octets, Options& options) {
  if (options.of(kOverload).empty()) return true;
  const std::uint8_t where = options.of(kOverload)[0];
  if (where < 1 || where > 3) return false;
  if ((where & 1) != 0 && !options.read(octets.subspan(kFile, kFileSize))) return false;
  return (where & 2) == 0 || options.read(octets.subspan(kServerName, kServerNameSize));
}

bool is_answer_type(std::uint8_t type) {
  const auto known = static_cast<Type>(type);
  return known == Type::kOffer || known == Type::kAck || known == Type::kNak;
}

class Writer {
 public:
  Writer(std::uint8_t* at, const std::uint8_t* end) : at_{at}, end_{end} {}

  void add(Option option, Octets value) {
    if (value.size() + 3 > static_cast<std::size_t>(end_ - at_)) return;  // with the end
    *at_++ = option;
    *at_++ = static_cast<std::uint8_t>(value.size());
    std::memcpy(at_, value.data(), value.size());
    at_ += value.size();
  }
  void add(Option option, ip4::Addr address) {
    std::uint8_t octets[4];
    std::memcpy(octets, &address.whole, sizeof octets);
    if (address != ip4::Addr::addr_any) add(option, octets);
  }
  void end() { *at_ = kEnd; }

 private:
  std::uint8_t* at_;
  const std::uint8_t* end_;
};

bool is_contiguous(ip4::Addr netmask) {
  const std::uint32_t hosts = ~ntohl(netmask.whole);
  return netmask != ip4::Addr::addr_any && (hosts & (hosts + 1)) == 0;
}

// Not the subnet itself, and not its broadcast address, which /31 and /32 do not have (RFC 3021).
bool is_host_of(ip4::Addr address, ip4::Addr subnet, ip4::Addr netmask) {
  if (!is_one_host(address) || (address & netmask) != subnet) return false;
  const bool has_broadcast = ntohl((~netmask).whole) >= 3;
  return !has_broadcast || (address != subnet && address != (subnet | ~netmask));
}

}  // namespace

void write_request(Request_octets& octets, const Request& request) {
  octets.fill(0);
  std::uint8_t* const at = octets.data();
  at[kOperation] = kFromClient;
  at[kOperation + 1] = kEthernet;
  at[kOperation + 2] = kMacSize;
  wire::put32(at + kTransaction, request.transaction);
  wire::put16(at + kSeconds, request.seconds);
  if (request.current == ip4::Addr::addr_any) wire::put16(at + kFlags, kAnswerToAll);
  std::memcpy(at + kClientAddress, &request.current.whole, 4);
  std::memcpy(at + kHardware, request.mac.part, kMacSize);
  wire::put32(at + kCookie, kMagic);

  const std::uint8_t type[] = {static_cast<std::uint8_t>(request.type)};
  std::uint8_t client[1 + kMacSize] = {kEthernet};
  std::memcpy(client + 1, request.mac.part, kMacSize);
  constexpr std::uint8_t kAskedFor[] = {kNetmask, kRouter, kDns, kLease, kRenewAfter, kRebindAfter};
  Writer options{at + kOptions, at + octets.size()};
  options.add(kType, type);
  options.add(kClientId, client);
  options.add(kWanted, request.wanted);
  options.add(kServer, request.server);
  options.add(kParameters, kAskedFor);
  options.end();
}

std::optional<Drop> read_answer(Octets octets, std::uint32_t transaction, const MAC::Addr& mac,
                                Answer& answer) {
  if (octets.size() < kOptions) return Drop::kDhcpMalformed;
  const std::uint8_t* const at = octets.data();
  const bool form = at[kOperation] == kFromServer && at[kOperation + 1] == kEthernet &&
                    at[kOperation + 2] == kMacSize && wire::get32(at + kCookie) == kMagic;
  if (!form) return Drop::kDhcpMalformed;
  if (wire::get32(at + kTransaction) != transaction) return Drop::kDhcpNotOurs;
  if (std::memcmp(at + kHardware, mac.part, kMacSize) != 0) return Drop::kDhcpNotOurs;

  Options options;
  if (!options.read(octets.subspan(kOptions)) || !read_overloaded(octets, options))
    return Drop::kDhcpMalformed;
  const Octets type = options.of(kType);
  if (type.empty() || !is_answer_type(type[0])) return Drop::kDhcpMalformed;
  answer = {.type = static_cast<Type>(type[0]),
            .address = ip4::Addr{htonl(wire::get32(at + kYourAddress))},
            .server = options.address(kServer),
            .netmask = options.address(kNetmask),
            .router = options.address(kRouter),
            .dns = options.address(kDns),
            .lease = options.number(kLease),
            .renew_after = options.number(kRenewAfter),
            .rebind_after = options.number(kRebindAfter)};
  return is_one_host(answer.server) ? std::nullopt : std::optional{Drop::kDhcpMalformed};
}

bool is_sound(const Answer& answer) {
  if (answer.lease == 0 || !is_contiguous(answer.netmask)) return false;
  const ip4::Addr subnet = answer.address & answer.netmask;
  if (!is_host_of(answer.address, subnet, answer.netmask)) return false;
  if (answer.dns != ip4::Addr::addr_any && !is_one_host(answer.dns)) return false;
  if (answer.router == ip4::Addr::addr_any) return true;
  return answer.router != answer.address && is_host_of(answer.router, subnet, answer.netmask);
}

}  // namespace net::dhcp
