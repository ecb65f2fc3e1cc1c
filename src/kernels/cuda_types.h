// Elements of arrays in a GPU's kernels: 16-bit floats compute in float32, everything else in itself.
#pragma once

#include <type_traits>

#include "kernels/reduce/arithmetic.h"

namespace anabranch::kernels {

template <typename T>
using Computed = std::conditional_t<is_half<T>, float, T>;

template <typename T>
ANABRANCH_HOST_DEVICE Computed<T> load_as_computed(T x) {
#ifdef __CUDA_ARCH__
  if constexpr (std::is_same_v<T, float16_t>) {
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x.bits));
    return wide;
  }
#endif
  return static_cast<Computed<T>>(x);
}

// To nearest, ties to even.
template <typename T>
ANABRANCH_HOST_DEVICE T store_computed(Computed<T> x) {
#ifdef __CUDA_ARCH__
  if constexpr (is_half<T>) {
    T narrow;
    if constexpr (std::is_same_v<T, float16_t>) asm("cvt.rn.f16.f32 %0, %1;" : "=h"(narrow.bits) : "f"(x));
    else asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(narrow.bits) : "f"(x));
    return narrow;
  }
#endif
  return static_cast<T>(x);
}

// As dispatch_dtype(), for what is the same for signed and unsigned integers: f sees the unsigned ones.
template <typename F>
void dispatch_wrapping(Dtype dtype, F&& f) {
  dispatch_dtype(dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) f(static_cast<std::make_unsigned_t<T>*>(nullptr));
    else f(p);
  });
}

// Calls f with a null pointer of an unsigned integer of the size of an element.
template <typename F>
void dispatch_size(std::size_t size, F&& f) {
  switch (size) {
    case 1: return f(static_cast<std::uint8_t*>(nullptr));
    case 2: return f(static_cast<std::uint16_t*>(nullptr));
    case 4: return f(static_cast<std::uint32_t*>(nullptr));
    default: return f(static_cast<std::uint64_t*>(nullptr));
  }
}

struct alignas(16) Item16 {
  std::uint64_t parts[2];
};

// The same for items, which may have 16 bytes.
template <typename F>
void dispatch_item(std::size_t size, F&& f) {
  if (size == sizeof(Item16)) return f(static_cast<Item16*>(nullptr));
  dispatch_size(size, f);
}

}  // namespace anabranch::kernels
