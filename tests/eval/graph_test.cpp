// Random graphs over several streams and threads, against the same operations done one by one in plain C++.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <random>
#include <thread>

#include "anabranch/memory.h"
#include "graph/node.h"

namespace anabranch {
namespace {

using graph::Op;

// Memory that is somebody else's is read and not written, though no other array knows of it.
TEST(Graph, ForeignMemoryIsNotOverwritten) {
  std::vector<float> theirs = {1, 2, 3, 4};
  const Stream s = new_stream(Device::cpu);
  const array sum = [&] {
    const array x(theirs.data(), {4}, float32, [](void*) {});
    return graph::elementwise(Op::Add, {4}, float32, {&x, &x}, s);
  }();
  EXPECT_EQ(sum.data<float>()[3], 8.0f);
  EXPECT_EQ(theirs, (std::vector<float>{1, 2, 3, 4}));
}

// Of two results of one step, the first does not take the memory of an input that the second one repeats: it may be
// read last.
TEST(Graph, AnInputThatAResultRepeatsIsNotOverwritten) {
  const Stream s = new_stream(Device::cpu);
  const std::vector<bfloat16_t> ones(64, bfloat16_t(1.0f)), fives(64, bfloat16_t(5.0f));
  const array one(ones.data(), {64}, bfloat16);
  const auto [sum, repeated] = [&] {
    const array x(fives.data(), {64}, bfloat16);
    return std::pair(graph::elementwise(Op::Add, {64}, bfloat16, {&one, &one}, s),
                     graph::elementwise(Op::AsType, {64}, float32, {&x}, s));
  }();
  eval(sum, repeated);
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(static_cast<float>(sum.data<bfloat16_t>()[i]), 2.0f);
    EXPECT_EQ(repeated.data<float>()[i], 5.0f);
  }
}

// A program of additions, subtractions, products and maxima over small integers in float64, where all are exact.
struct Program {
  struct Step {
    Op op;
    int a, b;
    int stream;
    bool transposed;  // reads a through a transposed view
  };
  int n;
  std::vector<Step> steps;

  static Program random(std::mt19937& rng, int length, int streams, int n) {
    Program p{n, {}};
    constexpr Op ops[] = {Op::Add, Op::Subtract, Op::Maximum, Op::Minimum};
    for (int i = 0; i < length; ++i) {
      auto pick = [&](int most) { return static_cast<int>(rng() % static_cast<unsigned>(most)); };
      const int values = i + 2;
      const int a = pick(3) ? std::max(0, values - 1 - pick(4)) : pick(values);
      p.steps.push_back({ops[pick(4)], a, pick(values), pick(streams), pick(8) == 0});
    }
    return p;
  }

  std::vector<std::vector<double>> reference() const {
    std::vector<std::vector<double>> v(2, std::vector<double>(static_cast<std::size_t>(n * n)));
    for (int i = 0; i < n * n; ++i) {
      v[0][i] = i % 7 - 3;
      v[1][i] = i % 5;
    }
    for (const Step& s : steps) {
      std::vector<double> out(static_cast<std::size_t>(n * n));
      for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) {
          const double x = s.transposed ? v[s.a][j * n + i] : v[s.a][i * n + j], y = v[s.b][i * n + j];
          double r = 0;
          switch (s.op) {
            case Op::Add: r = x + y; break;
            case Op::Subtract: r = x - y; break;
            case Op::Maximum: r = std::max(x, y); break;
            default: r = std::min(x, y); break;
          }
          out[i * n + j] = std::fmod(r, 1024);  // keeps the values small
        }
      }
      v.push_back(std::move(out));
    }
    return v;
  }

  std::vector<array> build(const std::vector<Stream>& streams) const {
    const auto first = reference_inputs();
    std::vector<array> v = {array(first[0].data(), {n, n}, float64), array(first[1].data(), {n, n}, float64)};
    for (const Step& s : steps) {
      const Stream& stream = streams[static_cast<std::size_t>(s.stream)];
      const array x = s.transposed ? graph::view(v[s.a], {n, n}, {1, n}) : v[s.a];
      const array r = graph::elementwise(s.op, {n, n}, float64, {&x, &v[s.b]}, stream);
      // fmod(r, 1024) = r - 1024 * trunc(r / 1024)
      const array k = graph::full({}, graph::Scalar::of_float(1024, float64), stream);
      const array q = graph::elementwise(Op::Divide, {n, n}, float64, {&r, &k}, stream);
      const array t = graph::elementwise(Op::Trunc, {n, n}, float64, {&q}, stream);
      const array m = graph::elementwise(Op::Multiply, {n, n}, float64, {&t, &k}, stream);
      v.push_back(graph::elementwise(Op::Subtract, {n, n}, float64, {&r, &m}, stream));
    }
    return v;
  }

  std::vector<std::vector<double>> reference_inputs() const { return Program{n, {}}.reference(); }
};

