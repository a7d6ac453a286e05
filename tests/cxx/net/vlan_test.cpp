// VLANs: tags come off and go on in place, each VLAN is an Iface of its own, and every tag that names none is
// counted.
#include <net/vlan_manager.hpp>

#include "bench.hpp"
#include "net/stack.hpp"

using namespace bench;
using net::Drop;
using net::Inet;
using net::Interfaces;
using net::VLAN_manager;

namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint16_t kIp = 0x0800;
constexpr std::uint16_t kArp = 0x0806;
constexpr int kUntagged = 0;

Inet& add_vlan(int nic, int id) {
  return Interfaces::create(VLAN_manager::get(nic).add(Interfaces::get_nic(nic), id), nic, id);
}

// A place where hosts are: its NIC and VLAN, and the third octet of its subnet 10.0.N.0/24.
struct Place {
  std::size_t nic;
  int vlan;
  std::uint8_t subnet;
};
const Place kPlaces[] = {{0, kUntagged, 0}, {0, 10, 10}, {0, 4094, 20}, {1, kUntagged, 1}, {2, 10, 30}};

Inet& iface_of(const Place& place) { return Interfaces::get(static_cast<int>(place.nic), place.vlan); }

std::string host(const Place& place, int number) {
  return "10.0." + std::to_string(place.subnet) + "." + std::to_string(number);
}

MAC::Addr mac_of_host(const Place& place) { return {2, 0xbb, place.subnet, 0, 0, 2}; }

Octets on_the_wire(const Place& place, const Octets& frame) {
  return place.vlan == kUntagged ? frame : with_tag(frame, static_cast<std::uint16_t>(place.vlan));
}

// Every place with an Iface at .1 and a host at .2 that the Iface knows; eth2 has no address.
void furnish(Machine& machine) {
  auto* router = new net::Router<net::IP4>{};
  static void* kept;
  kept = router;
  net::Router<net::IP4>::Routing_table table;
  for (const Place& place : kPlaces) {
    if (place.vlan != kUntagged) add_vlan(static_cast<int>(place.nic), place.vlan);
    Inet& iface = iface_of(place);
    iface.network_config({10, 0, place.subnet, 1}, {255, 255, 255, 0}, net::IP4::ADDR_ANY);
    iface.set_forward_delg(router->forward_delg());
    table.push_back({net::ip4::Addr{10, 0, place.subnet, 0}, net::ip4::Addr{255, 255, 255, 0},
                     net::ip4::Addr{0}, iface, 1});
    machine.receive(place.nic, on_the_wire(place, arp(Operation::kRequest, mac_of_host(place),
                                                      host(place, 2).c_str(), host(place, 1).c_str())));
    machine.nic(place.nic).sent.clear();
  }
  router->set_routing_table(std::move(table));
  CHECK(kept != nullptr);
}

Octets packet_between(const Place& from, const Place& to, std::size_t size) {
  return ip_packet({.from = host(from, 2).c_str(), .to = host(to, 2).c_str()}, udp(1, 2, size - 28));
}

Octets frame_from(Machine& machine, const Place& place, const Octets& packet) {
  return on_the_wire(place, ethernet(machine.nic(place.nic).mac(), mac_of_host(place), kIp, packet));
}

// The frame that leaves at `place` holds `packet` with one hop less, a tag only in a VLAN, and nothing else
// but padding.
void check_frame(Machine& machine, const Place& place, Octets packet) {
  --packet[8];
  fix_ip_checksum(packet);
  Octets expected = ethernet(mac_of_host(place), machine.nic(place.nic).mac(), kIp, packet);
  if (expected.size() < 60) expected.resize(60);
  CHECK(machine.take_sent(place.nic) == on_the_wire(place, expected));
  for (std::size_t nic = 0; nic < kNics; ++nic) CHECK(machine.nic(nic).sent.empty());
}

}  // namespace

