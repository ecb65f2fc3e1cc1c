#include "kernels/elementwise/lane_table.h"

#include <pthread.h>

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

namespace {

// Made by then: a child that was forked off while another thread made the table would wait for that thread for ever.
[[maybe_unused]] const bool made_before_a_fork = pthread_atfork([] { lane_table(); }, nullptr, nullptr) == 0;

}  // namespace
}  // namespace anabranch::kernels