std::vector<Stream> some_streams(int count) {
  std::vector<Stream> out;
  for (int i = 0; i < count; ++i) out.push_back(new_stream(Device::cpu));
  return out;
}

::testing::AssertionResult equal(const array& a, const std::vector<double>& want) {
  const double* got = a.data<double>();
  for (std::size_t i = 0; i < want.size(); ++i)
    if (got[i] != want[i])
      return ::testing::AssertionFailure() << "element " << i << ": " << got[i] << " for " << want[i];
  return ::testing::AssertionSuccess();
}

TEST(RandomGraph, EqualsTheSequentialOracle) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 rng(seed);
    const int streams = 1 + static_cast<int>(seed % 4);
    const Program p = Program::random(rng, 5 + static_cast<int>(seed), streams, seed % 3 == 0 ? 1 : 9);
    const auto want = p.reference();
    std::vector<array> got = p.build(some_streams(streams));
    // Some requested early, some dropped unseen, the rest at the end.
    if (seed % 2) async_eval({got[got.size() / 2]});
    for (std::size_t i = 0; i < got.size(); i += 1 + rng() % 3) ASSERT_TRUE(equal(got[i], want[i])) << "seed " << seed;
    got.erase(got.begin(), got.end() - 1);
    ASSERT_TRUE(equal(got.back(), want.back())) << "seed " << seed;
  }
}

TEST(RandomGraph, ManyThreadsEvaluateOneSharedGraph) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    std::mt19937 rng(1000 + seed);
    const Program p = Program::random(rng, 60, 4, 9);
    const auto want = p.reference();
    const std::vector<array> got = p.build(some_streams(4));
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 mine(seed * 100 + static_cast<unsigned>(t));
        for (int k = 0; k < 30; ++k) {
          const std::size_t i = mine() % got.size();
          if (!equal(got[i], want[i])) ++wrong;
        }
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(wrong, 0);
  }
}

TEST(Graph, AMillionOperationsNeedNoDeepStack) {
  const Stream s = new_stream(Device::cpu), t = new_stream(Device::cpu);
  const array one(1.0f);
  array x(0.0f);
  for (int i = 0; i < 1'000'000; ++i) x = graph::elementwise(Op::Add, {}, float32, {&x, &one}, i % 100'000 ? s : t);
  EXPECT_EQ(x.item<float>(), 1e6f);
  for (int i = 0; i < 1'000'000; ++i) x = graph::elementwise(Op::Add, {}, float32, {&x, &one}, s);
  x = one;  // dropped unevaluated
}

TEST(Graph, AnUpdateLoopHoldsOneStep) {
  const Stream s = new_stream(Device::cpu);
  const array one(1.0f);
  constexpr std::int64_t n = 1 << 16;
  array x = graph::full({n}, graph::Scalar::of_float(0, float32), s);
  x.eval();
  const std::size_t before = get_active_memory();
  reset_peak_memory();
  for (int i = 0; i < 100; ++i) {
    x = graph::elementwise(Op::Add, {n}, float32, {&x, &one}, s);
    x.eval();
  }
  EXPECT_LE(get_peak_memory(), before + 4 * n);  // in place would be `before`; one array more at the most
  EXPECT_EQ(get_active_memory(), before);
  EXPECT_EQ(x.data<float>()[n - 1], 100.0f);
}

TEST(Graph, AnOperandThatSomebodyHoldsIsNotOverwritten) {
  const Stream s = new_stream(Device::cpu);
  const array one(1.0f);
  array x = graph::full({100}, graph::Scalar::of_float(1, float32), s);
  x.eval();
  const array seen = graph::view(x, {10}, {1}, 5);
  x = graph::elementwise(Op::Add, {100}, float32, {&x, &one}, s);
  x.eval();
  EXPECT_EQ(seen.data<float>()[0], 1.0f);
  EXPECT_EQ(x.data<float>()[5], 2.0f);
}

TEST(Graph, EmptyArrays) {
  const Stream s = new_stream(Device::cpu);
  const array e(nullptr, {3, 0}, float32);
  const array r = graph::elementwise(Op::Add, {3, 0}, float32, {&e, &e}, s);
  r.eval();
  EXPECT_EQ(r.size(), 0u);
}

}  // namespace
}  // namespace anabranch
