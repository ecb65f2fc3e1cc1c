// What GPUs compute, computed here by the same text: every operation in every lane, and conversions, as the CPU has
// them.
#include "kernels/device_functions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/elementwise/lane_table.h"
#include "kernels/random_programs.h"

namespace anabranch {
namespace {

using namespace testing;

template <typename T>
std::vector<T> samples() {
  std::vector<T> values;
  if constexpr (std::is_same_v<T, bool>) {
    return {false, true};
  } else if constexpr (std::is_integral_v<T>) {
    using Limits = std::numeric_limits<T>;
    for (int i = -9; i <= 70; ++i) values.push_back(static_cast<T>(i));
    for (const T extreme : {Limits::min(), static_cast<T>(Limits::min() + 1), Limits::max()}) values.push_back(extreme);
  } else if constexpr (std::is_same_v<T, complex64_t>) {
    const float parts[] = {0.0f, -0.0f, 1.0f, -1.0f, 0.3f, -2.25f, 1.5f, -0.75f, 3e-20f, 40.0f, -700.0f, 1e19f};
    for (const float re : parts) {
      for (const float im : parts) values.emplace_back(re, im);
    }
  } else {
    for (const double special :
         {0.0,  -0.0,  1.0,    -1.0, 0.5, 1.5,  2.5,  -2.5, HUGE_VAL, -HUGE_VAL, double(NAN),  1e-40, -1e-40, 65504.0,
          88.5, -87.5, -103.0, 3e38, 1e5, -1e5, 1e10, 1e22, 0.9999,   -0.9999,   2147483648.0, -3e9,  1e19,   300.7}) {
      values.push_back(T(static_cast<float>(special)));
    }
    std::mt19937 random(1);
    for (int i = 0; i < 200; ++i) {
      const double uniform = static_cast<double>(random()) * 0x1p-32 * 2 - 1;
      values.push_back(T(static_cast<float>(uniform * std::pow(10.0, i % 6 - 3))));
    }
  }
  return values;
}

// How many numbers of the format lie between the two; none between two NaNs.
template <typename T>
double distance(T a, T b) {
  using Bits =
      std::conditional_t<sizeof(T) == 8, std::int64_t, std::conditional_t<sizeof(T) == 4, std::int32_t, std::int16_t>>;
  const double x = static_cast<double>(a), y = static_cast<double>(b);
  if (std::isnan(x) || std::isnan(y)) return std::isnan(x) == std::isnan(y) ? 0 : INFINITY;
  const auto place = [](T v) {
    const Bits bits = std::bit_cast<Bits>(v);
    return static_cast<double>(bits < 0 ? std::numeric_limits<Bits>::min() - bits : bits);
  };
  return x == y ? 0 : std::abs(place(a) - place(b));
}

// Relative to the larger part.
bool alike(float a, float b, float size) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) == std::isnan(b);
  if (std::isinf(a) || std::isinf(b)) return a == b;
  return std::abs(a - b) <= 1e-5f * size + 1e-37f;
}

template <typename T>
void expect_close(Op op, const Buffer& got, const Buffer& expected, std::size_t i, const std::string& of,
                  double lost = 0) {
  const T x = got.at<T>(i), y = expected.at<T>(i);
  if constexpr (std::is_same_v<T, complex64_t>) {
    const float size = std::fmax(std::abs(y.real()), std::abs(y.imag()));
    ASSERT_TRUE(alike(x.real(), y.real(), size) && alike(x.imag(), y.imag(), size))
        << graph::op_name(op) << " " << of << ": " << x << ", expected " << y;
  } else if constexpr (std::is_integral_v<T>) {
    ASSERT_EQ(x, y) << graph::op_name(op) << " " << of;
  } else {
    // A sum of logarithms near 0 has lost what its terms have in common.
    if (op == Op::LogAddExp && std::abs(static_cast<double>(x) - static_cast<double>(y)) < lost) return;
    const double bound = graph::is_exact(op) ? 0 : sizeof(T) == 2 ? 1 : 6;
    ASSERT_LE(distance(x, y), bound) << graph::op_name(op) << " " << of << ": " << static_cast<double>(x)
                                     << ", expected " << static_cast<double>(y);
  }
}

