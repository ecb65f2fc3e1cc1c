// Every operation on complex64.
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/lanes_c64.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

void complex64_kernels(LaneTable& table) { add_lane<complex64_t>(table, graph::Lane::c64); }

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(complex64_kernels);
void add_complex_kernels(LaneTable& table) { HWY_DYNAMIC_DISPATCH(complex64_kernels)(table); }

}  // namespace anabranch::kernels
#endif
