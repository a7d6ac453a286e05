// What libstdc++'s headers expect to find in a library, for a machine without exceptions: a failed check is a
// panic. Also the C++ ABI's hooks, and operator new and delete over heap.hpp.
//
// Spec    Itanium C++ ABI, 2.6.5.3 (pure virtual calls), 3.3.6 (destruction of globals: never, here).
#include <bits/functexcept.h>

#include <memory>
#include <new>
#include <os.hpp>
#include <string>

#include "platform/pc/heap.hpp"

template class std::basic_string<char>;  // its members are extern templates for everybody else

namespace std {

void __throw_bad_alloc() { os::panic("std::bad_alloc"); }
void __throw_bad_array_new_length() { os::panic("std::bad_array_new_length"); }
void __throw_bad_function_call() { os::panic("std::bad_function_call"); }
void __throw_logic_error(const char* what) { os::panic(what); }
void __throw_domain_error(const char* what) { os::panic(what); }
void __throw_invalid_argument(const char* what) { os::panic(what); }
void __throw_length_error(const char* what) { os::panic(what); }
void __throw_out_of_range(const char* what) { os::panic(what); }
void __throw_out_of_range_fmt(const char* what, ...) { os::panic(what); }
void __throw_runtime_error(const char* what) { os::panic(what); }
void __throw_overflow_error(const char* what) { os::panic(what); }
void __throw_bad_cast() { os::panic("std::bad_cast"); }

[[noreturn]] void terminate() noexcept { os::panic("std::terminate"); }

// std::make_shared: asked only by code that has run-time type information, of which there is none.
bool _Sp_make_shared_tag::_S_eq(const type_info&) noexcept { return false; }

// _GLIBCXX_ASSERTIONS
[[noreturn]] void __glibcxx_assert_fail(const char*, int, const char*, const char* condition) noexcept {
  os::panic(condition != nullptr ? condition : "an assertion of the standard library failed");
}

}  // namespace std

extern "C" {

extern void* __dso_handle;
void* __dso_handle = nullptr;
extern char __libc_single_threaded;
char __libc_single_threaded = 1;

int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
[[noreturn]] void __cxa_pure_virtual() { os::panic("a pure virtual function was called"); }
[[noreturn]] void __stack_chk_fail() { os::panic("a stack frame was overwritten"); }

[[noreturn]] void __assert_fail(const char* condition, const char*, unsigned, const char*) {
  os::panic(condition);
}

}  // extern "C"

void* operator new(std::size_t size) { return pc::heap::take(size, 16); }
void* operator new[](std::size_t size) { return pc::heap::take(size, 16); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return pc::heap::take(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return pc::heap::take(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { pc::heap::give_back(memory); }
void operator delete[](void* memory) noexcept { pc::heap::give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { pc::heap::give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { pc::heap::give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { pc::heap::give_back(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { pc::heap::give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { pc::heap::give_back(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { pc::heap::give_back(memory); }
