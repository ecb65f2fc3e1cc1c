#include "graph/program.h"

namespace anabranch::graph {

Lane lane_of(Dtype d) {
  static constexpr Lane lanes[dtype_count] = {Lane::b8,  Lane::u8,  Lane::u16, Lane::u32, Lane::u64,
                                              Lane::i8,  Lane::i16, Lane::i32, Lane::i64, Lane::f32,
                                              Lane::f32, Lane::f64, Lane::f32, Lane::c64};
  return lanes[static_cast<int>(d.val)];
}

bool is_exact(Op op) {
  constexpr bool exact = true, rounds = false;
#define ANABRANCH_EXACT(Opcode, function, rule, lanes, rounding, summary) rounding,
  // From Full on, in the order of the enumeration; a conversion to a 16-bit float rounds by itself.
  static constexpr bool table[] = {rounds, rounds, exact,
                                   ANABRANCH_UNARY_OPS(ANABRANCH_EXACT) ANABRANCH_BINARY_OPS(ANABRANCH_EXACT)};
#undef ANABRANCH_EXACT
  static_assert(sizeof(table) == static_cast<int>(Op::Copy) - static_cast<int>(Op::Full));
  return is_elementwise(op) && table[static_cast<int>(op) - static_cast<int>(Op::Full)];
}

}  // namespace anabranch::graph
