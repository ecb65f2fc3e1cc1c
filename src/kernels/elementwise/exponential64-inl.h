// Exponentials, logarithms and hyperbolic functions of float64 vectors. The polynomials are Taylor's: there is room for
// the few terms that a minimax fit would save.
#if defined(ANABRANCH_EXPONENTIAL64_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_EXPONENTIAL64_INL_H
#undef ANABRANCH_EXPONENTIAL64_INL_H
#else
#define ANABRANCH_EXPONENTIAL64_INL_H
#endif

#include "kernels/elementwise/polynomial-inl.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE::f64 {

namespace hn = hwy::HWY_NAMESPACE;
using f32::at_least;
using f32::at_most;
using f32::DI;
using f32::polynomial;

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double magic = 0x1.8p52;  // adding it rounds to an integer, which the sum's low bits then hold
inline constexpr double ln2_high = 0x1.62e42fefap-1, ln2_low = 0x1.cf79abc9e3b3ap-40;  // n * ln2_high is exact
inline constexpr double log2e_high = 0x1.71547652b82fep+0, log2e_low = 0x1.777d0ffda0d24p-56;

// 2^n of an integer n from -1022 to 1023 (and 0 of -1023), as a double.
template <class D, class V>
HWY_INLINE V power_of_2(D d, V n) {
  const DI<D> di;
  return hn::BitCast(d, hn::ShiftLeft<52>(hn::BitCast(di, hn::Add(n, hn::Set(d, magic + 1023)))));
}

// x = n ln 2 + r with |r| <= ln 2 / 2.
template <class V>
struct Reduced {
  V r, n, sum;  // sum: n in its low bits
};
template <class D, class V>
HWY_INLINE Reduced<V> reduce_by_ln2(D d, V x) {
  const V sum = hn::MulAdd(x, hn::Set(d, log2e_high), hn::Set(d, magic));
  const V n = hn::Sub(sum, hn::Set(d, magic));
  const V r = hn::NegMulAdd(n, hn::Set(d, ln2_high), x);
  return {hn::NegMulAdd(n, hn::Set(d, ln2_low), r), n, sum};
}

// exp(r) - 1 for |r| <= ln 2 / 2.
template <class D, class V>
HWY_INLINE V expm1_of_reduced(D d, V r) {
  const V q = polynomial(d, r, 0x1p-1, 0x1.5555555555555p-3, 0x1.5555555555555p-5, 0x1.1111111111111p-7,
                         0x1.6c16c16c16c17p-10, 0x1.a01a01a01a01ap-13, 0x1.a01a01a01a01ap-16, 0x1.71de3a556c734p-19,
                         0x1.27e4fb7789f5cp-22, 0x1.ae64567f544e4p-26, 0x1.1eed8eff8d898p-29, 0x1.6124613a86d09p-33);
  return hn::MulAdd(q, hn::Mul(r, r), r);
}

// 2^down * exp(x) for every x; in two factors, of which only the last may round, overflow or underflow.
template <class D, class V>
HWY_INLINE V exp_anywhere(D d, V x, double down = 0) {
  const auto reduced = reduce_by_ln2(d, at_least(d, at_most(d, x, 712.0), -747.0));
  const V n = hn::Add(reduced.n, hn::Set(d, down));
  const V half = hn::Round(hn::Mul(n, hn::Set(d, 0.5)));
  const V y = hn::Add(expm1_of_reduced(d, reduced.r), hn::Set(d, 1.0));
  return hn::Mul(hn::Mul(y, power_of_2(d, half)), power_of_2(d, hn::Sub(n, half)));
}

template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  const DI<D> di;
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(hn::Abs(x), hn::Set(d, 706.0))))) {
    const auto reduced = reduce_by_ln2(d, x);
    const V y = hn::Add(expm1_of_reduced(d, reduced.r), hn::Set(d, 1.0));
    return hn::BitCast(d, hn::Add(hn::BitCast(di, y), hn::ShiftLeft<52>(hn::BitCast(di, reduced.sum))));
  }
  return hn::IfThenElse(hn::IsNaN(x), x, exp_anywhere(d, x));
}

