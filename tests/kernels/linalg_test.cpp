#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "graph/attributes.h"
#include "kernels/cpu_kernels.h"
#include "kernels/run_launch.h"

namespace anabranch::kernels {
namespace {

using runtime::KernelCall;
using runtime::Launch;
using runtime::View;

// How the matrices of an operand lie in memory.
enum class Layout { Rows, Columns, PaddedRows, PaddedColumns, EveryOther, Reversed, ColumnBroadcast };
constexpr Layout all_layouts[] = {Layout::Rows,       Layout::Columns,  Layout::PaddedRows,     Layout::PaddedColumns,
                                  Layout::EveryOther, Layout::Reversed, Layout::ColumnBroadcast};

template <typename T>
T make(float re, float im) {
  if constexpr (std::is_same_v<T, complex64_t>) return {re, im};
  else return static_cast<T>(re);
}
// Exact enough to be a reference for every type.
template <typename T>
auto wide(T x) {
  if constexpr (std::is_same_v<T, complex64_t>) return std::complex<double>(x);
  else return static_cast<double>(x);
}

// A stack of random matrices with its memory.
template <typename T>
struct Stack {
  std::vector<T> memory;
  View view;

  Stack(Shape shape, Layout layout, unsigned seed, bool broadcast_batch = false) {
    const std::size_t nd = shape.size();
    const std::int64_t rows = shape[nd - 2], cols = shape[nd - 1];
    std::int64_t rs = cols, cs = 1, origin = 0, extent = rows * cols;
    switch (layout) {
      case Layout::Rows: break;
      case Layout::Columns: rs = 1, cs = rows; break;
      case Layout::PaddedRows: rs = cols + 5, extent = rows * rs; break;
      case Layout::PaddedColumns: rs = 1, cs = rows + 3, extent = cols * cs; break;
      case Layout::EveryOther: rs = 2 * cols, cs = 2, extent = rows * rs; break;
      case Layout::Reversed: rs = -cols, cs = -1, origin = extent ? extent - 1 : 0; break;
      case Layout::ColumnBroadcast: rs = 1, cs = 0, extent = rows; break;
    }
    Strides strides(nd);
    std::int64_t matrices = 1;
    for (std::size_t axis = nd - 2; axis-- > 0;) {
      strides[axis] = broadcast_batch ? 0 : matrices * extent;
      if (!broadcast_batch) matrices *= shape[axis];
    }
    strides[nd - 2] = rs;
    strides[nd - 1] = cs;
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    memory.resize(static_cast<std::size_t>(matrices * extent) + 1);
    for (T& x : memory) {
      const float re = uniform(random);
      x = make<T>(re, uniform(random));
    }
    view = {memory.data() + origin, TypeToDtype<T>::value, shape, strides};
  }

