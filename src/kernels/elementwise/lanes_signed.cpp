// Every operation on signed integers.
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/lanes_signed.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

void signed_integers(LaneTable& table) {
  add_lane<std::int8_t>(table, graph::Lane::i8);
  add_lane<std::int16_t>(table, graph::Lane::i16);
  add_lane<std::int32_t>(table, graph::Lane::i32);
  add_lane<std::int64_t>(table, graph::Lane::i64);
}

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(signed_integers);
void add_signed_kernels(LaneTable& table) { HWY_DYNAMIC_DISPATCH(signed_integers)(table); }

}  // namespace anabranch::kernels
#endif
