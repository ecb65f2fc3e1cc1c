// Trigonometric functions of float32 vectors and their inverses.
#if defined(ANABRANCH_TRIGONOMETRIC_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_TRIGONOMETRIC_INL_H
#undef ANABRANCH_TRIGONOMETRIC_INL_H
#else
#define ANABRANCH_TRIGONOMETRIC_INL_H
#endif

#include "kernels/elementwise/library.h"
#include "kernels/elementwise/polynomial-inl.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE::f32 {

inline constexpr float half_pi_high = 0x1.921fb6p+0f, half_pi_middle = -0x1.777a5cp-25f, half_pi_low = -0x1.ee59dap-50f;
// Up to here what r is rounded by can be found exactly; beyond, single elements are computed in double.
inline constexpr float largest_reduced = 3e4f;

// a = quadrant * pi / 2 + r + low with |r| <= pi / 4 (a little more, where the quotient rounds), for 0 <= a.
template <class V, class VI>
struct Angle {
  V r, low;
  VI quadrant;  // modulo 2^9
};
template <class D, class V = hn::Vec<D>>
HWY_INLINE auto reduce_by_half_pi(D d, V a) {
  const DI<D> di;
  const V magic = hn::Set(d, 0x1.8p23f);
  const V sum = hn::MulAdd(a, hn::Set(d, 0x1.45f306p-1f), magic);
  const V n = hn::Sub(sum, magic);
  const V high = hn::NegMulAdd(n, hn::Set(d, half_pi_high), a);  // exact
  const V r = hn::NegMulAdd(n, hn::Set(d, half_pi_middle), high);
  // What r was rounded by: not where it is small, for there the difference rounds, and r is as good as a float can be.
  const V rounding = hn::NegMulAdd(n, hn::Set(d, half_pi_middle), hn::Sub(high, r));
  const V low = hn::IfThenElseZero(hn::Ge(hn::Abs(r), hn::Set(d, 0x1p-10f)), rounding);
  return Angle<V, hn::Vec<DI<D>>>{r, hn::NegMulAdd(n, hn::Set(d, half_pi_low), low), hn::BitCast(di, sum)};
}

template <class D, class V>
HWY_INLINE V sin_polynomial(D d, V r, V low) {
  const V z = hn::Mul(r, r);
  const V p = polynomial(d, z, -0x1.555546p-3f, 0x1.110774p-7f, -0x1.9951fap-13f);
  return hn::Add(r, hn::MulAdd(hn::Mul(r, z), p, low));
}

template <class D, class V>
HWY_INLINE V cos_polynomial(D d, V r, V low) {
  const V z = hn::Mul(r, r);
  const V p = polynomial(d, z, -0.5f, 0x1.55554ap-5f, -0x1.6c0c28p-10f, 0x1.99e816p-16f);
  return hn::Add(hn::Set(d, 1.0f), hn::NegMulAdd(r, low, hn::Mul(z, p)));
}

// `y` with the elements of f(x) where x is too large to be reduced here, infinite or NaN.
template <class D, class V>
HWY_INLINE V with_large(D d, V x, V y, double (*f)(double)) {
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(hn::Abs(x), hn::Set(d, largest_reduced))))) return y;
  HWY_ALIGN float xs[hn::MaxLanes(d)], ys[hn::MaxLanes(d)];
  hn::Store(x, d, xs);
  hn::Store(y, d, ys);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
    if (!(std::abs(xs[i]) <= largest_reduced)) ys[i] = static_cast<float>(f(xs[i]));
  }
  return hn::Load(d, ys);
}

// The sine (shift 0) or cosine (shift 1) of a >= 0.
template <int kShift, class D, class V>
HWY_INLINE V sin_or_cos_of_magnitude(D d, V a) {
  const DI<D> di;
  const auto angle = reduce_by_half_pi(d, a);
  const auto quadrant = hn::Add(angle.quadrant, hn::Set(di, kShift));
  const auto odd = hn::MaskFromVec(hn::BitCast(d, hn::ShiftRight<31>(hn::ShiftLeft<31>(quadrant))));
  const auto sign = hn::BitCast(d, hn::And(hn::ShiftLeft<30>(quadrant), hn::Set(di, INT32_MIN)));
  return hn::Xor(sign,
                 hn::IfThenElse(odd, cos_polynomial(d, angle.r, angle.low), sin_polynomial(d, angle.r, angle.low)));
}

