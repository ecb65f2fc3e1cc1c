// Matrix products by cuBLASLt, which counts by columns: out^T = b^T a^T.
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <tuple>

#include "kernels/cuda_kernels.h"
#include "kernels/indexing/cuda_copy.h"
#include "kernels/linalg/cublaslt.h"
#include "kernels/linalg/matmul_problem.h"
#include "kernels/linalg/matrix_by_vector.h"

namespace anabranch::kernels {
namespace {

// What cuBLASLt advises for Hopper.
constexpr std::size_t most_workspace = 32 << 20;

// Products of float32 in TF32, whose factors have 10 bits after the point and whose sums are float32: MLX's default on
// CUDA. ANABRANCH_TF32=0, or MLX's MLX_ENABLE_TF32=0, asks for float32 throughout.
bool tf32_allowed() {
  static const bool allowed = [] {
    for (const char* name : {"ANABRANCH_TF32", "MLX_ENABLE_TF32"})
      if (const char* value = std::getenv(name)) return std::string_view(value) != "0";
    return true;
  }();
  return allowed;
}

struct Types {
  cudaDataType_t data, scale;
  cublasComputeType_t compute;
};

Types types_of(Dtype dtype) {
  switch (dtype.val) {
    case Dtype::Val::float16: return {CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case Dtype::Val::bfloat16: return {CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case Dtype::Val::float32:
      return {CUDA_R_32F, CUDA_R_32F, tf32_allowed() ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F};
    case Dtype::Val::float64: return {CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F};
    case Dtype::Val::complex64: return {CUDA_C_32F, CUDA_C_32F, CUBLAS_COMPUTE_32F};
    default: throw NotSupported("[matmul] No GPU kernel for " + std::string(dtype_name(dtype)) + ".");
  }
}

// An operand as cuBLASLt reads it, and the step from one matrix of the batch to the next.
struct Operand {
  BlasMatrix layout;
  std::int64_t step;
  std::uint32_t alignment;  // of every matrix, in bytes
  auto key() const { return std::tuple(layout.transposed, layout.ld, step, alignment); }
};

// What an algorithm is chosen for.
struct Problem {
  int device;
  Dtype::Val dtype;
  std::int64_t m, n, k;
  std::int32_t batch;
  std::int64_t out_step;
  std::uint32_t out_alignment;
  Operand a, b;

  auto key() const { return std::tuple(device, dtype, m, n, k, batch, out_step, out_alignment, a.key(), b.key()); }
  friend bool operator<(const Problem& x, const Problem& y) { return x.key() < y.key(); }
};

// Descriptors and the algorithm; threads share them.
struct Plan {
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t first = nullptr, second = nullptr, out = nullptr;
  cublasLtMatmulHeuristicResult_t chosen{};

  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    if (operation) cublaslt().MatmulDescDestroy(operation);
    for (cublasLtMatrixLayout_t layout : {first, second, out})
      if (layout) cublaslt().MatrixLayoutDestroy(layout);
  }
};

void describe(cublasLtMatrixLayout_t& layout, cudaDataType_t type, std::int64_t rows, std::int64_t columns,
              std::int64_t ld, std::int32_t batch, std::int64_t step) {
  const CublasLt& lt = cublaslt();
  lt.check(
      lt.MatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns), ld),
      "describing a matrix");
  if (batch == 1) return;
  lt.check(lt.MatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, sizeof(batch)), "batches");
  lt.check(lt.MatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &step, sizeof(step)),
           "batches");
}

// Column by column, a row-major matrix (rows, cols) is its transpose (cols, rows).
void describe(cublasLtMatrixLayout_t& layout, cudaDataType_t type, std::int64_t rows, std::int64_t columns,
              const Operand& operand, std::int32_t batch) {
  const bool t = operand.layout.transposed;
  describe(layout, type, t ? rows : columns, t ? columns : rows, operand.layout.ld, batch, operand.step);
}

