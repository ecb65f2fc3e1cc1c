// Fused programs on a GPU without a kernel compiled for them.
#pragma once

#include "kernels/cuda_launch.h"
#include "kernels/elementwise/interpreted.h"

namespace anabranch::kernels {

// `processors`: the device's multiprocessors.
void interpret_cuda(const graph::Program& program, const Layout& layout, const CudaLaunch& launch, int processors);

}  // namespace anabranch::kernels
