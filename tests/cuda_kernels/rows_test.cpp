#include <gtest/gtest.h>

#include "cuda_kernels/run_cuda.h"

namespace anabranch {
namespace {

using namespace testing;

void check_softmax(const View& in) {
  const graph::SoftmaxAttrs attributes{true};
  const std::string what = std::string(dtype_name(in.dtype)) + to_string(in.shape);
  const long double bound = in.dtype == complex64 ? 256 * epsilon(complex64) : 16 * epsilon(in.dtype);
  EXPECT_TRUE(close(run_both(kernels::softmax_cpu, kernels::softmax_cuda, {in}, in.dtype, in.shape, attributes), bound))
      << what;
  EXPECT_TRUE(close(run_both(kernels::logsumexp_cpu, kernels::logsumexp_cuda, {in}, in.dtype,
                             Shape(in.shape.begin(), in.shape.end() - 1), attributes),
                    bound))
      << what;
}

TEST(CudaSoftmax, DtypesLayoutsAndLengths) {
  for (Dtype dtype : {float16, bfloat16, float32, float64, complex64}) {
    for (Layout layout : all_layouts) {
      for (std::int64_t n : {1, 4, 7, 33, 128, 500, 513, 1024}) {
        Tensor memory(dtype, {});
        check_softmax(laid_out(layout, dtype, {3, 2, n}, 1, memory));
      }
    }
    for (std::int64_t n : {4096, 8193, 40000}) {
      Tensor memory = Tensor::random(dtype, {2, n}, 1);
      check_softmax(memory.view());
    }
  }
}

// More rows than blocks: these go on from row to row, and fetch the next one meanwhile where rows are aligned.
TEST(CudaSoftmax, ManyRows) {
  for (Dtype dtype : {bfloat16, float32, float64, complex64}) {
    for (const Shape& shape :
         {Shape{5000, 3}, {3001, 16}, {2000, 64}, {1100, 200}, {1050, 256}, {140, 1000}, {70, 2048}, {37, 5003}}) {
      Tensor memory = Tensor::random(dtype, shape, 1);
      check_softmax(memory.view());
    }
  }
  for (std::int64_t n : {16384, 16380, 16383}) {
    Tensor memory = Tensor::random(float32, {20, n}, 1), odd = Tensor::random(float32, {20, n + 1}, 1);
    check_softmax(memory.view());
    check_softmax(sliced(odd.view(), 1, 1, n, 1));
  }
}

TEST(CudaSoftmax, InfinitiesAndNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (Dtype dtype : {float16, float32, float64}) {
    for (std::int64_t n : {3, 128, 600, 4096, 40000}) {
      Tensor memory = Tensor::random(dtype, {6, n}, 1);
      for (std::int64_t i = 0; i < n; ++i) memory.set(i, -inf);  // masked altogether
      for (std::int64_t i = 0; i < n - 1; ++i) memory.set(n + i, -inf);
      for (std::int64_t i = n / 3; i < n - n / 3; ++i) memory.set(2 * n + i, -inf);
      memory.set(3 * n + n / 2, inf);
      memory.set(4 * n + n - 1, nan);
      check_softmax(memory.view());
    }
  }
}

void check_scan(const View& in, const graph::ScanAttrs& attributes) {
  const long double n = static_cast<long double>(in.shape.back()), eps = epsilon(in.dtype);
  const bool sums = attributes.kind == graph::ScanKind::Sum, products = attributes.kind == graph::ScanKind::Prod;
  EXPECT_TRUE(close(run_both(kernels::scan_cpu, kernels::scan_cuda, {in}, in.dtype, in.shape, attributes),
                    (products ? 4 * n + 4 : 16 + n / 4) * eps,
                    sums       ? n
                    : products ? 1e-30L
                               : 1))
      << static_cast<int>(attributes.kind) << dtype_name(in.dtype) << to_string(in.shape) << attributes.reverse
      << attributes.inclusive;
}

TEST(CudaScan, KindsDtypesLayoutsAndLengths) {
  using graph::ScanKind;
  for (ScanKind kind : {ScanKind::Sum, ScanKind::Prod, ScanKind::Max, ScanKind::Min, ScanKind::LogAddExp}) {
    for (Dtype dtype : all_dtypes) {
      const bool whole = dtype == bool_ || issubdtype(dtype, integer);
      if (kind == ScanKind::LogAddExp && (whole || dtype == complex64)) continue;
      const int reach = kind == ScanKind::Prod ? 1 : 9;
      for (bool reverse : {false, true}) {
        for (bool inclusive : {false, true}) {
          for (std::int64_t n : {1, 3, 32, 33, 100, 511}) {
            Tensor memory(dtype, {});
            const Layout layout = all_layouts[n % 4];
            check_scan(laid_out(layout, dtype, {3, 3, n}, 1, memory, -reach, reach), {kind, reverse, inclusive});
          }
          for (std::int64_t n : {513, 9000}) {  // a chunk, and two
            if (n > 1000 && dtype != int8 && dtype != float32 && dtype != float64) continue;
            Tensor memory = Tensor::random(dtype, {n > 1000 ? 1 : 2, n}, 1, -reach, reach);
            check_scan(memory.view(), {kind, reverse, inclusive});
          }
        }
      }
    }
  }
}

// Rows of several chunks, of several tiles, of a few warps, and of part of one; more of them than blocks, which go on
// from one to the next. Of lengths that vectors divide, and others.
TEST(CudaScan, ManyChunksAndManyRows) {
  using graph::ScanKind;
  for (const Shape& shape : {Shape{100000},
                             {100001},
                             {3, 50000},
                             {3, 49999},
                             {40, 5000},
                             {40, 4999},
                             {70, 1024},
                             {70, 1023},
                             {600, 256},
                             {600, 255},
                             {4500, 16},
                             {4100, 3}}) {
    Tensor memory = Tensor::random(float32, shape, 1);
    for (bool reverse : {false, true}) {
      for (bool inclusive : {false, true}) {
        const ScanKind kind = reverse == inclusive ? ScanKind::Sum : ScanKind::Max;
        check_scan(memory.view(), {kind, reverse, inclusive});
      }
    }
  }
  for (Dtype dtype : {int8, bfloat16, float64, complex64}) {
    for (const Shape& shape : {Shape{2, 40000}, {40, 4096}, {300, 256}}) {
      Tensor memory = Tensor::random(dtype, shape, 1);
      check_scan(memory.view(), {ScanKind::Sum, false, true});
      check_scan(memory.view(), {ScanKind::Min, true, false});
    }
  }
}

TEST(CudaScan, ExtremesOfNaNAndInfinities) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (Dtype dtype : {float16, bfloat16, float32, float64}) {
    for (float special : {nan, -nan, inf, -inf, 0.0f}) {
      Tensor memory = Tensor::random(dtype, {3, 600}, 1);
      for (std::int64_t place : {0, 700, 1799}) memory.set(place, special);
      for (graph::ScanKind kind : {graph::ScanKind::Max, graph::ScanKind::Min})
        for (bool reverse : {false, true}) check_scan(memory.view(), {kind, reverse, true});
    }
  }
}

TEST(CudaScan, BeginsWithTheFirstElement) {
  for (std::int64_t n : {4, 600}) {
    Tensor memory(float32, {n});
    for (std::int64_t i = 0; i < n; ++i) memory.set(i, -0.0L);
    Tensor out(float32, {n});
    run_cuda(kernels::scan_cuda, {memory.view()}, out.view(), graph::ScanAttrs{graph::ScanKind::Sum, false, true});
    for (std::int64_t i = 0; i < n; ++i) EXPECT_TRUE(std::signbit(out.get(i).real())) << i;
  }
}

void check_sort(const View& in) {
  EXPECT_TRUE(exact(run_both(kernels::argsort_cpu, kernels::argsort_cuda, {in}, uint32, in.shape, NoAttributes{})))
      << dtype_name(in.dtype) << to_string(in.shape);
  EXPECT_TRUE(exact(run_both(kernels::sort_cpu, kernels::sort_cuda, {in}, in.dtype, in.shape, NoAttributes{})))
      << dtype_name(in.dtype) << to_string(in.shape);
}

TEST(CudaSort, DtypesLayoutsAndLengths) {
  for (Dtype dtype : all_dtypes) {
    for (std::int64_t n : {1, 2, 3, 8, 31, 33, 100, 1000, 2048}) {
      Tensor memory(dtype, {});
      check_sort(laid_out(all_layouts[n % 4], dtype, {2, n < 100 ? 70 : 3, n}, 1, memory, -5, 5));
    }
    for (std::int64_t rows : {1, 3, 40}) {
      Tensor memory = Tensor::random(dtype, {rows, 2100}, 1, -99, 99);
      check_sort(memory.view());
    }
  }
  Tensor very_long = Tensor::random(int16, {2, 1 << 20}, 1, -30000, 30000);
  check_sort(very_long.view());
}

TEST(CudaSort, NaNInfinitiesAndZeros) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (Dtype dtype : {float16, bfloat16, float32, float64, complex64}) {
    for (std::int64_t n : {20, 3000}) {
      Tensor memory = Tensor::random(dtype, {2, n}, 1);
      for (auto [place, value] :
           {std::pair{0, nan}, {3, -nan}, {4, inf}, {5, -inf}, {6, -0.0f}, {7, 0.0f}, {8, -0.0f}, {15, nan}, {19, inf}})
        memory.set(place, value);
      EXPECT_TRUE(exact(
          run_both(kernels::argsort_cpu, kernels::argsort_cuda, {memory.view()}, uint32, {2, n}, NoAttributes{})));
      EXPECT_TRUE(
          exact(run_both(kernels::sort_cpu, kernels::sort_cuda, {memory.view()}, dtype, {2, n}, NoAttributes{})));
    }
  }
}

TEST(CudaRandomBits, EveryWidthAndCount) {
  for (int width : {1, 2, 4}) {
    const Dtype dtype = width == 1 ? uint8 : width == 2 ? uint16 : uint32;
    for (std::int64_t n : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100, 1000, 4096, 5003}) {
      for (std::int64_t keys : {1, 3}) {
        Tensor memory = Tensor::random(uint32, {keys, 2}, 7, 0, 1 << 30);
        EXPECT_TRUE(exact(run_both(kernels::random_bits_cpu, kernels::random_bits_cuda, {memory.view()}, dtype,
                                   {keys, n}, graph::RandomBitsAttrs{width})))
            << width << " " << n << " " << keys;
        Tensor turned = Tensor::random(uint32, {2, keys}, 7, 0, 1 << 30);
        EXPECT_TRUE(
            exact(run_both(kernels::random_bits_cpu, kernels::random_bits_cuda, {permuted(turned.view(), {1, 0})},
                           dtype, {keys, n}, graph::RandomBitsAttrs{width})));
      }
    }
  }
}

}  // namespace
}  // namespace anabranch