  T& at(std::int64_t matrix, std::int64_t i, std::int64_t j) const {
    const std::size_t nd = view.shape.size();
    std::int64_t offset = i * view.strides[nd - 2] + j * view.strides[nd - 1];
    for (std::size_t axis = nd - 2; axis-- > 0;) {
      offset += matrix % view.shape[axis] * view.strides[axis];
      matrix /= view.shape[axis];
    }
    return view.as<T>()[offset];
  }
};

std::int64_t batch_of(const Shape& shape) {
  std::int64_t count = 1;
  for (std::size_t i = 0; i + 2 < shape.size(); ++i) count *= shape[i];
  return count;
}

template <typename T>
View dense(std::vector<T>& memory, const Shape& shape) {
  memory.assign(static_cast<std::size_t>(element_count(shape)), make<T>(std::nanf(""), 7));
  return {memory.data(), TypeToDtype<T>::value, shape, contiguous_strides(shape)};
}

void run(runtime::CpuKernel kernel, std::vector<View> in, const View& out, const void* attributes = nullptr) {
  Launch launch;
  kernel(KernelCall{in, {&out, 1}, attributes}, launch);
  run_launch(launch);
}

// The rounding unit of the stored type, and of the type that sums are kept in.
template <typename T>
double unit() {
  if (std::is_same_v<T, double>) return 0x1p-53;
  if (std::is_same_v<T, float16_t>) return 0x1p-11;
  if (std::is_same_v<T, bfloat16_t>) return 0x1p-8;
  return 0x1p-24;
}
template <typename T>
double sum_unit() {
  return std::is_same_v<T, double> ? 0x1p-53 : 0x1p-24;
}

// Compares every `step`-th row with sums in double.
template <typename T>
void check_matmul(const Stack<T>& a, const Stack<T>& b, std::int64_t step = 1) {
  Shape shape = a.view.shape;
  const std::int64_t k = shape.back(), n = b.view.shape.back(), m = shape[shape.size() - 2];
  shape.back() = n;
  std::vector<T> memory;
  const View out = dense(memory, shape);
  run(matmul_cpu, {a.view, b.view}, out);
  const std::int64_t step_a = a.view.strides.back(), step_b = b.view.strides[b.view.strides.size() - 2];
  for (std::int64_t matrix = 0; matrix < batch_of(shape); ++matrix)
    for (std::int64_t i = 0; i < m; i += step)
      for (std::int64_t j = 0; j < n; ++j) {
        const std::int64_t at = (matrix * m + i) * n + j;
        decltype(wide(T())) sum = 0;
        double size = 0;
        const T *pa = &a.at(matrix, i, 0), *pb = &b.at(matrix, 0, j);
        for (std::int64_t p = 0; p < k; ++p) {
          const auto term = wide(pa[p * step_a]) * wide(pb[p * step_b]);
          sum += term;
          size += std::abs(term);
        }
        const double bound =
            2 * static_cast<double>(k + 2) * sum_unit<T>() * size + unit<T>() * std::abs(sum) + 1e-7 * unit<T>();
        ASSERT_LE(std::abs(wide(memory[static_cast<std::size_t>(at)]) - sum), bound)
            << to_string(a.view.shape) << " @ " << to_string(b.view.shape) << " at " << matrix << ", " << i << ", "
            << j;
      }
}

template <typename T>
struct Matmul : testing::Test {};
using MatmulTypes = testing::Types<float, double, complex64_t, float16_t, bfloat16_t>;
TYPED_TEST_SUITE(Matmul, MatmulTypes);

TYPED_TEST(Matmul, EveryLayoutOfBothOperands) {
  for (Layout la : all_layouts)
    for (Layout lb : all_layouts) check_matmul(Stack<TypeParam>({13, 17}, la, 1), Stack<TypeParam>({17, 11}, lb, 2));
}

TYPED_TEST(Matmul, ThinAndOddShapes) {
  const std::int64_t shapes[][3] = {{1, 1, 1},    {1, 70, 1},  {1, 300, 90}, {90, 300, 1}, {257, 64, 3},
                                    {3, 64, 257}, {70, 1, 70}, {2, 3, 1000}, {1000, 3, 2}, {65, 129, 33},
                                    {8, 1030, 8}, {4, 31, 4},  {5, 33, 7}};
  for (const auto& s : shapes)
    for (Layout la : {Layout::Rows, Layout::Columns, Layout::PaddedRows, Layout::EveryOther})
      for (Layout lb : {Layout::Rows, Layout::PaddedColumns, Layout::Reversed})
        check_matmul(Stack<TypeParam>({s[0], s[1]}, la, 3), Stack<TypeParam>({s[1], s[2]}, lb, 4));
}

TYPED_TEST(Matmul, SeveralTiles) {
  check_matmul(Stack<TypeParam>({301, 263}, Layout::Rows, 5), Stack<TypeParam>({263, 290}, Layout::Rows, 6));
  check_matmul(Stack<TypeParam>({290, 520}, Layout::Columns, 5), Stack<TypeParam>({520, 310}, Layout::PaddedRows, 6));
  check_matmul(Stack<TypeParam>({210, 300}, Layout::EveryOther, 5), Stack<TypeParam>({300, 500}, Layout::Columns, 6));
}

TYPED_TEST(Matmul, LargeProducts) {
  for (Layout layout : {Layout::Rows, Layout::Columns, Layout::EveryOther})
    check_matmul(Stack<TypeParam>({530, 750}, layout, 5), Stack<TypeParam>({750, 541}, layout, 6), 23);
  check_matmul(Stack<TypeParam>({2, 530, 750}, Layout::Rows, 5), Stack<TypeParam>({2, 750, 541}, Layout::Rows, 6, true),
               23);
  check_matmul(Stack<TypeParam>({1100, 10}, Layout::Rows, 5), Stack<TypeParam>({10, 1000}, Layout::Columns, 6), 23);
}

// More steps than are packed at once.
TEST(MatmulSlabs, AddUp) {
  check_matmul(Stack<float>({1024, 15000}, Layout::Rows, 5), Stack<float>({15000, 128}, Layout::Rows, 6), 301);
}

TYPED_TEST(Matmul, LongSums) {
  check_matmul(Stack<TypeParam>({3, 70001}, Layout::Rows, 7), Stack<TypeParam>({70001, 2}, Layout::Columns, 8));
  check_matmul(Stack<TypeParam>({20, 40000}, Layout::Rows, 7), Stack<TypeParam>({40000, 24}, Layout::Rows, 8));
}

TYPED_TEST(Matmul, BatchesAndBroadcasts) {
  for (bool broadcast_a : {false, true})
    for (bool broadcast_b : {false, true})
      for (Layout layout : {Layout::Rows, Layout::Columns, Layout::EveryOther}) {
        check_matmul(Stack<TypeParam>({3, 2, 9, 20}, layout, 9, broadcast_a),
                     Stack<TypeParam>({3, 2, 20, 12}, layout, 10, broadcast_b));
        check_matmul(Stack<TypeParam>({300, 5, 6}, layout, 9, broadcast_a),
                     Stack<TypeParam>({300, 6, 2}, layout, 10, broadcast_b));
        check_matmul(Stack<TypeParam>({3, 140, 150}, layout, 9, broadcast_a),
                     Stack<TypeParam>({3, 150, 160}, layout, 10, broadcast_b));
      }
}

TYPED_TEST(Matmul, NothingToSumGivesZeros) {
  Stack<TypeParam> a({2, 3, 0}, Layout::Rows, 1), b({2, 0, 4}, Layout::Rows, 2);
  check_matmul(a, b);
  check_matmul(Stack<TypeParam>({0, 3}, Layout::Rows, 1), Stack<TypeParam>({3, 4}, Layout::Rows, 1));
  check_matmul(Stack<TypeParam>({0, 2, 3}, Layout::Rows, 1), Stack<TypeParam>({0, 3, 4}, Layout::Rows, 1));
}

TYPED_TEST(Matmul, NotANumberAndInfinityArrive) {
  Stack<TypeParam> a({40, 40}, Layout::Rows, 1), b({40, 40}, Layout::Rows, 2);
  a.at(0, 3, 5) = make<TypeParam>(INFINITY, 0);
  a.at(0, 7, 5) = make<TypeParam>(NAN, 0);
  std::vector<TypeParam> memory;
  run(matmul_cpu, {a.view, b.view}, dense(memory, {40, 40}));
  for (int j = 0; j < 40; ++j) {
    EXPECT_FALSE(std::isfinite(std::abs(wide(memory[3 * 40 + j]))));
    EXPECT_FALSE(std::isfinite(std::abs(wide(memory[7 * 40 + j]))));
    EXPECT_TRUE(std::isfinite(std::abs(wide(memory[6 * 40 + j]))));
  }
}

// 16-bit results are rounded once, however long the sum: 4096 + 2048 times 1 is exact in float32 and not in 16 bits.
TYPED_TEST(Matmul, SumsAreKeptWide) {
  Stack<TypeParam> a({1, 2048}, Layout::Rows, 1), b({2048, 40}, Layout::Rows, 2);
  std::fill(a.memory.begin(), a.memory.end(), make<TypeParam>(1, 0));
  std::fill(b.memory.begin(), b.memory.end(), make<TypeParam>(1, 0));
  for (int j = 0; j < 40; ++j) b.at(0, 0, j) = make<TypeParam>(4096, 0);
  std::vector<TypeParam> memory;
  run(matmul_cpu, {a.view, b.view}, dense(memory, {1, 40}));
  for (TypeParam x : memory) EXPECT_EQ(wide(x), wide(make<TypeParam>(4096 + 2047, 0)));
}

// Runs the rest of a scope as a machine would that has nothing better than one of Highway's targets.
class Target {
 public:
  explicit Target(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
  }
  ~Target() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

TYPED_TEST(Matmul, EveryInstructionSet) {
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const Target target(left & -left);
    for (Layout layout : {Layout::Rows, Layout::Columns, Layout::EveryOther}) {
      check_matmul(Stack<TypeParam>({45, 75}, layout, 1), Stack<TypeParam>({75, 69}, layout, 2));
      check_matmul(Stack<TypeParam>({390, 530}, layout, 1), Stack<TypeParam>({530, 490}, layout, 2), 29);
      check_matmul(Stack<TypeParam>({3, 700}, layout, 1), Stack<TypeParam>({700, 70}, layout, 2));
      check_matmul(Stack<TypeParam>({70, 701}, layout, 1), Stack<TypeParam>({701, 7}, layout, 2));
    }
  }
}

TEST(MatmulThreads, ManyAtOnceGiveTheSameBits) {
  const Stack<float> a({200, 300}, Layout::Rows, 1), b({300, 260}, Layout::Columns, 2);
  std::vector<float> expected;
  run(matmul_cpu, {a.view, b.view}, dense(expected, {200, 260}));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        std::vector<float> got;
        run(matmul_cpu, {a.view, b.view}, dense(got, {200, 260}));
        EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0);
      }
    });
  for (auto& t : threads) t.join();
}

