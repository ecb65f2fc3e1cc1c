// Running sums, products, maxima and minima of several rows at once, one to each lane of a vector, for the instruction
// set of this machine. Each row is combined from left to right, so the bits are those of a scalar loop.
#pragma once

#include <cstddef>
#include <limits>

#include "anabranch/dtype.h"
#include "graph/attributes.h"

namespace anabranch::kernels {

struct ScanTiles {
  std::size_t rows = 0;  // at once
  // out[r][i] = in[r][0] ... in[r][i] combined, for i < n, going on from `carry`, which holds `rows` elements. The
  // outputs are dense. step == dense_rows: so are the inputs; else in[r] = in[0] + r elements, and the elements of a
  // row are `step` bytes apart. Rows may occur more than once, and outputs be inputs.
  static constexpr std::ptrdiff_t dense_rows = std::numeric_limits<std::ptrdiff_t>::min();
  void (*run)(const char* const* in, std::ptrdiff_t step, char* const* out, std::size_t n, void* carry) = nullptr;
  // Sets `carry` to what leaves the first element of a row as it is.
  void (*begin)(void* carry) = nullptr;
};

inline constexpr std::size_t carry_bytes = 64;

// `run` is null where there is no such kernel.
ScanTiles scan_tiles(graph::ScanKind kind, Dtype dtype);

}  // namespace anabranch::kernels
