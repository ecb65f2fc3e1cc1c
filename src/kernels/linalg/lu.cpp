// Inverse and linear systems by LU factorisation with partial pivoting.
//
// LAPACK reads columns, so it sees the transpose M of a row-major A, and its M = P L U says A = U' L' P' ('
// transposes). Then A X = B is solved by forward substitution with U', back substitution with L', and the row swaps of
// P, all on B as it lies, row-major: nothing is transposed.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/cpu_kernels.h"
#include "kernels/linalg/factorization.h"
#include "kernels/linalg/matmul_problem.h"

namespace anabranch::kernels {
namespace {

// One square matrix and its factors, in LAPACK's terms: column-major, element (i, j) at data[j * n + i].
template <typename T>
struct Lu {
  int n;
  T* data;
  blas_int* pivots;  // row i was swapped with row pivots[i] - 1
  blas_int* info;

  T* at(std::int64_t i, std::int64_t j) const { return data + j * n + i; }

  // Factorises rows [j, n) of the `size` columns from j. A zero pivot is noted, and the first one kept.
  void factor(std::int64_t j, int size) const {
    const int rows = n - static_cast<int>(j);
    blas_int failed = 0;
    blas_of<T>().getrf(&rows, &size, at(j, j), &n, pivots + j, &failed);
    for (int i = 0; i < size; ++i) pivots[j + i] += static_cast<blas_int>(j);
    if (failed && *info == 0) *info = static_cast<blas_int>(j) + failed;
  }
  // Applies the swaps of block column j to columns [c, c + cols).
  void swap_rows(std::int64_t j, int size, std::int64_t c, int cols) const {
    for (std::int64_t column = c; column < c + cols; ++column) {
      T* x = at(0, column);
      for (std::int64_t i = j; i < j + size; ++i) std::swap(x[i], x[pivots[i] - 1]);
    }
  }
  // Brings columns [c, c + cols), right of block column j, up to date with it.
  void update(std::int64_t j, int size, std::int64_t c, int cols) const {
    swap_rows(j, size, c, cols);
    const auto& blas = blas_of<T>();
    blas.trsm(BlasOrder::ColMajor, Side::Left, Triangle::Lower, Transpose::No, Diagonal::Unit, size, cols, 1, at(j, j),
              n, at(j, c), n);
    const std::int64_t below = j + size;
    if (below < n) {
      blas.gemm(BlasOrder::ColMajor, Transpose::No, Transpose::No, n - static_cast<int>(below), cols, size, -1,
                at(below, j), n, at(j, c), n, 1, at(below, c), n);
    }
  }
  // Solves A X = B in place for `cols` columns of a row-major B with rows of `ldb`.
  void solve(T* b, int cols, int ldb) const {
    const auto& blas = blas_of<T>();
    blas.trsm(BlasOrder::RowMajor, Side::Left, Triangle::Lower, Transpose::No, Diagonal::NonUnit, n, cols, 1, data, n,
              b, ldb);
    blas.trsm(BlasOrder::RowMajor, Side::Left, Triangle::Upper, Transpose::No, Diagonal::Unit, n, cols, 1, data, n, b,
              ldb);
    for (std::int64_t i = n; i-- > 0;) {
      const std::int64_t other = pivots[i] - 1;
      if (other != i) std::swap_ranges(b + i * ldb, b + i * ldb + cols, b + other * ldb);
    }
  }
};

template <typename T>
void factor_spread(Lu<T> lu, runtime::Launch& launch) {
  const std::int64_t n = lu.n;
  const auto size_of = [n](std::int64_t j) { return static_cast<int>(std::min(block, n - j)); };
  const double ns_per_flop = ns_per_factor_flop<T>(n);
  for (std::int64_t j = 0; j < n; j += block) {
    const int size = size_of(j);
    const double panel = static_cast<double>(n - j) * block * block * ns_per_flop;
    launch.then(4 * panel, [=](std::size_t) { lu.factor(j, size); });
    // Columns to the left only take the swaps; those to the right are updated.
    const std::int64_t columns = (n + block - 1) / block;
    if (columns == 1) continue;
    launch.parallel(static_cast<std::size_t>(columns - 1), 2 * panel, [=](std::size_t chunk) {
      const std::int64_t c = static_cast<std::int64_t>(chunk) * block;
      if (c < j) {
        lu.swap_rows(j, size, c, size_of(c));
      } else {
        lu.update(j, size, c + block, size_of(c + block));
      }
    });
  }
}

// Columns of the right-hand sides that one chunk solves for: enough that packing the factors doesn't matter.
std::int64_t solve_width(std::int64_t n, std::int64_t columns) {
  return std::min<std::int64_t>(columns, n >= 1024 ? 128 : 256);
}

// Factorises the distinct matrices of `in`, then calls right_side(i, first_column, columns) to fill those columns of
// the dense out[i] before they are solved for.
template <typename T, typename F>
void solve(Factorization kind, const runtime::View& in, const runtime::View& result, runtime::Launch& launch,
           F right_side) {
  Shape batch;
  const MatrixStack stack = matrix_stack(in, batch);
  const std::int64_t n = result.shape[result.shape.size() - 2], columns = result.shape.back();
  const std::int64_t systems = matrix_count(batch);
  T* out = result.as<T>();
  const DistinctMatrices distinct = distinct_matrices(stack, batch, n, n);
  auto* factors = static_cast<T*>(launch.scratch(static_cast<std::size_t>(distinct.count * n * n) * sizeof(T)));
  copy_matrices(stack, distinct.batch, n, n, sizeof(T), factors, launch);
  auto* pivots =
      static_cast<blas_int*>(launch.scratch(static_cast<std::size_t>(distinct.count * n) * sizeof(blas_int)));
  blas_int* info = info_scratch(distinct.count, launch);
  const auto lu = [=](std::int64_t i) {
    return Lu<T>{static_cast<int>(n), factors + i * n * n, pivots + i * n, info + i};
  };
  if (spread_each(n, distinct.count)) {
    for (std::int64_t i = 0; i < distinct.count; ++i) factor_spread(lu(i), launch);
  } else {
    const double flops = 2 * std::pow(static_cast<double>(n), 3) / 3;
    each_matrix(distinct.count, flops * ns_per_factor_flop<T>(n), launch,
                [=](std::int64_t i) { lu(i).factor(0, static_cast<int>(n)); });
  }
  launch.then(static_cast<double>(distinct.count), [=](std::size_t) { require_success(kind, info, distinct.count); });
  const std::int64_t width = solve_width(n, columns), panels = (columns + width - 1) / width;
  const double flops = 2 * std::pow(static_cast<double>(n), 2) * static_cast<double>(width);
  each_matrix(systems * panels, flops * ns_per_factor_flop<T>(n), launch, [=](std::int64_t at) {
    const std::int64_t i = at / panels, first = at % panels * width, count = std::min(width, columns - first);
    right_side(i, first, count);
    const std::int64_t factored = batch_offset(batch, distinct.strides, i) / (n * n);
    lu(factored).solve(out + i * n * columns + first, static_cast<int>(count), static_cast<int>(columns));
  });
}

template <typename T>
void inverse(const runtime::KernelCall& call, runtime::Launch& launch) {
  const std::int64_t n = call.out[0].shape.back();
  T* out = call.out[0].as<T>();
  solve<T>(Factorization::InverseLU, call.in[0], call.out[0], launch,
           [=](std::int64_t i, std::int64_t first, std::int64_t columns) {
             T* identity = out + i * n * n;
             for (std::int64_t row = 0; row < n; ++row) {
               std::fill_n(identity + row * n + first, columns, T(0));
               if (row >= first && row < first + columns) identity[row * n + row] = 1;
             }
           });
}

template <typename T>
void solve_systems(const runtime::KernelCall& call, runtime::Launch& launch) {
  Shape batch;
  const MatrixStack b = matrix_stack(call.in[1], batch);
  const std::int64_t n = call.out[0].shape[call.out[0].shape.size() - 2], columns = call.out[0].shape.back();
  T* out = call.out[0].as<T>();
  solve<T>(Factorization::SolveLU, call.in[0], call.out[0], launch,
           [=](std::int64_t i, std::int64_t first, std::int64_t count) {
             const T* from = static_cast<const T*>(b.data) + batch_offset(batch, b.batch_strides, i);
             for (std::int64_t row = 0; row < n; ++row)
               for (std::int64_t j = first; j < first + count; ++j)
                 out[(i * n + row) * columns + j] = from[row * b.row_stride + j * b.col_stride];
           });
}

}  // namespace

void inverse_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  if (element_count(call.out[0].shape) == 0) return;
  if (call.out[0].dtype == float64) return inverse<double>(call, launch);
  inverse<float>(call, launch);
}

void solve_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  if (element_count(call.out[0].shape) == 0) return;
  if (call.out[0].dtype == float64) return solve_systems<double>(call, launch);
  solve_systems<float>(call, launch);
}

}  // namespace anabranch::kernels
