// exp, log and the larger one of what a GPU's kernels compute with.
#pragma once

#include <cmath>

#include "kernels/reduce/arithmetic.h"

namespace anabranch::kernels {

ANABRANCH_HOST_DEVICE inline float exp_of(float x) { return expf(x); }
ANABRANCH_HOST_DEVICE inline double exp_of(double x) { return exp(x); }
ANABRANCH_HOST_DEVICE inline complex64_t exp_of(complex64_t x) {
  const float r = expf(x.real());
  if (x.imag() == 0 || r == 0) return {r, r == 0 ? 0 : x.imag()};
  return {r * cosf(x.imag()), r * sinf(x.imag())};
}

ANABRANCH_HOST_DEVICE inline float log_of(float x) { return logf(x); }
ANABRANCH_HOST_DEVICE inline double log_of(double x) { return log(x); }
ANABRANCH_HOST_DEVICE inline complex64_t log_of(complex64_t x) {
  return {logf(hypotf(x.real(), x.imag())), atan2f(x.imag(), x.real())};
}

ANABRANCH_HOST_DEVICE inline float log1p_of(float x) { return log1pf(x); }
ANABRANCH_HOST_DEVICE inline double log1p_of(double x) { return log1p(x); }

// NaN if either is, as Max: of float32 in one instruction.
template <typename C>
ANABRANCH_HOST_DEVICE C larger(C a, C b) {
#ifdef __CUDA_ARCH__
  if constexpr (std::is_same_v<C, float>) {
    float top;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(top) : "f"(a), "f"(b));
    return top;
  }
#endif
  return Max()(a, b);
}

}  // namespace anabranch::kernels
