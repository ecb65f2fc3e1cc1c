// The order that sorting means, NumPy's: NaN last, complex numbers by real and then imaginary part.
#pragma once

#include <cmath>
#include <type_traits>

#include "anabranch/half.h"

namespace anabranch::kernels {

template <typename T>
constexpr bool is_real_float =
    std::is_floating_point_v<T> || std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>;

template <typename T>
bool sorts_before(T a, T b) {
  if constexpr (std::is_same_v<T, complex64_t>) {
    const bool a_nan = std::isnan(a.real()) || std::isnan(a.imag()),
               b_nan = std::isnan(b.real()) || std::isnan(b.imag());
    if (a_nan || b_nan) return !a_nan;
    return a.real() != b.real() ? a.real() < b.real() : a.imag() < b.imag();
  } else if constexpr (is_real_float<T>) {
    return a < b || (b != b && a == a);
  } else {
    return a < b;
  }
}

}  // namespace anabranch::kernels
