// The network stack as the kernel sees it.
//
//   event loop ──receive()──▶ Ethernet ─▶ ARP | IP4 ─▶ … ─▶ Nic::transmit()
//
// Single core, no locks: everything runs in the event loop. Nothing allocates after start and the
// configuration that plugins and Service::start do.
#pragma once

#include <cstddef>
#include <hw/nic.hpp>
#include <span>

namespace net {

// One stack (Inet) per NIC; call once, before plugins run.
void start(std::span<hw::Nic* const> nics);

// Take one received frame of NIC number `nic` (Ethernet).
void receive(std::size_t nic, hw::Frame* frame);

// One line per Iface and one for the machine on the console; docs/runtime.md describes them.
void print_counters();

}  // namespace net
