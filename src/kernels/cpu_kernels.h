// The CPU's kernels of irregular operations, by opcode: the one list of them. A null entry is a clear error at launch.
#pragma once

#include "graph/opcode.h"
#include "runtime/launch.h"

namespace anabranch::kernels {

#define ANABRANCH_CPU_KERNELS(X)                                                                                   \
  X(Copy, copy_cpu) X(Arange, arange_cpu) X(Eye, eye_cpu) X(Concatenate, concatenate_cpu) X(Gather, gather_cpu)   \
  X(Scatter, scatter_cpu) X(SliceUpdate, slice_update_cpu) X(Reduce, reduce_cpu) X(ArgReduce, arg_reduce_cpu)     \
  X(Softmax, softmax_cpu) X(LogSumExp, logsumexp_cpu) X(Scan, scan_cpu) X(Sort, sort_cpu) X(ArgSort, argsort_cpu) X(RandomBits, random_bits_cpu)                              \
  X(Matmul, matmul_cpu) X(Inverse, inverse_cpu) X(Solve, solve_cpu) X(Cholesky, cholesky_cpu)

#define ANABRANCH_DECLARE(Opcode, function) void function(const runtime::KernelCall& call, runtime::Launch& launch);
ANABRANCH_CPU_KERNELS(ANABRANCH_DECLARE)
#undef ANABRANCH_DECLARE

// The kernel of an irregular operation on the CPU, or null.
runtime::CpuKernel cpu_kernel(graph::Op op);

}  // namespace anabranch::kernels
