// Calls a GPU's kernel on the emulated device.
#pragma once

#include "graph/attributes.h"
#include "kernels/cuda_kernels.h"
#include "kernels/indexing/index_faults.h"
#include "kernels/tensor.h"

namespace anabranch::testing {

template <typename A>
void run_cuda(kernels::CudaKernel kernel, std::vector<View> in, View out, const A& attributes,
              kernels::IndexFaults* faults = nullptr) {
  runtime::Launch launch;
  kernel({in, {&out, 1}, &attributes}, {nullptr, 0, launch, faults});
  launch.clear();
}

// The same operands through the CPU's kernel and the GPU's.
struct Results {
  std::vector<Wide> cpu, gpu;
};
template <typename A>
Results run_both(runtime::CpuKernel cpu, kernels::CudaKernel gpu, const std::vector<View>& in, Dtype dtype,
                 const Shape& shape, const A& attributes) {
  Tensor expected(dtype, shape), got(dtype, shape);
  run_kernel(cpu, in, expected.view(), attributes);
  run_cuda(gpu, in, got.view(), attributes);
  return {elements(expected.view()), elements(got.view())};
}

inline bool same(Wide a, Wide b) {
  const auto part = [](long double x, long double y) { return x == y || (x != x && y != y); };
  return part(a.real(), b.real()) && part(a.imag(), b.imag());
}

inline ::testing::AssertionResult exact(const Results& r) {
  for (std::size_t i = 0; i < r.cpu.size(); ++i)
    if (!same(r.cpu[i], r.gpu[i]))
      return ::testing::AssertionFailure() << "at " << i << ": " << r.gpu[i] << " instead of " << r.cpu[i];
  return ::testing::AssertionSuccess();
}

// As exact(), but floats may differ by `bound` times the larger of their size and `scale`.
inline ::testing::AssertionResult close(const Results& r, long double bound, long double scale = 1) {
  for (std::size_t i = 0; i < r.cpu.size(); ++i) {
    const Wide a = r.cpu[i], b = r.gpu[i];
    if (same(a, b)) continue;
    const long double error = std::abs(a - b);
    if (!(error <= bound * std::max(scale, std::abs(a))))
      return ::testing::AssertionFailure() << "at " << i << ": " << b << " instead of " << a;
  }
  return ::testing::AssertionSuccess();
}

// Relative to the last place of a dtype.
inline long double epsilon(Dtype dtype) {
  switch (dtype.val) {
    case Dtype::Val::float16: return 0x1p-10L;
    case Dtype::Val::bfloat16: return 0x1p-7L;
    case Dtype::Val::float32:
    case Dtype::Val::complex64: return 0x1p-23L;
    case Dtype::Val::float64: return 0x1p-52L;
    default: return 0;
  }
}

}  // namespace anabranch::testing
