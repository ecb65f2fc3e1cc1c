// A vector that keeps its first N elements inside itself: shapes and operand lists rarely leave the stack.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace anabranch {

template <typename T, std::size_t N>
class SmallVector {
 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  using iterator = T*;
  using const_iterator = const T*;

  SmallVector() = default;
  explicit SmallVector(std::size_t n, const T& value = T()) { resize(n, value); }
  SmallVector(std::initializer_list<T> init) : SmallVector(init.begin(), init.end()) {}
  SmallVector(const std::vector<T>& v) : SmallVector(v.begin(), v.end()) {}
  template <std::input_iterator It>
  SmallVector(It first, It last) {
    reserve(static_cast<std::size_t>(std::distance(first, last)));
    for (; first != last; ++first) push_back(*first);
  }
  SmallVector(const SmallVector& other) { copy(other); }
  SmallVector(SmallVector&& other) noexcept { take(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this != &other) {
      clear();
      copy(other);
    }
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this != &other) {
      destroy();
      take(other);
    }
    return *this;
  }
  ~SmallVector() { destroy(); }

  T* data() { return heap_ ? heap_ : inline_data(); }
  const T* data() const { return heap_ ? heap_ : inline_data(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  auto rbegin() { return std::reverse_iterator(end()); }
  auto rend() { return std::reverse_iterator(begin()); }
  auto rbegin() const { return std::reverse_iterator(end()); }
  auto rend() const { return std::reverse_iterator(begin()); }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }
  T& front() { return data()[0]; }
  const T& front() const { return data()[0]; }
  T& back() { return data()[size_ - 1]; }
  const T& back() const { return data()[size_ - 1]; }

  void reserve(std::size_t n) {
    if (n > capacity_) grow(n);
  }
  void resize(std::size_t n, const T& value = T()) {
    reserve(n);
    while (size_ < n) emplace_back(value);
    while (size_ > n) pop_back();
  }
  void clear() {
    std::destroy(begin(), end());
    size_ = 0;
  }
  void push_back(const T& x) { emplace_back(x); }
  void push_back(T&& x) { emplace_back(std::move(x)); }
  template <typename... Args>
  T& emplace_back(Args&&... args) {
    if (size_ < capacity_) {
      T* at = new (data() + size_) T(std::forward<Args>(args)...);
      ++size_;
      return *at;
    }
    T made(std::forward<Args>(args)...);  // an argument may live in the storage that grow() moves away
    grow(capacity_ * 2);
    T* at = new (data() + size_) T(std::move(made));
    ++size_;
    return *at;
  }
  void pop_back() {
    --size_;
    data()[size_].~T();
  }
  T* insert(const T* at, const T& x) {
    const std::size_t i = static_cast<std::size_t>(at - data());
    emplace_back(x);
    std::rotate(begin() + i, end() - 1, end());
    return begin() + i;
  }
  T* erase(const T* at) {
    T* p = begin() + (at - data());
    std::move(p + 1, end(), p);
    pop_back();
    return p;
  }

  friend bool operator==(const SmallVector& a, const SmallVector& b) {
    return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  T* inline_data() { return std::launder(reinterpret_cast<T*>(inline_)); }
  const T* inline_data() const { return std::launder(reinterpret_cast<const T*>(inline_)); }
  void grow(std::size_t n) {
    n = std::max(n, std::size_t{capacity_} * 2);
    T* fresh = static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(alignof(T))));
    std::uninitialized_move(begin(), end(), fresh);
    std::destroy(begin(), end());
    release();
    heap_ = fresh;
    capacity_ = static_cast<std::uint32_t>(n);
  }
  // Into an empty vector.
  void copy(const SmallVector& other) {
    if constexpr (std::is_trivially_copyable_v<T>) {
      if (!heap_ && !other.heap_) {  // a copy of fixed size is a few instructions
        std::memcpy(inline_, other.inline_, sizeof inline_);
        size_ = other.size_;
        return;
      }
    }
    reserve(other.size_);
    for (const T& x : other) push_back(x);
  }
  void take(SmallVector& other) {
    heap_ = other.heap_;
    size_ = other.size_;
    capacity_ = other.capacity_;
    if constexpr (std::is_trivially_copyable_v<T>) {
      if (!heap_) std::memcpy(inline_, other.inline_, sizeof inline_);
    } else if (!heap_) {
      std::uninitialized_move(other.begin(), other.end(), inline_data());
      std::destroy(other.begin(), other.end());
    }
    other.heap_ = nullptr;
    other.size_ = 0;
    other.capacity_ = N;
  }
  void release() {
    if (heap_) ::operator delete(heap_, std::align_val_t(alignof(T)));
    heap_ = nullptr;
  }
  void destroy() {
    std::destroy(begin(), end());
    release();
    size_ = 0;
    capacity_ = N;
  }

  T* heap_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = N;
  alignas(T) std::byte inline_[N * sizeof(T)];
};

}  // namespace anabranch
