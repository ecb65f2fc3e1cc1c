#include <gtest/gtest.h>

#include <stdexcept>

#include "graph/attributes.h"
#include "kernels/indexing/copy.h"
#include "kernels/tensor.h"

namespace anabranch {
namespace {

using namespace testing;
using graph::ScatterKind;

void expect_same(const std::vector<Wide>& got, const std::vector<Wide>& want, const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_TRUE(got[i] == want[i]) << what << " at " << i << ": " << got[i] << " instead of " << want[i];
}

TEST(Copy, AnyLayoutBecomesDense) {
  const Shape shapes[] = {{},        {0, 3},    {1},         {7},          {3, 5},    {64, 64},
                          {130, 67}, {2, 3, 4}, {5, 66, 70}, {3, 1, 9, 2}, {300, 300}};
  for (Dtype dtype : {int8, bfloat16, float32, complex64}) {
    for (const Shape& shape : shapes) {
      for (Layout layout : all_layouts) {
        Tensor memory(dtype, {});
        const View in = laid_out(layout, dtype, shape, 3, memory);
        Tensor out(dtype, shape);
        run_kernel(kernels::copy_cpu, {in}, out.view(), NoAttributes{}, 5);
        expect_same(elements(out.view()), elements(in),
                    to_string(shape) + " layout " + std::to_string(static_cast<int>(layout)));
      }
    }
  }
}

TEST(Copy, EveryPermutationAndBroadcast) {
  std::vector<int> axes = {0, 1, 2, 3};
  do {
    Tensor memory = Tensor::random(int16, {6, 2, 17, 33}, 1);
    const View in = permuted(memory.view(), axes);
    Tensor out(int16, in.shape);
    run_kernel(kernels::copy_cpu, {in}, out.view(), NoAttributes{}, 1);
    expect_same(elements(out.view()), elements(in), "permutation");
  } while (std::next_permutation(axes.begin(), axes.end()));
  Tensor row = Tensor::random(float64, {5, 1}, 2);
  const View in = broadcast(row.view(), {3, 5, 4});
  Tensor out(float64, in.shape);
  run_kernel(kernels::copy_cpu, {in}, out.view(), NoAttributes{});
  expect_same(elements(out.view()), elements(in), "broadcast");
}

TEST(Copy, LargeOnesAreStreamedWhole) {
  for (auto [rows, columns] : {std::pair{1500, 1501}, {2048, 1024}, {3, 800001}, {800001, 3}}) {
    Tensor memory = Tensor::random(int32, {rows, columns}, 4, -100000, 100000);
    for (View in : {memory.view(), permuted(memory.view(), {1, 0})}) {
      Tensor out(int32, in.shape);
      run_kernel(kernels::copy_cpu, {in}, out.view(), NoAttributes{}, 9);
      expect_same(elements(out.view()), elements(in), to_string(in.shape));
    }
  }
}

TEST(Copy, StridedDestination) {
  Tensor from = Tensor::random(int32, {5, 7}, 1);
  Tensor to(int32, {20, 15});
  View region = sliced(sliced(to.view(), 0, 18, 5, -3), 1, 1, 7, 2);
  kernels::strided_copy(region.data, region.strides, from.view().data, from.view().strides, region.shape, 4);
  expect_same(elements(region), elements(from.view()), "region");
}

TEST(Concatenate, AlongEveryAxis) {
  for (Dtype dtype : {bool_, float16, int64}) {
    for (int axis = 0; axis < 3; ++axis) {
      for (Layout layout : all_layouts) {
        std::vector<Tensor> memory(4, Tensor(dtype, {}));
        std::vector<View> in;
        Shape shape = {4, 30, 50};
        const std::int64_t lengths[] = {3, 0, 1, 20};
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < 4; ++i) {
          shape[static_cast<std::size_t>(axis)] = lengths[i];
          in.push_back(laid_out(layout, dtype, shape, static_cast<unsigned>(i), memory[i]));
          sum += lengths[i];
        }
        shape[static_cast<std::size_t>(axis)] = sum;
        Tensor out(dtype, shape);
        run_kernel(kernels::concatenate_cpu, in, out.view(), graph::ConcatenateAttrs{axis}, 2);
        std::int64_t at = 0;
        for (std::size_t i = 0; i < 4; ++i) {
          const View part = sliced(out.view(), static_cast<std::size_t>(axis), at, lengths[i], 1);
          expect_same(elements(part), elements(in[i]), "operand " + std::to_string(i));
          at += lengths[i];
        }
      }
    }
  }
}

TEST(Concatenate, ManySmallAndOneLarge) {
  std::vector<Tensor> memory;
  std::vector<View> in;
  for (int i = 0; i < 500; ++i)
    memory.push_back(Tensor::random(float32, {i == 250 ? 200000 : i % 3}, static_cast<unsigned>(i)));
  std::vector<Wide> want;
  for (Tensor& t : memory) {
    in.push_back(t.view());
    for (std::int64_t k = 0; k < t.size(); ++k) want.push_back(t.get(k));
  }
  Tensor out(float32, {static_cast<std::int64_t>(want.size())});
  run_kernel(kernels::concatenate_cpu, in, out.view(), graph::ConcatenateAttrs{0}, 7);
  expect_same(elements(out.view()), want, "concatenation");
}

// What gather should give, element by element.
std::vector<Wide> gathered(const View& source, const std::vector<View>& indices, const graph::GatherAttrs& attrs) {
  std::vector<Wide> want;
  std::vector<std::vector<Wide>> values;
  for (const View& v : indices) values.push_back(elements(v));
  const std::int64_t n = indices.empty() ? 1 : element_count(indices[0].shape);
  for (std::int64_t i = 0; i < n; ++i) {
    View slice = source;
    slice.shape = attrs.slice_sizes;
    for (std::size_t k = 0; k < indices.size(); ++k) {
      const auto axis = static_cast<std::size_t>(attrs.axes[k]);
      auto index = static_cast<std::int64_t>(values[k][static_cast<std::size_t>(i)].real());
      if (index < 0) index += source.shape[axis];
      slice.data = static_cast<char*>(slice.data) + index * source.strides[axis] * source.dtype.size();
    }
    for (Wide x : elements(slice)) want.push_back(x);
  }
  return want;
}

void check_gather(const View& source, const std::vector<View>& indices, const graph::GatherAttrs& attrs) {
  Shape shape = indices.empty() ? Shape{} : indices[0].shape;
  for (auto n : attrs.slice_sizes) shape.push_back(n);
  Tensor out(source.dtype, shape);
  std::vector<View> in = {source};
  in.insert(in.end(), indices.begin(), indices.end());
  run_kernel(kernels::gather_cpu, in, out.view(), attrs, 3);
  expect_same(elements(out.view()), gathered(source, indices, attrs), to_string(shape));
}

TEST(Gather, AnyAxesIndexDtypesAndLayouts) {
  for (Dtype dtype : {uint8, bfloat16, float32, complex64}) {
    for (Dtype index : {uint8, uint16, uint32, uint64, int8, int16, int32, int64}) {
      for (Layout layout : all_layouts) {
        Tensor memory(dtype, {}), held(index, {}), held2(index, {});
        const View source = laid_out(layout, dtype, {9, 10, 12}, 1, memory);
        const View first = laid_out(layout, index, {5, 7}, 2, held, -9, 8);
        Tensor row = Tensor::random(index, {7}, 5, -9, 9);
        const View second = broadcast(row.view(), {5, 7});
        check_gather(source, {first}, {{0}, {1, 10, 12}});
        check_gather(source, {first}, {{1}, {9, 1, 12}});
        check_gather(source, {first}, {{2}, {4, 10, 1}});
        check_gather(source, {first, second}, {{0, 2}, {1, 10, 1}});
        check_gather(source, {first, second}, {{2, 1}, {9, 1, 1}});
        check_gather(source, {first, second, first}, {{1, 2, 0}, {1, 1, 1}});
      }
    }
  }
}

TEST(Gather, ManySlicesAndHugeOnes) {
  Tensor index = Tensor::random(int32, {3000}, 4, -500, 499);
  for (std::int64_t width : {1, 2, 3, 4, 8, 16, 64, 100}) {
    Tensor source = Tensor::random(float32, {500, width}, 1);
    check_gather(source.view(), {index.view()}, {{0}, {1, width}});
  }
  Tensor source = Tensor::random(float32, {3, 90000}, 1);
  Tensor few = Tensor::of<std::int64_t>({5}, {0, 2, -1, -3, 1});
  check_gather(source.view(), {few.view()}, {{0}, {1, 90000}});
  check_gather(permuted(source.view(), {1, 0}), {few.view()}, {{1}, {90000, 1}});
}

TEST(Gather, ColumnsOfManyRows) {
  for (Dtype dtype : {int8, float16, float32, complex64}) {
    Tensor source = Tensor::random(dtype, {150, 90}, 1), index = Tensor::random(int16, {700}, 4, -90, 89);
    check_gather(source.view(), {index.view()}, {{1}, {150, 1}});
    check_gather(permuted(source.view(), {1, 0}), {index.view()}, {{0}, {1, 130}});
    check_gather(sliced(source.view(), 0, 149, 150, -1), {index.view()}, {{1}, {150, 1}});
    Tensor many = Tensor::random(int32, {9000}, 4, -90, 89);
    check_gather(source.view(), {many.view()}, {{1}, {5, 1}});
  }
}

TEST(Gather, OutsideIsAnError) {
  Tensor source = Tensor::random(float32, {10, 4}, 1);
  const auto message = [&](Tensor index, int axis) -> std::string {
    Tensor out(float32, {index.size(), axis == 0 ? 1 : 10, axis == 0 ? 4 : 1});
    try {
      run_kernel(kernels::gather_cpu, {source.view(), index.view()}, out.view(),
                 graph::GatherAttrs{{axis}, out.shape()[1] == 1 ? Shape{1, 4} : Shape{10, 1}});
    } catch (const std::out_of_range& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(message(Tensor::of<std::int32_t>({3}, {0, 10, 11}), 0),
            "[gather] index 10 is out of bounds for axis 0 with size 10.");
  EXPECT_EQ(message(Tensor::of<std::int8_t>({2}, {-4, -5}), 1),
            "[gather] index -5 is out of bounds for axis 1 with size 4.");
  EXPECT_EQ(message(Tensor::of<std::uint64_t>({1}, {~std::uint64_t{0}}), 0),
            "[gather] index 18446744073709551615 is out of bounds for axis 0 with size 10.");
  EXPECT_EQ(message(Tensor::of<std::int64_t>({2}, {9, -10}), 0), "");
  std::vector<std::int16_t> many(2000, 1);
  many[1999] = 4;
  EXPECT_EQ(message(Tensor::of<std::int16_t>({2000}, many), 1),
            "[gather] index 4 is out of bounds for axis 1 with size 4.");
}

Wide updated(ScatterKind kind, Wide a, Wide b) {
  switch (kind) {
    case ScatterKind::Assign: return b;
    case ScatterKind::Add: return a + b;
    case ScatterKind::Prod: return a * b;
    case ScatterKind::Max: return a.real() < b.real() ? b : a;
    case ScatterKind::Min: return b.real() < a.real() ? b : a;
  }
  return a;
}
constexpr ScatterKind all_kinds[] = {ScatterKind::Assign, ScatterKind::Add, ScatterKind::Prod, ScatterKind::Max,
                                     ScatterKind::Min};

// Scatters into a copy of `target` and, in order and with rounding after each update, by hand.
void check_scatter(ScatterKind kind, Tensor target, const View& updates, const std::vector<View>& indices,
                   const SmallVector<int, 4>& axes, bool in_place) {
  Tensor want = target, out(target.dtype(), target.shape());
  const std::size_t index_axes = updates.shape.size() - target.shape().size();
  const Shape window(updates.shape.begin() + static_cast<std::ptrdiff_t>(index_axes), updates.shape.end());
  std::vector<std::vector<Wide>> values;
  for (const View& v : indices) values.push_back(elements(v));
  const auto source = elements(updates);
  const std::int64_t per = element_count(window), n = element_count(updates.shape) / std::max<std::int64_t>(1, per);
  const Strides strides = contiguous_strides(target.shape()), window_strides = contiguous_strides(window);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t k = 0; k < per; ++k) {
      std::int64_t at = 0;
      for (std::size_t axis = 0; axis < window.size(); ++axis)
        at += k / window_strides[axis] % window[axis] * strides[axis];
      for (std::size_t j = 0; j < indices.size(); ++j) {
        const auto axis = static_cast<std::size_t>(axes[j]);
        auto index = static_cast<std::int64_t>(values[j][static_cast<std::size_t>(i)].real());
        if (index < 0) index += target.shape()[axis];
        at += index * strides[axis];
      }
      want.set(at, updated(kind, want.get(at), source[static_cast<std::size_t>(i * per + k)]));
    }
  }
  const View to = in_place ? target.view() : out.view();
  std::vector<View> in = {target.view(), updates};
  in.insert(in.end(), indices.begin(), indices.end());
  run_kernel(kernels::scatter_cpu, in, to, graph::ScatterAttrs{kind, axes}, 8);
  expect_same(elements(to), elements(want.view()), "scatter " + std::to_string(static_cast<int>(kind)));
}

TEST(Scatter, KindsDtypesAndLayouts) {
  for (ScatterKind kind : all_kinds) {
    for (Dtype dtype : {int8, int32, uint64, float16, float32, float64}) {
      for (Layout layout : all_layouts) {
        Tensor memory(dtype, {}), held(int32, {});
        const View index = laid_out(layout, int32, {4, 3}, 2, held, -6, 5);
        Tensor other = Tensor::random(int32, {3}, 7, -5, 4);
        const View second = broadcast(other.view(), {4, 3});
        const Tensor target = Tensor::random(dtype, {6, 5, 4}, 1, -2, 2);
        for (bool in_place : {false, true}) {
          check_scatter(kind, target, laid_out(layout, dtype, {4, 3, 1, 5, 4}, 3, memory, -2, 2), {index}, {0},
                        in_place);
          check_scatter(kind, target, laid_out(layout, dtype, {4, 3, 6, 1, 4}, 3, memory, -2, 2), {second}, {1},
                        in_place);
          check_scatter(kind, target, laid_out(layout, dtype, {4, 3, 1, 1, 2}, 3, memory, -2, 2), {index, second},
                        {0, 1}, in_place);
        }
      }
    }
  }
}

TEST(Scatter, LargeOnesKeepTheOrder) {
  Tensor index = Tensor::random(int32, {40000}, 2, -100, 99);
  for (ScatterKind kind : {ScatterKind::Assign, ScatterKind::Add}) {
    Tensor updates = Tensor::random(float32, {40000, 1, 6}, 3);
    check_scatter(kind, Tensor::random(float32, {100, 6}, 1), updates.view(), {index.view()}, {0}, false);
    Tensor single = Tensor::random(float32, {40000, 1}, 3);
    check_scatter(kind, Tensor::random(float32, {100}, 1), single.view(), {index.view()}, {0}, true);
  }
}

TEST(Scatter, OutsideWritesNothing) {
  Tensor target = Tensor::random(int32, {4}, 1);
  Tensor updates = Tensor::random(int32, {2, 1}, 2), index = Tensor::of<std::int32_t>({2}, {1, 4});
  EXPECT_THROW(run_kernel(kernels::scatter_cpu, {target.view(), updates.view(), index.view()}, target.view(),
                          graph::ScatterAttrs{ScatterKind::Assign, {0}}),
               std::out_of_range);
  // A region two long fits at 2 but not at 3.
  Tensor wide = Tensor::random(int32, {1, 2}, 2), last = Tensor::of<std::int32_t>({1}, {3});
  EXPECT_THROW(run_kernel(kernels::scatter_cpu, {target.view(), wide.view(), last.view()}, target.view(),
                          graph::ScatterAttrs{ScatterKind::Assign, {0}}),
               std::out_of_range);
}

TEST(SliceUpdate, KindsStepsAndBroadcasts) {
  for (ScatterKind kind : all_kinds) {
    for (Dtype dtype : {uint8, int32, bfloat16, float32, complex64}) {
      if (dtype == complex64 && (kind == ScatterKind::Max || kind == ScatterKind::Prod || kind == ScatterKind::Min))
        continue;
      for (bool in_place : {false, true}) {
        Tensor target = Tensor::random(dtype, {10, 40, 60}, 1, -3, 3);
        Tensor row = Tensor::random(dtype, {4, 1, 20}, 2, -3, 3);
        const View update = broadcast(row.view(), {4, 7, 20});
        Tensor want = target, out(dtype, target.shape());
        const auto region = [](View v) { return sliced(sliced(sliced(v, 0, 8, 4, -2), 1, 3, 7, 5), 2, 59, 20, -3); };
        const auto before = elements(region(target.view())), by = elements(update);
        const View to = in_place ? target.view() : out.view();
        run_kernel(kernels::slice_update_cpu, {target.view(), update}, to,
                   graph::SliceUpdateAttrs{kind, {8, 3, 59}, {-2, 5, -3}}, 2);
        std::int64_t i = 0;
        for (std::int64_t a = 0; a < 4; ++a)
          for (std::int64_t b = 0; b < 7; ++b)
            for (std::int64_t c = 0; c < 20; ++c, ++i)
              want.set((8 - 2 * a) * 2400 + (3 + 5 * b) * 60 + 59 - 3 * c,
                       updated(kind, before[static_cast<std::size_t>(i)], by[static_cast<std::size_t>(i)]));
        expect_same(elements(to), elements(want.view()), "kind " + std::to_string(static_cast<int>(kind)));
      }
    }
  }
}

TEST(Arange, IntegersAndFloats) {
  const auto made = [](Dtype dtype, std::int64_t n, double start, double step) {
    Tensor out(dtype, {n});
    run_kernel(kernels::arange_cpu, {}, out.view(), graph::ArangeAttrs{start, step}, 1);
    return elements(out.view());
  };
  expect_same(made(int32, 4, 5, -2), {5, 3, 1, -1}, "int32");
  expect_same(made(uint8, 6, 3, -1), {3, 2, 1, 0, 255, 254}, "uint8 wraps");
  expect_same(made(int32, 4, 0, 1.5), {0, 1, 2, 3}, "a step is truncated");
  expect_same(made(int64, 2, -9007199254740992.0, 1), {-9007199254740992.0L, -9007199254740991.0L}, "int64");
  const auto floats = made(float32, 100000, 3.3, 0.1);
  for (std::size_t i = 0; i < floats.size(); ++i)
    ASSERT_EQ(floats[i].real(), static_cast<float>(3.3 + static_cast<double>(i) * 0.1)) << i;
  EXPECT_EQ(made(bfloat16, 3, 0, 0.5)[2].real(), 1);
}

TEST(Eye, Diagonals) {
  for (Dtype dtype : all_dtypes) {
    for (auto [rows, columns] : {std::pair{3, 5}, {5, 3}, {1, 1}, {0, 4}, {4, 0}, {200, 190}}) {
      for (std::int64_t k : {0, 1, -2, 4, -4, 100}) {
        Tensor out(dtype, {rows, columns});
        run_kernel(kernels::eye_cpu, {}, out.view(), graph::EyeAttrs{k}, 3);
        for (std::int64_t i = 0; i < out.size(); ++i)
          ASSERT_EQ(out.get(i), Wide(i % columns - i / columns == k))
              << dtype_name(dtype) << " " << rows << " " << k << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace anabranch
