// What adding, multiplying and choosing the larger mean for each element type, in reductions and in updates by index.
#pragma once

#include <cmath>
#include <complex>
#include <type_traits>

#include "anabranch/dtype.h"
#include "kernels/host_device.h"

namespace anabranch::kernels {

template <typename T>
inline constexpr bool is_half = std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>;
template <typename T>
inline constexpr bool is_complex = std::is_same_v<T, complex64_t>;

// std::complex adds by GCC's own complex type, of which nvcc makes no code at all, and says nothing.
ANABRANCH_HOST_DEVICE inline complex64_t operator+(complex64_t a, complex64_t b) {
  return {a.real() + b.real(), a.imag() + b.imag()};
}
ANABRANCH_HOST_DEVICE inline complex64_t operator-(complex64_t a, complex64_t b) {
  return {a.real() - b.real(), a.imag() - b.imag()};
}
complex64_t operator*(complex64_t, complex64_t) = delete;  // Prod
complex64_t operator/(complex64_t, complex64_t) = delete;

template <typename T>
ANABRANCH_HOST_DEVICE bool is_nan(T x) {
  if constexpr (is_complex<T>) {
    return std::isnan(x.real()) || std::isnan(x.imag());
  } else if constexpr (std::is_integral_v<T>) {
    return false;
  } else {
    return !(x == x);
  }
}

// Lexicographic for complex numbers.
template <typename T>
ANABRANCH_HOST_DEVICE bool less(T a, T b) {
  if constexpr (is_complex<T>) {
    return a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
  } else {
    return a < b;
  }
}

// Integers wrap around; bool: or.
struct Sum {
  template <typename T>
  ANABRANCH_HOST_DEVICE T operator()(T a, T b) const {
    if constexpr (std::is_same_v<T, bool>) {
      return a || b;
    } else if constexpr (is_half<T>) {
      return T(float(a) + float(b));
    } else if constexpr (std::is_integral_v<T>) {
      using U = std::make_unsigned_t<T>;
      return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    } else {
      return a + b;
    }
  }
};

// Integers wrap around; bool: and. Complex without the recovery of infinities that C++ prescribes.
struct Prod {
  template <typename T>
  ANABRANCH_HOST_DEVICE T operator()(T a, T b) const {
    if constexpr (std::is_same_v<T, bool>) {
      return a && b;
    } else if constexpr (is_half<T>) {
      return T(float(a) * float(b));
    } else if constexpr (is_complex<T>) {
      return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
    } else if constexpr (std::is_integral_v<T>) {
      // Through a type that is not promoted to int, whose overflow is undefined.
      using U = std::conditional_t<(sizeof(T) < 4), std::uint32_t, std::make_unsigned_t<T>>;
      return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
    } else {
      return a * b;
    }
  }
};

// NaN if either is.
struct Max {
  template <typename T>
  ANABRANCH_HOST_DEVICE T operator()(T a, T b) const {
    return is_nan(a) || !(less(a, b) || is_nan(b)) ? a : b;
  }
};
struct Min {
  template <typename T>
  ANABRANCH_HOST_DEVICE T operator()(T a, T b) const {
    return is_nan(a) || !(less(b, a) || is_nan(b)) ? a : b;
  }
};

}  // namespace anabranch::kernels
