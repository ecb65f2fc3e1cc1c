// The matrix product on the CPU: how it is cut into chunks, and which kernel computes them.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <type_traits>

#include "anabranch/error.h"
#include "kernels/cpu_kernels.h"
#include "kernels/linalg/blas.h"
#include "kernels/linalg/matmul_problem.h"
#include "kernels/linalg/packed_gemm.h"
#include "kernels/linalg/skinny.h"

namespace anabranch::kernels {
namespace {

// Nanoseconds that one multiplication or addition takes, about; for deciding what is worth spreading.
template <typename T>
constexpr double ns_per_flop = std::is_same_v<T, float> ? 0.008 : std::is_same_v<T, double> ? 0.016 : 0.032;

// Less than this is done at once: waking another thread takes about as long.
constexpr double at_once_ns = 30e3;

// From these sizes on, packing once for all threads pays.
constexpr double packed_flops = 2e8;
constexpr std::int64_t packed_extent = 128;

template <typename T>
void gemm(bool ta, bool tb, int m, int n, int k, const T* a, int lda, const T* b, int ldb, T* c, int ldc) {
  const auto transpose = [](bool t) { return t ? Transpose::Yes : Transpose::No; };
  if constexpr (std::is_same_v<T, complex64_t>) {
    const complex64_t one = 1, zero = 0;
    blas().cgemm(BlasOrder::RowMajor, transpose(ta), transpose(tb), m, n, k, &one, a, lda, b, ldb, &zero, c, ldc);
  } else {
    blas_of<T>().gemm(BlasOrder::RowMajor, transpose(ta), transpose(tb), m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
  }
}

// The edge of the square tiles that an (m, n) result is computed in. BLAS packs both operands for each tile, so tiles
// are as large as leaves about 16 of them, and never under 128.
std::int64_t tile_edge(std::int64_t m, std::int64_t n) {
  const double edge = std::sqrt(static_cast<double>(m) * static_cast<double>(n) / 16);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(edge + 63) / 64 * 64, 128, 1024);
}

template <typename T>
void blas_matmul(MatmulProblem p, runtime::Launch& launch) {
  BlasMatrix a, b;
  if (!blas_layout(p.m, p.k, p.a.row_stride, p.a.col_stride, a)) {
    p.a = pack_matrices(p.a, p.batch, p.m, p.k, sizeof(T), launch);
    a = {false, static_cast<int>(p.k)};
  }
  if (!blas_layout(p.k, p.n, p.b.row_stride, p.b.col_stride, b)) {
    p.b = pack_matrices(p.b, p.batch, p.k, p.n, sizeof(T), launch);
    b = {false, static_cast<int>(p.n)};
  }
  const std::int64_t batches = matrix_count(p.batch);
  const double ns = p.flops() * ns_per_flop<T>;
  const auto tile = [p, a, b](std::int64_t batch, std::int64_t i, std::int64_t j, std::int64_t rows, std::int64_t cols) {
    const T* pa = static_cast<const T*>(p.a.data) + batch_offset(p.batch, p.a.batch_strides, batch);
    const T* pb = static_cast<const T*>(p.b.data) + batch_offset(p.batch, p.b.batch_strides, batch);
    T* pc = static_cast<T*>(p.out) + (batch * p.m + i) * p.n + j;
    gemm(a.transposed, b.transposed, static_cast<int>(rows), static_cast<int>(cols), static_cast<int>(p.k),
         pa + i * (a.transposed ? 1 : a.ld), a.ld, pb + j * (b.transposed ? b.ld : 1), b.ld, pc,
         static_cast<int>(p.n));
  };
  if (ns < at_once_ns && launch.phases().empty()) {
    for (std::int64_t i = 0; i < batches; ++i) tile(i, 0, 0, p.m, p.n);
    return;
  }
  const double ns_per_matrix = ns / static_cast<double>(batches);
  if (ns_per_matrix < 20 * at_once_ns) {
    // Whole matrices, as many to a chunk as take some 100 us.
    const auto per_chunk = static_cast<std::int64_t>(std::clamp(100e3 / ns_per_matrix, 1.0, 1e9));
    const std::int64_t chunks = (batches + per_chunk - 1) / per_chunk;
    launch.parallel(static_cast<std::size_t>(chunks), ns / static_cast<double>(chunks), [=](std::size_t chunk) {
      const std::int64_t first = static_cast<std::int64_t>(chunk) * per_chunk;
      for (std::int64_t i = first; i < std::min(batches, first + per_chunk); ++i) tile(i, 0, 0, p.m, p.n);
    });
    return;
  }
  const std::int64_t edge = tile_edge(p.m, p.n);
  const std::int64_t down = (p.m + edge - 1) / edge, across = (p.n + edge - 1) / edge;
  const std::int64_t chunks = batches * down * across;
  launch.parallel(static_cast<std::size_t>(chunks), ns / static_cast<double>(chunks), [=](std::size_t chunk) {
    const std::int64_t at = static_cast<std::int64_t>(chunk), i = at / across % down * edge, j = at % across * edge;
    tile(at / across / down, i, j, std::min(edge, p.m - i), std::min(edge, p.n - j));
  });
}

}  // namespace

void matmul_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const MatmulProblem p = matmul_problem(call);
  const std::int64_t elements = matrix_count(p.batch) * p.m * p.n;
  if (elements == 0) return;
  if (p.k == 0) {
    std::memset(p.out, 0, static_cast<std::size_t>(elements) * p.dtype.size());
    return;
  }
  if (is_skinny(p)) return skinny_matmul(p, at_once_ns, launch);
  const double flops_each = 2.0 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  switch (p.dtype.val) {
    case Dtype::Val::float32:
      if (flops_each >= packed_flops && std::min(p.m, p.n) >= packed_extent) return packed_matmul(p, launch);
      return blas_matmul<float>(p, launch);
    case Dtype::Val::float64: return blas_matmul<double>(p, launch);
    case Dtype::Val::complex64: return blas_matmul<complex64_t>(p, launch);
    case Dtype::Val::float16:
    case Dtype::Val::bfloat16:
      if (flops_each >= packed_flops && std::min(p.m, p.n) >= packed_extent) return packed_matmul(p, launch);
      return unshared_matmul(p, at_once_ns, launch);
    default:
      throw NotSupported("[matmul] No CPU kernel for " + std::string(dtype_name(p.dtype)) + ".");
  }
}

}  // namespace anabranch::kernels
