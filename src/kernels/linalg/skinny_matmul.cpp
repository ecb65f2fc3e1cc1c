// How products with few rows or columns are cut into chunks.
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "kernels/linalg/skinny.h"
#include "runtime/launch.h"

namespace anabranch::kernels {
namespace {

// The product with the long operand on the left: out(r, c) = sum over p of tall(r, p) narrow(p, c).
struct Skinny {
  Dtype dtype;
  const char* tall;
  std::int64_t tall_row, tall_step;
  const char* narrow;
  std::int64_t narrow_step, narrow_col;
  char* out;
  std::int64_t out_row, out_col;
  std::int64_t rows, cols, depth;
  Shape batch;
  Strides tall_batch, narrow_batch;

  bool by_rows() const { return tall_step == 1; }
};

Skinny left(const MatmulProblem& p) {
  return {p.dtype,
          static_cast<const char*>(p.a.data),
          p.a.row_stride,
          p.a.col_stride,
          static_cast<const char*>(p.b.data),
          p.b.row_stride,
          p.b.col_stride,
          static_cast<char*>(p.out),
          p.n,
          1,
          p.m,
          p.n,
          p.k,
          p.batch,
          p.a.batch_strides,
          p.b.batch_strides};
}
Skinny right(const MatmulProblem& p) {
  return {p.dtype,
          static_cast<const char*>(p.b.data),
          p.b.col_stride,
          p.b.row_stride,
          static_cast<const char*>(p.a.data),
          p.a.col_stride,
          p.a.row_stride,
          static_cast<char*>(p.out),
          1,
          p.n,
          p.n,
          p.m,
          p.k,
          p.batch,
          p.b.batch_strides,
          p.a.batch_strides};
}
bool apt(const Skinny& s) {
  // BLAS is as quick where everything is in the caches, but has no 16-bit floats.
  if (s.dtype.size() > 2 && s.rows * s.depth < (s.rows < 32 ? 1 << 16 : 1 << 13)) return false;
  // Short rows would leave most lanes empty.
  return s.cols <= skinny_columns && s.rows >= s.cols && ((s.tall_step == 1 && s.depth >= 16) || s.tall_row == 1);
}

std::int64_t chunks_of(std::int64_t extent, std::int64_t step) { return (extent + step - 1) / step; }

// A chunk covers this part of the long operand: about a megabyte. Few rows are split along the sum; what the parts sum
// to is added up in their order.
struct Part {
  std::int64_t rows, depth;
};
Part part_of(const Skinny& s) {
  if (s.by_rows()) {
    const std::int64_t depth = std::min<std::int64_t>(s.depth, 1 << 16);
    return {std::clamp<std::int64_t>((1 << 17) / depth, 4, std::max<std::int64_t>(s.rows, 4)), depth};
  }
  const std::int64_t rows = std::min<std::int64_t>(s.rows, 512);
  return {rows, std::min<std::int64_t>(s.depth, (1 << 18) / rows)};
}

// Writes rows [first, first + rows) of matrix i, from sums[c * ld + r].
template <typename T, typename Sum>
void store(const Skinny& s, std::int64_t matrix, std::int64_t first, std::int64_t rows, const Sum* sums,
           std::int64_t ld) {
  T* to = reinterpret_cast<T*>(s.out) + matrix * s.rows * s.cols + first * s.out_row;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < s.cols; ++c) to[r * s.out_row + c * s.out_col] = static_cast<T>(sums[c * ld + r]);
}

// Adds a phase, several of `count` calls f(i) of `ns` to a chunk; or calls now.
template <typename F>
void spread(bool at_once, std::int64_t count, double ns, runtime::Launch& launch, F f) {
  if (at_once) {
    for (std::int64_t i = 0; i < count; ++i) f(i);
    return;
  }
  const auto per_chunk = static_cast<std::int64_t>(std::clamp(30e3 / ns, 1.0, 1e9));
  launch.parallel(static_cast<std::size_t>(chunks_of(count, per_chunk)), ns * static_cast<double>(per_chunk),
                  [=](std::size_t chunk) {
                    const std::int64_t first = static_cast<std::int64_t>(chunk) * per_chunk;
                    for (std::int64_t i = first; i < std::min(count, first + per_chunk); ++i) f(i);
                  });
}

// T is the element type; sums are kept in Sum.
template <typename T, typename Sum>
void compute(Skinny s, double at_once_ns, runtime::Launch& launch) {
  const std::int64_t matrices = matrix_count(s.batch);
  const Part part = part_of(s);
  const std::int64_t down = chunks_of(s.rows, part.rows), along = chunks_of(s.depth, part.depth);
  const double elements = static_cast<double>(std::min(part.rows, s.rows) * part.depth);
  const double ns = 10 + elements * (0.06 * sizeof(T) + 0.03 * static_cast<double>(s.cols));
  const bool at_once = ns * static_cast<double>(matrices * down * along) < at_once_ns;

  // The narrow operand by columns, as Sum.
  const Sum* narrow = reinterpret_cast<const Sum*>(s.narrow);
  std::int64_t narrow_ld = s.narrow_col;
  Strides narrow_batch = s.narrow_batch;
  runtime::BufferRef now;  // memory of what is done at once
  const auto memory = [&](std::int64_t count, runtime::BufferRef& owner) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(Sum);
    if (!at_once) return static_cast<Sum*>(launch.scratch(bytes));
    owner = runtime::allocate(bytes);
    return static_cast<Sum*>(runtime::memory_of(owner));
  };
  if (!std::is_same_v<T, Sum> || s.narrow_step != 1) {
    const std::int64_t size = s.cols * s.depth;
    const DistinctMatrices distinct = distinct_matrices({nullptr, 0, 0, s.narrow_batch}, s.batch, s.cols, s.depth);
    Sum* packed = memory(distinct.count * size, now);
    spread(at_once, distinct.count, static_cast<double>(size), launch, [=](std::int64_t i) {
      const T* from = reinterpret_cast<const T*>(s.narrow) + batch_offset(distinct.batch, s.narrow_batch, i);
      for (std::int64_t c = 0; c < s.cols; ++c)
        for (std::int64_t p = 0; p < s.depth; ++p)
          packed[i * size + c * s.depth + p] = static_cast<Sum>(from[p * s.narrow_step + c * s.narrow_col]);
    });
    narrow = packed;
    narrow_ld = s.depth;
    narrow_batch = distinct.strides;
  }

