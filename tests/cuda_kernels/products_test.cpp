#include <gtest/gtest.h>

#include "cuda_kernels/run_cuda.h"
#include "kernels/linalg/matrix_by_vector.h"

namespace anabranch {
namespace {

using namespace testing;

void check_product(const View& a, const View& b) {
  const Shape shape = {a.shape[0], b.shape[1]};
  Tensor expected(a.dtype, shape), got(a.dtype, shape);
  run_kernel(kernels::matmul_cpu, {a, b}, expected.view(), NoAttributes{});
  const View out = got.view();
  const std::vector<View> in = {a, b};
  const kernels::MatmulProblem p = kernels::matmul_problem({in, {&out, 1}, nullptr});
  ASSERT_TRUE(kernels::is_matrix_by_vector(p));
  runtime::Launch launch;
  kernels::multiply_by_vector(p, {nullptr, 0, launch});
  launch.clear();
  EXPECT_TRUE(close({elements(expected.view()), elements(got.view())}, 8 * epsilon(a.dtype),
                    9.0L * static_cast<long double>(a.shape[1])))
      << dtype_name(a.dtype) << to_string(a.shape) << to_string(b.shape);
}

TEST(CudaMatrixByVector, DtypesAndLayouts) {
  for (Dtype dtype : {float16, bfloat16, float32, float64, complex64}) {
    for (Layout layout : all_layouts) {
      for (auto [n, k] : {std::pair{1, 1}, {5, 1}, {1, 7}, {40, 64}, {64, 300}, {3, 2100}, {1100, 24}}) {
        Tensor matrix(dtype, {}), vector(dtype, {});
        const View m = laid_out(layout, dtype, {n, k}, 1, matrix, -3, 3);
        const View v = laid_out(layout, dtype, {k, 1}, 2, vector, -3, 3);
        check_product(m, v);
        check_product(permuted(v, {1, 0}), permuted(m, {1, 0}));
      }
    }
  }
}

}  // namespace
}  // namespace anabranch