std::shared_ptr<const Plan> make_plan(const Problem& p) {
  const CublasLt& lt = cublaslt();
  const Types types = types_of(p.dtype);
  auto plan = std::make_shared<Plan>();
  lt.check(lt.MatmulDescCreate(&plan->operation, types.compute, types.scale), "describing a product");
  const auto transpose = [&](cublasLtMatmulDescAttributes_t which, bool transposed) {
    const cublasOperation_t operation = transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    lt.check(lt.MatmulDescSetAttribute(plan->operation, which, &operation, sizeof(operation)), "transpositions");
  };
  transpose(CUBLASLT_MATMUL_DESC_TRANSA, p.b.layout.transposed);
  transpose(CUBLASLT_MATMUL_DESC_TRANSB, p.a.layout.transposed);
  describe(plan->first, types.data, p.k, p.n, p.b, p.batch);
  describe(plan->second, types.data, p.m, p.k, p.a, p.batch);
  describe(plan->out, types.data, p.n, p.m, p.n, p.batch, p.out_step);

  cublasLtMatmulPreference_t preference = nullptr;
  lt.check(lt.MatmulPreferenceCreate(&preference), "preferences");
  const std::unique_ptr<std::remove_pointer_t<cublasLtMatmulPreference_t>, decltype(lt.MatmulPreferenceDestroy)> guard(
      preference, lt.MatmulPreferenceDestroy);
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
    lt.check(lt.MatmulPreferenceSetAttribute(preference, which, &value, sizeof(value)), "preferences");
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{most_workspace});
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, p.b.alignment);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, p.a.alignment);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, p.out_alignment);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, p.out_alignment);
  int found = 0;
  const cublasStatus_t status =
      lt.MatmulAlgoGetHeuristic(cublaslt_handle(p.device), plan->operation, plan->first, plan->second, plan->out,
                                plan->out, preference, 1, &plan->chosen, &found);
  if (status != CUBLAS_STATUS_SUCCESS || found == 0) {
    throw NotSupported("[matmul] cuBLASLt has no algorithm for (" + std::to_string(p.m) + ", " + std::to_string(p.k) +
                       ") by (" + std::to_string(p.k) + ", " + std::to_string(p.n) + ") matrices of " +
                       std::string(dtype_name(p.dtype)) + ".");
  }
  return plan;
}

std::shared_ptr<const Plan> plan_for(const Problem& p) {
  constexpr std::size_t most_plans = 4096;
  struct Plans {
    std::mutex mutex;
    std::map<Problem, std::shared_ptr<const Plan>> known;
  };
  static Plans* const plans = new Plans;
  {
    const std::lock_guard lock(plans->mutex);
    const auto at = plans->known.find(p);
    if (at != plans->known.end()) return at->second;
  }
  auto plan = make_plan(p);
  const std::lock_guard lock(plans->mutex);
  if (plans->known.size() >= most_plans) plans->known.clear();
  return plans->known.emplace(p, std::move(plan)).first->second;
}

// The largest power of two, up to 256, that divides all.
std::uint32_t alignment_of(const void* data, std::initializer_list<std::int64_t> byte_steps) {
  auto bits = reinterpret_cast<std::uintptr_t>(data) | 256;
  for (std::int64_t step : byte_steps) bits |= static_cast<std::uintptr_t>(step);
  return static_cast<std::uint32_t>(std::uintptr_t{1} << std::countr_zero(bits));
}

// The operand's matrices as cuBLASLt can read them: as they lie, or copied.
MatrixStack readable(const MatrixStack& stack, const Shape& batch, std::int64_t rows, std::int64_t columns,
                     std::size_t size, BlasMatrix& layout, const CudaLaunch& launch) {
  if (blas_layout(rows, columns, stack.row_stride, stack.col_stride, layout)) return stack;
  const DistinctMatrices distinct = distinct_matrices(stack, batch, rows, columns);
  Shape shape = distinct.batch;
  Strides strides = stack.batch_strides;
  shape.push_back(rows);
  shape.push_back(columns);
  strides.push_back(stack.row_stride);
  strides.push_back(stack.col_stride);
  void* copy = launch.scratch<char>(static_cast<std::size_t>(distinct.count * rows * columns) * size);
  copy_region(copy, contiguous_strides(shape), stack.data, strides, shape, size, launch);
  blas_layout(rows, columns, columns, 1, layout);
  return {copy, columns, 1, distinct.strides};
}

