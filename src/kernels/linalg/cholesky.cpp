// The Cholesky factorisation: LAPACK's potrf for small matrices, a blocked one over many threads for large ones.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "graph/attributes.h"
#include "kernels/cpu_kernels.h"
#include "kernels/linalg/factorization.h"
#include "kernels/linalg/matmul_problem.h"

namespace anabranch::kernels {
namespace {

// Both factors are the lower one of a matrix in some order of storage: a row-major upper triangle is a column-major
// lower one. `at(i, j)` is the element of row i and column j in that order.
template <typename T>
struct Lower {
  BlasOrder order;
  int n;
  T* data;

  T* at(std::int64_t i, std::int64_t j) const { return data + (order == BlasOrder::RowMajor ? i * n + j : j * n + i); }

  // Factorises the diagonal block of `size` at (j, j).
  blas_int factor(std::int64_t j, int size) const {
    // LAPACK reads columns, so it sees the transpose of a row-major block.
    const char triangle = order == BlasOrder::RowMajor ? 'U' : 'L';
    blas_int info = 0;
    blas_of<T>().potrf(&triangle, &size, at(j, j), &n, &info, 1);
    return info;
  }
  // Solves for rows [i, i + rows) of the block column at j, below its diagonal block.
  void solve(std::int64_t i, int rows, std::int64_t j, int size) const {
    blas_of<T>().trsm(order, Side::Right, Triangle::Lower, Transpose::Yes, Diagonal::NonUnit, rows, size, 1, at(j, j),
                      n, at(i, j), n);
  }
  // Takes the block column at j from the block (i, c) right of it.
  void update(std::int64_t i, int rows, std::int64_t c, int cols, std::int64_t j, int size) const {
    blas_of<T>().gemm(order, Transpose::No, Transpose::Yes, rows, cols, size, -1, at(i, j), n, at(c, j), n, 1, at(i, c),
                      n);
  }
  void clear_upper(std::int64_t first_row, std::int64_t last_row) const {
    for (std::int64_t i = first_row; i < last_row; ++i)
      for (std::int64_t j = i + 1; j < n; ++j) *at(i, j) = 0;
  }
};

template <typename T>
void spread(Lower<T> lower, blas_int* info, runtime::Launch& launch) {
  constexpr std::int64_t edge = 256;
  const std::int64_t n = lower.n;
  const auto size_of = [n](std::int64_t j, std::int64_t step) { return static_cast<int>(std::min(step, n - j)); };
  const auto flops_ns = [](double flops) { return flops * ns_per_factor_flop<T>(large_extent); };
  for (std::int64_t j = 0; j < n; j += block) {
    const int size = size_of(j, block);
    launch.then(flops_ns(std::pow(size, 3)), [=](std::size_t) {
      if (*info == 0) {
        const blas_int failed = lower.factor(j, size);
        if (failed) *info = static_cast<blas_int>(j) + failed;
      }
    });
    const std::int64_t rest = j + size, blocks = (n - rest + edge - 1) / edge;
    if (blocks == 0) break;
    launch.parallel(static_cast<std::size_t>(blocks), flops_ns(1.0 * edge * size * size), [=](std::size_t chunk) {
      const std::int64_t i = rest + static_cast<std::int64_t>(chunk) * edge;
      if (*info == 0) lower.solve(i, size_of(i, edge), j, size);
    });
    launch.parallel(static_cast<std::size_t>(blocks * (blocks + 1) / 2), flops_ns(2.0 * edge * edge * size),
                    [=](std::size_t chunk) {
                      if (*info) return;
                      std::int64_t row = 0, col = static_cast<std::int64_t>(chunk);
                      while (col > row) col -= ++row;
                      const std::int64_t i = rest + row * edge, c = rest + col * edge;
                      lower.update(i, size_of(i, edge), c, size_of(c, edge), j, size);
                    });
  }
  launch.parallel(static_cast<std::size_t>((n + block - 1) / block), 0.3 * block * static_cast<double>(n) / 2,
                  [=](std::size_t chunk) {
                    const std::int64_t i = static_cast<std::int64_t>(chunk) * block;
                    lower.clear_upper(i, i + size_of(i, block));
                  });
}

template <typename T>
void cholesky(const runtime::KernelCall& call, runtime::Launch& launch) {
  Shape batch;
  const MatrixStack in = matrix_stack(call.in[0], batch);
  const std::int64_t n = call.out[0].shape.back(), matrices = matrix_count(batch);
  if (n == 0 || matrices == 0) return;
  T* out = call.out[0].as<T>();
  copy_matrices(in, batch, n, n, sizeof(T), out, launch);
  blas_int* info = info_scratch(matrices, launch);
  const BlasOrder order = call.attrs<graph::CholeskyAttrs>().upper ? BlasOrder::ColMajor : BlasOrder::RowMajor;
  const auto lower = [=](std::int64_t i) { return Lower<T>{order, static_cast<int>(n), out + i * n * n}; };
  if (spread_each(n, matrices)) {
    for (std::int64_t i = 0; i < matrices; ++i) spread(lower(i), info + i, launch);
  } else {
    const double flops = std::pow(static_cast<double>(n), 3) / 3;
    each_matrix(matrices, flops * ns_per_factor_flop<T>(n), launch, [=](std::int64_t i) {
      info[i] = lower(i).factor(0, static_cast<int>(n));
      lower(i).clear_upper(0, n);
    });
  }
  launch.then(static_cast<double>(matrices),
              [=](std::size_t) { require_success(Factorization::Cholesky, info, matrices); });
}

}  // namespace

void cholesky_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  if (call.out[0].dtype == float64) return cholesky<double>(call, launch);
  cholesky<float>(call, launch);
}

}  // namespace anabranch::kernels
