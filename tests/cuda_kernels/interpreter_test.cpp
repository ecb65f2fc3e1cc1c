// The interpreter's kernel on the emulated device: slots in shared and in global memory, few blocks and many.
#include "kernels/elementwise/interpreter.h"

#include <gtest/gtest.h>

#include "kernels/device_functions.h"
#include "kernels/random_programs.h"

namespace anabranch {
namespace {

using namespace testing;

void expect_as_on_host(const Program& program, const Shape& shape, const std::vector<runtime::View>& in,
                       int processors) {
  std::vector<Buffer> expected, got;
  std::vector<runtime::View> expected_views, got_views;
  for (const auto& output : program.outputs) {
    expected.emplace_back(output.dtype, static_cast<std::size_t>(element_count(shape)));
    got.push_back(expected.back());
  }
  for (std::size_t o = 0; o < got.size(); ++o) {
    expected_views.push_back(expected[o].view(shape));
    got_views.push_back(got[o].view(shape));
  }
  interpret_on_host(program, shape, in, expected_views);
  kernels::Layout layout;
  kernels::lay_out(shape, in, got_views, layout);
  runtime::Launch launch;
  kernels::interpret_cuda(program, layout, {nullptr, 0, launch}, processors);
  launch.clear();
  for (std::size_t o = 0; o < got.size(); ++o)
    ASSERT_EQ(got[o], expected[o]) << "output " << o << " over " << to_string(shape);
}

TEST(InterpreterKernel, RandomPrograms) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    RandomCall call(seed);
    expect_as_on_host(call.program, call.shape, call.in, 1 + static_cast<int>(seed % 3));
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

// More values are alive at once than shared memory holds, the more of them the fewer threads a block has.
TEST(InterpreterKernel, ManyValues) {
  std::mt19937 random(2);
  const Shape shape{1000};
  Buffer x = random_buffer(float64, 1000, random);
  for (const int values : {5, 20, 40, 80, 120, 250}) {
    Builder p({float64});
    std::vector<int> alive;
    for (int i = 0; i < values / 2; ++i)
      alive.push_back(p.add(Op::Add, float64, float64, {0, alive.empty() ? 0 : alive.back()}));
    int sum = 0;
    for (const int value : alive) sum = p.add(Op::Multiply, float64, float64, {sum, value});
    p.output(sum, float64);
    for (const int value : alive) p.output(value, float64);
    expect_as_on_host(p.p, shape, {x.view(shape)}, 2);
  }
}

}  // namespace
}  // namespace anabranch