// The sine (shift 0) or cosine (shift 1) of x. Where r is small beside the number of quarter turns, too much of it is
// lost here: such elements, and the large ones, are computed again.
template <int kShift, class D, class V>
HWY_INLINE V sin_or_cos(D d, V x, double (*library)(double)) {
  const DI<D> di;
  const V magic = hn::Set(d, 0x1.8p23f);
  const V sum = hn::MulAdd(x, hn::Set(d, 0x1.45f306p-1f), magic);
  const V n = hn::Sub(sum, magic);
  // x = n pi / 2 + r, with pi / 2 rounded down, so that the signs of all terms make -0 of -0.
  const V high = hn::NegMulAdd(n, hn::Set(d, 0x1.921fb4p+0f), x);  // exact
  const V low = hn::Mul(n, hn::Set(d, 0x1.4442d2p-24f));
  const V r = hn::Sub(high, low), z = hn::Mul(r, r);
  const V p = polynomial(d, z, -0x1.555546p-3f, 0x1.110774p-7f, -0x1.9951fap-13f);
  const V sine = hn::Sub(high, hn::NegMulAdd(hn::Mul(r, z), p, low));
  const V cosine = polynomial(d, z, 1.0f, -0.5f, 0x1.55554ap-5f, -0x1.6c0c28p-10f, 0x1.99e816p-16f);
  const auto quadrant = hn::Add(hn::BitCast(di, sum), hn::Set(di, kShift));
  const auto even = hn::RebindMask(d, hn::Eq(hn::And(quadrant, hn::Set(di, 1)), hn::Zero(di)));
  const auto sign = hn::BitCast(d, hn::And(hn::ShiftLeft<30>(quadrant), hn::Set(di, INT32_MIN)));
  const V y = hn::Xor(hn::IfThenElse(even, sine, cosine), sign);
  const auto good = hn::Ge(hn::Abs(r), hn::Abs(hn::Mul(n, hn::Set(d, 0x1p-20f))));
  if (HWY_LIKELY(hn::AllTrue(d, good))) return y;
  V careful = sin_or_cos_of_magnitude<kShift>(d, hn::Abs(x));
  if constexpr (kShift == 0) careful = hn::Xor(careful, hn::And(x, hn::Set(d, -0.0f)));
  return hn::IfThenElse(good, y, with_large(d, x, careful, library));
}

template <class D, class V>
HWY_INLINE V sin(D d, V x) {
  return sin_or_cos<0>(d, x, library::sin);
}

template <class D, class V>
HWY_INLINE V cos(D d, V x) {
  return sin_or_cos<1>(d, x, library::cos);
}

template <class D, class V>
HWY_INLINE V tan(D d, V x) {
  const DI<D> di;
  const auto angle = reduce_by_half_pi(d, hn::Abs(x));
  const V s = sin_polynomial(d, angle.r, angle.low), c = cos_polynomial(d, angle.r, angle.low);
  const auto odd = hn::MaskFromVec(hn::BitCast(d, hn::ShiftRight<31>(hn::ShiftLeft<31>(angle.quadrant))));
  const V y = hn::Div(hn::IfThenElse(odd, hn::Neg(c), s), hn::IfThenElse(odd, s, c));
  return with_large(d, x, hn::Xor(y, hn::And(x, hn::Set(d, -0.0f))), library::tan);
}

// asin(a) - a, with z = a^2, for a <= 1/2.
template <class D, class V>
HWY_INLINE V asin_rest(D d, V a, V z) {
  const V p =
      polynomial(d, z, 0x1.55554cp-3f, 0x1.3338a6p-4f, 0x1.6ca90ep-5f, 0x1.04bf18p-5f, 0x1.d68c06p-7f, 0x1.3436a0p-5f);
  return hn::Mul(hn::Mul(a, z), p);
}

