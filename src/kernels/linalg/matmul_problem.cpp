#include "kernels/linalg/matmul_problem.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace anabranch::kernels {
namespace {

constexpr std::int64_t blas_max = std::numeric_limits<int>::max();

// Merges batch axes that both stacks walk with one stride. Axes of extent 1 vanish.
void merge_batch_axes(MatmulProblem& p) {
  Shape batch;
  Strides a, b;
  for (std::size_t i = 0; i < p.batch.size(); ++i) {
    const std::int64_t extent = p.batch[i], sa = p.a.batch_strides[i], sb = p.b.batch_strides[i];
    if (extent == 1) continue;
    if (!batch.empty() && a.back() == sa * extent && b.back() == sb * extent) {
      batch.back() *= extent;
      a.back() = sa;
      b.back() = sb;
    } else {
      batch.push_back(extent);
      a.push_back(sa);
      b.push_back(sb);
    }
  }
  p.batch = std::move(batch);
  p.a.batch_strides = std::move(a);
  p.b.batch_strides = std::move(b);
}

template <typename T>
void copy_rows(const T* from, std::int64_t row_stride, std::int64_t col_stride, std::int64_t rows, std::int64_t cols,
               T* to) {
  // Walk the axis of the smaller stride innermost, in squares that stay in L1 when that is the rows.
  constexpr std::int64_t square = 32;
  if (std::abs(col_stride) <= std::abs(row_stride)) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j) to[i * cols + j] = from[i * row_stride + j * col_stride];
    return;
  }
  for (std::int64_t i0 = 0; i0 < rows; i0 += square)
    for (std::int64_t j0 = 0; j0 < cols; j0 += square)
      for (std::int64_t j = j0; j < std::min(cols, j0 + square); ++j)
        for (std::int64_t i = i0; i < std::min(rows, i0 + square); ++i)
          to[i * cols + j] = from[i * row_stride + j * col_stride];
}

// A chunk is some 64 Ki elements: several small matrices, or rows of one.
template <typename T>
void copy_phase(const MatrixStack& stack, const Shape& batch, std::int64_t rows, std::int64_t cols, void* to,
                runtime::Launch& launch) {
  constexpr std::int64_t target = 1 << 16;
  const std::int64_t matrices = matrix_count(batch), elements = rows * cols;
  const std::int64_t per_chunk = std::max<std::int64_t>(target / elements, 1);
  const std::int64_t rows_per_chunk = per_chunk > 1 ? rows : std::clamp<std::int64_t>(target / cols, 1, rows);
  const std::int64_t chunks_down = (rows + rows_per_chunk - 1) / rows_per_chunk;
  const std::int64_t chunks = (matrices + per_chunk - 1) / per_chunk * chunks_down;
  const double ns = 1.0 * static_cast<double>(std::min(per_chunk, matrices) * rows_per_chunk * cols);
  launch.parallel(static_cast<std::size_t>(chunks), ns, [=](std::size_t chunk) {
    const std::int64_t at = static_cast<std::int64_t>(chunk);
    const std::int64_t matrix = at / chunks_down * per_chunk, row = at % chunks_down * rows_per_chunk;
    for (std::int64_t i = matrix; i < std::min(matrices, matrix + per_chunk); ++i) {
      const T* from = static_cast<const T*>(stack.data) + batch_offset(batch, stack.batch_strides, i);
      copy_rows(from + row * stack.row_stride, stack.row_stride, stack.col_stride, std::min(rows_per_chunk, rows - row),
                cols, static_cast<T*>(to) + (i * rows + row) * cols);
    }
  });
}

}  // namespace

std::int64_t matrix_count(const Shape& batch) {
  std::int64_t count = 1;
  for (std::int64_t extent : batch) count *= extent;
  return count;
}

MatrixStack matrix_stack(const runtime::View& view, Shape& batch) {
  const std::size_t nd = view.shape.size();
  batch = Shape(view.shape.begin(), view.shape.end() - 2);
  return {view.data, view.strides[nd - 2], view.strides[nd - 1], Strides(view.strides.begin(), view.strides.end() - 2)};
}