void multiply(const MatmulProblem& given, const CudaLaunch& launch) {
  MatmulProblem p = given;
  const auto size = static_cast<std::int64_t>(p.dtype.size());
  BlasMatrix a, b;
  p.a = readable(p.a, p.batch, p.m, p.k, p.dtype.size(), a, launch);
  p.b = readable(p.b, p.batch, p.k, p.n, p.dtype.size(), b, launch);

  // One axis is the library's batch, the others are a loop.
  std::size_t inner = 0;
  for (std::size_t i = 1; i < p.batch.size(); ++i)
    if (p.batch[i] > p.batch[inner]) inner = i;
  const Strides out_strides = [&] {
    Strides strides = contiguous_strides(p.batch);
    for (std::int64_t& s : strides) s *= p.m * p.n;
    return strides;
  }();
  std::int64_t count = 1, a_step = 0, b_step = 0, out_step = 0;
  Shape outer = p.batch;
  if (!p.batch.empty()) {
    count = p.batch[inner];
    a_step = p.a.batch_strides[inner];
    b_step = p.b.batch_strides[inner];
    out_step = out_strides[inner];
    outer[inner] = 1;
  }
  constexpr std::int64_t most_at_once = 65535;  // some algorithms take no more
  struct {
    float real = 1, imaginary = 0;
  } one;
  const double double_one = 1, double_zero = 0;
  const float zero[2] = {0, 0};
  const bool wide = p.dtype == float64;
  // Products of one stream follow each other, and can work in the same memory.
  std::size_t held = 0;
  void* workspace = nullptr;
  for (std::int64_t i = 0; i < matrix_count(outer); ++i) {
    for (std::int64_t first = 0; first < count; first += most_at_once) {
      const std::int64_t together = std::min(most_at_once, count - first);
      const auto at = [&](const void* data, const Strides& strides, std::int64_t step) {
        return static_cast<const char*>(data) + (batch_offset(outer, strides, i) + first * step) * size;
      };
      const char* from_a = at(p.a.data, p.a.batch_strides, a_step);
      const char* from_b = at(p.b.data, p.b.batch_strides, b_step);
      char* to = const_cast<char*>(at(p.out, out_strides, out_step));
      const Problem problem{launch.device,
                            p.dtype.val,
                            p.m,
                            p.n,
                            p.k,
                            static_cast<std::int32_t>(together),
                            out_step,
                            alignment_of(to, {out_step * size}),
                            {a, a_step, alignment_of(from_a, {a_step * size})},
                            {b, b_step, alignment_of(from_b, {b_step * size})}};
      const auto plan = plan_for(problem);
      if (const std::size_t needed = plan->chosen.workspaceSize; needed > held) {
        workspace = launch.scratch<char>(needed);
        held = needed;
      }
      const CublasLt& lt = cublaslt();
      lt.check(lt.Matmul(cublaslt_handle(launch.device), plan->operation,
                         wide ? static_cast<const void*>(&double_one) : &one, from_b, plan->first, from_a, plan->second,
                         wide ? static_cast<const void*>(&double_zero) : zero, to, plan->out, to, plan->out,
                         &plan->chosen.algo, workspace, held, launch.stream),
               "a product");
    }
  }
}

}  // namespace

void matmul_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const MatmulProblem p = matmul_problem(call);
  const std::int64_t elements = matrix_count(p.batch) * p.m * p.n;
  if (elements == 0) return;
  if (p.k == 0) {
    check(cudaMemsetAsync(p.out, 0, static_cast<std::size_t>(elements) * p.dtype.size(), launch.stream), "matmul");
    return;
  }
  is_matrix_by_vector(p) ? multiply_by_vector(p, launch) : multiply(p, launch);
}

}  // namespace anabranch::kernels
