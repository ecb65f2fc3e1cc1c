// Scans along the last axis against a scalar loop, to the bit, on every instruction set.
#include <gtest/gtest.h>

#include "graph/attributes.h"
#include "kernels/targets.h"
#include "kernels/tensor.h"

namespace anabranch {
namespace {

using namespace testing;
using graph::ScanAttrs;
using graph::ScanKind;

constexpr ScanKind kinds[] = {ScanKind::Sum, ScanKind::Prod, ScanKind::Max, ScanKind::Min};

template <typename T>
T combined(ScanKind kind, T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::conditional_t<(sizeof(T) < 4), std::uint32_t, std::make_unsigned_t<T>>;
    if (kind == ScanKind::Sum) return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    if (kind == ScanKind::Prod) return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
  }
  switch (kind) {
    case ScanKind::Sum: return a + b;
    case ScanKind::Prod: return a * b;
    case ScanKind::Max: return a != a || a >= b ? a : b;
    default: return a != a || a <= b ? a : b;
  }
}

template <typename T>
void check(Dtype dtype, const Shape& shape, Layout layout, unsigned seed) {
  using A = std::conditional_t<sizeof(T) == 2 && !std::is_integral_v<T>, float, T>;
  Tensor memory(dtype, {});
  const View in = laid_out(layout, dtype, shape, seed, memory, -2, 3);
  const std::int64_t n = shape.back(), rows = element_count(shape) / n;
  if constexpr (!std::is_integral_v<T>) {
    if (layout == Layout::Dense && n > 20) {
      in.as<T>()[0] = T(-0.0f);
      in.as<T>()[n - 2] = T(std::numeric_limits<float>::quiet_NaN());
    }
  }
  const std::vector<Wide> x = elements(in);
  for (const ScanKind kind : kinds) {
    Tensor expected(dtype, shape);
    for (std::int64_t row = 0; row < rows; ++row) {
      A state{};
      for (std::int64_t i = row * n; i < (row + 1) * n; ++i) {
        const A next = static_cast<A>(x[static_cast<std::size_t>(i)].real());
        state = i == row * n ? next : combined(kind, state, next);
        const T stored = T(state);
        std::memcpy(expected.view().template as<T>() + i, &stored, sizeof(T));
      }
    }
    on_each_target(every_target, [&](std::int64_t target) {
      Tensor got(dtype, shape);
      run_kernel(kernels::scan_cpu, {in}, got.view(), ScanAttrs{kind, false, true}, 1 + seed);
      EXPECT_EQ(got.bytes(), expected.bytes())
          << dtype_name(dtype) << " " << to_string(shape) << " kind " << static_cast<int>(kind) << " layout "
          << static_cast<int>(layout) << " target " << target;
    });
  }
}

TEST(Scan, MatchesAScalarLoop) {
  unsigned seed = 0;
  for (const Shape& shape :
       {Shape{1, 1}, Shape{3, 40}, Shape{4, 5}, Shape{17, 33}, Shape{35, 64}, Shape{2, 9, 257}, Shape{16, 600}}) {
    for (const Layout layout : all_layouts) {
      ++seed;
      check<std::int32_t>(int32, shape, layout, seed);
      check<std::uint32_t>(uint32, shape, layout, seed);
      check<std::int64_t>(int64, shape, layout, seed);
      check<std::uint64_t>(uint64, shape, layout, seed);
      check<std::int16_t>(int16, shape, layout, seed);
      check<float>(float32, shape, layout, seed);
      check<double>(float64, shape, layout, seed);
      check<bfloat16_t>(bfloat16, shape, layout, seed);
      check<float16_t>(float16, shape, layout, seed);
    }
  }
}

}  // namespace
}  // namespace anabranch
