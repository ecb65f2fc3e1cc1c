// Exponentials of dense rows of float32, for the instruction set of this machine.
#pragma once

#include <cstddef>

namespace anabranch::kernels {

struct SoftmaxKernel {
  // The sum of exp(x[i] - top); the terms go to y, unless it is null. Added by lanes as in fold.h.
  float (*exp_sum)(const float* x, float top, float* y, std::size_t n);
  // to[i] = y[i] * factor; `stream`: with stores that go around the caches, `to` then being 64-byte aligned.
  void (*scale)(const float* y, float factor, float* to, std::size_t n, bool stream);
  // to[i] = exp(x[i] - top) * factor
  void (*exp_scale)(const float* x, float top, float factor, float* to, std::size_t n);
};

const SoftmaxKernel& softmax_kernel();

}  // namespace anabranch::kernels