template <class D, class V>
HWY_INLINE V expm1(D d, V x) {
  // Halved, then doubled, so that 2^1024 does not occur; 711 overflows already.
  const auto reduced = reduce_by_ln2(d, at_least(d, at_most(d, x, 710.0), -40.0));
  const V half = power_of_2(d, hn::Sub(reduced.n, hn::Set(d, 1.0)));
  const V y = hn::MulAdd(half, expm1_of_reduced(d, reduced.r), hn::Sub(half, hn::Set(d, 0.5)));
  return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::Eq(x, hn::Zero(d))), x, hn::Add(y, y));
}

// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for normal x.
template <class V>
struct Split {
  V f, e;
};
template <class D, class V>
HWY_INLINE Split<V> split(D d, V x) {
  const DI<D> di;
  const auto bits = hn::BitCast(di, x);
  const auto exponent = hn::ShiftRight<52>(hn::Sub(bits, hn::Set(di, 0x3fe6a09e667f3bcd)));
  const V f = hn::Sub(hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<52>(exponent))), hn::Set(d, 1.0));
  const V shifted = hn::BitCast(d, hn::Add(exponent, hn::BitCast(di, hn::Set(d, magic))));
  return {f, hn::Sub(shifted, hn::Set(d, magic))};
}

// log(1 + f) - f. With s = f / (2 + f) it is s (f^2 / 2 + t) - f^2 / 2, where t is 2 atanh(s) / s - 2.
template <class D, class V>
HWY_INLINE V log_rest(D d, V f) {
  const V s = hn::Div(f, hn::Add(f, hn::Set(d, 2.0))), z = hn::Mul(s, s);
  const V half = hn::Mul(hn::Mul(f, f), hn::Set(d, 0.5));
  const V t = polynomial(d, z, 0x1.5555555555555p-1, 0x1.999999999999ap-2, 0x1.2492492492492p-2, 0x1.c71c71c71c71cp-3,
                         0x1.745d1745d1746p-3, 0x1.3b13b13b13b14p-3, 0x1.1111111111111p-3, 0x1.e1e1e1e1e1e1ep-4,
                         0x1.af286bca1af28p-4, 0x1.8618618618618p-4, 0x1.642c8590b2164p-4);
  return hn::MulSub(s, hn::MulAdd(z, t, half), half);
}

struct NaturalLog {
  template <class D, class V>
  static HWY_INLINE V of(D d, V f, V e) {
    const V y = hn::MulAdd(e, hn::Set(d, ln2_low), log_rest(d, f));
    return hn::MulAdd(e, hn::Set(d, ln2_high), hn::Add(f, y));
  }
};
struct BinaryLog {
  template <class D, class V>
  static HWY_INLINE V of(D d, V f, V e) {
    const V low = hn::MulAdd(log_rest(d, f), hn::Set(d, log2e_high), hn::Mul(f, hn::Set(d, log2e_low)));
    return hn::Add(e, hn::MulAdd(f, hn::Set(d, log2e_high), low));
  }
};
struct DecimalLog {
  template <class D, class V>
  static HWY_INLINE V of(D d, V f, V e) {
    const V factor = hn::Set(d, 0x1.bcb7b1526e50ep-2);
    const V low = hn::MulAdd(log_rest(d, f), factor, hn::Mul(f, hn::Set(d, 0x1.95355baaafad3p-57)));
    const V y = hn::MulAdd(e, hn::Set(d, 0x1.e7fbcc47c4acdp-40), hn::MulAdd(f, factor, low));
    return hn::MulAdd(e, hn::Set(d, 0x1.34413509fp-2), y);
  }
};

