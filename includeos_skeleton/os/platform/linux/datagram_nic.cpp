#include "platform/linux/datagram_nic.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace platform {

namespace {

constexpr std::size_t kEthernetHeader = 14;  // octets

}  // namespace

void Datagram_nic::fill_spare(std::size_t count) {
  while (spares_ < count) {
    hw::Frame* frame = hw::Frame_pool::take();
    if (frame == nullptr) return;
    spare_[spares_++] = frame;
  }
}

std::size_t Datagram_nic::receive(hw::Frame** frames, std::size_t limit) {
  limit = std::min(limit, buffer_room(kBatch));
  fill_spare(limit);
  limit = std::min(limit, spares_);
  std::array<mmsghdr, kBatch> messages;
  std::array<iovec, kBatch> parts;
  for (std::size_t i = 0; i < limit; ++i) {
    parts[i] = {.iov_base = spare_[i]->data, .iov_len = hw::Frame::kCapacity};
    messages[i] = {};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int taken = ::recvmmsg(socket_, messages.data(), static_cast<unsigned>(limit), MSG_DONTWAIT, nullptr);
  if (taken <= 0) return 0;

  std::size_t kept = 0;
  std::size_t left = 0;  // spares that stay: refused datagrams, and the ones not used
  for (std::size_t i = 0; i < spares_; ++i) {
    bool used = i < static_cast<std::size_t>(taken);
    bool whole =
        used && (messages[i].msg_hdr.msg_flags & MSG_TRUNC) == 0 && messages[i].msg_len >= kEthernetHeader;
    if (whole) {
      spare_[i]->length = static_cast<std::uint16_t>(messages[i].msg_len);
      frames[kept++] = spare_[i];
    } else {
      counters_.receive_malformed += used ? 1 : 0;
      spare_[left++] = spare_[i];
    }
  }
  spares_ = left;
  counters_.received += kept;
  return kept;
}

bool Datagram_nic::transmit(hw::Frame* frame) {
  const std::size_t room = sendq_room(kTransmitQueue);
  if (queued_ >= room) flush();
  if (queued_ >= room) {
    ++counters_.transmit_full;
    return false;
  }
  queue_[queued_++] = frame;
  return true;
}

void Datagram_nic::flush() {
  while (queued_ != 0) {
    std::size_t count = std::min(queued_, kBatch);
    std::array<mmsghdr, kBatch> messages;
    std::array<iovec, kBatch> parts;
    for (std::size_t i = 0; i < count; ++i) {
      parts[i] = {.iov_base = queue_[i]->data, .iov_len = queue_[i]->length};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    int sent =
        ::sendmmsg(socket_, messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      counters_.transmitted += static_cast<std::uint64_t>(sent);
      forget_sent(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR) {
      return;  // the other end is slow: idle() waits for room, and transmit() refuses when the queue is full
    } else {
      ++counters_.transmit_full;  // the other end is gone, or refuses this one: it is lost, as on a cut wire
      forget_sent(1);
    }
  }
}

void Datagram_nic::forget_sent(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) hw::Frame_pool::give_back(queue_[i]);
  std::copy(queue_.begin() + static_cast<std::ptrdiff_t>(count),
            queue_.begin() + static_cast<std::ptrdiff_t>(queued_), queue_.begin());
  queued_ -= count;
}

}  // namespace platform