TEST(tagged_and_untagged_forward_to_each_other) {
  Machine machine;
  furnish(machine);
  for (const Place& from : kPlaces) {
    for (const Place& to : kPlaces) {
      for (std::size_t size : {28, 45, 46, 47, 50, 1499, 1500}) {
        const Octets packet = packet_between(from, to, size);
        Octets frame = frame_from(machine, from, packet);
        if (frame.size() < 60) frame.resize(60, 0xee);
        CHECK(size != 1500 || frame.size() == (from.vlan == kUntagged ? 1514 : 1518));
        machine.receive(from.nic, frame);
        check_frame(machine, to, packet);
      }
    }
  }
  for (const Place& place : kPlaces) CHECK_EQUAL(iface_of(place).counters().forwarded, 5 * 7);
  machine.check_books();
}

TEST(priority_bits_do_not_matter) {
  Machine machine;
  furnish(machine);
  const Octets packet = packet_between(kPlaces[1], kPlaces[3], 60);
  const Octets bare = ethernet(machine.nic(0).mac(), mac_of_host(kPlaces[1]), kIp, packet);
  for (std::uint16_t bits : {0x0000, 0x1000, 0xe000, 0xf000}) {
    machine.receive(0, with_tag(bare, static_cast<std::uint16_t>(bits | 10)));
    check_frame(machine, kPlaces[3], packet);
  }
}

TEST(a_priority_tag_is_no_vlan) {
  Machine machine;
  furnish(machine);
  for (std::size_t nic : {0, 1}) {  // with VLANs, and without
    const Place& place = kPlaces[nic == 0 ? 0 : 3];
    const Octets ping = ip_packet(
        {.from = host(place, 2).c_str(), .to = host(place, 1).c_str(), .protocol = kIcmp}, icmp(8, 0, 1));
    machine.receive(nic, with_tag(ethernet(machine.nic(nic).mac(), mac_of_host(place), kIp, ping), 0xa000));
    CHECK_EQUAL(get32(machine.take_sent_packet(nic), 16), address(host(place, 2).c_str()));
    CHECK_EQUAL(iface_of(place).counters().delivered, 1);
  }
  machine.check_books();
}

TEST(tags_that_name_no_vlan_of_the_nic_are_counted) {
  Machine machine;
  furnish(machine);
  const Octets packet = packet_between(kPlaces[1], kPlaces[3], 1500);
  const Octets bare = ethernet(machine.nic(0).mac(), mac_of_host(kPlaces[1]), kIp, packet);
  machine.receive(0, with_tag(bare, 11));
  machine.receive(0, with_tag(bare, 0xfff));
  machine.receive(2, with_tag(bare, 4094));  // a VLAN of another NIC
  CHECK_EQUAL(machine.drops(0, Drop::kVlanUnknown), 2);
  CHECK_EQUAL(machine.drops(2, Drop::kVlanUnknown), 1);
  machine.receive(1, with_tag(bare, 10));
  CHECK_EQUAL(machine.drops(1, Drop::kVlanUnexpected), 1);

  machine.receive(0, with_tag(with_tag(bare, 10), 10));
  machine.receive(0, with_tag(with_tag(bare, 10), 0));
  machine.receive(0, with_tag(with_tag(bare, 10, 0x88a8), 10));
  machine.receive(0, with_tag(with_tag(bare, 10), 10, 0x88a8));
  machine.receive(0, with_tag(bare, 10, 0x88a8));
  machine.receive(1, with_tag(with_tag(bare, 10), 10));
  CHECK_EQUAL(machine.drops(0, Drop::kVlanDoubleTag), 5);
  CHECK_EQUAL(machine.drops(1, Drop::kVlanDoubleTag), 1);

  const Octets tagged = with_tag(bare, 10);
  for (std::ptrdiff_t length = 14; length < 18; ++length)
    machine.receive(0, {tagged.begin(), tagged.begin() + length});
  CHECK_EQUAL(machine.drops(0, Drop::kVlanTruncated), 4);
  for (std::size_t nic = 0; nic < kNics; ++nic) CHECK(machine.nic(nic).sent.empty());
  for (const Place& place : kPlaces) CHECK_EQUAL(iface_of(place).counters().received, 0);
  machine.check_books();
}

