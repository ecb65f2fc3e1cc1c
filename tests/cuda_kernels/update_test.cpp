#include <gtest/gtest.h>

#include "cuda_kernels/run_cuda.h"

namespace anabranch {
namespace {

using namespace testing;
using graph::ScatterKind;

constexpr ScatterKind all_kinds[] = {ScatterKind::Assign, ScatterKind::Add, ScatterKind::Prod, ScatterKind::Max,
                                     ScatterKind::Min};

// Into a copy of the target, and in place.
template <typename A>
void check(runtime::CpuKernel cpu, kernels::CudaKernel gpu, const Tensor& target, std::vector<View> operands,
           const A& attributes, const std::string& what) {
  Tensor original = target;
  operands.insert(operands.begin(), original.view());
  EXPECT_TRUE(exact(run_both(cpu, gpu, operands, target.dtype(), target.shape(), attributes))) << what;
  Tensor on_cpu = target, on_gpu = target;
  operands[0] = on_cpu.view();
  run_kernel(cpu, operands, on_cpu.view(), attributes);
  operands[0] = on_gpu.view();
  run_cuda(gpu, operands, on_gpu.view(), attributes);
  EXPECT_TRUE(exact({elements(on_cpu.view()), elements(on_gpu.view())})) << what << " in place";
}

TEST(CudaScatter, KindsDtypesAndLayouts) {
  for (ScatterKind kind : all_kinds) {
    for (Dtype dtype : all_dtypes) {
      for (Layout layout : all_layouts) {
        Tensor memory(dtype, {}), held(int32, {});
        const View index = laid_out(layout, int32, {4, 3}, 2, held, -6, 5);
        Tensor other = Tensor::random(int32, {3}, 7, -5, 4);
        const View second = broadcast(other.view(), {4, 3});
        const Tensor target = Tensor::random(dtype, {6, 5, 4}, 1, -2, 2);
        const auto scatter = [&](const Shape& updates, const std::vector<View>& indices,
                                 const SmallVector<int, 4>& axes) {
          std::vector<View> operands = {laid_out(layout, dtype, updates, 3, memory, -2, 2)};
          operands.insert(operands.end(), indices.begin(), indices.end());
          check(kernels::scatter_cpu, kernels::scatter_cuda, target, operands, graph::ScatterAttrs{kind, axes},
                std::string(dtype_name(dtype)) + to_string(updates));
        };
        scatter({4, 3, 1, 5, 4}, {index}, {0});
        scatter({4, 3, 6, 1, 4}, {second}, {1});
        scatter({4, 3, 1, 1, 2}, {index, second}, {0, 1});
      }
    }
  }
}

// Rows in items of 16 bytes and less, of updates that begin anywhere.
TEST(CudaScatter, RowsInItems) {
  for (Dtype dtype : {uint8, float16, float32, complex64}) {
    const Tensor target = Tensor::random(dtype, {7, 2, 48}, 1);
    Tensor memory = Tensor::random(dtype, {5, 1, 2, 56}, 3);
    Tensor index = Tensor::of<std::int32_t>({5}, {6, -7, 2, 3, 6});
    for (std::int64_t first : {0, 1, 4, 8}) {
      for (std::int64_t n : {48, 20, 1}) {
        check(kernels::scatter_cpu, kernels::scatter_cuda, target,
              {sliced(memory.view(), 3, first, n, 1), index.view()}, graph::ScatterAttrs{ScatterKind::Assign, {0}},
              std::string(dtype_name(dtype)) + " " + std::to_string(first) + " " + std::to_string(n));
      }
    }
  }
}

// Updates that overlap in part.
TEST(CudaScatter, WindowsAlongIndexedAxes) {
  for (ScatterKind kind : all_kinds) {
    const Tensor target = Tensor::random(float32, {9, 4}, 1, -2, 2);
    Tensor updates = Tensor::random(float32, {6, 3, 2}, 2, -2, 2), index = Tensor::random(int8, {6}, 3, -9, 6);
    for (std::int64_t i = 0; i < 6; ++i)
      if (index.get(i).real() >= -2 && index.get(i).real() < 0) index.set(i, -3);
    check(kernels::scatter_cpu, kernels::scatter_cuda, target, {updates.view(), index.view()},
          graph::ScatterAttrs{kind, {0}}, "windows");
  }
}

TEST(CudaScatter, ManyToFewPlacesAndOne) {
  Tensor index = Tensor::random(int32, {4000}, 2, -10, 9), one = Tensor::of<std::int64_t>({}, {-3});
  for (ScatterKind kind : {ScatterKind::Assign, ScatterKind::Add}) {
    Tensor updates = Tensor::random(float32, {4000, 1, 6}, 3), single = Tensor::random(float32, {1, 6}, 3);
    const Tensor target = Tensor::random(float32, {10, 6}, 1);
    check(kernels::scatter_cpu, kernels::scatter_cuda, target, {updates.view(), index.view()},
          graph::ScatterAttrs{kind, {0}}, "many");
    check(kernels::scatter_cpu, kernels::scatter_cuda, target, {single.view(), one.view()},
          graph::ScatterAttrs{kind, {0}}, "one");
  }
}

TEST(CudaScatter, OutsideIsLeftOut) {
  Tensor target = Tensor::of<std::int32_t>({4}, {0, 0, 0, 0}), out(int32, {4});
  Tensor updates = Tensor::of<std::int32_t>({5, 1}, {1, 2, 3, 4, 5});
  Tensor index = Tensor::of<std::int32_t>({5}, {4, 1, -5, 2000000000, 1});
  run_cuda(kernels::scatter_cuda, {target.view(), updates.view(), index.view()}, out.view(),
           graph::ScatterAttrs{ScatterKind::Add, {0}});
  EXPECT_TRUE(exact({{0, 7, 0, 0}, elements(out.view())}));
}

TEST(CudaSliceUpdate, KindsStepsAndBroadcasts) {
  for (ScatterKind kind : all_kinds) {
    for (Dtype dtype : all_dtypes) {
      const Tensor target = Tensor::random(dtype, {10, 40, 60}, 1, -3, 3);
      Tensor row = Tensor::random(dtype, {4, 1, 20}, 2, -3, 3);
      check(kernels::slice_update_cpu, kernels::slice_update_cuda, target, {broadcast(row.view(), {4, 7, 20})},
            graph::SliceUpdateAttrs{kind, {8, 3, 59}, {-2, 5, -3}}, std::string(dtype_name(dtype)));
      Tensor whole = Tensor::random(dtype, {10, 40, 60}, 3, -3, 3);
      check(kernels::slice_update_cpu, kernels::slice_update_cuda, target, {whole.view()},
            graph::SliceUpdateAttrs{kind, {0, 0, 0}, {1, 1, 1}}, std::string(dtype_name(dtype)));
    }
  }
}

}  // namespace
}  // namespace anabranch
