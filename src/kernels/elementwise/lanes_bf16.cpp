// Operations on bfloat16 with the rounding in the same pass.
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/lanes_bf16.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/pairs-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

// To the nearest bfloat16, ties to even. A NaN without low bits stays one: what is added to it does not carry.
struct RoundBf16Result {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> x) {
    const hn::RebindToUnsigned<D> du;
    const auto bits = hn::BitCast(du, x);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const auto sum = hn::Add(hn::Add(bits, hn::Set(du, 0x7fff)), odd);
    return hn::BitCast(d, hn::And(sum, hn::Set(du, 0xffff0000u)));
  }
};

template <typename F>
struct ThenRoundedToBf16 {
  static constexpr float ns_lanes = ns_of_lanes<F>(0.08f) + 0.08f;
  template <class D>
    requires VectorUnary<F, hn::TFromD<D>>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a) {
    return RoundBf16Result::lanes(d, F::lanes(d, a));
  }
  template <class D>
    requires VectorBinary<F, hn::TFromD<D>>
  static HWY_INLINE hn::Vec<D> lanes(D d, hn::Vec<D> a, hn::Vec<D> b) {
    return RoundBf16Result::lanes(d, F::lanes(d, a, b));
  }
};

// bfloat16 as it lies in memory, of which float lanes are made, and into which those that were rounded go.
struct Bf16Block {
  using Element = std::uint16_t;
  template <class D>
  static HWY_INLINE hn::Vec<D> load(D d, const std::uint16_t* p) {
    const hn::Rebind<std::uint16_t, D> dh;
    const hn::RebindToUnsigned<D> du;
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(dh, p))));
  }
  template <class D>
  static HWY_INLINE void store(D, hn::Vec<D> v, std::uint16_t* p) {
    const hn::Rebind<std::uint16_t, D> dh;
    const hn::RebindToUnsigned<D> du;
    const hn::RebindToSigned<D> di;
    hn::StoreU(hn::DemoteTo(dh, hn::BitCast(di, hn::ShiftRight<16>(hn::BitCast(du, v)))), dh, p);
  }
};

template <typename F>
void direct_loop(const void* a, const void* b, const void*, void* out, std::size_t n) {
  const hn::ScalableTag<float> d;
  const std::uint16_t *x1 = static_cast<const std::uint16_t*>(a), *x2 = static_cast<const std::uint16_t*>(b);
  std::uint16_t* y = static_cast<std::uint16_t*>(out);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto result = F::lanes(d, Bf16Block::load(d, x1 + i), Bf16Block::load(d, x2 + i));
    Bf16Block::store(d, RoundBf16Result::lanes(d, result), y + i);
  }
}

template <typename Lead>
Pairs led_pairs() {
  if constexpr (VectorUnary<Lead, float>) return make_pairs<Float32Block, RoundBf16Result, ThenRoundedToBf16<Lead>>();
  else return {};
}

void bfloat16_kernels(LaneTable& table) {
  table.round_bf16_result = unary_kernel<RoundBf16Result, float>();
#define ANABRANCH_ROUNDED(kind, Opcode) \
  table.rounded_bf16[static_cast<int>(graph::Op::Opcode)] = kind##_kernel<ThenRoundedToBf16<Opcode>, float>();
  ANABRANCH_ROUNDED(binary, Add)
  ANABRANCH_ROUNDED(binary, Subtract)
  ANABRANCH_ROUNDED(binary, Multiply)
  ANABRANCH_ROUNDED(binary, Divide)
  ANABRANCH_ROUNDED(unary, Square)
  ANABRANCH_ROUNDED(unary, Sqrt)
  ANABRANCH_ROUNDED(unary, Rsqrt)
  ANABRANCH_ROUNDED(unary, Exp)
  ANABRANCH_ROUNDED(unary, Tanh)
  ANABRANCH_ROUNDED(unary, Sigmoid)
#undef ANABRANCH_ROUNDED
  table.led_bf16_pairs[lead_index(graph::Op::Sqrt)] = led_pairs<Sqrt>();
  table.led_bf16_pairs[lead_index(graph::Op::Tanh)] = led_pairs<Tanh>();
  table.led_bf16_pairs[lead_index(graph::Op::Exp)] = led_pairs<Exp>();
  table.bf16_pairs = make_pairs<Float32Block, RoundBf16Result>();
  table.direct_bf16[pair_index(graph::Op::Add)] = direct_loop<Add>;
  table.direct_bf16[pair_index(graph::Op::Subtract)] = direct_loop<Subtract>;
  table.direct_bf16[pair_index(graph::Op::Multiply)] = direct_loop<Multiply>;
  table.direct_bf16_pairs = make_pairs<Bf16Block, RoundBf16Result>();
}

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(bfloat16_kernels);
void add_bf16_kernels(LaneTable& table) { HWY_DYNAMIC_DISPATCH(bfloat16_kernels)(table); }

}  // namespace anabranch::kernels
#endif
