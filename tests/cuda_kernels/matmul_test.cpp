#include <gtest/gtest.h>

#include "cuda_kernels/run_cuda.h"
#include "kernels/linalg/cublaslt.h"

struct EmulatedHandle {};
struct EmulatedOperation {
  bool transposed[2] = {};
};
struct EmulatedLayout {
  cudaDataType_t type;
  std::int64_t rows, columns, ld;
  std::int32_t batch = 1;
  std::int64_t step = 0;
};
struct EmulatedPreference {
  std::uint32_t alignments[4] = {256, 256, 256, 256};
};

namespace anabranch {
namespace {

using namespace testing;

Dtype dtype_of(cudaDataType_t type) {
  switch (type) {
    case CUDA_R_32F: return float32;
    case CUDA_R_64F: return float64;
    case CUDA_R_16F: return float16;
    case CUDA_R_16BF: return bfloat16;
    case CUDA_C_32F: return complex64;
  }
  return bool_;
}

template <typename F>
void with_element(const void* data, const EmulatedLayout& m, std::int64_t matrix, std::int64_t row, std::int64_t column,
                  F f) {
  dispatch_dtype(dtype_of(m.type), [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    f(const_cast<T*>(static_cast<const T*>(data)) + matrix * m.step + column * m.ld + row);
  });
}

Wide element(const void* data, const EmulatedLayout& m, bool transposed, std::int64_t matrix, std::int64_t row,
             std::int64_t column) {
  Wide x;
  with_element(data, m, matrix, transposed ? column : row, transposed ? row : column, [&](auto* p) { x = widen(*p); });
  return x;
}

// What a real library would refuse, or compute wrongly.
bool fits(const EmulatedLayout& m, const void* data, std::uint32_t alignment) {
  const auto bytes = static_cast<std::int64_t>(dtype_of(m.type).size());
  const auto address = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(data));
  return m.ld >= m.rows && address % alignment == 0 && (m.batch == 1 || m.step * bytes % alignment == 0);
}

int products;

}  // namespace
}  // namespace anabranch

using namespace anabranch;

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  static EmulatedHandle one;
  *handle = &one;
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasLtGetStatusString(cublasStatus_t) { return "refused"; }
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t, cudaDataType_t) {
  *made = new EmulatedOperation;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
  delete operation;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t which,
                                              const void* value, std::size_t) {
  operation->transposed[which] = *static_cast<const cublasOperation_t*>(value) == CUBLAS_OP_T;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType_t type, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t ld) {
  *made = new EmulatedLayout{type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns), ld};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t which,
                                                const void* value, std::size_t bytes) {
  if (which == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) std::memcpy(&layout->batch, value, bytes);
  else std::memcpy(&layout->step, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  *made = new EmulatedPreference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t which, const void* value,
                                                    std::size_t) {
  if (which != CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
    preference->alignments[which - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES] =
        *static_cast<const std::uint32_t*>(value);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t preference, int,
                                              cublasLtMatmulHeuristicResult_t* chosen, int* found) {
  std::copy_n(preference->alignments, 4, chosen->algo.alignments);
  chosen->workspaceSize = 64;
  *found = 1;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t operation, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t la, const void* b, cublasLtMatrixLayout_t lb, const void* beta,
                              const void*, cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t ld,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, std::size_t bytes, cudaStream_t) {
  const auto [ta, tb] = operation->transposed;
  const std::int64_t inner = ta ? la->rows : la->columns;
  const bool wide = ld->type == CUDA_R_64F;
  const double one = wide ? *static_cast<const double*>(alpha) : *static_cast<const float*>(alpha);
  const double zero = wide ? *static_cast<const double*>(beta) : *static_cast<const float*>(beta);
  if (one != 1 || zero != 0 || !workspace || bytes < 64 || (ta ? la->columns : la->rows) != ld->rows ||
      (tb ? lb->rows : lb->columns) != ld->columns || (tb ? lb->columns : lb->rows) != inner ||
      la->batch != ld->batch || lb->batch != ld->batch || !fits(*la, a, algorithm->alignments[0]) ||
      !fits(*lb, b, algorithm->alignments[1]) || !fits(*ld, d, algorithm->alignments[3]))
    return CUBLAS_STATUS_INVALID_VALUE;
  ++products;
  for (std::int32_t i = 0; i < ld->batch; ++i) {
    for (std::int64_t row = 0; row < ld->rows; ++row) {
      for (std::int64_t column = 0; column < ld->columns; ++column) {
        Wide sum = 0;
        for (std::int64_t k = 0; k < inner; ++k)
          sum += element(a, *la, ta, i, row, k) * element(b, *lb, tb, i, k, column);
        with_element(d, *ld, i, row, column, [&](auto* p) { *p = narrow<std::remove_pointer_t<decltype(p)>>(sum); });
      }
    }
  }
  return CUBLAS_STATUS_SUCCESS;
}

namespace anabranch {

const kernels::CublasLt& kernels::cublaslt() {
#define ANABRANCH_EMULATED(name) &cublasLt##name,
  static const CublasLt emulated{ANABRANCH_CUBLASLT(ANABRANCH_EMULATED)};
#undef ANABRANCH_EMULATED
  return emulated;
}
cublasLtHandle_t kernels::cublaslt_handle(int) { return nullptr; }
void kernels::CublasLt::check(cublasStatus_t status, const char* what) const {
  if (status != CUBLAS_STATUS_SUCCESS) throw std::runtime_error(what);
}

namespace {

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
  products = 0;
  check_product(x.view(), b);  // as one tall matrix
  EXPECT_EQ(products, 1);
  Tensor z = Tensor::random(float32, {3, 5, 7}, 2), one = Tensor::random(float32, {6, 5}, 2);
  products = 0;
  check_product(broadcast(one.view(), {3, 6, 5}), z.view());
  EXPECT_EQ(products, 1);
  Tensor heads = Tensor::random(float32, {2, 1, 6, 5}, 1), all = Tensor::random(float32, {2, 3, 5, 7}, 2);
  check_product(broadcast(heads.view(), {2, 3, 6, 5}), all.view());
  check_product(permuted(all.view(), {1, 0, 3, 2}), permuted(broadcast(heads.view(), {2, 3, 6, 5}), {1, 0, 3, 2}));
}

}  // namespace
}  // namespace anabranch
