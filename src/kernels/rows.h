// A view as rows along its last axis.
#pragma once

#include "runtime/launch.h"

namespace anabranch::kernels {

// Elements from the first one of `v` to that of row `row`, counted in row-major order over all axes but the last.
inline std::int64_t row_offset(const runtime::View& v, std::int64_t row) {
  std::int64_t offset = 0;
  for (std::size_t d = v.shape.size() - 1; d-- > 0;) {
    offset += row % v.shape[d] * v.strides[d];
    row /= v.shape[d];
  }
  return offset;
}

}  // namespace anabranch::kernels
