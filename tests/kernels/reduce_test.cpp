#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "graph/attributes.h"
#include "kernels/tensor.h"

namespace anabranch {
namespace {

using namespace testing;
using graph::ReduceAttrs;
using graph::ReduceKind;

constexpr ReduceKind all_kinds[] = {ReduceKind::Sum, ReduceKind::Prod, ReduceKind::Max,
                                    ReduceKind::Min, ReduceKind::Any,  ReduceKind::All};
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// The result's dtype, as the operations choose it.
Dtype result_dtype(ReduceKind kind, Dtype d) {
  if (kind == ReduceKind::Any || kind == ReduceKind::All) return bool_;
  if (kind == ReduceKind::Max || kind == ReduceKind::Min) return d;
  if (d == bool_ || d == int8 || d == int16) return int32;
  if (d == uint8 || d == uint16) return uint32;
  return d;
}

bool less(Wide a, Wide b) { return a.real() != b.real() ? a.real() < b.real() : a.imag() < b.imag(); }

Wide naive(ReduceKind kind, const std::vector<Wide>& x, std::size_t begin, std::size_t n) {
  Wide acc = kind == ReduceKind::Prod || kind == ReduceKind::All ? 1 : 0;
  if (kind == ReduceKind::Max || kind == ReduceKind::Min) acc = x[begin];
  for (std::size_t i = begin; i < begin + n; ++i) {
    switch (kind) {
      case ReduceKind::Sum: acc += x[i]; break;
      case ReduceKind::Prod: acc *= x[i]; break;
      case ReduceKind::Max: acc = less(acc, x[i]) ? x[i] : acc; break;
      case ReduceKind::Min: acc = less(x[i], acc) ? x[i] : acc; break;
      case ReduceKind::Any: acc = acc != Wide(0) || x[i] != Wide(0); break;
      case ReduceKind::All: acc = acc != Wide(0) && x[i] != Wide(0); break;
    }
  }
  return acc;
}

Tensor reduced(ReduceKind kind, const View& in, int axes, unsigned seed = 1) {
  Tensor out(result_dtype(kind, in.dtype), Shape(in.shape.begin(), in.shape.end() - axes));
  run_kernel(kernels::reduce_cpu, {in}, out.view(), ReduceAttrs{kind, axes}, seed);
  return out;
}

void check(ReduceKind kind, const View& in, int axes) {
  const Tensor out = reduced(kind, in, axes);
  const auto x = elements(in);
  const std::size_t n = out.size() ? x.size() / static_cast<std::size_t>(out.size()) : 0;
  const double unit = out.dtype() == bfloat16  ? 0x1p-8
                      : out.dtype() == float16 ? 0x1p-11
                      : out.dtype() == float64 ? 0x1p-53
                                               : 0x1p-24;
  for (std::int64_t i = 0; i < out.size(); ++i) {
    const Wide want = naive(kind, x, static_cast<std::size_t>(i) * n, n), got = out.get(i);
    long double scale = 0;
    for (std::size_t k = 0; k < n; ++k) scale += std::abs(x[static_cast<std::size_t>(i) * n + k].real());
    const bool inexact = kind == ReduceKind::Sum || kind == ReduceKind::Prod;
    const long double bound =
        !inexact || issubdtype(out.dtype(), integer)
            ? 0
            : 2 * unit * std::abs(want) + (kind == ReduceKind::Sum ? 0x1p-22 * scale : 0x1p-18 * std::abs(want));
    ASSERT_LE(std::abs(got - want), bound)
        << dtype_name(in.dtype) << " kind " << static_cast<int>(kind) << " shape " << to_string(in.shape)
        << " over the last " << axes << " at " << i << ": " << got << " instead of " << want;
  }
}

// So that no product overflows, even int8's: ones, but for a few twos and halves.
void make_mild(Tensor& t) {
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, 1);
  for (std::int64_t i = 0; i < std::min<std::int64_t>(t.size(), 5); ++i) t.set(i * 7919 % t.size(), 2);
  if (!issubdtype(t.dtype(), integer) && t.size() > 2) t.set(t.size() / 2, 0.5);
}

TEST(Reduce, KindsDtypesAndLayouts) {
  const Shape shapes[] = {{},       {1},      {5},      {23},      {24},       {300},       {5000},      {3, 4},
                          {7, 130}, {130, 7}, {40, 65}, {2, 3, 4}, {6, 1, 50}, {9, 30, 20}, {2, 2, 3, 5}};
  for (ReduceKind kind : all_kinds) {
    for (Dtype dtype : all_dtypes) {
      for (const Shape& shape : shapes) {
        for (Layout layout : all_layouts) {
          Tensor memory(dtype, {});
          const View in = laid_out(layout, dtype, shape, 5, memory);
          if (kind == ReduceKind::Prod) make_mild(memory);
          for (int axes = 0; axes <= static_cast<int>(shape.size()); ++axes) check(kind, in, axes);
        }
      }
    }
  }
}

TEST(Reduce, EveryChoiceOfAxes) {
  Tensor memory = Tensor::random(float32, {5, 6, 7, 8}, 3);
  Tensor small = Tensor::random(int8, {4, 3, 2, 9}, 3, -100, 100);
  for (Tensor* t : {&memory, &small}) {
    std::vector<int> axes = {0, 1, 2, 3};
    do {
      for (int reduced_axes = 1; reduced_axes <= 4; ++reduced_axes) {
        const View v = permuted(t->view(), axes);
        check(ReduceKind::Sum, v, reduced_axes);
        check(ReduceKind::Max, v, reduced_axes);
      }
    } while (std::next_permutation(axes.begin(), axes.end()));
  }
}

TEST(Reduce, LargeOnesInParts) {
  for (Dtype dtype : {int16, bfloat16, float32, complex64}) {
    for (const Shape& shape :
         {Shape{140001}, {2, 140000}, {140000, 3}, {60000, 5}, {1000, 300}, {16000, 17}, {16, 4100, 4}}) {
      Tensor t = Tensor::random(dtype, shape, 9);
      for (ReduceKind kind : {ReduceKind::Sum, ReduceKind::Min}) {
        check(kind, t.view(), static_cast<int>(shape.size()));
        if (shape.size() < 2) continue;
        check(kind, t.view(), 1);
        check(kind, permuted(t.view(), shape.size() == 2 ? std::vector<int>{1, 0} : std::vector<int>{2, 0, 1}), 1);
        check(kind, permuted(t.view(), shape.size() == 2 ? std::vector<int>{1, 0} : std::vector<int>{0, 2, 1}), 1);
      }
    }
  }
}

TEST(Reduce, BroadcastAxes) {
  Tensor row = Tensor::random(float32, {1, 70}, 1), column = Tensor::random(float32, {50, 1}, 2),
         one = Tensor::random(int32, {1, 1}, 3);
  for (Tensor* t : {&row, &column, &one}) {
    const View v = broadcast(t->view(), {50, 70});
    for (int axes : {1, 2}) {
      check(ReduceKind::Sum, v, axes);
      check(ReduceKind::Sum, permuted(v, {1, 0}), axes);
    }
  }
}

TEST(Reduce, Empty) {
  Tensor none(float32, {3, 0});
  for (auto [kind, want] :
       {std::pair{ReduceKind::Sum, 0}, {ReduceKind::Prod, 1}, {ReduceKind::Any, 0}, {ReduceKind::All, 1}}) {
    const Tensor out = reduced(kind, none.view(), 1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(out.get(i), Wide(want));
    EXPECT_EQ(reduced(kind, permuted(none.view(), {1, 0}), 1).size(), 0);
  }
}

TEST(Reduce, NanIsTheExtreme) {
  for (Dtype dtype : {float16, bfloat16, float32, float64, complex64}) {
    for (const Shape& shape : {Shape{3}, {40}, {1000}, {200000}}) {
      for (std::int64_t at : {std::int64_t{0}, shape[0] / 2, shape[0] - 1}) {
        Tensor t = Tensor::random(dtype, shape, 2);
        t.set(at, nan);
        for (ReduceKind kind : {ReduceKind::Max, ReduceKind::Min}) {
          EXPECT_TRUE(std::isnan(reduced(kind, t.view(), 1).get(0).real()))
              << dtype_name(dtype) << shape[0] << " " << at;
          Tensor wide = Tensor::random(dtype, {shape[0], 9}, 2);
          wide.set(at * 9 + 8, nan);
          const Tensor out = reduced(kind, permuted(wide.view(), {1, 0}), 1);
          for (int i = 0; i < 9; ++i) EXPECT_EQ(std::isnan(out.get(i).real()), i == 8);
        }
      }
    }
  }
  Tensor t = Tensor::of<float>(
      {3}, {static_cast<float>(-infinity), static_cast<float>(-infinity), static_cast<float>(-infinity)});
  EXPECT_EQ(reduced(ReduceKind::Max, t.view(), 1).get(0).real(), -infinity);
}

TEST(Reduce, IntegersWrap) {
  Tensor t = Tensor::of<std::int32_t>({2}, {2147483647, 1});
  EXPECT_EQ(reduced(ReduceKind::Sum, t.view(), 1).get(0).real(), -2147483648.0);
  Tensor u = Tensor::of<std::uint64_t>({2}, {~std::uint64_t{0}, 3});
  EXPECT_EQ(reduced(ReduceKind::Prod, u.view(), 1).get(0).real(), static_cast<long double>(~std::uint64_t{0} - 2));
}

TEST(Reduce, ConvertsWhatItReads) {
  Tensor t = Tensor::random(int32, {70, 90}, 4, -1000, 1000);
  for (const View& v : {t.view(), permuted(t.view(), {1, 0})}) {
    Tensor out(float32, {v.shape[0]});
    run_kernel(kernels::reduce_cpu, {v}, out.view(), ReduceAttrs{ReduceKind::Sum, 1});
    const auto x = elements(v);
    for (std::int64_t i = 0; i < out.size(); ++i) {
      const auto n = static_cast<std::size_t>(v.shape[1]);
      EXPECT_EQ(out.get(i), naive(ReduceKind::Sum, x, static_cast<std::size_t>(i) * n, n));
    }
  }
}

// Errors of a sum of n elements of one size are about those of pairwise summation, a few units in the last place.
TEST(Reduce, SumsAreAccurate) {
  for (const Shape& shape : {Shape{1 << 22, 1}, {1 << 20, 4}, {1 << 14, 256}}) {
    Tensor t(float32, shape);
    std::mt19937 engine(3);
    std::uniform_real_distribution<float> uniform(0, 1);
    for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, uniform(engine));
    for (const View& v : {permuted(t.view(), {1, 0}), t.view()}) {
      const int axes = v.shape[0] <= 256 ? 1 : 2;
      const Tensor out = reduced(ReduceKind::Sum, v, axes);
      const auto x = elements(v);
      const std::size_t n = x.size() / static_cast<std::size_t>(out.size());
      for (std::int64_t i = 0; i < out.size(); ++i) {
        const Wide want = naive(ReduceKind::Sum, x, static_cast<std::size_t>(i) * n, n);
        ASSERT_LE(std::abs(out.get(i) - want) / std::abs(want), 4 * 0x1p-24) << to_string(v.shape);
      }
    }
  }
}

}  // namespace
}  // namespace anabranch
