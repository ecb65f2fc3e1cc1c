// Failures reach exactly what depends on them, every time, and nothing else.
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "anabranch/error.h"
#include "anabranch/memory.h"
#include "graph/node.h"

namespace anabranch {
namespace {

using graph::Op;

array inverse_of_singular(const Stream& s) {
  const array zeros = graph::full({2, 2}, graph::Scalar::of_float(0, float32), s);
  return graph::operation(Op::Inverse, {2, 2}, float32, {zeros.node()}, s);
}

std::string message_of(const array& a) {
  try {
    a.eval();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

TEST(Failure, IsRaisedByEachReadAndNamesTheOperationAndTheStream) {
  const Stream s = new_stream(Device::cpu), t = new_stream(Device::cpu);
  const array bad = inverse_of_singular(s);
  const array dependent = graph::elementwise(Op::Exp, {2, 2}, float32, {&bad}, t);
  const array later = graph::full({2}, graph::Scalar::of_float(3, float32), s);
  async_eval({dependent});
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(dependent.eval(), std::exception);
    EXPECT_THROW(bad.data_ptr(), std::exception);
  }
  EXPECT_EQ(message_of(bad), message_of(dependent));
  EXPECT_NE(message_of(bad).find(to_string(s)), std::string::npos) << message_of(bad);
  EXPECT_NE(message_of(bad).find("inv"), std::string::npos) << message_of(bad);
  std::thread([&] { EXPECT_THROW(dependent.eval(), std::exception); }).join();
  // Later ones on the same stream, and what is built after the failure was seen.
  EXPECT_EQ(later.data<float>()[0], 3.0f);
  const array after = graph::elementwise(Op::Exp, {2, 2}, float32, {&dependent}, t);
  EXPECT_THROW(after.eval(), std::exception);
}

// A constant serves again as long as nothing has computed it: not where that has failed.
TEST(Failure, OfAConstantIsNotThatOfTheNextOne) {
  const Stream s = new_stream(Device::cpu);
  const auto one = [&] { return graph::full({}, graph::Scalar::of_float(1, float32), s); };
  const std::size_t limit = set_memory_limit(1);
  EXPECT_THROW(one().eval(), MemoryError);
  set_memory_limit(limit);
  EXPECT_EQ(one().item<float>(), 1.0f);
}

TEST(Failure, SparesItsNeighboursInAFusedProgram) {
  const Stream s = new_stream(Device::cpu);
  const array bad = inverse_of_singular(s);
  const array good(std::vector<float>{1, 2, 3, 4}, {2, 2});
  const array x = graph::elementwise(Op::Exp, {2, 2}, float32, {&good}, s);
  const array y = graph::elementwise(Op::Add, {2, 2}, float32, {&x, &bad}, s);
  const array z = graph::elementwise(Op::Add, {2, 2}, float32, {&x, &good}, s);
  async_eval({y, z});
  EXPECT_THROW(y.eval(), std::exception);
  EXPECT_NEAR(z.data<float>()[3], std::exp(4.0f) + 4, 1e-4);
}

TEST(Failure, SynchronizeTellsWhatNobodyWasTold) {
  const Stream s = new_stream(Device::cpu);
  const array bad = inverse_of_singular(s);
  async_eval({bad});
  EXPECT_THROW(s.synchronize(), std::exception);
  EXPECT_THROW(synchronize(Device::cpu), std::exception);  // still unread
  EXPECT_THROW(bad.eval(), std::exception);
  s.synchronize();
  {
    const array dropped = inverse_of_singular(s);
    async_eval({dropped});
  }
  EXPECT_THROW(s.synchronize(), std::exception);
  s.synchronize();  // nobody can read it any more: told once
}

TEST(Failure, OverTheMemoryLimitIsAnErrorWithFigures) {
  const Stream s = new_stream(Device::cpu);
  const std::size_t limit = set_memory_limit(get_active_memory() + (1 << 20));
  const array big = graph::full({1 << 22}, graph::Scalar::of_float(1, float32), s);
  EXPECT_THROW(big.eval(), MemoryError);
  EXPECT_NE(message_of(big).find("16777216"), std::string::npos) << message_of(big);
  const array small = graph::full({16}, graph::Scalar::of_float(1, float32), s);
  EXPECT_EQ(small.data<float>()[15], 1.0f);
  set_memory_limit(limit);
  const array again = graph::full({1 << 22}, graph::Scalar::of_float(1, float32), s);
  EXPECT_EQ(again.data<float>()[0], 1.0f);
}

}  // namespace
}  // namespace anabranch
