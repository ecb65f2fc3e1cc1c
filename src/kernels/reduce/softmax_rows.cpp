#include "kernels/reduce/softmax_rows.h"

#include <cmath>
#include <cstring>

#include "kernels/elementwise/library.h"
#include "kernels/elementwise/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce/softmax_rows.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anabranch::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using V = hn::Vec<Tag>;

constexpr std::size_t lanes = 64;  // however wide a vector is, element i is added to lane i % lanes
constexpr std::size_t per_vector = HWY_LANES(float);
constexpr std::size_t vectors = lanes / per_vector;
constexpr std::size_t block = 32 * lanes;

HWY_INLINE V exp_of(V x) {
  const Tag d;
#if HWY_TARGET <= HWY_AVX2
  return f32::exp(d, x);
#else
  alignas(64) float one[per_vector];
  hn::Store(x, d, one);
  for (std::size_t i = 0; i < per_vector; ++i) one[i] = library::exp(one[i]);
  return hn::Load(d, one);
#endif
}

template <bool Keep>
HWY_INLINE void add_exps(const float* x, V top, float* y, std::size_t n, V (&sum)[vectors]) {
  const Tag d;
  for (std::size_t i = 0; i < n; i += lanes) {
#pragma GCC unroll 16
    for (std::size_t k = 0; k < vectors; ++k) {
      const V e = exp_of(hn::Sub(hn::LoadU(d, x + i + k * per_vector), top));
      if constexpr (Keep) hn::StoreU(e, d, y + i + k * per_vector);
      sum[k] = hn::Add(sum[k], e);
    }
  }
}

template <bool Keep>
float exp_sum_of(const float* x, float top, float* y, std::size_t n) {
  const Tag d;
  const V t = hn::Set(d, top);
  V total[vectors], sum[vectors];
  for (std::size_t k = 0; k < vectors; ++k) total[k] = hn::Zero(d);
  std::size_t i = 0;
  while (n - i >= lanes) {
    const std::size_t m = (n - i < block ? n - i : block) / lanes * lanes;
    for (std::size_t k = 0; k < vectors; ++k) sum[k] = hn::Zero(d);
    add_exps<Keep>(x + i, t, Keep ? y + i : nullptr, m, sum);
    for (std::size_t k = 0; k < vectors; ++k) total[k] = hn::Add(total[k], sum[k]);
    i += m;
  }
  alignas(64) float last[lanes];
  if (i < n) {
    const std::size_t rest = n - i;
    for (std::size_t j = 0; j < lanes; ++j) last[j] = top;
    std::memcpy(last, x + i, rest * sizeof(float));
    for (std::size_t j = 0; j < rest; j += per_vector)
      hn::Store(exp_of(hn::Sub(hn::Load(d, last + j), t)), d, last + j);
    if constexpr (Keep) std::memcpy(y + i, last, rest * sizeof(float));
    for (std::size_t j = rest; j < lanes; ++j) last[j] = 0;
    for (std::size_t k = 0; k < vectors; ++k) total[k] = hn::Add(total[k], hn::Load(d, last + k * per_vector));
  }
  for (std::size_t k = 0; k < vectors; ++k) hn::Store(total[k], d, last + k * per_vector);
  for (std::size_t half = lanes / 2; half > 0; half /= 2)
    for (std::size_t j = 0; j < half; ++j) last[j] += last[j + half];
  return last[0];
}

float exp_sum(const float* x, float top, float* y, std::size_t n) {
  return y ? exp_sum_of<true>(x, top, y, n) : exp_sum_of<false>(x, top, nullptr, n);
}

void scale(const float* y, float factor, float* to, std::size_t n, bool stream) {
  const Tag d;
  const V f = hn::Set(d, factor);
  std::size_t i = 0;
  if (stream) {
    for (; i + per_vector <= n; i += per_vector) hn::Stream(hn::Mul(hn::LoadU(d, y + i), f), d, to + i);
  } else {
    for (; i + per_vector <= n; i += per_vector) hn::StoreU(hn::Mul(hn::LoadU(d, y + i), f), d, to + i);
  }
  for (; i < n; ++i) to[i] = y[i] * factor;
}

void exp_scale(const float* x, float top, float factor, float* to, std::size_t n) {
  const Tag d;
  const V t = hn::Set(d, top), f = hn::Set(d, factor);
  std::size_t i = 0;
  for (; i + per_vector <= n; i += per_vector) {
    hn::StoreU(hn::Mul(exp_of(hn::Sub(hn::LoadU(d, x + i), t)), f), d, to + i);
  }
  if (i == n) return;
  alignas(64) float last[per_vector];
  for (std::size_t j = 0; j < per_vector; ++j) last[j] = i + j < n ? x[i + j] : top;
  hn::Store(hn::Mul(exp_of(hn::Sub(hn::Load(d, last), t)), f), d, last);
  for (std::size_t j = 0; i < n; ++i, ++j) to[i] = last[j];
}

constexpr SoftmaxKernel kernel{exp_sum, scale, exp_scale};

const SoftmaxKernel* find_softmax() { return &kernel; }

}  // namespace
}  // namespace anabranch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anabranch::kernels {

HWY_EXPORT(find_softmax);

const SoftmaxKernel& softmax_kernel() { return *HWY_DYNAMIC_DISPATCH(find_softmax)(); }

}  // namespace anabranch::kernels
#endif