template <typename T>
struct Factorized : testing::Test {
  // Random matrices, well away from singular; symmetric positive definite ones where asked.
  static Stack<T> regular(Shape shape, Layout layout, bool definite = false) {
    Stack<T> s(shape, layout, 11);
    const std::int64_t n = shape.back();
    for (std::int64_t m = 0; m < batch_of(shape); ++m)
      for (std::int64_t i = 0; i < n; ++i) {
        if (definite)
          for (std::int64_t j = 0; j < i; ++j) s.at(m, i, j) = s.at(m, j, i);
        s.at(m, i, i) += static_cast<T>(definite ? n : 3);
      }
    return s;
  }
  static double tolerance(std::int64_t n) { return 8 * static_cast<double>(n + 4) * unit<T>(); }
};
// What a sum of products misses its target by, relative to the size of its terms.
struct Residual {
  double sum, size;
  explicit Residual(double target) : sum(-target), size(std::abs(target)) {}
  void take(double a, double x) {
    sum += a * x;
    size += std::abs(a * x);
  }
  double relative() const { return std::abs(sum) / size; }
};
using RealTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(Factorized, RealTypes);

const Shape square_stacks[] = {{1, 1},         {2, 2},     {7, 7},     {5, 3, 3},
                               {2, 3, 30, 30}, {150, 150}, {530, 530}, {2, 520, 520}};
