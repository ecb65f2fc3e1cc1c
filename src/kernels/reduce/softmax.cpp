#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu_kernels.h"
#include "kernels/indexing/index_reader.h"
#include "kernels/reduce/arithmetic.h"

namespace anabranch::kernels {
namespace {

template <bool Log>
void run(const runtime::KernelCall& call, runtime::Launch& launch) {
  const runtime::View in = call.in[0];
  const Shape kept(in.shape.begin(), in.shape.end() - 1);
  const Strides kept_strides(in.strides.begin(), in.strides.end() - 1);
  const std::int64_t n = in.shape.back(), stride = in.strides.back();
  dispatch_dtype(in.dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    if constexpr (!std::is_integral_v<T>) {
      T* result = call.out[0].as<T>();
      launch.parallel(static_cast<std::size_t>(element_count(kept)), static_cast<double>(n), [=](std::size_t row) {
        using A = std::conditional_t<is_half<T>, float, T>;
        std::int64_t base = 0;
        add_positions(kept, kept_strides, static_cast<std::int64_t>(row), 1, 1, &base);
        const T* x = in.as<T>() + base;
        A top = A(x[0]);
        for (std::int64_t i = 1; i < n; ++i) top = Max()(top, A(x[i * stride]));
        if constexpr (Log) {
          if (!is_nan(top) && std::isinf(std::abs(top))) {
            result[row] = T(top);
            return;
          }
        }
        A sum(0);
        for (std::int64_t i = 0; i < n; ++i) sum += std::exp(A(x[i * stride]) - top);
        if constexpr (Log) {
          result[row] = T(std::log(sum) + top);
        } else {
          for (std::int64_t i = 0; i < n; ++i) {
            result[static_cast<std::int64_t>(row) * n + i] = T(std::exp(A(x[i * stride]) - top) / sum);
          }
        }
      });
    }
  });
}

}  // namespace

void softmax_cpu(const runtime::KernelCall& call, runtime::Launch& launch) { run<false>(call, launch); }
void logsumexp_cpu(const runtime::KernelCall& call, runtime::Launch& launch) { run<true>(call, launch); }

}  // namespace anabranch::kernels
