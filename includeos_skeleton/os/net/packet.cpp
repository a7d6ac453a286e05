#include <net/packet.hpp>
#include <os.hpp>

namespace net {

void Packet::not_in_a_frame() noexcept { os::panic("a packet longer than a frame was handed to a NIC"); }

void Packet::increment_layer_begin(int octets) {
  Byte* const begin = layer_begin_ + octets;
  if (begin < buf() || begin > buffer_end()) os::panic("a packet's layer was moved out of its buffer");
  layer_begin_ = begin;
  if (data_end_ < begin) data_end_ = begin;
}

void Packet::set_data_end(int offset) {
  if (offset < 0 || offset > capacity()) os::panic("a packet's end was moved out of its buffer");
  data_end_ = layer_begin_ + offset;
}

}  // namespace net
