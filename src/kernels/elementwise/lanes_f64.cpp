// Every operation on float64.
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/lanes_f64.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

void float64_kernels(LaneTable& table) { add_lane<double>(table, graph::Lane::f64); }

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(float64_kernels);
void add_f64_kernels(LaneTable& table) { HWY_DYNAMIC_DISPATCH(float64_kernels)(table); }

}  // namespace anabranch::kernels
#endif
