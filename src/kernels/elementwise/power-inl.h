// Powers of float32 vectors, by way of float64.
#if defined(ANABRANCH_POWER_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_POWER_INL_H
#undef ANABRANCH_POWER_INL_H
#else
#define ANABRANCH_POWER_INL_H
#endif

#include "kernels/elementwise/polynomial-inl.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE::f32 {

// a^y for a >= 0 (or NaN), good to 2^-33: 2^(y log2(a)), where log2 of the mantissa 1 + f is a series in f / (2 + f).
template <class D, class V>
HWY_INLINE V pow_magnitude(D d, V a, V y) {
  const hn::RebindToSigned<D> di;
  const V one = hn::Set(d, 1.0);
  const auto bits = hn::BitCast(di, a);
  const auto exponent = hn::ShiftRight<52>(hn::Sub(bits, hn::Set(di, 0x3fe6a09e667f3bcd)));
  const V f = hn::Sub(hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<52>(exponent))), one);
  const V s = hn::Div(f, hn::Add(f, hn::Set(d, 2.0)));
  const V p = polynomial(d, hn::Mul(s, s), 0x1.71547652b8250p+1, 0x1.ec709dc53ef37p-1, 0x1.2776c28ff247cp-1,
                         0x1.a61a31a54b811p-2, 0x1.4794d7f625409p-2, 0x1.21b86aa67df10p-2);
  // The exponent as a double: 2^52 + 2^51 plus it has its bits at the end.
  const V magic = hn::Set(d, 0x1.8p52);
  const V e = hn::Sub(hn::BitCast(d, hn::Add(exponent, hn::BitCast(di, magic))), magic);
  V log2 = hn::MulAdd(s, p, e);
  const V inf = hn::Set(d, std::numeric_limits<double>::infinity());
  log2 = hn::IfThenElse(hn::Eq(a, hn::Zero(d)), hn::Neg(inf), hn::IfThenElse(hn::Lt(a, inf), log2, a));
  V t = hn::Mul(y, log2);
  t = hn::IfThenElse(hn::Gt(t, hn::Set(d, 1000.0)), hn::Set(d, 1000.0), t);
  t = hn::IfThenElse(hn::Lt(t, hn::Set(d, -1000.0)), hn::Set(d, -1000.0), t);
  const V sum = hn::Add(t, magic);
  const V r = hn::Sub(t, hn::Sub(sum, magic));
  const V q = polynomial(d, r, 0x1.ffffffffab9b4p-1, 0x1.62e42ff116d41p-1, 0x1.ebfbe0a4f2831p-3, 0x1.c6b08aae2dd62p-5,
                         0x1.3b29dc14b20b1p-7, 0x1.5d8a7131a2fcap-10, 0x1.446a43988cd11p-13, 0x1.fe1727b972115p-17);
  const V power = hn::BitCast(d, hn::Add(hn::BitCast(di, q), hn::ShiftLeft<52>(hn::BitCast(di, sum))));
  return hn::IfThenElse(hn::IsNaN(t), t, power);
}

template <class D, class V>
HWY_INLINE V pow(D d, V x, V y) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> half;
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0f), a = hn::Abs(x);
  // Squares are frequent, and exact to half a place as products.
  const auto squared = hn::Eq(y, hn::Set(d, 2.0f));
  const V square = hn::Mul(x, x);
  if (hn::AllTrue(d, squared)) return square;
  HWY_ALIGN float as[hn::MaxLanes(d)], ys[hn::MaxLanes(d)];
  hn::Store(a, d, as);
  hn::Store(y, d, ys);
  for (std::size_t i = 0; i < hn::Lanes(d); i += hn::Lanes(dd)) {
    const auto power =
        pow_magnitude(dd, hn::PromoteTo(dd, hn::Load(half, as + i)), hn::PromoteTo(dd, hn::Load(half, ys + i)));
    hn::Store(hn::DemoteTo(half, power), half, as + i);
  }
  V result = hn::IfThenElse(squared, square, hn::Load(d, as));
  const auto is_one = hn::Or(hn::Eq(y, zero), hn::And(hn::Eq(a, one), hn::Not(hn::IsNaN(y))));
  result = hn::IfThenElse(is_one, one, result);
  const auto negative = hn::MaskFromVec(hn::BitCast(d, hn::BroadcastSignBit(hn::BitCast(DI<D>(), x))));
  if (HWY_LIKELY(hn::AllFalse(d, negative))) return hn::IfThenElse(hn::Eq(x, one), one, result);
  // A negative base: the power of an odd integer is negative, of a fraction undefined (but of 0 and infinity defined).
  const V half_y = hn::Mul(y, hn::Set(d, 0.5f));
  const auto whole = hn::Eq(hn::Floor(y), y);
  const auto odd = hn::And(whole, hn::Ne(hn::Floor(half_y), half_y));
  const V sign = hn::IfThenElseZero(hn::And(negative, odd), hn::Set(d, -0.0f));
  const auto finite = hn::And(hn::Ne(x, zero), hn::Lt(a, hn::Set(d, infinity)));
  const auto undefined = hn::And(hn::And(negative, finite), hn::And(hn::Not(whole), hn::Not(hn::IsNaN(y))));
  result = hn::IfThenElse(undefined, hn::Set(d, nan), hn::Xor(result, sign));
  return hn::IfThenElse(hn::Eq(x, one), one, result);
}

}  // namespace anabranch::kernels::HWY_NAMESPACE::f32
HWY_AFTER_NAMESPACE();

#endif
