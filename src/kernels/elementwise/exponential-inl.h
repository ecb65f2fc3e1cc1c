// Exponentials, logarithms and hyperbolic functions of float32 vectors.
#if defined(ANABRANCH_EXPONENTIAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_EXPONENTIAL_INL_H
#undef ANABRANCH_EXPONENTIAL_INL_H
#else
#define ANABRANCH_EXPONENTIAL_INL_H
#endif

#include "kernels/elementwise/polynomial-inl.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE::f32 {

inline constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;  // n * ln2_high is exact for |n| < 256
inline constexpr float log2e_high = 0x1.715476p+0f, log2e_low = 0x1.4ae0c0p-26f;

// x = n ln 2 + r with |r| <= ln 2 / 2, for |x| < 2^20.
template <class V, class VI>
struct Reduced {
  V r, n;
  VI integer;  // n, modulo 2^9 (all that an exponent needs)
};
template <class D, class V = hn::Vec<D>>
HWY_INLINE auto reduce_by_ln2(D d, V x) {
  const DI<D> di;
  const V magic = hn::Set(d, 0x1.8p23f);  // adding it rounds to an integer, which the sum's low bits then hold
  const V sum = hn::MulAdd(x, hn::Set(d, log2e_high), magic);
  const V n = hn::Sub(sum, magic);
  V r = hn::NegMulAdd(n, hn::Set(d, ln2_high), x);
  r = hn::NegMulAdd(n, hn::Set(d, ln2_low), r);
  return Reduced<V, hn::Vec<DI<D>>>{r, n, hn::BitCast(di, sum)};
}

// exp(r) for |r| <= ln 2 / 2.
template <class D, class V>
HWY_INLINE V exp_of_reduced(D d, V r) {
  const V q = polynomial(d, r, 0x1.fffffcp-2f, 0x1.555490p-3f, 0x1.5558a4p-5f, 0x1.123aeap-7f, 0x1.6a5c3cp-10f);
  return hn::Add(hn::MulAdd(q, hn::Mul(r, r), r), hn::Set(d, 1.0f));
}

// exp(x) where it and its inverse are normal numbers.
template <class D, class V>
HWY_INLINE V exp_in_range(D d, V x) {
  const auto reduced = reduce_by_ln2(d, x);
  return times_power_of_2(d, exp_of_reduced(d, reduced.r), reduced.integer);
}

// 2^down * exp(x) for every x; in two factors, of which only the last may round, overflow or underflow.
template <class D, class V>
HWY_INLINE V exp_anywhere(D d, V x, int down = 0) {
  const DI<D> di;
  const auto reduced = reduce_by_ln2(d, at_least(d, at_most(d, x, 90.0f), -105.0f));
  const auto n = hn::Add(hn::ConvertTo(di, reduced.n), hn::Set(di, down));
  const auto half = hn::ShiftRight<1>(n);
  const V y = hn::Mul(exp_of_reduced(d, reduced.r), power_of_2(d, half));
  return hn::Mul(y, power_of_2(d, hn::Sub(n, half)));
}

template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(hn::Abs(x), hn::Set(d, 86.0f))))) return exp_in_range(d, x);
  return hn::IfThenElse(hn::IsNaN(x), x, exp_anywhere(d, x));
}

template <class D, class V>
HWY_INLINE V expm1_of_reduced(D d, V r) {
  const V q =
      polynomial(d, r, 0x1p-1f, 0x1.555554p-3f, 0x1.5554f8p-5f, 0x1.1112d4p-7f, 0x1.6d3a84p-10f, 0x1.9e7cf2p-13f);
  return hn::MulAdd(q, hn::Mul(r, r), r);
}

template <class D, class V>
HWY_INLINE V expm1(D d, V x) {
  // Halved, then doubled, so that 2^128 does not occur; 89 overflows already.
  const auto reduced = reduce_by_ln2(d, at_least(d, at_most(d, x, 89.0f), -20.0f));
  const DI<D> di;
  const V half = power_of_2(d, hn::Sub(hn::ConvertTo(di, reduced.n), hn::Set(di, 1)));
  const V y = hn::MulAdd(half, expm1_of_reduced(d, reduced.r), hn::Sub(half, hn::Set(d, 0.5f)));
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
  const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, 0x3f3504f3)));
  const auto mantissa = hn::Sub(bits, hn::ShiftLeft<23>(exponent));
  return {hn::Sub(hn::BitCast(d, mantissa), hn::Set(d, 1.0f)), hn::ConvertTo(d, exponent)};
}