constexpr Layout distinct_layouts[] = {Layout::Rows, Layout::Columns, Layout::EveryOther};

TYPED_TEST(Factorized, InverseTimesMatrixIsIdentity) {
  for (const Shape& shape : square_stacks)
    for (Layout layout : distinct_layouts) {
      const std::int64_t n = shape.back();
      const auto a = this->regular(shape, layout);
      std::vector<TypeParam> x;
      run(inverse_cpu, {a.view}, dense(x, shape));
      double worst = 0;
      for (std::int64_t m = 0; m < batch_of(shape); ++m)
        for (std::int64_t i = 0; i < n; i += std::max<std::int64_t>(1, n / 40))
          for (std::int64_t j = 0; j < n; ++j) {
            Residual r(i == j ? 1 : 0);
            for (std::int64_t p = 0; p < n; ++p)
              r.take(a.at(m, i, p), x[static_cast<std::size_t>((m * n + p) * n + j)]);
            worst = std::max(worst, r.relative());
          }
      EXPECT_LE(worst, this->tolerance(n)) << to_string(shape);
    }
}

TYPED_TEST(Factorized, SolutionSolves) {
  for (const Shape& shape : square_stacks)
    for (std::int64_t columns : {1, 5, 300})
      for (Layout layout : distinct_layouts)
        for (bool broadcast : {false, true}) {
          const std::int64_t n = shape.back();
          const auto a = this->regular(shape, layout);
          Shape right = shape;
          right.back() = columns;
          const Stack<TypeParam> b(right, layout, 12, broadcast);
          std::vector<TypeParam> x;
          run(solve_cpu, {a.view, b.view}, dense(x, right));
          double worst = 0;
          for (std::int64_t m = 0; m < batch_of(shape); ++m)
            for (std::int64_t i = 0; i < n; i += std::max<std::int64_t>(1, n / 20))
              for (std::int64_t j = 0; j < columns; j += std::max<std::int64_t>(1, columns / 20)) {
                Residual r(b.at(m, i, j));
                for (std::int64_t p = 0; p < n; ++p)
                  r.take(a.at(m, i, p), x[static_cast<std::size_t>((m * n + p) * columns + j)]);
                worst = std::max(worst, r.relative());
              }
          EXPECT_LE(worst, this->tolerance(n)) << to_string(shape) << " columns " << columns;
        }
}

