// Loads of every real float type as the type that computes it, for each SIMD target.
#if defined(ANABRANCH_LOAD_FLOATS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_LOAD_FLOATS_INL_H
#undef ANABRANCH_LOAD_FLOATS_INL_H
#else
#define ANABRANCH_LOAD_FLOATS_INL_H
#endif

#include <hwy/highway.h>

#include "anabranch/half.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::VFromD<D> LoadFloats(D d, const hn::TFromD<D>* from) {
  return hn::LoadU(d, from);
}
template <class D>
HWY_INLINE hn::VFromD<D> LoadFloats(D d, const bfloat16_t* from) {
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::RebindToUnsigned<D> d32;
  const auto bits = hn::LoadU(d16, reinterpret_cast<const std::uint16_t*>(from));
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, bits)));
}
template <class D>
HWY_INLINE hn::VFromD<D> LoadFloats(D d, const float16_t* from) {
#if HWY_TARGET <= HWY_AVX2
  const hn::Rebind<hwy::float16_t, D> d16;
  return hn::PromoteTo(d, hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(from)));
#else
  HWY_ALIGN float wide[HWY_LANES(float)];
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) wide[i] = from[i];
  return hn::Load(d, wide);
#endif
}

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
