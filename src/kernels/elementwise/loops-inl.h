// Block kernels made of functors, and the part of the lane table that one element type fills.
#if defined(ANABRANCH_LOOPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ANABRANCH_LOOPS_INL_H
#undef ANABRANCH_LOOPS_INL_H
#else
#define ANABRANCH_LOOPS_INL_H
#endif

#include "kernels/elementwise/arithmetic-inl.h"
#include "kernels/elementwise/lane_table.h"
#include "kernels/elementwise/logic-inl.h"
#include "kernels/elementwise/transcendental-inl.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// bool lies in memory as a byte, which beyond the valid elements can be anything.
template <typename T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;

template <typename T>
HWY_INLINE T loaded(const Stored<T>* from) {
  if constexpr (std::is_same_v<T, bool>) {
    return *from != 0;
  } else {
    return *from;
  }
}

template <typename F, typename T>
concept VectorUnary = RealLane<T> && requires(hn::ScalableTag<T> d, hn::Vec<hn::ScalableTag<T>> v) { F::lanes(d, v); };
template <typename F, typename T>
concept VectorBinary =
    RealLane<T> && requires(hn::ScalableTag<T> d, hn::Vec<hn::ScalableTag<T>> v) { F::lanes(d, v, v); };
template <typename F, typename T>
concept ScalarUnary = requires(T x) { F::one(x); };
template <typename F, typename T>
concept ScalarBinary = requires(T x) { F::one(x, x); };

// How long an element takes: what the functor says of its vector form or of its scalar one, else a simple operation's
// time.
template <typename F>
constexpr float ns_of_lanes(float simple) {
  if constexpr (requires { F::ns_lanes; }) {
    return F::ns_lanes;
  } else {
    return simple;
  }
}
template <typename F>
constexpr float ns_of(float simple) {
  if constexpr (requires { F::ns; }) {
    return F::ns;
  } else {
    return simple;
  }
}

template <typename F, typename T>
void unary_vector_loop(const void* a, const void*, const void*, void* out, std::size_t n) {
  const hn::ScalableTag<T> d;
  const T* HWY_RESTRICT x = static_cast<const T*>(a);
  T* HWY_RESTRICT y = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) hn::StoreU(F::lanes(d, hn::LoadU(d, x + i)), d, y + i);
}

template <typename F, typename T>
void binary_vector_loop(const void* a, const void* b, const void*, void* out, std::size_t n) {
  const hn::ScalableTag<T> d;
  const T* x1 = static_cast<const T*>(a);
  const T* x2 = static_cast<const T*>(b);
  T* y = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    hn::StoreU(F::lanes(d, hn::LoadU(d, x1 + i), hn::LoadU(d, x2 + i)), d, y + i);
  }
}

// Whole quanta of cheap functors, which the compiler vectorises; exactly n elements of others.
template <typename F, typename T>
void unary_loop(const void* a, const void*, const void*, void* out, std::size_t n) {
  using R = decltype(F::one(T()));
  const Stored<T>* x = static_cast<const Stored<T>*>(a);
  Stored<R>* y = static_cast<Stored<R>*>(out);
  if constexpr (ns_of<F>(0) >= 2) {
    for (std::size_t i = 0; i < n; ++i) y[i] = F::one(loaded<T>(x + i));
  } else {
    for (std::size_t i = 0; i < n; i += quantum) {
#pragma GCC ivdep
      for (std::size_t j = 0; j < quantum; ++j) y[i + j] = F::one(loaded<T>(x + i + j));
    }
  }
}

template <typename F, typename T>
void binary_loop(const void* a, const void* b, const void*, void* out, std::size_t n) {
  using R = decltype(F::one(T(), T()));
  const Stored<T>* x1 = static_cast<const Stored<T>*>(a);
  const Stored<T>* x2 = static_cast<const Stored<T>*>(b);
  Stored<R>* y = static_cast<Stored<R>*>(out);
  if constexpr (ns_of<F>(0) >= 2) {
    for (std::size_t i = 0; i < n; ++i) y[i] = F::one(loaded<T>(x1 + i), loaded<T>(x2 + i));
  } else {
    for (std::size_t i = 0; i < n; i += quantum) {
#pragma GCC ivdep
      for (std::size_t j = 0; j < quantum; ++j) y[i + j] = F::one(loaded<T>(x1 + i + j), loaded<T>(x2 + i + j));
    }
  }
}

// A functor that takes no T leaves its entry empty: the operation does not accept that lane.
template <typename F, typename T>
LaneKernel unary_kernel() {
  constexpr float simple = sizeof(T) * 0.02f;
  if constexpr (VectorUnary<F, T>) {
    return {unary_vector_loop<F, T>, ns_of_lanes<F>(simple)};
  } else if constexpr (ScalarUnary<F, T>) {
    return {unary_loop<F, T>, ns_of<F>(simple)};
  } else {
    return {};
  }
}

template <typename F, typename T>
LaneKernel binary_kernel() {
  constexpr float simple = sizeof(T) * 0.02f;
  if constexpr (VectorBinary<F, T>) {
    return {binary_vector_loop<F, T>, ns_of_lanes<F>(simple)};
  } else if constexpr (ScalarBinary<F, T>) {
    return {binary_loop<F, T>, ns_of<F>(simple)};
  } else {
    return {};
  }
}

template <typename T>
void add_lane(LaneTable& table, graph::Lane lane) {
  const int at = static_cast<int>(lane);
#define ANABRANCH_ENTRY(Opcode, ...) table.ops[static_cast<int>(graph::Op::Opcode)][at] = unary_kernel<Opcode, T>();
  ANABRANCH_UNARY_OPS(ANABRANCH_ENTRY)
#undef ANABRANCH_ENTRY
#define ANABRANCH_ENTRY(Opcode, ...) table.ops[static_cast<int>(graph::Op::Opcode)][at] = binary_kernel<Opcode, T>();
  ANABRANCH_BINARY_OPS(ANABRANCH_ENTRY)
#undef ANABRANCH_ENTRY
}

}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
