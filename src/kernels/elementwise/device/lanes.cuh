// The element types of fused programs on a GPU, and what takes values from one to another. All files of this folder are
// text for three compilers: nvcc, NVRTC (which has no headers to include) and, in tests, the host's.
#pragma once

#ifdef __CUDACC__
#define ANABRANCH_DEVICE __device__ __forceinline__
#define ANABRANCH_CALL __device__ __noinline__
#define ANABRANCH_ROLLED _Pragma("unroll 1")
#else
#include <math.h>

#include "anabranch/half.h"
#define ANABRANCH_DEVICE inline
#define ANABRANCH_CALL inline
#define ANABRANCH_ROLLED
#endif

namespace anabranch::kernels::device {

// As graph::Lane names them.
using b8 = bool;
using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;
using i8 = signed char;
using i16 = short;
using i32 = int;
using i64 = long long;
using f32 = float;
using f64 = double;
struct alignas(8) c64 {
  f32 re, im;
};

template <typename T>
inline constexpr bool is_bool = false;
template <>
inline constexpr bool is_bool<b8> = true;
template <typename T>
inline constexpr bool is_real = false;
template <>
inline constexpr bool is_real<f32> = true;
template <>
inline constexpr bool is_real<f64> = true;
template <typename T>
inline constexpr bool is_complex = false;
template <>
inline constexpr bool is_complex<c64> = true;
template <typename T>
inline constexpr bool is_integer = !is_bool<T> && !is_real<T> && !is_complex<T>;
template <typename T, typename U>
inline constexpr bool is_same = false;
template <typename T>
inline constexpr bool is_same<T, T> = true;

template <bool kFirst, typename T, typename U>
struct Choice {
  using Type = T;
};
template <typename T, typename U>
struct Choice<false, T, U> {
  using Type = U;
};

template <typename T>
inline constexpr bool is_signed = is_same<T, i8> || is_same<T, i16> || is_same<T, i32> || is_same<T, i64>;

// Arithmetic on these wraps, whatever T is; narrower types would be promoted to int, whose overflow is undefined.
template <typename T>
using Wrapping = typename Choice<sizeof(T) <= 4, u32, u64>::Type;
template <typename T>
using Unsigned = typename Choice<sizeof(T) == 1, u8, typename Choice<sizeof(T) == 2, u16, Wrapping<T>>::Type>::Type;

template <typename To, typename From>
ANABRANCH_DEVICE To bits_as(From x) {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, x);
}

template <typename T>
ANABRANCH_DEVICE T infinity_of() {
  if constexpr (is_same<T, f32>) return bits_as<f32>(0x7f800000u);
  else return bits_as<f64>(0x7ff0000000000000ull);
}
template <typename T>
ANABRANCH_DEVICE T nan_of() {
  if constexpr (is_same<T, f32>) return bits_as<f32>(0x7fc00000u);
  else return bits_as<f64>(0x7ff8000000000000ull);
}
template <typename T>
ANABRANCH_DEVICE bool is_nan(T x) {
  return x != x;
}
template <typename T>
ANABRANCH_DEVICE bool is_infinite(T x) {
  return x == infinity_of<T>() || x == -infinity_of<T>();
}
template <typename T>
ANABRANCH_DEVICE bool is_finite(T x) {
  return fabs(x) < infinity_of<T>();
}

// 16-bit floats as they lie in memory, and the float32 in which they are computed. To the nearest, ties to even.
#ifdef __CUDACC__
ANABRANCH_DEVICE u16 float16_bits(f32 x) {
  u16 bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
}
ANABRANCH_DEVICE f32 from_float16(u16 bits) {
  f32 x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
  return x;
}
ANABRANCH_DEVICE u16 bfloat16_bits(f32 x) {
  u16 bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
}
#else
ANABRANCH_DEVICE u16 float16_bits(f32 x) { return float16_t(x).bits; }
ANABRANCH_DEVICE f32 from_float16(u16 bits) {
  float16_t x;
  x.bits = bits;
  return x;
}
ANABRANCH_DEVICE u16 bfloat16_bits(f32 x) { return bfloat16_t(x).bits; }
#endif
ANABRANCH_DEVICE f32 from_bfloat16(u16 bits) { return bits_as<f32>(u32(bits) << 16); }

ANABRANCH_DEVICE f32 rounded_to_float16(f32 x) { return from_float16(float16_bits(x)); }
ANABRANCH_DEVICE f32 rounded_to_bfloat16(f32 x) { return from_bfloat16(bfloat16_bits(x)); }

// Truncation toward zero; what does not fit in I, and NaN, becomes the smallest I.
template <typename I, typename T>
ANABRANCH_DEVICE I truncated(T x) {
  constexpr T limit = sizeof(I) == 4 ? T(2147483648.0) : T(9223372036854775808.0);
  return static_cast<I>((x >= -limit) & (x < limit) ? x : -limit);
}

// astype. Floats go to integers through int32 (8 and 16 bits, int32) or int64 and wrap from there, as in MLX.
template <typename To, typename From>
ANABRANCH_DEVICE To converted(From x) {
  if constexpr (is_same<From, To>) {
    return x;
  } else if constexpr (is_complex<From>) {
    if constexpr (is_bool<To>) return (x.re != 0) | (x.im != 0);
    else return converted<To>(x.re);
  } else if constexpr (is_bool<To>) {
    return x != From(0);
  } else if constexpr (is_complex<To>) {
    return To{converted<f32>(x), 0};
  } else if constexpr (is_real<From> && is_same<To, u64>) {
    constexpr From half = From(9223372036854775808.0);
    const bool upper = (x >= half) & (x < 2 * half);
    const u64 low = static_cast<u64>(truncated<i64>(upper ? x - half : x));
    return upper ? low + (u64(1) << 63) : low;
  } else if constexpr (is_real<From> && is_integer<To>) {
    using Through = typename Choice<sizeof(To) == 8 || is_same<To, u32>, i64, i32>::Type;
    return static_cast<To>(truncated<Through>(x));
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace anabranch::kernels::device
