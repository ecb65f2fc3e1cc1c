#include <gtest/gtest.h>

#include "cuda_kernels/run_cuda.h"
#include "kernels/linalg/cublaslt.h"

namespace anabranch {
namespace {

using namespace testing;

void check_product(const View& a, const View& b) {
  Shape shape = a.shape;
  shape.back() = b.shape.back();
  const auto results = run_both(kernels::matmul_cpu, kernels::matmul_cuda, {a, b}, a.dtype, shape, NoAttributes{});
  EXPECT_TRUE(close(results, 8 * epsilon(a.dtype), 9.0L * static_cast<long double>(a.shape.back())))
      << dtype_name(a.dtype) << to_string(a.shape) << to_string(b.shape);
}

TEST(CudaMatmul, DtypesAndLayouts) {
  for (Dtype dtype : {float16, bfloat16, float32, float64, complex64}) {
    for (Layout left : all_layouts) {
      for (Layout right : all_layouts) {
        for (auto [m, k, n] : {std::tuple{2, 3, 4}, {16, 8, 12}, {5, 1, 7}, {1, 9, 5}, {3, 0, 4}}) {
          Tensor x(dtype, {}), y(dtype, {});
          check_product(laid_out(left, dtype, {m, k}, 1, x, -3, 3), laid_out(right, dtype, {k, n}, 2, y, -3, 3));
          check_product(laid_out(left, dtype, {3, 2, m, k}, 1, x, -3, 3),
                        laid_out(right, dtype, {3, 2, k, n}, 2, y, -3, 3));
        }
      }
    }
  }
}

TEST(CudaMatmul, BroadcastsWithoutCopies) {
  Tensor x = Tensor::random(float32, {4, 6, 5}, 1), y = Tensor::random(float32, {5, 7}, 2);
  const View b = broadcast(y.view(), {4, 5, 7});
  emulated_products = 0;
  check_product(x.view(), b);  // as one tall matrix
  EXPECT_EQ(emulated_products, 1);
  Tensor z = Tensor::random(float32, {3, 5, 7}, 2), one = Tensor::random(float32, {6, 5}, 2);
  emulated_products = 0;
  check_product(broadcast(one.view(), {3, 6, 5}), z.view());
  EXPECT_EQ(emulated_products, 1);
  Tensor heads = Tensor::random(float32, {2, 1, 6, 5}, 1), all = Tensor::random(float32, {2, 3, 5, 7}, 2);
  check_product(broadcast(heads.view(), {2, 3, 6, 5}), all.view());
  check_product(permuted(all.view(), {1, 0, 3, 2}), permuted(broadcast(heads.view(), {2, 3, 6, 5}), {1, 0, 3, 2}));
}

}  // namespace
}  // namespace anabranch
