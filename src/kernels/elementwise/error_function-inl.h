// The error function of float32 vectors, and its inverse.
#if defined(ANABRANCH_ERROR_FUNCTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_ERROR_FUNCTION_INL_H
#undef ANABRANCH_ERROR_FUNCTION_INL_H
#else
#define ANABRANCH_ERROR_FUNCTION_INL_H
#endif

#include "kernels/elementwise/exponential-inl.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE::f32 {

// 1 - exp(p(|x|)), and near 0 an odd polynomial.
template <class D, class V>
HWY_INLINE V erf(D d, V x) {
  const V one = hn::Set(d, 1.0f), a = hn::Abs(x), z = hn::Mul(x, x);
  const V p = polynomial(d, z, 0x1.06eba8p-3f, -0x1.812740p-2f, 0x1.ce2d64p-4f, -0x1.b80118p-6f, 0x1.5449e8p-8f,
                         -0x1.a60728p-11f, 0x1.4f58a4p-14f);
  const V near = hn::MulAdd(a, p, a);
  const V q = polynomial(d, at_most(d, a, 4.0f), -0x1.9a48a4p-13f, -0x1.20af5cp+0f, -0x1.463cb8p-1f, -0x1.a9b470p-4f,
                         0x1.6c2b14p-6f, -0x1.8ee30cp-9f, 0x1.9aec80p-13f);
  const V far = hn::Sub(one, exp_in_range(d, q));
  return hn::CopySign(hn::IfThenElse(hn::Ge(a, hn::Set(d, 0.9275f)), far, near), x);  // NaN is near
}

// x times a polynomial in w = -log(1 - x^2), or in its square root far from 0 (after Giles, "Approximating the erfinv
// function", 2010).
template <class D, class V>
HWY_INLINE V erfinv(D d, V x) {
  const V one = hn::Set(d, 1.0f), far = hn::Set(d, 5.0f);
  const V t = hn::NegMulAdd(x, x, one);
  // t is at least 2^-24 inside (-1, 1): a normal number.
  const auto s = split(d, t);
  const V w = hn::Neg(NaturalLog::of(d, s.f, s.e));
  const V near_w = hn::Sub(w, hn::Set(d, 2.5f));
  V p = polynomial(d, near_w, 0x1.805c5ep+0f, 0x1.f91ec6p-3f, -0x1.11c9e8p-8f, -0x1.48a75cp-10f, 0x1.ca67d0p-13f,
                   -0x1.26d0e0p-18f, -0x1.d8fe78p-19f, 0x1.7096cep-22f, 0x1.e2e334p-26f);
  const V a = hn::Abs(x);
  if (HWY_UNLIKELY(!hn::AllTrue(d, hn::And(hn::Lt(w, far), hn::Lt(a, one))))) {
    const V far_w = hn::Sub(hn::Sqrt(w), hn::Set(d, 3.0f));
    const V q = polynomial(d, far_w, 0x1.6a9efcp+1f, 0x1.006db8p+0f, 0x1.35599ap-7f, -0x1.f38a38p-8f, 0x1.77a2e8p-8f,
                           -0x1.e1b5f6p-9f, 0x1.651a58p-10f, 0x1.b0e4e2p-14f, -0x1.b39f90p-13f);
    p = hn::IfThenElse(hn::Lt(w, far), p, q);
    p = hn::IfThenElse(hn::Eq(a, one), hn::Set(d, infinity), hn::IfThenElse(hn::Lt(a, one), p, hn::Set(d, nan)));
  }
  return hn::Mul(x, p);
}

}  // namespace anabranch::kernels::HWY_NAMESPACE::f32
HWY_AFTER_NAMESPACE();

#endif
