// Two neighbouring elements at once, for programs with 16-bit floats: sums, differences and products of these are one
// instruction for both, and all else is rounded in one. The bits are those of single elements: float32 has more than
// twice the digits of a 16-bit float and two more, so that rounding twice does not differ from rounding once.
#pragma once

#include "memory.cuh"
#include "transcendental.cuh"

namespace anabranch::kernels::device {

template <typename M>
inline constexpr bool is_half = is_same<M, memory::float16> || is_same<M, memory::bfloat16>;

template <typename M>
struct Two {
  typename M::Value a, b;
};
struct TwoHalves {
  u32 bits;  // the first in the lower half
};
template <>
struct Two<memory::float16> : TwoHalves {};
template <>
struct Two<memory::bfloat16> : TwoHalves {};

template <typename M>
ANABRANCH_DEVICE Two<M> from_bits(u32 bits) {
  Two<M> two;
  two.bits = bits;
  return two;
}
template <typename M>
ANABRANCH_DEVICE Two<M> from_bits(u16 first, u16 second) {
  return from_bits<M>(u32(second) << 16 | first);
}
ANABRANCH_DEVICE u16 low(TwoHalves x) { return static_cast<u16>(x.bits); }
ANABRANCH_DEVICE u16 high(TwoHalves x) { return static_cast<u16>(x.bits >> 16); }

template <typename M>
ANABRANCH_DEVICE typename M::Value first_of(Two<M> x) {
  if constexpr (is_half<M>) return M::from(low(x));
  else return x.a;
}
template <typename M>
ANABRANCH_DEVICE typename M::Value second_of(Two<M> x) {
  if constexpr (is_same<M, memory::bfloat16>) return bits_as<f32>(x.bits & 0xffff0000u);
  else if constexpr (is_half<M>) return M::from(high(x));
  else return x.b;
}

template <typename M>
ANABRANCH_DEVICE Two<M> two(typename M::Value a, typename M::Value b) {
  if constexpr (is_half<M>) {
#ifdef __CUDACC__
    u32 bits;
    if constexpr (is_same<M, memory::float16>) asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(b), "f"(a));
    else asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(b), "f"(a));
    return from_bits<M>(bits);
#else
    return from_bits<M>(M::to(a), M::to(b));
#endif
  } else {
    return {a, b};
  }
}
// The same element twice: what is the same for a whole row, or nobody's neighbour.
template <typename M>
ANABRANCH_DEVICE Two<M> both(typename M::Value x) {
  return two<M>(x, x);
}

// Devices before compute capability 9.0 have a fused multiply-add of bfloat16 alone; with 1 and -0 it is exact.
#ifdef __CUDACC__
#if __CUDA_ARCH__ >= 900
#define ANABRANCH_BF16(instruction, fused) instruction
#else
#define ANABRANCH_BF16(instruction, fused) fused
#endif
#define ANABRANCH_HALVES(Opcode, name, fused)                                                                   \
  template <typename M>                                                                                         \
  ANABRANCH_DEVICE Two<M> of_halves(Opcode, Two<M> x, Two<M> y) {                                               \
    u32 bits;                                                                                                   \
    if constexpr (is_same<M, memory::float16>)                                                                  \
      asm(#name ".rn.f16x2 %0, %1, %2;" : "=r"(bits) : "r"(x.bits), "r"(y.bits));                               \
    else                                                                                                        \
      asm(ANABRANCH_BF16(#name ".rn.bf16x2 %0, %1, %2;", "fma.rn.bf16x2 %0, " fused ";") : "=r"(bits)           \
          : "r"(x.bits), "r"(y.bits), "r"(0x3f803f80u), "r"(0xbf80bf80u), "r"(0x80008000u));                    \
    return from_bits<M>(bits);                                                                                  \
  }
#else
#define ANABRANCH_HALVES(Opcode, name, fused)                                            \
  template <typename M>                                                                  \
  ANABRANCH_DEVICE Two<M> of_halves(Opcode, Two<M> x, Two<M> y) {                        \
    return two<M>(Opcode::of(first_of(x), first_of(y)), Opcode::of(second_of(x), second_of(y)));     \
  }
#endif
ANABRANCH_HALVES(Add, add, "%1, %3, %2")
ANABRANCH_HALVES(Subtract, sub, "%2, %4, %1")
ANABRANCH_HALVES(Multiply, mul, "%1, %2, %5")
#undef ANABRANCH_HALVES
#undef ANABRANCH_BF16
template <typename M>
ANABRANCH_DEVICE Two<M> of_halves(Square, Two<M> x) {
  return of_halves(Multiply(), x, x);
}
template <typename M>
ANABRANCH_DEVICE Two<M> of_halves(Negative, Two<M> x) {
  return from_bits<M>(x.bits ^ 0x80008000u);
}
template <typename M>
ANABRANCH_DEVICE Two<M> of_halves(Abs, Two<M> x) {
  return from_bits<M>(x.bits & 0x7fff7fffu);
}

template <typename F, typename... M>
inline constexpr bool has_of_halves = requires(Two<M>... x) { of_halves(F(), x...); };

template <typename F, typename To, typename M, typename... More>
ANABRANCH_DEVICE Two<To> twice(Two<M> x, Two<More>... more) {
  if constexpr (is_half<M> && has_of_halves<F, M, More...>) {
    return of_halves(F(), x, more...);
  } else {
    return two<To>(F::of(first_of(x), first_of(more)...), F::of(second_of(x), second_of(more)...));
  }
}

template <typename To, typename M>
ANABRANCH_DEVICE Two<To> twice_converted(Two<M> x) {
  if constexpr (is_same<To, M>) return x;
  else return two<To>(converted<typename To::Value>(first_of(x)), converted<typename To::Value>(second_of(x)));
}

template <typename M>
ANABRANCH_DEVICE Two<M> twice_selected(Two<memory::bool_> condition, Two<M> x, Two<M> y) {
  if constexpr (is_half<M>) return from_bits<M>(condition.a ? low(x) : low(y), condition.b ? high(x) : high(y));
  else return {condition.a ? x.a : y.a, condition.b ? x.b : y.b};
}

// Elements i and i + 1 of a pack, for an even i.
template <typename M, int kCount>
ANABRANCH_DEVICE Two<M> two_of(const Pack<M, kCount>& pack, int i) {
  if constexpr (is_half<M>) return from_bits<M>(pack.words[i / 2]);
  else return {pack.get(i), pack.get(i + 1)};
}
template <typename M, int kCount>
ANABRANCH_DEVICE void set_two(Pack<M, kCount>& pack, int i, Two<M> value) {
  if constexpr (is_half<M>) {
    pack.words[i / 2] = value.bits;
  } else {
    pack.set(i, value.a);
    pack.set(i + 1, value.b);
  }
}

}  // namespace anabranch::kernels::device