// log(1 + f) - f.
template <class D, class V>
HWY_INLINE V log_rest(D d, V f) {
  const V z = hn::Mul(f, f);
  const V p = polynomial(d, f, 0x1.555554p-2f, -0x1.000228p-2f, 0x1.99a026p-3f, -0x1.54720ap-3f, 0x1.22d7d2p-3f,
                         -0x1.0d85aep-3f, 0x1.056a46p-3f, -0x1.38d512p-4f);
  return hn::NegMulAdd(hn::Set(d, 0.5f), z, hn::Mul(hn::Mul(f, z), p));
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
    const V factor = hn::Set(d, 0x1.bcb7b2p-2f);
    const V low = hn::MulAdd(log_rest(d, f), factor, hn::Mul(f, hn::Set(d, -0x1.5b235ep-27f)));
    const V y = hn::MulAdd(e, hn::Set(d, 0x1.3509f8p-18f), hn::MulAdd(f, factor, low));
    return hn::MulAdd(e, hn::Set(d, 0x1.344p-2f), y);
  }
};

template <class Log, class D, class V>
HWY_INLINE V any_log(D d, V x) {
  const V smallest = hn::Set(d, 0x1p-126f), inf = hn::Set(d, infinity);
  if (HWY_LIKELY(hn::AllTrue(d, hn::And(hn::Ge(x, smallest), hn::Lt(x, inf))))) {
    const auto s = split(d, x);
    return Log::of(d, s.f, s.e);
  }
  const auto tiny = hn::Lt(x, smallest);
  const auto s = split(d, hn::IfThenElse(tiny, hn::Mul(x, hn::Set(d, 0x1p23f)), x));
  V y = Log::of(d, s.f, hn::Sub(s.e, hn::IfThenElseZero(tiny, hn::Set(d, 23.0f))));
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

// log(1 + x), for -1 < x < infinity.
template <class D, class V>
HWY_INLINE V log1p_in_range(D d, V x) {
  const DI<D> di;
  const V one = hn::Set(d, 1.0f);
  const V sum = hn::Add(one, x);
  const V lost = hn::IfThenElse(hn::Gt(x, one), hn::Sub(one, hn::Sub(sum, x)), hn::Sub(x, hn::Sub(sum, one)));
  const auto s = split(d, sum);
  // What the sum lost comes back at the mantissa's scale, and what that addition loses after it.
  const V correction = hn::Mul(lost, power_of_2(d, hn::Max(hn::Neg(hn::ConvertTo(di, s.e)), hn::Set(di, -127))));
  const V f = hn::Add(s.f, correction);
  const V low = hn::Sub(correction, hn::Sub(f, s.f));
  const V y = hn::MulAdd(s.e, hn::Set(d, ln2_low), hn::Add(log_rest(d, f), low));
  return hn::MulAdd(s.e, hn::Set(d, ln2_high), hn::Add(f, y));
}

template <class D, class V>
HWY_INLINE V log1p(D d, V x) {
  V y = log1p_in_range(d, x);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, y);
  const V minus_one = hn::Set(d, -1.0f);
  if (HWY_LIKELY(hn::AllTrue(d, hn::And(hn::Gt(x, minus_one), hn::Lt(x, hn::Set(d, infinity)))))) return y;
  y = hn::IfThenElse(hn::Eq(x, minus_one), hn::Set(d, -infinity), y);
  y = hn::IfThenElse(hn::Lt(x, minus_one), hn::Set(d, nan), y);
  return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::Eq(x, hn::Set(d, infinity))), x, y);
}