TYPED_TEST(Factorized, OneMatrixSolvesForABatch) {
  auto a = this->regular({30, 30}, Layout::Rows);
  a.view.shape = {4, 30, 30};
  a.view.strides = {0, 30, 1};
  const Stack<TypeParam> b({4, 30, 2}, Layout::Rows, 13);
  std::vector<TypeParam> x;
  run(solve_cpu, {a.view, b.view}, dense(x, {4, 30, 2}));
  for (std::int64_t m = 0; m < 4; ++m)
    for (std::int64_t i = 0; i < 30; ++i)
      for (std::int64_t j = 0; j < 2; ++j) {
        Residual r(b.at(m, i, j));
        for (std::int64_t p = 0; p < 30; ++p) r.take(a.at(m, i, p), x[static_cast<std::size_t>((m * 30 + p) * 2 + j)]);
        EXPECT_LE(r.relative(), this->tolerance(30));
      }
}

TYPED_TEST(Factorized, CholeskyFactorTimesItselfIsTheMatrix) {
  for (const Shape& shape : square_stacks)
    for (Layout layout : distinct_layouts)
      for (bool upper : {false, true}) {
        const std::int64_t n = shape.back();
        const auto a = this->regular(shape, layout, true);
        std::vector<TypeParam> f;
        const graph::CholeskyAttrs attrs{upper};
        run(cholesky_cpu, {a.view}, dense(f, shape), &attrs);
        const auto lower = [&](std::int64_t m, std::int64_t i, std::int64_t j) {
          return static_cast<double>(f[upper ? (m * n + j) * n + i : (m * n + i) * n + j]);
        };
        double worst = 0;
        for (std::int64_t m = 0; m < batch_of(shape); ++m)
          for (std::int64_t i = 0; i < n; i += std::max<std::int64_t>(1, n / 40)) {
            for (std::int64_t j = i + 1; j < n; ++j) ASSERT_EQ(lower(m, i, j), 0) << to_string(shape);
            for (std::int64_t j = 0; j <= i; ++j) {
              Residual r(a.at(m, i, j));
              for (std::int64_t p = 0; p <= j; ++p) r.take(lower(m, i, p), lower(m, j, p));
              worst = std::max(worst, r.relative());
            }
          }
        EXPECT_LE(worst, this->tolerance(n)) << to_string(shape) << (upper ? " upper" : " lower");
      }
}