template <class D, class V>
HWY_INLINE V asin(D d, V x) {
  const V half = hn::Set(d, 0.5f), a = hn::Abs(x);
  const auto far = hn::Gt(a, half);
  const V z = hn::IfThenElse(far, hn::NegMulAdd(half, a, half), hn::Mul(a, a));
  const V root = hn::IfThenElse(far, hn::Sqrt(z), a);
  const V rest = asin_rest(d, root, z);
  const V twice = hn::Add(root, root);
  const V complement =
      hn::Sub(hn::Set(d, half_pi_high), hn::Sub(hn::MulAdd(hn::Set(d, 2.0f), rest, twice), hn::Set(d, half_pi_middle)));
  return hn::CopySign(hn::IfThenElse(far, complement, hn::Add(root, rest)), x);
}

template <class D, class V>
HWY_INLINE V acos(D d, V x) {
  const V half = hn::Set(d, 0.5f), a = hn::Abs(x);
  const auto far = hn::Gt(a, half);
  const V z = hn::IfThenElse(far, hn::NegMulAdd(half, a, half), hn::Mul(a, a));
  const V root = hn::IfThenElse(far, hn::Sqrt(z), a);
  const V angle = hn::Add(root, asin_rest(d, root, z));
  // Near 0: pi / 2 - asin(x); far from it 2 asin(root), or pi minus that.
  const V near = hn::Sub(hn::Set(d, half_pi_high), hn::Sub(hn::CopySign(angle, x), hn::Set(d, half_pi_middle)));
  const V twice = hn::Add(angle, angle);
  const V other = hn::Sub(hn::Set(d, 2 * half_pi_high), hn::Sub(twice, hn::Set(d, 2 * half_pi_middle)));
  return hn::IfThenElse(far, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), other, twice), near);
}

// atan(a) for 0 <= a <= 1.
template <class D, class V>
HWY_INLINE V atan_to_one(D d, V a) {
  const V z = hn::Mul(a, a);
  const V p = polynomial(d, z, -0x1.55553ep-2f, 0x1.9991e6p-3f, -0x1.2420b6p-3f, 0x1.c08f5ep-4f, -0x1.581530p-4f,
                         0x1.da5dc6p-5f, -0x1.fdf91ep-6f, 0x1.64bdacp-7f, -0x1.d48f5ap-10f);
  return hn::MulAdd(hn::Mul(a, z), p, a);
}

template <class D, class V>
HWY_INLINE V complement(D d, V angle) {
  return hn::Sub(hn::Set(d, half_pi_high), hn::Sub(angle, hn::Set(d, half_pi_middle)));
}

template <class D, class V>
HWY_INLINE V atan(D d, V x) {
  const V one = hn::Set(d, 1.0f), a = hn::Abs(x);
  const auto far = hn::Gt(a, one);
  const V y = atan_to_one(d, hn::IfThenElse(far, hn::Div(one, a), a));
  return hn::CopySign(hn::IfThenElse(far, complement(d, y), y), x);
}

template <class D, class V>
HWY_INLINE V atan2(D d, V y, V x) {
  const V ay = hn::Abs(y), ax = hn::Abs(x);
  const auto steep = hn::Gt(ay, ax);
  const V over = hn::IfThenElse(steep, ax, ay), under = hn::IfThenElse(steep, ay, ax);
  V ratio = hn::Div(over, under);
  ratio = hn::IfThenElse(hn::Eq(over, under), hn::Set(d, 1.0f), ratio);  // both infinite
  ratio = hn::IfThenElse(hn::Eq(under, hn::Zero(d)), over, ratio);       // both 0
  V angle = atan_to_one(d, ratio);
  angle = hn::IfThenElse(steep, complement(d, angle), angle);
  const auto left = hn::MaskFromVec(hn::BitCast(d, hn::BroadcastSignBit(hn::BitCast(DI<D>(), x))));
  const V turned = hn::Sub(hn::Set(d, 2 * half_pi_high), hn::Sub(angle, hn::Set(d, 2 * half_pi_middle)));
  angle = hn::CopySign(hn::IfThenElse(left, turned, angle), y);
  return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::IsNaN(y)), hn::Add(x, y), angle);
}

}  // namespace anabranch::kernels::HWY_NAMESPACE::f32
HWY_AFTER_NAMESPACE();

#endif
