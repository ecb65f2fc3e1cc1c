// How a GPU goes about a reduction. Host code, so that it can be tested without one.
#pragma once

#include "kernels/index_map.h"
#include "runtime/launch.h"

namespace anabranch::kernels {

inline constexpr int fold_threads = 256;

// Axes of extent 1 are gone, the rest is sorted so that the fastest in the input comes last, and joined.
struct DeviceReduction {
  static constexpr int in_side = 0, out_side = 1;

  const char* in;
  void* out;
  Axes<2> kept;  // steps in the input and in the result
  Axes<1> reduced;
  std::int64_t results, length;  // of the result, and of what becomes one element of it

  // `ordered`: the order along the reduced axes must stay.
  DeviceReduction(const runtime::View& from, const runtime::View& to, int reduced_axes, bool ordered);

  // Elements for neighbouring results lie closer to each other than those for one result.
  bool by_columns() const;
  // Whether a vector of `n` elements can be read wherever n of them follow each other, along a row or over columns.
  bool aligned_rows(int n, std::size_t itemsize) const;
  bool aligned_columns(int n, std::size_t itemsize) const;
};

// A long row, or column, is cut into parts for several blocks. That depends on the shape alone: results have the same
// bits on any GPU.
struct Parts {
  std::int64_t count, length;
};

// For rows: `lanes` threads (a power of two) share one.
struct RowPlan {
  int lanes;
  Parts parts;
};
RowPlan plan_rows(std::int64_t results, std::int64_t length, int vector);

// For columns: a block is `width` threads wide, each for a vector of columns, and reads height rows at a time.
struct ColumnPlan {
  int width, height;
  std::int64_t tiles;  // blocks beside each other
  Parts parts;
};
ColumnPlan plan_columns(std::int64_t columns, std::int64_t others, std::int64_t length, int vector);

// For rows that threads hold in registers, a few elements each (of short rows), or as many as there is room for.
constexpr int few_held(std::size_t itemsize) { return itemsize <= 4 ? 8 : 4; }
constexpr int many_held(std::size_t itemsize) { return itemsize <= 4 ? 32 : 16; }
inline constexpr int held_rows_threads = 512;  // at most
// Threads of a multiprocessor that find registers for `held` elements and to compute.
constexpr int held_rows_resident(int held, std::size_t itemsize) {
  if (held == few_held(itemsize)) return 3 * held_rows_threads;
  return itemsize <= 4 ? 2 * held_rows_threads : held_rows_threads;
}

// `lanes` threads share a row: a power of two of them up to a warp, or all of a block.
struct HeldRowsPlan {
  int lanes, threads;
  std::int64_t blocks;  // for all rows at once
  int resident_blocks;  // of a multiprocessor
};
HeldRowsPlan plan_held_rows(std::int64_t rows, std::int64_t n, int held, std::size_t itemsize);

}  // namespace anabranch::kernels