template <typename T>
std::string text_of(T x) {
  if constexpr (std::is_same_v<T, complex64_t>) return std::to_string(x.real()) + " + i " + std::to_string(x.imag());
  else return std::to_string(static_cast<double>(x));
}

Dtype result_of(const std::string& rule, Dtype d) {
  return rule == "boolean" ? bool_ : rule == "real" && d == complex64 ? float32 : d;
}

template <typename T>
void check(Op op, const std::string& rule) {
  const Dtype from = TypeToDtype<T>::value, to = result_of(rule, from);
  const std::vector<T> base = samples<T>();
  std::vector<T> a, b;
  for (std::size_t i = 0; i < base.size(); ++i) {
    for (std::size_t j = 0; j < (graph::is_binary(op) ? std::min<std::size_t>(base.size(), 90) : 1); ++j) {
      a.push_back(base[i]);
      b.push_back(base[j]);
    }
  }
  const Shape shape{static_cast<ShapeElem>(a.size())};
  Buffer x(from, a.size()), y(from, a.size()), expected(to, a.size()), got(to, a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const T s = a[i], t = b[i];
    std::memcpy(x.data() + i * sizeof(T), &s, sizeof(T));
    std::memcpy(y.data() + i * sizeof(T), &t, sizeof(T));
  }
  Builder p(graph::is_binary(op) ? std::vector{from, from} : std::vector{from});
  std::vector<runtime::View> in{x.view(shape)};
  if (graph::is_binary(op)) {
    in.push_back(y.view(shape));
    p.output(p.add(op, from, to, {0, 1}), to);
  } else {
    p.output(p.add(op, from, to, {0}), to);
  }
  execute(p.p, shape, in, {expected.view(shape)});
  interpret_on_host(p.p, shape, in, {got.view(shape)});
  EXPECT_TRUE(got.intact());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if constexpr (std::is_same_v<T, complex64_t>) {
      // The CPU's power is the float's own exponential of logarithm: good for powers that are small.
      if (op == Op::LogAddExp && std::abs(a[i]) + std::abs(b[i]) > 20) continue;  // computed in float32 there
      if (op == Op::Power && !(std::abs(a[i]) > 0.1f && std::abs(a[i]) < 4 && std::abs(b[i]) < 4)) continue;
    }
    const std::string of = std::string(dtype_name(from)) + " of " + text_of(a[i]) + ", " + text_of(b[i]);
    double lost = 0;
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>)
      lost = (std::abs(a[i]) + std::abs(b[i])) * std::numeric_limits<T>::epsilon();
    dispatch_dtype(to, [&]<typename R>(R*) { expect_close<R>(op, got, expected, i, of, lost); });
    if (::testing::Test::HasFatalFailure()) return;
  }
}

class DeviceFunction : public ::testing::TestWithParam<std::tuple<Op, const char*>> {};

TEST_P(DeviceFunction, IsTheCpus) {
  const auto [op, rule] = GetParam();
  for (int d = 0; d < dtype_count; ++d) {
    const Dtype dtype(static_cast<Dtype::Val>(d));
    const graph::Lane lane = graph::lane_of(dtype);
    const bool has = kernels::lane_table().ops[static_cast<int>(op)][static_cast<int>(lane)].fn;
    EXPECT_EQ(kernels::accepts(op, lane), has) << dtype_name(dtype);
    if (has) dispatch_dtype(dtype, [&, op = op, rule = rule]<typename T>(T*) { check<T>(op, rule); });
  }
}

