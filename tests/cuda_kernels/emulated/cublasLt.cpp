#include "cublasLt.h"

#include <bit>
#include <complex>
#include <vector>

#include "kernels/reduce/arithmetic.h"

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

namespace {

using anabranch::bfloat16_t;
using anabranch::complex64_t;
using anabranch::float16_t;

template <typename F>
void with_type(cudaDataType_t type, F f) {
  switch (type) {
    case CUDA_R_32F: return f(static_cast<float*>(nullptr));
    case CUDA_R_64F: return f(static_cast<double*>(nullptr));
    case CUDA_R_16F: return f(static_cast<float16_t*>(nullptr));
    case CUDA_R_16BF: return f(static_cast<bfloat16_t*>(nullptr));
    case CUDA_C_32F: return f(static_cast<complex64_t*>(nullptr));
  }
}

std::int64_t size_of(cudaDataType_t type) {
  std::int64_t size = 0;
  with_type(type, [&](auto* p) { size = sizeof(*p); });
  return size;
}

// What a real library would refuse, or compute wrongly.
bool fits(const EmulatedLayout& m, const void* data, std::uint32_t alignment) {
  const auto address = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(data));
  return m.ld >= m.rows && address % alignment == 0 && (m.batch == 1 || m.step * size_of(m.type) % alignment == 0);
}

// One matrix of a batch, row after row (of its transpose, where that is asked for).
template <typename Wide, typename T>
std::vector<Wide> rows_of(const T* data, const EmulatedLayout& m, bool transposed) {
  std::vector<Wide> rows;
  rows.reserve(static_cast<std::size_t>(m.rows * m.columns));
  for (std::int64_t i = 0; i < (transposed ? m.columns : m.rows); ++i)
    for (std::int64_t j = 0; j < (transposed ? m.rows : m.columns); ++j) {
      const T x = data[transposed ? i * m.ld + j : j * m.ld + i];
      if constexpr (std::is_same_v<T, complex64_t>) rows.emplace_back(x.real(), x.imag());
      else rows.push_back(static_cast<Wide>(static_cast<std::conditional_t<sizeof(T) == 2, float, T>>(x)));
    }
  return rows;
}

template <typename T>
void multiply(const EmulatedOperation& operation, const T* a, const EmulatedLayout& la, const T* b,
              const EmulatedLayout& lb, T* d, const EmulatedLayout& ld) {
  using Wide = std::conditional_t<std::is_same_v<T, complex64_t>, std::complex<double>, double>;
  const auto [ta, tb] = operation.transposed;
  const std::int64_t inner = ta ? la.rows : la.columns;
  for (std::int32_t i = 0; i < ld.batch; ++i) {
    const std::vector<Wide> left = rows_of<Wide>(a + i * la.step, la, ta);
    const std::vector<Wide> right = rows_of<Wide>(b + i * lb.step, lb, tb);
    std::vector<Wide> sums(static_cast<std::size_t>(ld.columns));
    for (std::int64_t row = 0; row < ld.rows; ++row) {
      std::fill(sums.begin(), sums.end(), Wide(0));
      for (std::int64_t k = 0; k < inner; ++k) {
        const Wide x = left[static_cast<std::size_t>(row * inner + k)];
        const Wide* y = right.data() + k * ld.columns;
        for (std::int64_t column = 0; column < ld.columns; ++column)
          sums[static_cast<std::size_t>(column)] += x * y[column];
      }
      for (std::int64_t column = 0; column < ld.columns; ++column) {
        const Wide sum = sums[static_cast<std::size_t>(column)];
        T& to = d[i * ld.step + column * ld.ld + row];
        if constexpr (std::is_same_v<T, complex64_t>)
          to = T(static_cast<float>(sum.real()), static_cast<float>(sum.imag()));
        else to = static_cast<T>(static_cast<std::conditional_t<sizeof(T) == 2, float, T>>(sum));
      }
    }
  }
}

}  // namespace

int emulated_products;

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
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, std::size_t bytes,
                              cudaStream_t stream) {
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
  ++emulated_products;
  // The descriptions may be gone when the product is computed.
  const cudaError_t error = emulated::enqueue(stream, [=, operation = *operation, la = *la, lb = *lb, ld = *ld] {
    with_type(ld.type, [&](auto* p) {
      using T = std::remove_pointer_t<decltype(p)>;
      multiply(operation, static_cast<const T*>(a), la, static_cast<const T*>(b), lb, static_cast<T*>(d), ld);
    });
  });
  return error ? CUBLAS_STATUS_INVALID_VALUE : CUBLAS_STATUS_SUCCESS;
}
