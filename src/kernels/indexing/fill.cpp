// Arrays that come from no operand: arange and eye.
#include <algorithm>
#include <cstring>

#include "kernels/cpu_kernels.h"
#include "kernels/indexing/fill.h"

namespace anabranch::kernels {
namespace {

constexpr std::int64_t elements_per_chunk = 64 << 10;
constexpr std::int64_t elements_at_once = 4 << 10;

// Runs fill(first, last) over [0, n).
template <typename F>
void add_fill(runtime::Launch& launch, std::int64_t n, F fill) {
  if (n == 0) return;
  if (n <= elements_at_once) {
    fill(std::int64_t{0}, n);
    return;
  }
  const auto chunks = static_cast<std::size_t>((n + elements_per_chunk - 1) / elements_per_chunk);
  launch.parallel(chunks, 0.3 * elements_per_chunk, [fill, n](std::size_t chunk) {
    const std::int64_t first = static_cast<std::int64_t>(chunk) * elements_per_chunk;
    fill(first, std::min(n, first + elements_per_chunk));
  });
}

}  // namespace

// Floats: each value is rounded once, where adding up in the dtype would drift.
void arange_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const auto& attrs = call.attrs<graph::ArangeAttrs>();
  const runtime::View& out = call.out[0];
  dispatch_dtype(out.dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    T* data = out.as<T>();
    if constexpr (std::is_integral_v<T>) {
      const IntegerRange range(attrs);
      add_fill(launch, element_count(out.shape), [=](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i)
          data[i] = static_cast<T>(range.start + static_cast<std::uint64_t>(i) * range.step);
      });
    } else {
      add_fill(launch, element_count(out.shape), [=, a = attrs](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
          const double x = a.start + static_cast<double>(i) * a.step;
          if constexpr (std::is_same_v<T, double>) {
            data[i] = x;
          } else {
            data[i] = T(static_cast<float>(x));
          }
        }
      });
    }
  });
}

void eye_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const runtime::View& out = call.out[0];
  const std::int64_t columns = out.shape[1], diagonal = call.attrs<graph::EyeAttrs>().diagonal;
  dispatch_dtype(out.dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    T* data = out.as<T>();
    add_fill(launch, element_count(out.shape), [=](std::int64_t first, std::int64_t last) {
      std::memset(static_cast<void*>(data + first), 0, static_cast<std::size_t>(last - first) * sizeof(T));
      for (std::int64_t row = first / columns; row <= (last - 1) / columns; ++row) {
        const std::int64_t column = row + diagonal, i = row * columns + column;
        if (column >= 0 && column < columns && i >= first && i < last) {
          if constexpr (std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>) {
            data[i] = T(1.0f);
          } else {
            data[i] = T(1);
          }
        }
      }
    });
  });
}

}  // namespace anabranch::kernels
