// Copies between strided regions of a GPU's memory.
#pragma once

#include "kernels/cuda_launch.h"

namespace anabranch::kernels {

// Strides are in elements, of any sign; those of the destination are not 0 (but along extents of 1). The regions must
// not overlap.
void copy_region(void* dst, const Strides& dst_strides, const void* src, const Strides& src_strides, const Shape& shape,
                 std::size_t itemsize, const CudaLaunch& launch);

// What kernels for dense rows read: the view itself where its last axis is dense and the others are rows one after
// another; else a copy of it in `to`.
const void* dense_or_copied(const runtime::View& view, void* to, const CudaLaunch& launch);

}  // namespace anabranch::kernels
