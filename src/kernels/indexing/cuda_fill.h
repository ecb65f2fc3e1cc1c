// One value for a whole dense array in a GPU's memory.
#pragma once

#include "kernels/cuda_launch.h"

namespace anabranch::kernels {

// `bits`: of an element.
void fill_bits(const runtime::View& out, std::uint64_t bits, const CudaLaunch& launch);

}  // namespace anabranch::kernels
