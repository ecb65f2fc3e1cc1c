// The CUDA kernels of irregular operations, by opcode: the one list of them. What is missing here is a clear error at
// launch.
#pragma once

#include "graph/opcode.h"
#include "kernels/cuda_launch.h"

namespace anabranch::kernels {

// Launches what computes `call` on the stream. Never waits for the device.
using CudaKernel = void (*)(const runtime::KernelCall& call, const CudaLaunch& launch);

#define ANABRANCH_CUDA_KERNELS(X)                                                                                 \
  X(Copy, copy_cuda) X(Arange, arange_cuda) X(Eye, eye_cuda) X(Concatenate, concatenate_cuda) X(Gather, gather_cuda) \
  X(Scatter, scatter_cuda) X(SliceUpdate, slice_update_cuda) X(Reduce, reduce_cuda) X(ArgReduce, arg_reduce_cuda) X(Softmax, softmax_cuda) X(LogSumExp, logsumexp_cuda) X(RandomBits, random_bits_cuda) X(Scan, scan_cuda) X(Sort, sort_cuda) X(ArgSort, argsort_cuda) X(Matmul, matmul_cuda)

#define ANABRANCH_DECLARE(Opcode, function) void function(const runtime::KernelCall& call, const CudaLaunch& launch);
ANABRANCH_CUDA_KERNELS(ANABRANCH_DECLARE)
#undef ANABRANCH_DECLARE

// The kernel of an irregular operation on a GPU, or null.
CudaKernel cuda_kernel(graph::Op op);

}  // namespace anabranch::kernels
