#include "kernels/elementwise/lane_table.h"

namespace anabranch::kernels {

const LaneTable& lane_table() {
  static const LaneTable table = [] {
    LaneTable t{};
    add_f32_kernels(t);
    add_f32_pairs(t);
    add_bf16_kernels(t);
    add_f64_kernels(t);
    add_signed_kernels(t);
    add_unsigned_kernels(t);
    add_complex_kernels(t);
    add_conversions(t);
    return t;
  }();
  return table;
}

}  // namespace anabranch::kernels
