#include "graph/attributes.h"
#include "kernels/cpu_kernels.h"
#include "kernels/indexing/index_reader.h"
#include "kernels/reduce/arithmetic.h"

namespace anabranch::kernels {

void arg_reduce_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const bool maximum = call.attrs<graph::ArgReduceAttrs>().maximum;
  const runtime::View in = call.in[0];
  const Shape kept(in.shape.begin(), in.shape.end() - 1);
  const Strides kept_strides(in.strides.begin(), in.strides.end() - 1);
  const std::int64_t n = in.shape.back(), stride = in.strides.back();
  auto* result = call.out[0].as<std::uint32_t>();
  dispatch_dtype(in.dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    launch.parallel(static_cast<std::size_t>(element_count(kept)), static_cast<double>(n), [=](std::size_t row) {
      std::int64_t base = 0;
      add_positions(kept, kept_strides, static_cast<std::int64_t>(row), 1, 1, &base);
      const T* x = in.as<T>() + base;
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < n && !is_nan(x[best * stride]); ++i) {
        const T a = x[i * stride], b = x[best * stride];
        if (is_nan(a) || (maximum ? less(b, a) : less(a, b))) best = i;
      }
      result[row] = static_cast<std::uint32_t>(best);
    });
  });
}

}  // namespace anabranch::kernels
