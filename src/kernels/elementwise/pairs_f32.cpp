// Pairs of operations on float32.
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/pairs_f32.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/pairs-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

// A lead without a vector form has no pairs.
template <typename Lead>
Pairs led_pairs() {
  if constexpr (VectorUnary<Lead, float>) return make_pairs<Float32Block, Unchanged, Lead>();
  else return {};
}

void float32_pairs(LaneTable& table) {
  table.pairs = make_pairs<Float32Block, Unchanged>();
  table.led_pairs[lead_index(graph::Op::Sqrt)] = led_pairs<Sqrt>();
  table.led_pairs[lead_index(graph::Op::Tanh)] = led_pairs<Tanh>();
  table.led_pairs[lead_index(graph::Op::Exp)] = led_pairs<Exp>();
}

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(float32_pairs);
void add_f32_pairs(LaneTable& table) { HWY_DYNAMIC_DISPATCH(float32_pairs)(table); }

}  // namespace anabranch::kernels
#endif
