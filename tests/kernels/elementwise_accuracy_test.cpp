// How far the vector functions are off anywhere in their domain: of every 997th float32 against double, and of random
// float64 against long double.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "kernels/elementwise_support.h"

namespace anabranch {
namespace {

using namespace testing;

struct Case {
  Op op;
  double (*reference)(double);
  double bound;  // units in the last place
};

double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

class Accuracy : public ::testing::TestWithParam<Case> {};

TEST_P(Accuracy, OfEveryFloat) {
  const Case c = GetParam();
  constexpr std::size_t n = 1 << 16;
  constexpr std::uint64_t stride = 997, end = std::uint64_t{1} << 32;
  Buffer x(float32, n), y(float32, n);
  Builder p({float32});
  p.output(p.add(c.op, float32, float32, {0}), float32);
  const Shape shape{static_cast<ShapeElem>(n)};
  double worst = 0;
  float at = 0;
  for (std::uint64_t first = 0; first < end; first += n * stride) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t bits = static_cast<std::uint32_t>((first + i * stride) % end);
      std::memcpy(x.data() + 4 * i, &bits, 4);
    }
    execute(p.p, shape, {x.view(shape)}, {y.view(shape)});
    for (std::size_t i = 0; i < n; ++i) {
      const float a = x.at<float>(i), got = y.at<float>(i);
      const double expected = c.reference(a);
      if (std::isnan(expected) ? std::isnan(got) : got == static_cast<float>(expected)) continue;
      int exponent;
      std::frexp(expected, &exponent);
      double off = std::abs(got - expected) / std::ldexp(1.0, std::max(exponent - 24, -149));
      if (std::isnan(off)) off = INFINITY;
      if (off > worst) worst = off, at = a;
    }
  }
  EXPECT_LE(worst, c.bound) << graph::op_name(c.op) << " of " << at;
}

// Correctly rounded: every significand in two neighbouring binades stands for all of them; and the ends of the range.
TEST(SquareRoot, IsRoundedCorrectly) {
  constexpr std::size_t n = 1 << 16;
  Buffer x(float32, n), y(float32, n);
  Builder p({float32});
  p.output(p.add(Op::Sqrt, float32, float32, {0}), float32);
  const Shape shape{static_cast<ShapeElem>(n)};
  const auto check_from = [&](std::uint32_t first) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t bits = first + static_cast<std::uint32_t>(i);
      std::memcpy(x.data() + 4 * i, &bits, 4);
    }
    execute(p.p, shape, {x.view(shape)}, {y.view(shape)});
    for (std::size_t i = 0; i < n; ++i) {
      const float want = std::sqrt(x.at<float>(i)), got = y.at<float>(i);
      ASSERT_TRUE(std::bit_cast<std::uint32_t>(want) == std::bit_cast<std::uint32_t>(got) ||
                  (std::isnan(want) && std::isnan(got)))
          << x.at<float>(i) << ": " << got << " instead of " << want;
    }
  };
  constexpr std::uint32_t one = 0x3f800000, four = 0x40800000, step = n;
  for (std::uint32_t first = one; first < four; first += step) check_from(first);
  for (const std::uint32_t end : {0u, 0x00800000u, 0x0d000000u, 0x7e800000u, 0x7f800000u, 0x80000000u, 0xff800000u})
    check_from(end - step / 2);
}

INSTANTIATE_TEST_SUITE_P(Float32, Accuracy,
                         ::testing::Values(Case{Op::Exp, std::exp, 1.1}, Case{Op::Log, std::log, 1.1},
                                           Case{Op::Sin, std::sin, 1.2}, Case{Op::Cos, std::cos, 1.2},
                                           Case{Op::Tan, std::tan, 3}, Case{Op::Tanh, std::tanh, 4},
                                           Case{Op::Sigmoid, sigmoid, 2.5}, Case{Op::Erf, std::erf, 2.5},
                                           Case{Op::Expm1, std::expm1, 2.5}, Case{Op::Log1p, std::log1p, 2.5},
                                           Case{Op::Arctan, std::atan, 2.5}, Case{Op::Arcsin, std::asin, 2.5}),
                         [](const auto& info) { return std::string(graph::op_name(info.param.op)); });

struct Case64 {
  Op op;
  long double (*reference)(long double);
  double bound;
};

long double sigmoid_of_long(long double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

class Accuracy64 : public ::testing::TestWithParam<Case64> {};

TEST_P(Accuracy64, OfRandomNumbers) {
  const Case64 c = GetParam();
  constexpr std::size_t n = 200000;
  Buffer x(float64, n), y(float64, n);
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t bits = random();
    if (i % 3) {  // of ordinary size, and of size 1
      double value = std::ldexp(1 + static_cast<double>(bits >> 12) * 0x1p-52, static_cast<int>(random() % 60) - 49);
      if (i % 3 == 1) value = std::ldexp(value, -std::ilogb(value)) - (random() % 2 ? 1 : 0.5);
      bits = std::bit_cast<std::uint64_t>(random() % 2 ? value : -value);
    }
    std::memcpy(x.data() + 8 * i, &bits, 8);
  }
  Builder p({float64});
  p.output(p.add(c.op, float64, float64, {0}), float64);
  const Shape shape{static_cast<ShapeElem>(n)};
  execute(p.p, shape, {x.view(shape)}, {y.view(shape)});
  double worst = 0, at = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double a = x.at<double>(i), got = y.at<double>(i);
    const long double expected = c.reference(a);
    if (std::isnan(expected) ? std::isnan(got) : got == static_cast<double>(expected)) continue;
    int exponent;
    std::frexp(expected, &exponent);
    double off = static_cast<double>(std::abs(got - expected) / std::ldexp(1.0L, std::max(exponent - 53, -1074)));
    if (std::isnan(off)) off = INFINITY;
    if (off > worst) worst = off, at = a;
  }
  EXPECT_LE(worst, c.bound) << graph::op_name(c.op) << " of " << at;
}

INSTANTIATE_TEST_SUITE_P(Float64, Accuracy64,
                         ::testing::Values(Case64{Op::Exp, std::exp, 1.2}, Case64{Op::Expm1, std::expm1, 2.5},
                                           Case64{Op::Log, std::log, 1.2}, Case64{Op::Log2, std::log2, 2.5},
                                           Case64{Op::Log10, std::log10, 2.5}, Case64{Op::Log1p, std::log1p, 2.5},
                                           Case64{Op::Sinh, std::sinh, 3}, Case64{Op::Cosh, std::cosh, 2.5},
                                           Case64{Op::Tanh, std::tanh, 3}, Case64{Op::Sigmoid, sigmoid_of_long, 3}),
                         [](const auto& info) { return std::string(graph::op_name(info.param.op)); });

}  // namespace
}  // namespace anabranch
