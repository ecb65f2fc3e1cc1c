#include <gtest/gtest.h>

#include "cuda_kernels/run_cuda.h"
#include "kernels/index_map.h"
#include "kernels/indexing/cuda_copy.h"

namespace anabranch {
namespace {

using namespace testing;

TEST(CudaIndexMap, DividesAndCounts) {
  for (std::int64_t d : {1, 2, 3, 5, 7, 32, 641, 65536, 65537, 1 << 30, (1 << 30) + 1, 0x7fffffff}) {
    const kernels::Divisor divisor(d);
    for (std::int64_t n : {std::int64_t{0}, d - 1, d, d + 1, 5 * d - 1, 5 * d, std::int64_t{0x7fffffff},
                           std::int64_t{0x7ffffffe}, std::int64_t{1} << 40})
      EXPECT_EQ(divisor.quotient(n), n / d) << n << " / " << d;
  }
  const Strides wide = {std::int64_t{3} << 31, -5, 1};
  const kernels::IndexMap<1> map({3, 4, 5}, {&wide});
  EXPECT_FALSE(map.narrow);
  EXPECT_EQ(map(2 * 20 + 3 * 5 + 4), (std::int64_t{6} << 31) - 15 + 4);
}

TEST(CudaCopy, AnyLayoutBecomesDense) {
  const Shape shapes[] = {{},        {0, 3},    {1},         {7},          {3, 5},    {64, 64},
                          {130, 67}, {2, 3, 4}, {5, 66, 70}, {3, 1, 9, 2}, {100, 101}};
  for (Dtype dtype : {int8, bfloat16, float32, complex64}) {
    for (const Shape& shape : shapes) {
      for (Layout layout : all_layouts) {
        Tensor memory(dtype, {});
        const View in = laid_out(layout, dtype, shape, 3, memory);
        EXPECT_TRUE(exact(run_both(kernels::copy_cpu, kernels::copy_cuda, {in}, dtype, shape, NoAttributes{})))
            << to_string(shape) << " layout " << static_cast<int>(layout);
      }
    }
  }
}

TEST(CudaCopy, EveryPermutationAndBroadcast) {
  std::vector<int> axes = {0, 1, 2, 3};
  do {
    Tensor memory = Tensor::random(int16, {6, 2, 17, 33}, 1);
    const View in = permuted(memory.view(), axes);
    EXPECT_TRUE(exact(run_both(kernels::copy_cpu, kernels::copy_cuda, {in}, int16, in.shape, NoAttributes{})));
  } while (std::next_permutation(axes.begin(), axes.end()));
  Tensor row = Tensor::random(float64, {5, 1}, 2);
  const View in = broadcast(row.view(), {3, 5, 4});
  EXPECT_TRUE(exact(run_both(kernels::copy_cpu, kernels::copy_cuda, {in}, float64, in.shape, NoAttributes{})));
}

TEST(CudaCopy, TransposesOfPacks) {
  for (Dtype dtype : {int8, float16, float32}) {
    for (const Shape& shape : {Shape{130, 260}, {2, 64, 132}, {3, 66, 67}, {256, 8}}) {
      Tensor memory = Tensor::random(dtype, shape, 1);
      std::vector<int> axes(shape.size());
      for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int>(i);
      std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
      const View turned = permuted(memory.view(), axes);
      for (const View& in : {turned, sliced(turned, 0, 1, turned.shape[0] - 1, 1)})
        EXPECT_TRUE(exact(run_both(kernels::copy_cpu, kernels::copy_cuda, {in}, dtype, in.shape, NoAttributes{})));
    }
  }
}

TEST(CudaCopy, LongRows) {
  for (Dtype dtype : {uint8, bfloat16, float32, complex64}) {
    Tensor memory = Tensor::random(dtype, {3, 2, 5003}, 1);
    for (std::int64_t step : {-7, -1, 1, 2}) {
      for (std::int64_t n : {255, 256, 700}) {
        const View in = sliced(memory.view(), 2, step < 0 ? 5001 : 1, n, step);
        EXPECT_TRUE(exact(run_both(kernels::copy_cpu, kernels::copy_cuda, {in}, dtype, in.shape, NoAttributes{})));
      }
    }
    const View whole = sliced(memory.view(), 0, 2, 3, -1);
    EXPECT_TRUE(exact(run_both(kernels::copy_cpu, kernels::copy_cuda, {whole}, dtype, whole.shape, NoAttributes{})));
  }
}

TEST(CudaCopy, ToStridedRegions) {
  for (Dtype dtype : {uint8, float32}) {
    Tensor from = Tensor::random(dtype, {12, 16}, 1);
    for (std::int64_t step : {-3, -1, 1, 2}) {
      Tensor to(dtype, {50, 40});
      View region = sliced(sliced(to.view(), 0, step < 0 ? 45 : 2, 12, step), 1, 1, 16, step == 2 ? 1 : 2);
      runtime::Launch launch;
      kernels::copy_region(region.data, region.strides, from.view().data, from.view().strides, region.shape,
                           dtype.size(), {nullptr, 0, launch});
      EXPECT_TRUE(exact({elements(from.view()), elements(region)})) << step;
    }
  }
}

TEST(CudaConcatenate, AlongEveryAxis) {
  for (Dtype dtype : {bool_, float16, int64}) {
    for (int axis = 0; axis < 3; ++axis) {
      for (Layout layout : all_layouts) {
        std::vector<Tensor> memory(4, Tensor(dtype, {}));
        std::vector<View> in;
        Shape shape = {4, 30, 50};
        const std::int64_t lengths[] = {3, 0, 1, 20};
        for (std::size_t i = 0; i < 4; ++i) {
          shape[static_cast<std::size_t>(axis)] = lengths[i];
          in.push_back(laid_out(layout, dtype, shape, static_cast<unsigned>(i), memory[i]));
        }
        shape[static_cast<std::size_t>(axis)] = 24;
        EXPECT_TRUE(exact(run_both(kernels::concatenate_cpu, kernels::concatenate_cuda, in, dtype, shape,
                                   graph::ConcatenateAttrs{axis})));
      }
    }
  }
}

void check_gather(const View& source, const std::vector<View>& indices, const graph::GatherAttrs& attrs) {
  Shape shape = indices[0].shape;
  for (auto n : attrs.slice_sizes) shape.push_back(n);
  std::vector<View> in = {source};
  in.insert(in.end(), indices.begin(), indices.end());
  EXPECT_TRUE(exact(run_both(kernels::gather_cpu, kernels::gather_cuda, in, source.dtype, shape, attrs)))
      << to_string(shape);
}

TEST(CudaGather, AnyAxesIndexDtypesAndLayouts) {
  for (Dtype dtype : {uint8, bfloat16, float32, complex64}) {
    for (Dtype index : {uint8, uint16, uint32, uint64, int8, int16, int32, int64}) {
      for (Layout layout : all_layouts) {
        Tensor memory(dtype, {}), held(index, {});
        const View source = laid_out(layout, dtype, {9, 10, 12}, 1, memory);
        const View first = laid_out(layout, index, {5, 7}, 2, held, -9, 8);
        Tensor row = Tensor::random(index, {7}, 5, -9, 9);
        const View second = broadcast(row.view(), {5, 7});
        check_gather(source, {first}, {{0}, {1, 10, 12}});
        check_gather(source, {first}, {{1}, {9, 1, 12}});
        check_gather(source, {first}, {{2}, {4, 10, 1}});
        check_gather(source, {first, second}, {{0, 2}, {1, 10, 1}});
        check_gather(source, {first, second, first}, {{1, 2, 0}, {1, 1, 1}});
      }
    }
  }
}

TEST(CudaGather, RowsAndColumns) {
  for (Dtype dtype : {int8, float16, float32, complex64}) {
    Tensor source = Tensor::random(dtype, {90, 48}, 1), index = Tensor::random(int16, {200}, 4, -48, 47);
    check_gather(source.view(), {index.view()}, {{0}, {1, 48}});
    check_gather(source.view(), {index.view()}, {{1}, {90, 1}});
    check_gather(permuted(source.view(), {1, 0}), {index.view()}, {{0}, {1, 75}});
    check_gather(sliced(source.view(), 0, 89, 90, -1), {index.view()}, {{1}, {90, 1}});
    for (const std::int64_t length : {1031, 2048}) {
      Tensor rows = Tensor::random(dtype, {7, length}, 2), which = Tensor::random(uint8, {5}, 4, 0, 6);
      check_gather(rows.view(), {which.view()}, {{0}, {1, length}});
      check_gather(rows.view(), {which.view()}, {{0}, {1, length - 3}});
    }
  }
}

TEST(CudaGather, OutsideIsTheNearestInside) {
  Tensor source = Tensor::of<float>({4}, {1, 2, 3, 4}), out(float32, {5, 1});
  Tensor index = Tensor::of<std::int32_t>({5}, {4, -5, 1000000, -1000000, -1});
  run_cuda(kernels::gather_cuda, {source.view(), index.view()}, out.view(), graph::GatherAttrs{{0}, {1}});
  EXPECT_TRUE(exact({{4, 1, 4, 1, 4}, elements(out.view())}));
  Tensor empty(float32, {0});
  EXPECT_THROW(run_cuda(kernels::gather_cuda, {empty.view(), index.view()}, out.view(), graph::GatherAttrs{{0}, {1}}),
               std::out_of_range);
}

// What kernels have told of indices.
class Told final : public kernels::IndexFaults {
 public:
  std::uint64_t* expect(const char* function, const kernels::IndexedAxes& axes) override {
    function_ = function;
    axes_ = axes;
    return &word_;
  }
  std::string text() const {
    if (!word_) return "";
    try {
      std::rethrow_exception(kernels::explained_fault(word_, function_, axes_));
    } catch (const std::out_of_range& e) {
      return e.what();
    }
  }

