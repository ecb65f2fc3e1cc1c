// Fused programs on a GPU.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "graph/program.h"
#include "kernels/cuda_launch.h"

namespace anabranch::kernels {

// Launches what computes `program` over the domain `shape`; the operands as in run_program_cpu(). Bits are the same
// however it is computed: by the precompiled interpreter at first sight, by a kernel compiled for the program from then
// on.
void run_program_cuda(const graph::Program& program, const Shape& shape, std::span<const runtime::View> in,
                      std::span<const runtime::View> out, const CudaLaunch& launch);

// What became of the programs that were seen so far, and why the last one that could not be compiled stays interpreted.
struct ProgramKernels {
  std::size_t interpreted = 0, compiling = 0, compiled = 0;
  std::string error;
};
ProgramKernels program_kernels();

}  // namespace anabranch::kernels
