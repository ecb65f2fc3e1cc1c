// Every operation on float32.
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/lanes_f32.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

void float32_kernels(LaneTable& table) { add_lane<float>(table, graph::Lane::f32); }

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(float32_kernels);
void add_f32_kernels(LaneTable& table) { HWY_DYNAMIC_DISPATCH(float32_kernels)(table); }

}  // namespace anabranch::kernels
#endif
