#include "kernels/reduce/cuda_reduce.h"
#include "kernels/reduce/fold_numbers.cuh"

namespace anabranch::kernels {

void reduce_product(const DeviceReduction& r, Dtype in, Dtype out, const CudaLaunch& launch) {
  reduce_numbers<Prod>(r, in, out, launch);
}

}  // namespace anabranch::kernels
