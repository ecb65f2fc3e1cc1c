// How a strided region is copied by a GPU. Host code, so that it can be tested without one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/index_map.h"

namespace anabranch::kernels {

struct DeviceCopy {
  static constexpr int dst_side = 0, src_side = 1;

  char* dst;
  const char* src;
  std::size_t itemsize;  // 1, 2, 4, 8 or 16: a dense run is told in the widest items that fit
  Axes<2> axes;          // steps in items, those of the destination positive, its slowest first

  // Whether tiles pay: neighbours in the destination are apart in the source, and along another axis they are together
  // there. Then the two axes are the last ones, that of the destination last.
  bool transposed = false;
};

// Strides are in elements.
DeviceCopy plan_device_copy(void* dst, const Strides& dst_strides, const void* src, const Strides& src_strides,
                            const Shape& shape, std::size_t itemsize);

}  // namespace anabranch::kernels
