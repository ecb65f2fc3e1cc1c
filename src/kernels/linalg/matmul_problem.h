// A matrix product as the kernels see it: two stacks of strided matrices, and a dense stack of results.
#pragma once

#include <cstdint>

#include "runtime/launch.h"

namespace anabranch::kernels {

// Product of the extents.
std::int64_t matrix_count(const Shape& batch);

// A stack of matrices (rows, cols). Strides are in elements; a batch stride of 0 is a broadcast.
struct MatrixStack {
  const void* data = nullptr;
  std::int64_t row_stride = 0, col_stride = 0;
  Strides batch_strides;
};

// out[i] = a[i] b[i] for i over `batch`; a[i] is (m, k), b[i] is (k, n), and out is dense row-major.
struct MatmulProblem {
  std::int64_t m = 0, n = 0, k = 0;
  Shape batch;
  MatrixStack a, b;
  void* out = nullptr;
  Dtype dtype = float32;      // of the operands
  Dtype out_dtype = float32;  // the same, or float32

  // Multiplications and additions, in all.
  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) *
           static_cast<double>(matrix_count(batch));
  }
};

// The problem with as few batch axes as it can be told with: neighbouring axes are merged, and a stack of a[i] against
// one b becomes one taller a. Throws std::invalid_argument where an extent passes what BLAS can count.
MatmulProblem matmul_problem(const runtime::KernelCall& call);

// The stack of matrices that a view of two or more axes is; `batch` becomes the axes before the last two.
MatrixStack matrix_stack(const runtime::View& view, Shape& batch);

// The element offset of matrix `index` of the stack.
std::int64_t batch_offset(const Shape& batch, const Strides& strides, std::int64_t index);

// A matrix that BLAS can read: its first element, whether it is stored by columns, and the leading dimension.
struct BlasMatrix {
  bool transposed;
  int ld;
};
// Whether BLAS can read matrices (rows, cols) of these strides as they lie.
bool blas_layout(std::int64_t rows, std::int64_t cols, std::int64_t row_stride, std::int64_t col_stride,
                 BlasMatrix& layout);

// The matrices of `stack` laid out densely, each broadcast one once: their number, and their batch strides.
struct DistinctMatrices {
  Shape batch;  // extents of 1 along the axes that the stack broadcasts
  Strides strides;
  std::int64_t count;
};
DistinctMatrices distinct_matrices(const MatrixStack& stack, const Shape& batch, std::int64_t rows, std::int64_t cols);

// Adds a phase that copies matrices (rows, cols) of `size`-byte elements to `to`, dense row-major, one after another.
void copy_matrices(const MatrixStack& stack, const Shape& batch, std::int64_t rows, std::int64_t cols, std::size_t size,
                   void* to, runtime::Launch& launch);

// Copies the distinct matrices to scratch; returns the stack of the copies.
MatrixStack pack_matrices(const MatrixStack& stack, const Shape& batch, std::int64_t rows, std::int64_t cols,
                          std::size_t size, runtime::Launch& launch);

}  // namespace anabranch::kernels