MatmulProblem matmul_problem(const runtime::KernelCall& call) {
  const runtime::View &a = call.in[0], &b = call.in[1], &out = call.out[0];
  const std::size_t nd = a.shape.size();
  MatmulProblem p;
  p.dtype = p.out_dtype = out.dtype;
  p.out = out.data;
  p.m = a.shape[nd - 2];
  p.k = a.shape[nd - 1];
  p.n = b.shape[nd - 1];
  if (std::max({p.m, p.n, p.k}) > blas_max) {
    throw std::invalid_argument("[matmul] The last two axes of " + to_string(a.shape) + " and " + to_string(b.shape) +
                                " must each be at most 2147483647.");
  }
  p.a = matrix_stack(a, p.batch);
  p.b = matrix_stack(b, p.batch);
  merge_batch_axes(p);
  if (p.batch.size() == 1 && p.b.batch_strides[0] == 0 && p.a.batch_strides[0] == p.m * p.a.row_stride &&
      p.batch[0] * p.m <= blas_max) {
    p.m *= p.batch[0];
    p.batch.clear();
    p.a.batch_strides.clear();
    p.b.batch_strides.clear();
  }
  return p;
}

std::int64_t batch_offset(const Shape& batch, const Strides& strides, std::int64_t index) {
  std::int64_t offset = 0;
  for (std::size_t axis = batch.size(); axis-- > 0;) {
    offset += index % batch[axis] * strides[axis];
    index /= batch[axis];
  }
  return offset;
}

bool blas_layout(std::int64_t rows, std::int64_t cols, std::int64_t row_stride, std::int64_t col_stride,
                 BlasMatrix& layout) {
  // The stride along an axis of extent 1 means nothing.
  const auto fits = [](std::int64_t lines, std::int64_t length, std::int64_t line_stride, std::int64_t stride) {
    return (stride == 1 || length == 1) && (lines == 1 || (line_stride >= length && line_stride <= blas_max));
  };
  if (fits(rows, cols, row_stride, col_stride)) {
    layout = {false, static_cast<int>(rows == 1 ? std::max<std::int64_t>(cols, 1) : row_stride)};
    return true;
  }
  if (fits(cols, rows, col_stride, row_stride)) {
    layout = {true, static_cast<int>(cols == 1 ? std::max<std::int64_t>(rows, 1) : col_stride)};
    return true;
  }
  return false;
}

DistinctMatrices distinct_matrices(const MatrixStack& stack, const Shape& batch, std::int64_t rows, std::int64_t cols) {
  DistinctMatrices d{batch, Strides(batch.size(), 0), 1};
  for (std::size_t axis = batch.size(); axis-- > 0;) {
    if (stack.batch_strides[axis] == 0) {
      d.batch[axis] = 1;
    } else {
      d.strides[axis] = d.count * rows * cols;
      d.count *= batch[axis];
    }
  }
  return d;
}

void copy_matrices(const MatrixStack& stack, const Shape& batch, std::int64_t rows, std::int64_t cols, std::size_t size,
                   void* to, runtime::Launch& launch) {
  if (size == 2) copy_phase<std::uint16_t>(stack, batch, rows, cols, to, launch);
  if (size == 4) copy_phase<std::uint32_t>(stack, batch, rows, cols, to, launch);
  if (size == 8) copy_phase<std::uint64_t>(stack, batch, rows, cols, to, launch);
}

MatrixStack pack_matrices(const MatrixStack& stack, const Shape& batch, std::int64_t rows, std::int64_t cols,
                          std::size_t size, runtime::Launch& launch) {
  const DistinctMatrices distinct = distinct_matrices(stack, batch, rows, cols);
  void* scratch = launch.scratch(static_cast<std::size_t>(distinct.count * rows * cols) * size);
  copy_matrices(stack, distinct.batch, rows, cols, size, scratch, launch);
  return {scratch, cols, 1, distinct.strides};
}

}  // namespace anabranch::kernels
