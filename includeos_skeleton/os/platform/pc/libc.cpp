// The part of the C library that the compiler, the C++ headers and the services call.
//
// Compiled with -fno-tree-loop-distribute-patterns, so that a loop here does not become a call of itself.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <os.hpp>

namespace {

// Eight octets anywhere, of any type.
struct [[gnu::packed, gnu::may_alias]] Word {
  std::uint64_t value;
};

}  // namespace

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t length) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  for (; length >= sizeof(Word); length -= sizeof(Word), out += sizeof(Word), in += sizeof(Word)) {
    reinterpret_cast<Word*>(out)->value = reinterpret_cast<const Word*>(in)->value;
  }
  for (; length != 0; --length) *out++ = *in++;
  return to;
}

void* memmove(void* to, const void* from, std::size_t length) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  if (reinterpret_cast<std::uintptr_t>(out) - reinterpret_cast<std::uintptr_t>(in) >= length) {
    for (; length >= sizeof(Word); length -= sizeof(Word), out += sizeof(Word), in += sizeof(Word)) {
      reinterpret_cast<Word*>(out)->value = reinterpret_cast<const Word*>(in)->value;
    }
    for (; length != 0; --length) *out++ = *in++;
    return to;
  }
  for (; length >= sizeof(Word); length -= sizeof(Word)) {
    reinterpret_cast<Word*>(out + length - sizeof(Word))->value =
        reinterpret_cast<const Word*>(in + length - sizeof(Word))->value;
  }
  for (; length != 0; --length) out[length - 1] = in[length - 1];
  return to;
}

void* memset(void* to, int octet, std::size_t length) {
  auto* out = static_cast<unsigned char*>(to);
  std::uint64_t pattern = static_cast<unsigned char>(octet) * std::uint64_t{0x0101010101010101};
  for (; length >= sizeof(Word); length -= sizeof(Word), out += sizeof(Word)) {
    reinterpret_cast<Word*>(out)->value = pattern;
  }
  for (; length != 0; --length) *out++ = static_cast<unsigned char>(octet);
  return to;
}

int memcmp(const void* left, const void* right, std::size_t length) {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (std::size_t i = 0; i < length; ++i) {
    if (a[i] != b[i]) return a[i] - b[i];
  }
  return 0;
}

std::size_t strlen(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

int strcmp(const char* left, const char* right) {
  while (*left != '\0' && *left == *right) {
    ++left;
    ++right;
  }
  return static_cast<unsigned char>(*left) - static_cast<unsigned char>(*right);
}

int strncmp(const char* left, const char* right, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    if (left[i] != right[i] || left[i] == '\0') {
      return static_cast<unsigned char>(left[i]) - static_cast<unsigned char>(right[i]);
    }
  }
  return 0;
}

[[noreturn]] void abort() { os::panic("abort"); }

// The C++ header declares memchr otherwise than C does: here it gets its name by asm.
void* find_octet(const void* text, int octet, std::size_t length) asm("memchr");
void* find_octet(const void* text, int octet, std::size_t length) {
  const auto* at = static_cast<const unsigned char*>(text);
  for (std::size_t i = 0; i < length; ++i) {
    if (at[i] == static_cast<unsigned char>(octet)) return const_cast<unsigned char*>(at + i);
  }
  return nullptr;
}

}  // extern "C"
