// What the vector functions share; those of float64 use what takes any float. All of them rely on fused multiply-add:
// an instruction set without it uses the C++ library's functions. Coefficients are minimax fits of our own, refitted
// while they were rounded one by one.
#if defined(ANABRANCH_POLYNOMIAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_POLYNOMIAL_INL_H
#undef ANABRANCH_POLYNOMIAL_INL_H
#else
#define ANABRANCH_POLYNOMIAL_INL_H
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE::f32 {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using DI = hn::RebindToSigned<D>;

// c0 + c1 x + c2 x^2 ..., by Horner's rule.
template <class D, class V>
HWY_INLINE V polynomial(D d, V, hn::TFromD<D> c0) {
  return hn::Set(d, c0);
}
template <class D, class V, class... C>
HWY_INLINE V polynomial(D d, V x, hn::TFromD<D> c0, C... rest) {
  return hn::MulAdd(polynomial(d, x, rest...), x, hn::Set(d, c0));
}

// `limit` where x is above it; NaN stays.
template <class D, class V>
HWY_INLINE V at_most(D d, V x, hn::TFromD<D> limit) {
  const V l = hn::Set(d, limit);
  return hn::IfThenElse(hn::Gt(x, l), l, x);
}
template <class D, class V>
HWY_INLINE V at_least(D d, V x, hn::TFromD<D> limit) {
  const V l = hn::Set(d, limit);
  return hn::IfThenElse(hn::Lt(x, l), l, x);
}

// x * 2^n, for a normal x and result.
template <class D, class V, class VI>
HWY_INLINE V times_power_of_2(D d, V x, VI n) {
  const DI<D> di;
  return hn::BitCast(d, hn::Add(hn::BitCast(di, x), hn::ShiftLeft<23>(n)));
}

// 2^n for n from -126 to 127.
template <class D, class VI>
HWY_INLINE hn::Vec<D> power_of_2(D d, VI n) {
  const DI<D> di;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
}

inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float nan = std::numeric_limits<float>::quiet_NaN();

}  // namespace anabranch::kernels::HWY_NAMESPACE::f32
HWY_AFTER_NAMESPACE();

#endif