TYPED_TEST(Factorized, CholeskyReadsOneTriangle) {
  Stack<TypeParam> a({2, 2}, Layout::Rows, 1);
  a.memory = {4, 1, 2, 5};
  a.view.data = a.memory.data();
  std::vector<TypeParam> f;
  graph::CholeskyAttrs attrs{false};
  run(cholesky_cpu, {a.view}, dense(f, {2, 2}), &attrs);
  EXPECT_EQ(f, (std::vector<TypeParam>{2, 0, 1, 2}));
  attrs.upper = true;
  run(cholesky_cpu, {a.view}, dense(f, {2, 2}), &attrs);
  EXPECT_EQ(f[1], TypeParam(0.5));
  EXPECT_EQ(f[2], TypeParam(0));
}

TYPED_TEST(Factorized, EmptyStacksGiveNothing) {
  std::vector<TypeParam> x;
  const graph::CholeskyAttrs attrs{false};
  for (const Shape& shape : {Shape{0, 0}, Shape{0, 3, 3}, Shape{2, 0, 0}}) {
    const Stack<TypeParam> a(shape, Layout::Rows, 1);
    run(inverse_cpu, {a.view}, dense(x, shape));
    run(cholesky_cpu, {a.view}, dense(x, shape), &attrs);
    run(solve_cpu, {a.view, a.view}, dense(x, shape));
  }
}

// What running the kernel throws.
template <typename... Args>
std::string failure(const Args&... args) {
  try {
    run(args...);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TYPED_TEST(Factorized, SingularMatricesSayWhich) {
  for (std::int64_t n : {4, 600}) {
    auto a = this->regular({5, n, n}, Layout::Rows);
    for (std::int64_t i = 0; i < n; ++i) a.at(3, i, 2) = a.at(4, i, 1) = 0;
    std::vector<TypeParam> x;
    EXPECT_THAT(failure(inverse_cpu, std::vector<View>{a.view}, dense(x, {5, n, n})),
                testing::StartsWith("[linalg::inv] Matrix 3 of the batch is singular"));
    EXPECT_THAT(failure(solve_cpu, std::vector<View>{a.view, a.view}, dense(x, {5, n, n})),
                testing::StartsWith("[linalg::solve] Matrix 3 of the batch is singular"));
  }
  Stack<TypeParam> one({2, 2}, Layout::Rows, 1);
  std::fill(one.memory.begin(), one.memory.end(), TypeParam(1));
  std::vector<TypeParam> x;
  EXPECT_EQ(failure(inverse_cpu, std::vector<View>{one.view}, dense(x, {2, 2})),
            "[linalg::inv] The matrix is singular (pivot 1 of its LU factorization is zero).");
}

TYPED_TEST(Factorized, IndefiniteMatricesSayWhich) {
  const graph::CholeskyAttrs attrs{false};
  const void* attributes = &attrs;
  for (std::int64_t n : {4, 600}) {
    auto a = this->regular({5, n, n}, Layout::Rows, true);
    a.at(2, n - 2, n - 2) = a.at(4, 0, 0) = -1;
    std::vector<TypeParam> x;
    EXPECT_EQ(failure(cholesky_cpu, std::vector<View>{a.view}, dense(x, {5, n, n}), attributes),
              "[linalg::cholesky] Matrix 2 of the batch is not positive definite (the leading minor of order " +
                  std::to_string(n - 1) + " is not positive).");
  }
}

}  // namespace
}  // namespace anabranch::kernels