#define ANABRANCH_PARAM(Opcode, function, rule, ...) std::tuple{Op::Opcode, #rule},
INSTANTIATE_TEST_SUITE_P(Elementwise, DeviceFunction,
                         ::testing::Values(ANABRANCH_UNARY_OPS(ANABRANCH_PARAM) ANABRANCH_BINARY_OPS(ANABRANCH_PARAM)
                                               std::tuple{Op::Add, "same"}),
                         [](const auto& info) {
                           return std::string(graph::op_name(std::get<0>(info.param))) + std::to_string(info.index);
                         });

TEST(DeviceConversion, IsTheCpus) {
  for (int f = 0; f < dtype_count; ++f) {
    for (int t = 0; t < dtype_count; ++t) {
      const Dtype from(static_cast<Dtype::Val>(f)), to(static_cast<Dtype::Val>(t));
      dispatch_dtype(from, [&]<typename T>(T*) {
        const std::vector<T> values = samples<T>();
        const Shape shape{static_cast<ShapeElem>(values.size())};
        Buffer x(from, values.size()), expected(to, values.size()), got(to, values.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
          const T v = values[i];
          std::memcpy(x.data() + i * sizeof(T), &v, sizeof(T));
        }
        Builder p({from});
        p.output(p.add(Op::AsType, from, to, {0}), to);
        execute(p.p, shape, {x.view(shape)}, {expected.view(shape)});
        interpret_on_host(p.p, shape, {x.view(shape)}, {got.view(shape)});
        EXPECT_TRUE(got.intact());
        for (std::size_t i = 0; i < values.size(); ++i) {
          const std::string of = std::string(dtype_name(from)) + " to " + std::string(dtype_name(to)) + " of " +
                                 text_of(static_cast<T>(values[i]));
          dispatch_dtype(to, [&]<typename R>(R*) { expect_close<R>(Op::Select, got, expected, i, of); });
          if (HasFatalFailure()) return;
        }
      });
    }
  }
}

// Programs of operations that have the same bits everywhere.
TEST(Interpreter, RandomProgramsAreTheCpus) {
  int compared = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    RandomCall call(seed);
    const auto& instructions = call.program.instructions;
    const bool exact = std::none_of(instructions.begin(), instructions.end(), [](const auto& i) {
      return i.op == Op::Exp || i.op == Op::Sin || i.op == Op::Tanh || i.op == Op::Erf || i.op == Op::Log1p;
    });
    if (!exact) continue;
    ++compared;
    std::vector<Buffer> expected, got;
    std::vector<runtime::View> expected_views, got_views;
    for (const auto& output : call.program.outputs) {
      expected.emplace_back(output.dtype, static_cast<std::size_t>(element_count(call.shape)));
      got.push_back(expected.back());
    }
    for (std::size_t o = 0; o < got.size(); ++o) {
      expected_views.push_back(expected[o].view(call.shape));
      got_views.push_back(got[o].view(call.shape));
    }
    execute(call.program, call.shape, call.in, expected_views);
    interpret_on_host(call.program, call.shape, call.in, got_views);
    for (std::size_t o = 0; o < got.size(); ++o)
      ASSERT_EQ(got[o], expected[o]) << "output " << o << " over " << to_string(call.shape) << ", seed " << seed;
  }
  EXPECT_GT(compared, 150);
}

// An output may take the place of an input that other outputs need, too.
TEST(Interpreter, OutputsInTheInputsPlace) {
  const Shape shape{100};
  std::mt19937 random(3);
  Buffer x = random_buffer(float32, 100, random), y = x;
  const Buffer before = x;
  Builder p({float32, float32});
  p.output(p.add(Op::Square, float32, float32, {0}), float32).output(p.add(Op::Add, float32, float32, {0, 1}), float32);
  interpret_on_host(p.p, shape, {x.view(shape), y.view(shape)}, {x.view(shape), y.view(shape)});
  for (std::size_t i = 0; i < 100; ++i) {
    const float a = before.at<float>(i);
    EXPECT_EQ(x.at<float>(i), a * a);
    EXPECT_EQ(y.at<float>(i), a + a);
  }
}

}  // namespace
}  // namespace anabranch
