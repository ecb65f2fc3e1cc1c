// The shared memory that a launch asks for, 16-byte aligned.
#pragma once

#ifdef __CUDACC__
inline __device__ void* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char anabranch_dynamic_shared[];
  return anabranch_dynamic_shared;
}
#else
#include <cuda_runtime.h>  // the emulated device's

using emulated::dynamic_shared;
#endif
