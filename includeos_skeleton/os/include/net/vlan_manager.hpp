// VLANs (IEEE 802.1Q): several Ifaces on one NIC, told apart by a tag in the frame. IncludeOS's names.
//
//   NIC ─▶ untagged ─▶ its own Iface (eth0)              Iface eth0    ─────────────────▶ NIC
//      └─▶ tag 10 ──▶ tag off ─▶ Iface eth0.10           Iface eth0.10 ─▶ tag 10 put on ─▶ NIC
//
//   Inet& red = Interfaces::create(VLAN_manager::get(0).add(Interfaces::get_nic(0), 10), 0, 10);
//
// Spec    IEEE 802.1Q-2018 §9.6: tag protocol identifier 0x8100, then priority (3 bits), drop eligible (1),
//         VLAN identifier (12). Priority and drop eligibility are not looked at, and sent as 0.
// Owns    a table of 4,095 pointers for each NIC that has VLANs, and the VLANs: taken when they are added.
//         Nothing is taken for a frame: tags come off and go on in place, within the frame's headroom.
// Trust   see net/vlan.hpp: every tag that names no VLAN of the NIC is a counted drop.
//
// Not     service tags (802.1ad), VLANs that come and go while the machine runs, MVRP.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <hw/nic.hpp>

namespace net {

class Inet;

class VLAN_manager {
 public:
  static constexpr int kLastId = 4094;           // ids are 1 .. 4094
  static constexpr std::size_t kTagLength = 4;   // octets
  static constexpr std::uint16_t kTag = 0x8100;  // in place of the frame's type

  // One VLAN of a NIC as a NIC: what is sent by it gets its tag. Receives nothing by itself.
  class VLAN_interface final : public hw::Nic {
   public:
    VLAN_interface(hw::Nic& link, int id);

    int id() const noexcept { return id_; }
    hw::Nic& link() const noexcept { return link_; }
    // The Iface on it; null until Interfaces::create made one.
    Inet* stack() const noexcept { return stack_; }
    void set_stack(Inet& stack) noexcept { stack_ = &stack; }

    const MAC::Addr& mac() const override { return link_.mac(); }
    const char* driver_name() const override { return "vlan"; }
    std::uint16_t mtu() const override { return link_.mtu(); }
    [[nodiscard]] std::size_t receive(hw::Frame**, std::size_t) override { return 0; }
    [[nodiscard]] bool transmit(hw::Frame* frame) override;
    void flush() override {}
    [[nodiscard]] bool arm() override { return true; }

   private:
    hw::Nic& link_;
    int id_;
    Inet* stack_ = nullptr;
  };

  // The VLANs of NIC number N, made at the first call; panics when there is no such NIC.
  static VLAN_manager& get(int N);
  // The same while the machine runs: null when that NIC has none.
  static const VLAN_manager* of_nic(std::size_t number);

  // The VLAN `id` on `link`, which must be the NIC of this manager. Panics when the id is not 1 .. 4094, or
  // when it was added before.
  VLAN_interface& add(hw::Nic& link, int id);

  // Null when `id` was not added, whatever number it is.
  VLAN_interface* find(int id) const;

 private:
  explicit VLAN_manager(hw::Nic& nic) : nic_{nic} {}

  hw::Nic& nic_;
  std::array<VLAN_interface*, kLastId + 1> vlans_{};
};

}  // namespace net
