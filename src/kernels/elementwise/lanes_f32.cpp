// Every operation on float32.
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/lanes_f32.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

template <typename First, typename Second, bool kSwapped>
void pair_loop(const void* a, const void* b, const void* c, void* out, std::size_t n) {
  const hn::ScalableTag<float> d;
  const float* x1 = static_cast<const float*>(a);
  const float* x2 = static_cast<const float*>(b);
  const float* x3 = static_cast<const float*>(c);
  float* y = static_cast<float*>(out);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto inner = First::lanes(d, hn::LoadU(d, x1 + i), hn::LoadU(d, x2 + i));
    const auto other = hn::LoadU(d, x3 + i);
    hn::StoreU(kSwapped ? Second::lanes(d, other, inner) : Second::lanes(d, inner, other), d, y + i);
  }
}

template <typename First, typename Second>
void add_pair(LaneFn (&entry)[2]) {
  entry[0] = pair_loop<First, Second, false>;
  entry[1] = pair_loop<First, Second, true>;
}

template <typename First>
void add_pairs(LaneFn (&entries)[pair_count][2]) {
  add_pair<First, Add>(entries[pair_index(graph::Op::Add)]);
  add_pair<First, Subtract>(entries[pair_index(graph::Op::Subtract)]);
  add_pair<First, Multiply>(entries[pair_index(graph::Op::Multiply)]);
}

// To the nearest bfloat16, ties to even. A NaN without low bits stays one: what is added to it does not carry.
template <class D>
HWY_INLINE hn::Vec<D> rounded_to_bf16(D d, hn::Vec<D> x) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto sum = hn::Add(hn::Add(bits, hn::Set(du, 0x7fff)), odd);
  return hn::BitCast(d, hn::And(sum, hn::Set(du, 0xffff0000u)));
}

struct RoundBf16Result {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a) {
    return rounded_to_bf16(d, a);
  }
};

template <typename F>
struct ThenRoundedToBf16 {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a, hn::Vec<D> b) {
    return rounded_to_bf16(d, F::lanes(d, a, b));
  }
};

void float32_kernels(LaneTable& table) {
  add_lane<float>(table, graph::Lane::f32);
  table.round_bf16_result = unary_kernel<RoundBf16Result, float>();
  table.rounded_bf16[pair_index(graph::Op::Add)] = binary_kernel<ThenRoundedToBf16<Add>, float>();
  table.rounded_bf16[pair_index(graph::Op::Subtract)] = binary_kernel<ThenRoundedToBf16<Subtract>, float>();
  table.rounded_bf16[pair_index(graph::Op::Multiply)] = binary_kernel<ThenRoundedToBf16<Multiply>, float>();
  add_pairs<Add>(table.pairs[pair_index(graph::Op::Add)]);
  add_pairs<Subtract>(table.pairs[pair_index(graph::Op::Subtract)]);
  add_pairs<Multiply>(table.pairs[pair_index(graph::Op::Multiply)]);
}

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(float32_kernels);
void add_f32_kernels(LaneTable& table) { HWY_DYNAMIC_DISPATCH(float32_kernels)(table); }

}  // namespace anabranch::kernels
#endif
