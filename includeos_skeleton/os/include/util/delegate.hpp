// A callable kept in place: like std::function, without the heap.
//
// After IncludeOS's header of the same name: delegate<R(Args...)> from a function, a lambda, or an object and
// a member function; at most 64 octets of captured state (a larger one does not compile); copyable;
// comparable with nullptr. Calling an empty one is a panic.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace detail {

inline constexpr std::size_t kDelegateCapacity = 64;  // octets

[[noreturn]] void called_empty_delegate();

// What a delegate knows about the type of what it holds: how to copy it to raw memory, and how to end it.
struct Delegate_holder {
  void (*copy)(void* to, const void* from);
  void (*destroy)(void* held);
};

template <class F>
inline constexpr Delegate_holder kHolderOf = {
    [](void* to, const void* from) { ::new (to) F(*static_cast<const F*>(from)); },
    [](void* held) { static_cast<F*>(held)->~F(); },
};

}  // namespace detail

template <class Signature>
class delegate;

template <class R, class... Args>
class delegate<R(Args...)> {
 public:
  using result_type = R;

  delegate() = default;
  delegate(std::nullptr_t) {}

  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, delegate> &&
                                              std::is_invocable_r_v<R, std::decay_t<F>&, Args...>>>
  delegate(F&& callable) {
    hold<std::decay_t<F>>(std::forward<F>(callable));
  }
  template <class C>
  delegate(C* object, R (C::*member)(Args...))
      : delegate(
            [object, member](Args... args) -> R { return (object->*member)(std::forward<Args>(args)...); }) {}
  template <class C>
  delegate(const C* object, R (C::*member)(Args...) const)
      : delegate(
            [object, member](Args... args) -> R { return (object->*member)(std::forward<Args>(args)...); }) {}

  delegate(const delegate& other) { take(other); }
  delegate& operator=(const delegate& other) {
    if (this == &other) return *this;
    reset();
    take(other);
    return *this;
  }
  ~delegate() { reset(); }

  void reset() {
    if (holder_ != nullptr) holder_->destroy(storage_);
    holder_ = nullptr;
    call_ = &empty;
  }

  R operator()(Args... args) const { return call_(storage_, std::forward<Args>(args)...); }

  explicit operator bool() const { return call_ != &empty; }
  bool operator==(std::nullptr_t) const { return call_ == &empty; }

 private:
  using Call = R (*)(void*, Args&&...);

  template <class F, class Given>
  void hold(Given&& callable) {
    static_assert(sizeof(F) <= detail::kDelegateCapacity, "the delegate's captured state is over 64 octets");
    static_assert(alignof(F) <= alignof(std::max_align_t) && std::is_copy_constructible_v<F>);
    ::new (static_cast<void*>(storage_)) F(std::forward<Given>(callable));
    call_ = [](void* held, Args&&... args) -> R {
      return (*static_cast<F*>(held))(std::forward<Args>(args)...);
    };
    holder_ = &detail::kHolderOf<F>;
  }
  void take(const delegate& other) {
    if (other.holder_ != nullptr) other.holder_->copy(storage_, other.storage_);
    holder_ = other.holder_;
    call_ = other.call_;
  }
  static R empty(void*, Args&&...) { detail::called_empty_delegate(); }

  Call call_ = &empty;
  const detail::Delegate_holder* holder_ = nullptr;
  alignas(std::max_align_t) mutable std::byte storage_[detail::kDelegateCapacity] = {};
};