TEST(a_vlan_counts_its_own_frames) {
  Machine machine;
  furnish(machine);
  Inet& vlan = Interfaces::get(0, 10);
  const MAC::Addr own = machine.nic(0).mac();
  const MAC::Addr from = mac_of_host(kPlaces[1]);
  const Octets packet = packet_between(kPlaces[1], kPlaces[3], 60);
  machine.receive(0, with_tag(ethernet({2, 0, 0, 0, 0, 9}, from, kIp, packet), 10));
  machine.receive(0, with_tag(ethernet({1, 0, 0x5e, 0, 0, 1}, from, kIp, packet), 10));
  machine.receive(0, with_tag(ethernet(own, from, 0x86dd, packet), 10));
  machine.receive(0, with_tag(ethernet(own, from, kIp, Octets(1501)), 10));
  machine.receive(0, with_tag(ethernet(own, from, kIp, Octets()), 10));
  const net::Counters& counted = vlan.counters();
  CHECK_EQUAL(counted.of(Drop::kNotForUs), 1);
  CHECK_EQUAL(counted.of(Drop::kMulticastFrame), 1);
  CHECK_EQUAL(counted.of(Drop::kEthertype), 1);
  CHECK_EQUAL(counted.of(Drop::kGiant), 1);
  CHECK_EQUAL(counted.of(Drop::kTruncated), 1);
  CHECK_EQUAL(machine.iface(0).counters().received, 0);
  CHECK(vlan.ifname() == "eth0.10");
  net::print_counters();
  CHECK(console().find("counters eth0 received=0 ") != std::string::npos);
  CHECK(console().find("counters eth0.10 received=1 ") != std::string::npos);
  CHECK(console().find("counters eth2.10 received=0 ") != std::string::npos);
  machine.check_books();
}

TEST(neighbours_belong_to_their_vlan) {
  Machine machine;
  furnish(machine);
  const Place& red = kPlaces[1];
  const Place& blue = kPlaces[2];
  const MAC::Addr asker{2, 0xcc, 0, 0, 0, 7};

  const Octets question = arp(Operation::kRequest, asker, "10.0.10.7", "10.0.10.1");
  machine.receive(0, with_tag(question, 4094));  // another VLAN's address
  machine.receive(0, question);
  CHECK(machine.nic(0).sent.empty());
  machine.receive(0, with_tag(question, 10));
  const Octets answer = machine.take_sent(0);
  CHECK_EQUAL(answer.size(), 64);
  CHECK_EQUAL(get16(answer, 12), 0x8100);
  CHECK_EQUAL(get16(answer, 14), 10);
  CHECK_EQUAL(get16(answer, 16), kArp);
  CHECK_EQUAL(get32(answer, 18 + 14), address("10.0.10.1"));
  CHECK(iface_of(red).arp().knows(net::ip4::Addr{10, 0, 10, 7}));
  CHECK(!iface_of(blue).arp().knows(net::ip4::Addr{10, 0, 10, 7}));

  // A search is asked, and its answer believed, in the VLAN only.
  const Octets packet = ip_packet({.from = "10.0.10.2", .to = "10.0.20.8"}, udp(1, 2, 20));
  machine.receive(0, frame_from(machine, red, packet));
  const Octets search = machine.take_sent(0);
  CHECK_EQUAL(get16(search, 14), 4094);
  CHECK_EQUAL(get16(search, 16), kArp);
  CHECK_EQUAL(get32(search, 18 + 24), address("10.0.20.8"));
  const Octets found =
      arp(Operation::kReply, mac_of_host(blue), "10.0.20.8", "10.0.20.1", machine.nic(0).mac());
  machine.receive(0, found);
  machine.receive(0, with_tag(found, 10));
  CHECK(machine.nic(0).sent.empty());
  machine.receive(0, with_tag(found, 4094));
  check_frame(machine, blue, packet);
  machine.check_books();
}

