// Operations on rows: the place of the extreme, softmax, logsumexp.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "graph/attributes.h"
#include "kernels/tensor.h"

namespace anabranch {
namespace {

using namespace testing;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

Shape without_last(const Shape& shape) { return {shape.begin(), shape.end() - 1}; }

bool is_nan(Wide x) { return std::isnan(x.real()) || std::isnan(x.imag()); }
bool less(Wide a, Wide b) { return a.real() != b.real() ? a.real() < b.real() : a.imag() < b.imag(); }

void check_arg(const View& in, const std::string& what) {
  const auto x = elements(in);
  const auto n = static_cast<std::size_t>(in.shape.back());
  for (bool maximum : {false, true}) {
    Tensor out(uint32, without_last(in.shape));
    run_kernel(kernels::arg_reduce_cpu, {in}, out.view(), graph::ArgReduceAttrs{maximum}, 3);
    for (std::int64_t i = 0; i < out.size(); ++i) {
      const Wide* row = &x[static_cast<std::size_t>(i) * n];
      std::size_t best = 0;
      for (std::size_t k = 1; k < n && !is_nan(row[best]); ++k)
        if (is_nan(row[k]) || (maximum ? less(row[best], row[k]) : less(row[k], row[best]))) best = k;
      ASSERT_EQ(out.get(i), Wide(best)) << what << " " << to_string(in.shape) << " row " << i;
    }
  }
}

TEST(ArgReduce, DtypesAndLayouts) {
  const Shape shapes[] = {{1}, {5}, {511}, {512}, {1500}, {7, 3}, {3, 70}, {5, 600}, {40, 33}, {2, 3, 4}, {20, 6, 100}};
  for (Dtype dtype : all_dtypes) {
    for (const Shape& shape : shapes) {
      for (Layout layout : all_layouts) {
        Tensor memory(dtype, {});
        check_arg(laid_out(layout, dtype, shape, 5, memory), std::string(dtype_name(dtype)));
      }
    }
  }
}

TEST(ArgReduce, LargeOnesAndColumns) {
  for (Dtype dtype : {uint8, bfloat16, int32, float32}) {
    Tensor row = Tensor::random(dtype, {200001}, 1), wide = Tensor::random(dtype, {300, 1100}, 2);
    check_arg(row.view(), "long row");
    check_arg(broadcast(row.view(), {2, 200001}), "long rows");
    check_arg(permuted(wide.view(), {1, 0}), "columns");
  }
}

TEST(ArgReduce, FirstNanAndFirstOfEquals) {
  for (std::int64_t n : {3, 600, 140000}) {
    Tensor t = Tensor::random(float32, {n}, 1);
    t.set(n / 2, nan);
    t.set(n - 1, nan);
    check_arg(t.view(), "NaN");
    Tensor equal(float32, {n});
    for (std::int64_t i = 0; i < n; ++i) equal.set(i, 1);
    check_arg(equal.view(), "equal");
  }
  Tensor columns = Tensor::random(float32, {100, 20}, 1);
  columns.set(77 * 20 + 3, nan);
  columns.set(99 * 20 + 3, nan);
  check_arg(permuted(columns.view(), {1, 0}), "NaN in a column");
}

double unit_of(Dtype d) { return d == bfloat16 ? 0x1p-8 : d == float16 ? 0x1p-11 : d == float64 ? 0x1p-52 : 0x1p-23; }

// Softmax and logsumexp of every row against long double.
void check_softmax(const View& in, Dtype dtype) {
  Tensor soft(dtype, in.shape), log(dtype, without_last(in.shape));
  run_kernel(kernels::softmax_cpu, {in}, soft.view(), graph::SoftmaxAttrs{true}, 2);
  run_kernel(kernels::logsumexp_cpu, {in}, log.view(), graph::SoftmaxAttrs{true}, 2);
  const auto x = elements(in);
  const auto n = static_cast<std::size_t>(in.shape.back());
  const double unit = unit_of(dtype);
  for (std::int64_t i = 0; i < log.size(); ++i) {
    const Wide* row = &x[static_cast<std::size_t>(i) * n];
    Wide top = row[0], sum = 0;
    for (std::size_t k = 0; k < n; ++k) top = less(top, row[k]) ? row[k] : top;
    long double sizes = 0;
    for (std::size_t k = 0; k < n; ++k) {
      sum += std::exp(row[k] - top);
      sizes += std::abs(std::exp(row[k] - top));
    }
    const long double cancelled = sizes / std::abs(sum);  // 1 but for complex numbers
    const Wide want = std::log(sum) + top;
    ASSERT_LE(std::abs(log.get(i) - want), 3 * unit * cancelled * (std::abs(want) + 1))
        << dtype_name(dtype) << to_string(in.shape) << i;
    for (std::size_t k = 0; k < n; ++k) {
      const Wide p = std::exp(row[k] - top) / sum,
                 got = soft.get(i * static_cast<std::int64_t>(n) + static_cast<std::int64_t>(k));
      // The difference to the largest element is rounded before the exponential is taken.
      const long double bound =
          unit * cancelled * (4 + (dtype.size() == 2 ? 0 : 2 * std::abs(row[k] - top))) * std::abs(p);
      ASSERT_LE(std::abs(got - p), bound + (dtype == float16 ? 0x1p-24 : 1e-38))
          << dtype_name(dtype) << to_string(in.shape) << i << " " << k;
    }
  }
}

TEST(Softmax, DtypesAndLayouts) {
  const Shape shapes[] = {{1}, {5}, {63}, {64}, {65}, {2100}, {7, 3}, {3, 70}, {70, 130}, {2, 3, 4}, {8, 17, 20}};
  for (Dtype dtype : {float16, bfloat16, float32, float64, complex64}) {
    for (const Shape& shape : shapes) {
      for (Layout layout : all_layouts) {
        Tensor memory(dtype, {});
        check_softmax(laid_out(layout, dtype, shape, 5, memory), dtype);
      }
    }
  }
}

TEST(Softmax, LongRowsAndManyRows) {
  for (Dtype dtype : {bfloat16, float32}) {
    Tensor lone = Tensor::random(dtype, {270001}, 1, -5, 5), rows = Tensor::random(dtype, {20, 9000}, 2, -5, 5);
    check_softmax(lone.view(), dtype);
    check_softmax(rows.view(), dtype);
    Tensor pairs = Tensor::random(dtype, {270001, 2}, 3, -5, 5);
    check_softmax(permuted(pairs.view(), {1, 0}), dtype);
  }
  Tensor streamed = Tensor::random(float32, {2100, 1024}, 2, -5, 5);
  check_softmax(streamed.view(), float32);
}

TEST(Softmax, ReadsIntegers) {
  Tensor t = Tensor::random(int32, {9, 50}, 1, 0, 20);
  check_softmax(t.view(), float32);
}

TEST(Softmax, InfinitiesAndNan) {
  for (std::int64_t n : {2, 100, 300000}) {
    const auto both = [n](std::vector<double> head, double rest) {
      Tensor t(float32, {n});
      for (std::int64_t i = 0; i < n; ++i)
        t.set(i, i < static_cast<std::int64_t>(head.size()) ? head[static_cast<std::size_t>(i)] : rest);
      Tensor soft(float32, {n}), log(float32, {});
      run_kernel(kernels::softmax_cpu, {t.view()}, soft.view(), graph::SoftmaxAttrs{true});
      run_kernel(kernels::logsumexp_cpu, {t.view()}, log.view(), graph::SoftmaxAttrs{true});
      return std::pair{soft, log.get(0).real()};
    };
    auto [a, log_a] = both({}, -infinity);
    EXPECT_TRUE(is_nan(a.get(0)));
    EXPECT_EQ(log_a, -infinity);
    auto [b, log_b] = both({infinity}, 1);
    EXPECT_TRUE(is_nan(b.get(1)));
    EXPECT_EQ(log_b, infinity);
    auto [c, log_c] = both({nan}, 1);
    EXPECT_TRUE(is_nan(c.get(n - 1)));
    EXPECT_TRUE(std::isnan(log_c));
    auto [d, log_d] = both({1000}, -infinity);
    EXPECT_EQ(d.get(0), Wide(1));
    EXPECT_EQ(d.get(n - 1), Wide(0));
    EXPECT_EQ(log_d, 1000);
  }
}

}  // namespace
}  // namespace anabranch
