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
constexpr double ns_per_flop = std::is_same_v<T, float>    ? 0.008
                               : std::is_same_v<T, double> ? 0.016
                                                           : 0.032;

// Less than this is done at once: waking another thread takes about as long.
constexpr double at_once_ns = 30e3;

// Whether packing once for all threads pays: where there is much to compute, or so much to write that BLAS, which
// clears the result first, is slow.
bool packing_pays(const MatmulProblem& p) {
  constexpr double flops = 2e8, elements = 1 << 20;
  const double result = static_cast<double>(p.m) * static_cast<double>(p.n);
  return std::min(p.m, p.n) >= 128 && (2 * result * static_cast<double>(p.k) >= flops || result >= elements);
}

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

// The tiles that an (m, n) result is computed in. BLAS packs both operands for each tile, so tiles are as large, and as
// square, as leaves about 16 of them, and no smaller than 128 by 128.
struct Tile {
  std::int64_t rows, cols;
};
Tile tile_for(std::int64_t m, std::int64_t n) {
  const auto edge = [](double area, double other) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(area / other + 63) / 64 * 64, 128, 1024);
  };
  const double area = std::clamp(static_cast<double>(m) * static_cast<double>(n) / 16, 128.0 * 128, 1024.0 * 1024);
  const std::int64_t rows = std::min(m, edge(area, std::sqrt(area)));
  const std::int64_t cols = std::min(n, edge(area, static_cast<double>(rows)));
  return {std::min(m, edge(area, static_cast<double>(cols))), cols};
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
  const auto tile = [p, a, b](std::int64_t batch, std::int64_t i, std::int64_t j, std::int64_t rows,
                              std::int64_t cols) {
    const T* pa = static_cast<const T*>(p.a.data) + batch_offset(p.batch, p.a.batch_strides, batch);
    const T* pb = static_cast<const T*>(p.b.data) + batch_offset(p.batch, p.b.batch_strides, batch);
    T* pc = static_cast<T*>(p.out) + (batch * p.m + i) * p.n + j;
    gemm(a.transposed, b.transposed, static_cast<int>(rows), static_cast<int>(cols), static_cast<int>(p.k),
         pa + i * (a.transposed ? 1 : a.ld), a.ld, pb + j * (b.transposed ? b.ld : 1), b.ld, pc, static_cast<int>(p.n));
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
  const Tile size = tile_for(p.m, p.n);
  const std::int64_t down = (p.m + size.rows - 1) / size.rows, across = (p.n + size.cols - 1) / size.cols;
  const std::int64_t chunks = batches * down * across;
  launch.parallel(static_cast<std::size_t>(chunks), ns / static_cast<double>(chunks), [=](std::size_t chunk) {
    const std::int64_t at = static_cast<std::int64_t>(chunk), i = at / across % down * size.rows;
    const std::int64_t j = at % across * size.cols;
    tile(at / across / down, i, j, std::min(size.rows, p.m - i), std::min(size.cols, p.n - j));
  });
}

void matmul(const MatmulProblem& p, runtime::Launch& launch) {
  switch (p.dtype.val) {
    case Dtype::Val::float32: return packing_pays(p) ? packed_matmul(p, launch) : blas_matmul<float>(p, launch);
    case Dtype::Val::float64: return packing_pays(p) ? packed_matmul(p, launch) : blas_matmul<double>(p, launch);
    case Dtype::Val::complex64: return blas_matmul<complex64_t>(p, launch);
    case Dtype::Val::float16:
    case Dtype::Val::bfloat16:
      return packing_pays(p) ? packed_matmul(p, launch) : unshared_matmul(p, at_once_ns, launch);
    default: throw NotSupported("[matmul] No CPU kernel for " + std::string(dtype_name(p.dtype)) + ".");
  }
}

// How many parts to split the sums of a small result into, so that there are chunks to share.
std::int64_t sum_parts(const MatmulProblem& p) {
  constexpr double flops_each = 5e7;
  constexpr std::int64_t steps_each = 2048, most = 16;
  const std::int64_t tiles = matrix_count(p.batch) * ((p.m + 127) / 128) * ((p.n + 127) / 128);
  if (tiles >= 8) return 1;
  return std::clamp<std::int64_t>(std::min(static_cast<std::int64_t>(p.flops() / flops_each), p.k / steps_each), 1,
                                  most);
}

// The parts of the sums are a further batch axis; what is left of k is one more product. Then all are added up in
// order.
template <typename T, typename Sum>
void split_matmul(const MatmulProblem& p, std::int64_t parts, runtime::Launch& launch) {
  const std::int64_t matrices = matrix_count(p.batch), size = p.m * p.n, steps = p.k / parts,
                     left = p.k - parts * steps;
  MatmulProblem part = p;
  part.k = steps;
  part.batch.push_back(parts);
  part.a.batch_strides.push_back(steps * p.a.col_stride);
  part.b.batch_strides.push_back(steps * p.b.row_stride);
  part.out_dtype = TypeToDtype<Sum>::value;
  Sum* sums = static_cast<Sum*>(launch.scratch(static_cast<std::size_t>(matrices * parts * size) * sizeof(Sum)));
  part.out = sums;
  matmul(part, launch);
  Sum* rest = nullptr;
  if (left) {
    MatmulProblem last = p;
    last.k = left;
    last.a.data = static_cast<const T*>(p.a.data) + parts * steps * p.a.col_stride;
    last.b.data = static_cast<const T*>(p.b.data) + parts * steps * p.b.row_stride;
    last.out_dtype = part.out_dtype;
    rest = static_cast<Sum*>(launch.scratch(static_cast<std::size_t>(matrices * size) * sizeof(Sum)));
    last.out = rest;
    matmul(last, launch);
  }
  launch.parallel(static_cast<std::size_t>(matrices), static_cast<double>(size * parts), [=](std::size_t chunk) {
    const std::int64_t matrix = static_cast<std::int64_t>(chunk);
    Sum* total = sums + matrix * parts * size;
    for (std::int64_t i = 1; i < parts; ++i)
      for (std::int64_t j = 0; j < size; ++j) total[j] += total[i * size + j];
    T* out = static_cast<T*>(p.out) + matrix * size;
    for (std::int64_t j = 0; j < size; ++j)
      out[j] = static_cast<T>(rest ? total[j] + rest[matrix * size + j] : total[j]);
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
  const std::int64_t parts = sum_parts(p);
  if (parts == 1) return matmul(p, launch);
  if (p.dtype == float32) return split_matmul<float, float>(p, parts, launch);
  if (p.dtype == float64) return split_matmul<double, double>(p, parts, launch);
  if (p.dtype == complex64) return split_matmul<complex64_t, complex64_t>(p, parts, launch);
  if (p.dtype == float16) return split_matmul<float16_t, float>(p, parts, launch);
  split_matmul<bfloat16_t, float>(p, parts, launch);
}

}  // namespace anabranch::kernels
