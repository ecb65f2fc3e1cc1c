// Two operations on float lanes in one pass over memory.
#if defined(ANABRANCH_PAIRS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_PAIRS_INL_H
#undef ANABRANCH_PAIRS_INL_H
#else
#define ANABRANCH_PAIRS_INL_H
#endif

#include "kernels/elementwise/loops-inl.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

// As a pair's lead, and as what is done to each result: nothing.
struct Unchanged {
  template <class D>
  static HWY_INLINE hn::Vec<D> lanes(D, hn::Vec<D> a) {
    return a;
  }
};

// Float lanes as they lie in a register.
struct Float32Block {
  using Element = float;
  template <class D>
  static HWY_INLINE hn::Vec<D> load(D d, const float* p) {
    return hn::LoadU(d, p);
  }
  template <class D>
  static HWY_INLINE void store(D d, hn::Vec<D> v, float* p) {
    hn::StoreU(v, d, p);
  }
};

template <typename Block, typename Rounding, typename Lead, typename First, typename Second, bool kSwapped>
void pair_loop(const void* a, const void* b, const void* c, void* out, std::size_t n) {
  const hn::ScalableTag<float> d;
  using T = typename Block::Element;
  const T *x1 = static_cast<const T*>(a), *x2 = static_cast<const T*>(b), *x3 = static_cast<const T*>(c);
  T* y = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto inner =
        Rounding::lanes(d, First::lanes(d, Lead::lanes(d, Block::load(d, x1 + i)), Block::load(d, x2 + i)));
    const auto other = Block::load(d, x3 + i);
    const auto outer = kSwapped ? Second::lanes(d, other, inner) : Second::lanes(d, inner, other);
    Block::store(d, Rounding::lanes(d, outer), y + i);
  }
}

template <typename Block, typename Rounding, typename Lead = Unchanged>
Pairs make_pairs() {
  Pairs pairs;
  const auto first = [&]<typename First>(LaneFn(&entries)[pair_count][2], First*) {
    const auto second = [&]<typename Second>(LaneFn(&entry)[2], Second*) {
      entry[0] = pair_loop<Block, Rounding, Lead, First, Second, false>;
      entry[1] = pair_loop<Block, Rounding, Lead, First, Second, true>;
    };
    second(entries[pair_index(graph::Op::Add)], static_cast<Add*>(nullptr));
    second(entries[pair_index(graph::Op::Subtract)], static_cast<Subtract*>(nullptr));
    second(entries[pair_index(graph::Op::Multiply)], static_cast<Multiply*>(nullptr));
  };
  first(pairs.fn[pair_index(graph::Op::Add)], static_cast<Add*>(nullptr));
  first(pairs.fn[pair_index(graph::Op::Subtract)], static_cast<Subtract*>(nullptr));
  first(pairs.fn[pair_index(graph::Op::Multiply)], static_cast<Multiply*>(nullptr));
  return pairs;
}

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
