// A whole service that uses of IncludeOS's network API what generated services use, written by hand: a router
// between 192.168.100.0/24 and 192.168.101.0/29 with a filter on every chain. It compiles against IncludeOS
// too.
#include <memory>
#include <net/conntrack.hpp>
#include <net/interfaces>
#include <net/ip4/ip4.hpp>
#include <net/router.hpp>
#include <service>

using namespace net;

namespace {

constinit std::unique_ptr<Router<IP4>> router;
constinit std::shared_ptr<Conntrack> flows;

Filter_verdict<IP4> pass(IP4::IP_packet_ptr packet, Inet&, Conntrack::Entry_ptr) {
  return {std::move(packet), Filter_verdict_type::ACCEPT};
}

// No ICMP echo requests through the router; nothing without an entry.
Filter_verdict<IP4> forward(IP4::IP_packet_ptr packet, Inet&, Conntrack::Entry_ptr entry) {
  if (entry == nullptr) return {nullptr, Filter_verdict_type::DROP};
  const auto* octets = packet->layer_begin();
  const bool echo = packet->ip_protocol() == Protocol::ICMPv4 && packet->ip_frag_offs() == 0 &&
                    packet->size() > packet->ip_header_length() && octets[packet->ip_header_length()] == 8;
  if (echo) return {nullptr, Filter_verdict_type::DROP};
  return {std::move(packet), Filter_verdict_type::ACCEPT};
}

Filter_verdict<IP4> input(IP4::IP_packet_ptr packet, Inet& stack, Conntrack::Entry_ptr) {
  const auto& found = stack.conntrack();
  const Quadruple quad{{packet->ip_src(), 1}, {packet->ip_dst(), 2}};
  const Conntrack::Entry* entry = found->get(quad, Protocol::UDP);
  const bool blocked = entry != nullptr && entry->state == Conntrack::State::NEW &&
                       entry->first.src.address().v4() == ip4::Addr{192, 168, 100, 13};
  if (blocked) return {nullptr, Filter_verdict_type::DROP};
  return {std::move(packet), Filter_verdict_type::ACCEPT};
}

}  // namespace

void register_plugin_nacl() {
  Inet& outside = Interfaces::get(0);
  Inet& inside = Interfaces::get(1);
  outside.network_config(IP4::addr{192, 168, 100, 254}, IP4::addr{255, 255, 255, 0}, 0);
  inside.network_config(IP4::addr{192, 168, 101, 3}, IP4::addr{255, 255, 255, 248}, 0);
  flows = std::make_shared<Conntrack>();
  flows->maximum_entries = 20000;
  outside.enable_conntrack(flows);
  inside.enable_conntrack(flows);
  outside.ip_obj().prerouting_chain().chain.push_back(pass);
  outside.ip_obj().input_chain().chain.push_back(input);
  outside.ip_obj().output_chain().chain.push_back(pass);
  inside.ip_obj().postrouting_chain().chain.push_back(pass);
  Router<IP4>::Routing_table table{
      {IP4::addr{192, 168, 101, 0}, IP4::addr{255, 255, 255, 248}, 0, inside, 1},
      {IP4::addr{192, 168, 100, 0}, IP4::addr{255, 255, 255, 0}, 0, outside, 1},
      {IP4::addr{10, 0, 0, 0}, IP4::addr{255, 255, 255, 0}, IP4::addr{192, 168, 101, 2}, inside, 1},
  };
  router = std::make_unique<Router<IP4>>(std::move(table));
  router->send_time_exceeded = true;
  router->forward_chain.chain.push_back(forward);
  outside.set_forward_delg(router->forward_delg());
  inside.set_forward_delg(router->forward_delg());
}

void Service::start() { register_plugin_nacl(); }
