#include <gtest/gtest.h>

#include "cuda_kernels/run_cuda.h"
#include "kernels/reduce/ordered_key.h"

namespace anabranch {
namespace {

using namespace testing;
using graph::ReduceKind;

Dtype result_dtype(ReduceKind kind, Dtype in) {
  if (kind == ReduceKind::Any || kind == ReduceKind::All) return bool_;
  if (kind == ReduceKind::Max || kind == ReduceKind::Min || in.size() >= 4 || !(in == bool_ || issubdtype(in, integer)))
    return in;
  return in == bool_ || issubdtype(in, signedinteger) ? int32 : uint32;
}

void check(ReduceKind kind, const View& in, int reduced, Dtype out) {
  const Shape shape(in.shape.begin(), in.shape.end() - reduced);
  const auto results =
      run_both(kernels::reduce_cpu, kernels::reduce_cuda, {in}, out, shape, graph::ReduceAttrs{kind, reduced});
  const auto n = static_cast<long double>(element_count(in.shape));
  EXPECT_TRUE(close(results, (kind == ReduceKind::Prod ? 4 * n : 8) * epsilon(out), kind == ReduceKind::Sum ? n : 0))
      << static_cast<int>(kind) << " " << dtype_name(in.dtype) << " " << to_string(in.shape) << " by " << reduced;
}

void check(ReduceKind kind, const View& in, int reduced) { check(kind, in, reduced, result_dtype(kind, in.dtype)); }

constexpr ReduceKind all_kinds[] = {ReduceKind::Sum, ReduceKind::Prod, ReduceKind::Max,
                                    ReduceKind::Min, ReduceKind::Any,  ReduceKind::All};

TEST(CudaReduce, KindsDtypesAndLayouts) {
  for (ReduceKind kind : all_kinds) {
    for (Dtype dtype : all_dtypes) {
      for (Layout layout : all_layouts) {
        for (const Shape& shape : {Shape{5, 3, 7}, {2, 40, 64}, {9, 4, 16}}) {
          Tensor memory(dtype, {});
          const int reach = kind == ReduceKind::Prod ? 1 : 9;
          const View in = laid_out(layout, dtype, shape, 3, memory, -reach, reach);
          for (int reduced : {0, 1, 2, 3}) check(kind, in, reduced);
          check(kind, permuted(in, {2, 0, 1}), 1);
          check(kind, permuted(in, {1, 2, 0}), 1);
          check(kind, permuted(in, {1, 0, 2}), 2);
        }
      }
    }
  }
}

// As means are computed.
TEST(CudaReduce, SumsInFloat32) {
  for (Dtype dtype : all_dtypes) {
    if (dtype == float32 || dtype == float64 || dtype == complex64) continue;
    for (Layout layout : all_layouts) {
      Tensor memory(dtype, {});
      const View in = laid_out(layout, dtype, {9, 40, 64}, 3, memory, -9, 9);
      for (int reduced : {0, 1, 2, 3}) check(ReduceKind::Sum, in, reduced, float32);
      check(ReduceKind::Prod, permuted(in, {2, 0, 1}), 1, float32);
    }
  }
}

TEST(CudaReduce, ManySizesOfRowsAndColumns) {
  for (Dtype dtype : {uint8, bfloat16, float32, complex64}) {
    for (std::int64_t n : {1, 2, 3, 4, 8, 15, 16, 31, 33, 64, 100, 127, 128, 255, 257, 1000, 1023, 1024, 1025, 3001}) {
      Tensor memory = Tensor::random(dtype, {5, n}, 1);
      check(ReduceKind::Sum, memory.view(), 1);
      check(ReduceKind::Sum, permuted(memory.view(), {1, 0}), 1);
      check(ReduceKind::Sum, broadcast(memory.view(), {2, 5, n}), 1);
    }
  }
}

TEST(CudaReduce, RowsInParts) {
  Tensor memory = Tensor::random(float32, {3, 40000}, 1);
  for (ReduceKind kind : {ReduceKind::Sum, ReduceKind::Max}) {
    check(kind, memory.view(), 2);
    check(kind, memory.view(), 1);
    check(kind, permuted(memory.view(), {1, 0}), 1);
    check(kind, sliced(memory.view(), 1, 1, 39999, 1), 2);
    check(kind, sliced(memory.view(), 1, 39999, 20000, -2), 1);
  }
  Tensor tall = Tensor::random(float32, {3, 3000, 12}, 1);
  check(ReduceKind::Sum, permuted(tall.view(), {0, 2, 1}), 1);
  check(ReduceKind::Sum, permuted(tall.view(), {2, 0, 1}), 1);
  check(ReduceKind::Sum, permuted(tall.view(), {2, 0, 1}), 2);
}

// Bytes of all values, in columns of which several rows are added at once, and the rest one by one.
TEST(CudaReduce, ColumnsOfBytes) {
  for (Dtype dtype : {bool_, int8, uint8}) {
    for (const Shape& shape : {Shape{700, 64}, {31, 24}, {2100, 8}, {300, 13}}) {
      Tensor memory = dtype == bool_  ? Tensor::random(dtype, shape, 1, 0, 1)
                      : dtype == int8 ? Tensor::random(dtype, shape, 1, -128, 127)
                                      : Tensor::random(dtype, shape, 1, 0, 255);
      for (ReduceKind kind : {ReduceKind::Sum, ReduceKind::Max, ReduceKind::Any})
        check(kind, permuted(memory.view(), {1, 0}), 1);
      const View rows = sliced(memory.view(), 0, 1, shape[0] - 1, 1);
      check(ReduceKind::Sum, permuted(rows, {1, 0}), 1);
    }
  }
}

TEST(CudaReduce, OfNothing) {
  for (ReduceKind kind : all_kinds) {
    Tensor memory(float32, {3, 0});
    if (kind != ReduceKind::Max && kind != ReduceKind::Min) check(kind, memory.view(), 1);
    check(kind, permuted(memory.view(), {1, 0}), 1);
  }
}

TEST(CudaReduce, NaNAndInfinities) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (Dtype dtype : {float16, bfloat16, float32, float64, complex64}) {
    for (float special : {nan, inf, -inf, 0.0f}) {
      for (std::int64_t place : {0, 3, 99}) {
        Tensor memory = Tensor::random(dtype, {100}, 1);
        memory.set(place, special);
        for (ReduceKind kind : {ReduceKind::Max, ReduceKind::Min, ReduceKind::Any, ReduceKind::All})
          check(kind, memory.view(), 1);
        for (bool maximum : {false, true})
          EXPECT_TRUE(exact(run_both(kernels::arg_reduce_cpu, kernels::arg_reduce_cuda, {memory.view()}, uint32, {},
                                     graph::ArgReduceAttrs{maximum})));
      }
      Tensor same = Tensor::of<float>({3}, {special, special, special});
      check(ReduceKind::Max, same.view(), 1);
      check(ReduceKind::Min, same.view(), 1);
    }
  }
}

TEST(CudaArgReduce, DtypesLayoutsAndEquals) {
  for (bool maximum : {false, true}) {
    for (Dtype dtype : all_dtypes) {
      for (Layout layout : all_layouts) {
        for (const Shape& shape : {Shape{5, 3, 7}, {2, 40, 64}, {1, 2, 3000}}) {
          Tensor memory(dtype, {});
          const View in = laid_out(layout, dtype, shape, 3, memory, -3, 3);  // with many equals
          for (const View& v : {in, permuted(in, {2, 1, 0}), permuted(in, {0, 2, 1})})
            EXPECT_TRUE(exact(run_both(kernels::arg_reduce_cpu, kernels::arg_reduce_cuda, {v}, uint32,
                                       Shape(v.shape.begin(), v.shape.end() - 1), graph::ArgReduceAttrs{maximum})))
                << dtype_name(dtype) << to_string(v.shape);
        }
      }
    }
    Tensor tall = Tensor::random(float32, {1200, 40}, 3, -9, 9);  // in parts
    EXPECT_TRUE(exact(run_both(kernels::arg_reduce_cpu, kernels::arg_reduce_cuda, {permuted(tall.view(), {1, 0})},
                               uint32, {40}, graph::ArgReduceAttrs{maximum})));
    Tensor zeros = Tensor::of<float>({4}, {-0.0f, 0.0f, -0.0f, 0.0f});
    EXPECT_TRUE(exact(run_both(kernels::arg_reduce_cpu, kernels::arg_reduce_cuda, {zeros.view()}, uint32, {},
                               graph::ArgReduceAttrs{maximum})));
  }
}

}  // namespace
}  // namespace anabranch