 private:
  const char* function_ = nullptr;
  kernels::IndexedAxes axes_;
  std::uint64_t word_ = 0;
};

TEST(CudaGather, TellsOfIndicesOutside) {
  Tensor source = Tensor::of<float>({2, 2}, {1, 2, 3, 4}), out(float32, {3, 1, 1});
  Tensor inside = Tensor::of<std::int32_t>({3}, {0, 1, -2});
  const graph::GatherAttrs attributes{{0, 1}, {1, 1}};
  const auto text = [&](Tensor i, Tensor j) {
    Told told;
    run_cuda(kernels::gather_cuda, {source.view(), i.view(), j.view()}, out.view(), attributes, &told);
    return told.text();
  };
  EXPECT_EQ(text(inside, inside), "");
  EXPECT_EQ(text(Tensor::of<std::int32_t>({3}, {0, 1, 2}), inside),
            "[gather] index 2 is out of bounds for axis 0 with size 2.");
  EXPECT_EQ(text(inside, Tensor::of<std::int64_t>({3}, {0, -3, 0})),
            "[gather] index -3 is out of bounds for axis 1 with size 2.");
  EXPECT_EQ(text(inside, Tensor::of<std::int64_t>({3}, {std::int64_t{1} << 58, 0, 0})),
            "[gather] index 288230376151711744 is out of bounds for axis 1 with size 2.");
  EXPECT_EQ(text(inside, Tensor::of<std::uint64_t>({3}, {0, ~std::uint64_t{0}, 0})),
            "[gather] an index is out of bounds for axis 1 with size 2.");
}

TEST(CudaFill, ArangeAndEye) {
  for (Dtype dtype : all_dtypes) {
    for (auto [start, step] : {std::pair{0.0, 1.0}, {3.3, 0.1}, {100.0, -3.0}, {-9007199254740992.0, 1.0}}) {
      if (dtype != bool_ && (issubdtype(dtype, signedinteger) || !issubdtype(dtype, integer) || start >= 0)) {
        EXPECT_TRUE(exact(
            run_both(kernels::arange_cpu, kernels::arange_cuda, {}, dtype, {1000}, graph::ArangeAttrs{start, step})))
            << dtype_name(dtype);
      }
    }
    for (auto [rows, columns] : {std::pair{3, 5}, {5, 3}, {1, 1}, {0, 4}, {4, 0}, {60, 50}})
      for (std::int64_t k : {0, 1, -2, 100})
        EXPECT_TRUE(
            exact(run_both(kernels::eye_cpu, kernels::eye_cuda, {}, dtype, {rows, columns}, graph::EyeAttrs{k})));
  }
}

}  // namespace
}  // namespace anabranch
