// Every operation on unsigned integers and bool.
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/lanes_unsigned.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

void unsigned_integers(LaneTable& table) {
  add_lane<bool>(table, graph::Lane::b8);
  add_lane<std::uint8_t>(table, graph::Lane::u8);
  add_lane<std::uint16_t>(table, graph::Lane::u16);
  add_lane<std::uint32_t>(table, graph::Lane::u32);
  add_lane<std::uint64_t>(table, graph::Lane::u64);
}

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(unsigned_integers);
void add_unsigned_kernels(LaneTable& table) { HWY_DYNAMIC_DISPATCH(unsigned_integers)(table); }

}  // namespace anabranch::kernels
#endif
