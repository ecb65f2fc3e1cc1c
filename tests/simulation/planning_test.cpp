// Memory that runs out while a graph is planned, at each place where it can: what was not submitted can be evaluated
// later, as if nothing had been.
#include <gtest/gtest.h>

#include "allocation.h"
#include "anabranch/ops.h"
#include "eval/plan.h"
#include "schedule.h"

namespace anabranch {
namespace {

using simulation::until_refusal;

// Of every kind of step: fused ones with many operands, irregular ones with many, on many streams.
array graph_over(const std::vector<Stream>& streams, const array& x) {
  std::vector<array> parts;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    array sum = add(x, array(static_cast<float>(i)), streams[i]);
    for (const array& part : parts) sum = add(sum, part, streams[i]);
    parts.push_back(slice_update(sum, x, Shape{0, 0}, Shape{2, 2}, streams[i]));
  }
  return add(concatenate(parts, 0, streams[0]), array(1.0f), streams[1]);
}

TEST(Planning, SurvivesEachAllocationThatIsRefused) {
  simulation::warm_up();
  std::vector<Stream> streams;
  for (int i = 0; i < 7; ++i) streams.push_back(new_stream(Device::cpu));
  const std::vector<float> ones = {1, 1, 1, 1};
  const array x(ones, {2, 2});
  const array want = graph_over(streams, x);
  want.eval();

  int refused = 0;
  for (bool reached = true; reached; refused += reached) {
    const array got = graph_over(streams, x);
    until_refusal = refused + 1;
    try {
      evaluation::plan({graph::base_of(got.node().get())});
      reached = until_refusal == 0;
    } catch (const std::bad_alloc&) {
    }
    until_refusal = 0;
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(got.data<float>()[i], want.data<float>()[i]) << "after refusing allocation " << refused + 1;
  }
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace anabranch
