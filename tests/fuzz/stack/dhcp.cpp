#include "dhcp.hpp"

#include <algorithm>

#include "packets.hpp"

namespace fuzz {

namespace {

using bench::Octets;

constexpr std::uint8_t kTypes[] = {2, 5, 2, 5, 6, 1, 0};
constexpr const char* kAddresses[] = {"10.0.20.9", "10.0.20.9", "198.51.100.9", "10.0.1.1",
                                      "0.0.0.0",   "127.0.0.1", "10.0.20.255",  "224.0.0.1"};
constexpr const char* kNetmasks[] = {"255.255.255.0", "255.255.255.0", "0.0.0.0", "255.0.255.0",
                                     "255.255.255.255"};
constexpr const char* kServer = "10.0.20.4";

void add(Octets& message, std::uint8_t option, const Octets& value) {
  message.push_back(option);
  message.push_back(static_cast<std::uint8_t>(value.size()));
  message.insert(message.end(), value.begin(), value.end());
}

Octets octets_of(std::uint32_t number) {
  Octets octets(4);
  for (int i = 0; i < 4; ++i)
    octets[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return octets;
}

}  // namespace

void Dhcp_question::note(std::size_t from_nic, int from_vlan, const Octets& packet) {
  constexpr std::size_t kMessage = 20 + 8;
  if (packet.size() < kMessage + 240 || packet[9] != 17 || bench::get16(packet, 22) != 67) return;
  nic = from_nic;
  vlan = from_vlan;
  message.assign(packet.begin() + kMessage, packet.end());
}

Octets dhcp_answer(const Dhcp_question& question, Input& input) {
  const std::uint8_t type = input.one_of(kTypes);
  const Octets address = octets_of(bench::address(input.one_of(kAddresses)));
  const Octets netmask = octets_of(bench::address(input.one_of(kNetmasks)));
  const std::uint32_t lease = std::uint32_t{1} << input.octet() % 32;
  const std::uint8_t change = input.octet();
  if (question.message.empty()) return {};
  Octets message{question.message.begin(), question.message.begin() + 240};
  message[0] = 2;
  std::copy(address.begin(), address.end(), message.begin() + 16);
  add(message, 53, {type});
  add(message, 54, octets_of(bench::address(kServer)));
  if ((change & 1) == 0) add(message, 1, netmask);
  add(message, 51, octets_of((change & 2) == 0 ? lease : 0xffffffff));
  if ((change & 4) != 0) add(message, 3, octets_of(bench::address((change & 8) != 0 ? kServer : "8.8.8.8")));
  if ((change & 16) != 0) add(message, 58, octets_of(lease / 4));
  if ((change & 16) != 0) add(message, 59, octets_of(lease / 2));
  if ((change & 32) != 0) message[4] ^= 1;  // another transaction
  if ((change & 64) != 0) add(message, 52, {3});
  if ((change & 128) == 0) message.push_back(255);
  const std::uint16_t port = change == 255 ? 68 : 67;
  return udp_packet({.from = kServer, .to = "255.255.255.255"}, port, 68, message);
}

}  // namespace fuzz