// 2 p q / (p^2 + q^2), where p / q is tanh(x / 2): one division, and never more than 1.
template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
  const V limit = hn::Set(d, 9.1f);                                                             // whose tanh is 1
  const V c = hn::Max(hn::Neg(limit), hn::Min(limit, x)), z = hn::Mul(c, c);                    // NaN stays
  const V p = hn::MulAdd(hn::Mul(c, z), polynomial(d, z, 0x1.e5cdbcp-6f, 0x1.d444d0p-14f), c);  // twice that
  const V q = polynomial(d, z, 1.0f, 0x1.cec8b0p-4f, 0x1.38ef08p-10f, 0x1.3b9504p-20f);
  const V half = hn::Mul(p, hn::Set(d, 0.5f));
  return hn::Div(hn::Mul(p, q), hn::MulAdd(q, q, hn::Mul(half, half)));
}

template <class D, class V>
HWY_INLINE V sinh(D d, V x) {
  const V a = hn::Abs(x), z = hn::Mul(x, x);
  const V p = polynomial(d, z, 0x1.555556p-3f, 0x1.1110e0p-7f, 0x1.a022b0p-13f, 0x1.756fd4p-19f);
  const V near = hn::MulAdd(hn::Mul(a, z), p, a);
  const V half = exp_anywhere(d, a, -1);
  const V far = hn::Sub(half, hn::Div(hn::Set(d, 0.25f), half));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, hn::Set(d, 1.0f)), near, far), x);
}

template <class D, class V>
HWY_INLINE V cosh(D d, V x) {
  const V half = exp_anywhere(d, hn::Abs(x), -1);
  return hn::Add(half, hn::Div(hn::Set(d, 0.25f), half));
}

// log(2 a), for a so large that 2 a might overflow.
template <class D, class V>
HWY_INLINE V log_of_twice(D d, V a) {
  const auto s = split(d, a);
  const V y = NaturalLog::of(d, s.f, hn::Add(s.e, hn::Set(d, 1.0f)));
  return hn::IfThenElse(hn::Lt(a, hn::Set(d, infinity)), y, a);
}

template <class D, class V>
HWY_INLINE V asinh(D d, V x) {
  const V one = hn::Set(d, 1.0f), a = hn::Abs(x), large = hn::Set(d, 0x1p13f);
  const V z = hn::Mul(a, a);
  const V y = log1p_in_range(d, hn::Add(a, hn::Div(z, hn::Add(one, hn::Sqrt(hn::Add(z, one))))));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, large), y, log_of_twice(d, a)), x);
}

template <class D, class V>
HWY_INLINE V acosh(D d, V x) {
  const V one = hn::Set(d, 1.0f), t = hn::Sub(x, one);
  const V y = log1p_in_range(d, hn::Add(t, hn::Sqrt(hn::MulAdd(t, t, hn::Add(t, t)))));
  const V all = hn::IfThenElse(hn::Lt(x, hn::Set(d, 0x1p13f)), y, log_of_twice(d, x));
  return hn::IfThenElse(hn::Eq(x, one), hn::Zero(d), hn::IfThenElse(hn::Ge(x, one), all, hn::Set(d, nan)));
}

template <class D, class V>
HWY_INLINE V atanh(D d, V x) {
  const V one = hn::Set(d, 1.0f), a = hn::Abs(x);
  const V t = hn::Div(hn::Add(a, a), hn::Sub(one, a));
  V y = hn::Mul(hn::Set(d, 0.5f), log1p_in_range(d, t));
  y = hn::IfThenElse(hn::Lt(a, hn::Set(d, 0x1p-13f)), a, y);
  y = hn::IfThenElse(hn::Eq(a, one), hn::Set(d, infinity), hn::IfThenElse(hn::Le(a, one), y, hn::Set(d, nan)));
  return hn::CopySign(y, x);
}

template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V e = exp(d, hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}

template <class D, class V>
HWY_INLINE V logaddexp(D d, V x, V y) {
  const auto x_is_lower = hn::Lt(x, y);
  const V high = hn::IfThenElse(x_is_lower, y, x), low = hn::IfThenElse(x_is_lower, x, y);
  const V gap = hn::IfThenElse(hn::Eq(x, y), hn::Zero(d), hn::Sub(low, high));  // infinities have none
  const V sum = hn::Add(high, log1p_in_range(d, exp(d, gap)));
  return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::IsNaN(y)), hn::Add(x, y), sum);
}

}  // namespace anabranch::kernels::HWY_NAMESPACE::f32
HWY_AFTER_NAMESPACE();

#endif
