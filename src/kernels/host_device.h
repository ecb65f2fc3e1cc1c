// A function that a GPU's kernels call too.
#pragma once

#ifdef __CUDACC__
#define ANABRANCH_HOST_DEVICE __host__ __device__
#else
#define ANABRANCH_HOST_DEVICE
#endif
