// The same bits on every instruction set, in any order of chunks.
#include <gtest/gtest.h>

#include "graph/attributes.h"
#include "kernels/targets.h"
#include "kernels/tensor.h"

namespace anabranch {
namespace {

using namespace testing;
using graph::ReduceAttrs;
using graph::ReduceKind;

template <typename A>
Bytes result(runtime::CpuKernel kernel, const View& in, Dtype dtype, const Shape& shape, const A& attributes,
             unsigned seed) {
  Tensor out(dtype, shape);
  run_kernel(kernel, {in}, out.view(), attributes, seed);
  return out.bytes();
}

TEST(Targets, Sums) {
  for (Dtype dtype : {bfloat16, float32, complex64}) {
    Tensor t = Tensor::random(dtype, {333, 1501}, 1);
    for (const View& v : {t.view(), permuted(t.view(), {1, 0})}) {
      for (int axes : {1, 2}) {
        const Shape shape(v.shape.begin(), v.shape.end() - axes);
        std::vector<Bytes> all;
        on_each_target(every_target, [&](std::int64_t target) {
          all.push_back(result(kernels::reduce_cpu, v, dtype, shape, ReduceAttrs{ReduceKind::Sum, axes},
                               static_cast<unsigned>(target % 1000)));
        });
        ASSERT_GE(all.size(), 1u);
        for (const Bytes& b : all) EXPECT_EQ(b, all[0]) << dtype_name(dtype) << " over " << axes;
      }
    }
  }
}

TEST(Targets, Softmax) {
  Tensor t = Tensor::random(float32, {20, 1501}, 1, -60, 60);
  std::vector<Bytes> all;
  on_each_target(HWY_AVX2 | HWY_AVX3, [&](std::int64_t target) {
    all.push_back(result(kernels::softmax_cpu, t.view(), float32, {20, 1501}, graph::SoftmaxAttrs{true},
                         static_cast<unsigned>(target % 1000)));
    all.push_back(
        result(kernels::softmax_cpu, sliced(t.view(), 0, 0, 20, 1), float32, {20, 1501}, graph::SoftmaxAttrs{true}, 0));
  });
  for (const Bytes& b : all) EXPECT_EQ(b, all[0]);
}

TEST(Targets, RandomBits) {
  Tensor key = Tensor::of<std::uint32_t>({2}, {7, 9});
  std::vector<Bytes> all;
  on_each_target(every_target, [&](std::int64_t target) {
    all.push_back(result(kernels::random_bits_cpu, key.view(), uint32, {300001}, graph::RandomBitsAttrs{4},
                         static_cast<unsigned>(target % 1000)));
  });
  for (const Bytes& b : all) EXPECT_EQ(b, all[0]);
}

}  // namespace
}  // namespace anabranch