  const auto multiply = [=](std::int64_t matrix, std::int64_t r, std::int64_t rows, std::int64_t p, Sum* sums,
                            std::int64_t ld) {
    const T* tall = reinterpret_cast<const T*>(s.tall) + batch_offset(s.batch, s.tall_batch, matrix);
    const Sum* factors = narrow + batch_offset(s.batch, narrow_batch, matrix) + p;
    const std::int64_t depth = std::min(part.depth, s.depth - p);
    tall += r * s.tall_row + p * s.tall_step;
    if (s.by_rows()) {
      rows_times_narrow(s.dtype, tall, s.tall_row, factors, narrow_ld, rows, s.cols, depth, sums, ld);
    } else {
      columns_times_narrow(s.dtype, tall, s.tall_step, factors, narrow_ld, rows, s.cols, depth, sums, ld);
    }
  };
  if (along == 1) {
    spread(at_once, matrices * down, ns, launch, [=](std::int64_t at) {
      const std::int64_t matrix = at / down, first = at % down * part.rows, rows = std::min(part.rows, s.rows - first);
      const runtime::BufferRef sums = runtime::allocate(static_cast<std::size_t>(rows * s.cols) * sizeof(Sum));
      multiply(matrix, first, rows, 0, static_cast<Sum*>(runtime::memory_of(sums)), rows);
      store<T>(s, matrix, first, rows, static_cast<const Sum*>(runtime::memory_of(sums)), rows);
    });
    return;
  }
  const std::int64_t size = s.rows * s.cols;
  runtime::BufferRef now_partial;
  Sum* partial = memory(matrices * along * size, now_partial);
  spread(at_once, matrices * down * along, ns, launch, [=](std::int64_t at) {
    const std::int64_t i = at / down, first = at % down * part.rows;
    multiply(i / along, first, std::min(part.rows, s.rows - first), i % along * part.depth, partial + i * size + first,
             s.rows);
  });
  spread(at_once, matrices * down, static_cast<double>(part.rows * s.cols * along), launch, [=](std::int64_t at) {
    const std::int64_t matrix = at / down, first = at % down * part.rows, rows = std::min(part.rows, s.rows - first);
    Sum* sums = partial + matrix * along * size + first;
    for (std::int64_t i = 1; i < along; ++i)
      for (std::int64_t c = 0; c < s.cols; ++c)
        for (std::int64_t r = 0; r < rows; ++r) sums[c * s.rows + r] += sums[i * size + c * s.rows + r];
    store<T>(s, matrix, first, rows, sums, s.rows);
  });
}

}  // namespace

bool is_skinny(const MatmulProblem& p) { return p.dtype != complex64 && (apt(left(p)) || apt(right(p))); }

void skinny_matmul(const MatmulProblem& p, double at_once, runtime::Launch& launch) {
  const Skinny s = apt(left(p)) ? left(p) : right(p);
  if (p.dtype == float32) compute<float, float>(s, at_once, launch);
  if (p.dtype == float64) compute<double, double>(s, at_once, launch);
  if (p.dtype == float16) compute<float16_t, float>(s, at_once, launch);
  if (p.dtype == bfloat16) compute<bfloat16_t, float>(s, at_once, launch);
}

}  // namespace anabranch::kernels
