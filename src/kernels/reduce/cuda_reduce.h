// The reductions of a GPU, by what they do: each is a source file, for the time that compiling them takes.
#pragma once

#include "kernels/cuda_launch.h"
#include "kernels/reduce/device_plan.h"

namespace anabranch::kernels {

void reduce_sum(const DeviceReduction& r, Dtype in, Dtype out, const CudaLaunch& launch);
void reduce_product(const DeviceReduction& r, Dtype in, Dtype out, const CudaLaunch& launch);
void reduce_extreme(const DeviceReduction& r, Dtype dtype, bool maximum, const CudaLaunch& launch);
// Whether all elements are other than zero, or any is.
void reduce_truth(const DeviceReduction& r, Dtype dtype, bool all, const CudaLaunch& launch);

}  // namespace anabranch::kernels