template <class Log, class D, class V>
HWY_INLINE V any_log(D d, V x) {
  const V smallest = hn::Set(d, 0x1p-1022), inf = hn::Set(d, infinity);
  if (HWY_LIKELY(hn::AllTrue(d, hn::And(hn::Ge(x, smallest), hn::Lt(x, inf))))) {
    const auto s = split(d, x);
    return Log::of(d, s.f, s.e);
  }
  const auto tiny = hn::Lt(x, smallest);
  const auto s = split(d, hn::IfThenElse(tiny, hn::Mul(x, hn::Set(d, 0x1p52)), x));
  V y = Log::of(d, s.f, hn::Sub(s.e, hn::IfThenElseZero(tiny, hn::Set(d, 52.0))));
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Set(d, -infinity), y);
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Set(d, nan), y);
  return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::Eq(x, inf)), x, y);
}

template <class D, class V>
HWY_INLINE V log(D d, V x) {
  return any_log<NaturalLog>(d, x);
}
template <class D, class V>
HWY_INLINE V log2(D d, V x) {
  return any_log<BinaryLog>(d, x);
}
template <class D, class V>
HWY_INLINE V log10(D d, V x) {
  return any_log<DecimalLog>(d, x);
}

template <class D, class V>
HWY_INLINE V log1p(D d, V x) {
  const V one = hn::Set(d, 1.0), minus_one = hn::Set(d, -1.0), inf = hn::Set(d, infinity);
  const V sum = hn::Add(one, x);
  const V lost = hn::IfThenElse(hn::Gt(x, one), hn::Sub(one, hn::Sub(sum, x)), hn::Sub(x, hn::Sub(sum, one)));
  const auto s = split(d, sum);
  // What the sum lost comes back at the mantissa's scale, and what that addition loses after it.
  const V correction = hn::Mul(lost, power_of_2(d, hn::Max(hn::Neg(s.e), hn::Set(d, -1023.0))));
  const V f = hn::Add(s.f, correction);
  const V low = hn::Sub(correction, hn::Sub(f, s.f));
  V y = hn::MulAdd(s.e, hn::Set(d, ln2_low), hn::Add(log_rest(d, f), low));
  y = hn::MulAdd(s.e, hn::Set(d, ln2_high), hn::Add(f, y));
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, y);
  if (HWY_LIKELY(hn::AllTrue(d, hn::And(hn::Gt(x, minus_one), hn::Lt(x, inf))))) return y;
  y = hn::IfThenElse(hn::Eq(x, minus_one), hn::Set(d, -infinity), y);
  y = hn::IfThenElse(hn::Lt(x, minus_one), hn::Set(d, nan), y);
  return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::Eq(x, inf)), x, y);
}

// With m = exp(2 |x|) - 1: m / (m + 2).
template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
  const V a = at_most(d, hn::Abs(x), 20.0);  // whose tanh is 1
  const V m = expm1(d, hn::Add(a, a));
  return hn::CopySign(hn::Div(m, hn::Add(m, hn::Set(d, 2.0))), x);
}

// With m = exp(|x|) - 1: (m + m / (m + 1)) / 2.
template <class D, class V>
HWY_INLINE V sinh(D d, V x) {
  const V one = hn::Set(d, 1.0), a = hn::Abs(x);
  const V m = expm1(d, at_most(d, a, 40.0));
  const V near = hn::Mul(hn::Set(d, 0.5), hn::Add(m, hn::Div(m, hn::Add(m, one))));
  if (HWY_LIKELY(hn::AllTrue(d, hn::Lt(a, hn::Set(d, 40.0))))) return hn::CopySign(near, x);
  return hn::CopySign(hn::IfThenElse(hn::Ge(a, hn::Set(d, 40.0)), exp_anywhere(d, a, -1), near), x);
}

template <class D, class V>
HWY_INLINE V cosh(D d, V x) {
  const V half = exp_anywhere(d, hn::Abs(x), -1);
  return hn::Add(half, hn::Div(hn::Set(d, 0.25), half));
}

template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0);
  const V e = exp(d, hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}

}  // namespace anabranch::kernels::HWY_NAMESPACE::f64
HWY_AFTER_NAMESPACE();

#endif
