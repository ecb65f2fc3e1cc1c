// The indices that sort the last axis; equal elements keep their order.
#include <algorithm>
#include <numeric>

#include "kernels/cpu_kernels.h"
#include "kernels/rows.h"
#include "kernels/sort/order.h"

namespace anabranch::kernels {
namespace {

using runtime::View;

template <typename T>
void argsort_row(const T* in, std::int64_t step, std::uint32_t* out, std::int64_t n) {
  std::iota(out, out + n, 0u);
  std::stable_sort(out, out + n,
                   [=](std::uint32_t a, std::uint32_t b) { return sorts_before(in[a * step], in[b * step]); });
}

}  // namespace

void argsort_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const View in = call.in[0], out = call.out[0];
  const std::int64_t n = in.shape.back(), rows = element_count(in.shape) / n;
  const double ns_per_row = 60.0 * static_cast<double>(n);
  const std::int64_t rows_per_chunk = std::max<std::int64_t>(1, static_cast<std::int64_t>(100'000 / ns_per_row));
  const std::int64_t chunks = (rows + rows_per_chunk - 1) / rows_per_chunk;
  dispatch_dtype(in.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    launch.parallel(static_cast<std::size_t>(chunks), ns_per_row * static_cast<double>(rows_per_chunk),
                    [=](std::size_t chunk) {
                      const std::int64_t first = static_cast<std::int64_t>(chunk) * rows_per_chunk;
                      for (std::int64_t row = first; row < std::min(rows, first + rows_per_chunk); ++row)
                        argsort_row(in.as<const T>() + row_offset(in, row), in.strides.back(),
                                    out.as<std::uint32_t>() + row * n, n);
                    });
  });
}

}  // namespace anabranch::kernels