TEST(a_vlan_answers_by_itself) {
  Machine machine;
  furnish(machine);
  for (const Place& place : kPlaces) {
    for (const char* to : {".1", ".255"}) {
      const Octets ping = ip_packet({.from = host(place, 2).c_str(),
                                     .to = ("10.0." + std::to_string(place.subnet) + to).c_str(),
                                     .protocol = kIcmp},
                                    icmp(8, 0, 1, 1472));
      machine.receive(place.nic, frame_from(machine, place, ping));
      Octets reply = machine.take_sent(place.nic);
      if (place.vlan != kUntagged) {
        CHECK_EQUAL(get16(reply, 14), place.vlan);
        reply.erase(reply.begin() + 12, reply.begin() + 16);
      }
      CHECK_EQUAL(reply.size(), 1514);
      CHECK_EQUAL(get32(reply, 14 + 12), address(host(place, 1).c_str()));
    }
  }
  machine.check_books();
}

TEST(a_full_nic_refuses_what_a_vlan_sends) {
  Machine machine;
  furnish(machine);
  machine.nic(0).full = true;
  machine.receive(1, frame_from(machine, kPlaces[3], packet_between(kPlaces[3], kPlaces[1], 60)));
  CHECK_EQUAL(Interfaces::get(0, 10).counters().of(Drop::kTransmitFull), 1);
  CHECK_EQUAL(machine.drops(0, Drop::kTransmitFull), 0);
  machine.check_books();
}

TEST(interfaces_are_found_by_number_and_address) {
  Machine machine;
  furnish(machine);
  CHECK(&Interfaces::get(0, 0) == &Interfaces::get(0));
  CHECK(&Interfaces::get("02:00:00:00:00:01", 10) == &Interfaces::get(0, 10));
  CHECK(&Interfaces::get(std::string{"02:00:00:00:00:03"}, 10) == &Interfaces::get(2, 10));
  CHECK(&Interfaces::get("02:00:00:00:00:03") == &Interfaces::get(2));
  CHECK(&Interfaces::get(0, 10) != &Interfaces::get(2, 10));
  CHECK_EQUAL(Interfaces::get_nic_index(MAC::Addr{"02:00:00:00:00:03"}), 2);
  CHECK_EQUAL(Interfaces::get_nic_index(MAC::Addr{"02:00:00:00:00:09"}), -1);
  CHECK(&Interfaces::get_nic(2) == &machine.nic(2));
  CHECK_EQUAL(Interfaces::all().size(), kNics + 3);
}

TEST(what_waits_for_neighbours_is_bounded_for_all_vlans_together) {
  Machine machine;
  furnish(machine);
  for (int last = 3; last < 250; ++last) {
    for (const Place& place : kPlaces) {
      const Octets packet = ip_packet({.from = "10.0.1.2", .to = host(place, last).c_str()}, udp(1, 2, 20));
      machine.receive(1, frame_from(machine, kPlaces[3], packet));
    }
  }
  std::size_t waiting = 0;
  for (Inet* iface : Interfaces::all()) waiting += iface->arp().waiting();
  CHECK(waiting > 200 && waiting <= 256);
  machine.check_books();
}

TEST(panics_when_a_vlan_is_not_there) {
  Machine machine;
  Interfaces::get(0, 10);
}

TEST(panics_when_a_vlan_has_no_interface_yet) {
  Machine machine;
  VLAN_manager::get(0).add(machine.nic(0), 10);
  Interfaces::get(0, 10);
}

TEST(panics_when_a_vlan_is_added_twice) {
  Machine machine;
  VLAN_manager::get(0).add(machine.nic(0), 10);
  VLAN_manager::get(0).add(machine.nic(0), 10);
}

TEST(panics_when_a_vlan_is_out_of_range) {
  Machine machine;
  VLAN_manager::get(0).add(machine.nic(0), 4095);
}

TEST(panics_when_a_vlan_is_on_another_nic) {
  Machine machine;
  VLAN_manager::get(0).add(machine.nic(1), 10);
}

TEST(panics_when_an_interface_is_made_of_no_vlan) {
  Machine machine;
  VLAN_manager::get(0).add(machine.nic(0), 10);
  Interfaces::create(machine.nic(0), 0, 10);
}

TEST(panics_when_an_interface_is_made_twice) {
  Machine machine;
  add_vlan(0, 10);
  Interfaces::create(*VLAN_manager::get(0).find(10), 0, 10);
}

TEST(panics_when_there_are_too_many_interfaces) {
  Machine machine;
  for (int id = 1; id < 300; ++id) add_vlan(0, id);
}
