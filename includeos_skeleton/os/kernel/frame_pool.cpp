// The free list is last in, first out: the frame that was touched last is still in the cache. In a build with
// AddressSanitizer a frame's buffer is out of bounds while the pool holds it.
#include <cstddef>
#include <hw/nic.hpp>
#include <new>
#include <os.hpp>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#endif

namespace {

hw::Frame* free_list = nullptr;
std::size_t free_count = 0;

}  // namespace

namespace hw {

static_assert(Frame::kHeadroom >= Frame::kDriverHeadroom);
static_assert(Frame::kHeadroom + Frame::kCapacity <= Frame::kBufferSize);

void Frame_pool::start(std::size_t count) {
  if (free_list != nullptr) os::panic("the frame pool was started twice");
  auto* frames = new Frame[count];
  for (std::size_t i = count; i-- > 0;) give_back(&frames[i]);
}

Frame* Frame_pool::take() {
  Frame* frame = free_list;
  if (frame == nullptr) return nullptr;
  free_list = frame->next;
  --free_count;
  ASAN_UNPOISON_MEMORY_REGION(frame->buffer.data(), frame->buffer.size());
  frame->data = frame->buffer.data() + Frame::kHeadroom;
  frame->length = 0;
  frame->next = nullptr;
  return frame;
}

void Frame_pool::give_back(Frame* frame) {
  ASAN_POISON_MEMORY_REGION(frame->buffer.data(), frame->buffer.size());
  frame->next = free_list;
  free_list = frame;
  ++free_count;
}

std::size_t Frame_pool::available() { return free_count; }

void Nic::set_device_name(const char* name) {
  std::size_t length = 0;
  while (name[length] != '\0' && length + 1 < name_.size()) {
    name_[length] = name[length];
    ++length;
  }
  name_[length] = '\0';
}

}  // namespace hw
