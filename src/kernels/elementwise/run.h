// Fused programs on the CPU: compiled to a list of block kernels, run block by block so that values stay in L1.
#pragma once

#include <span>

#include "graph/program.h"
#include "runtime/launch.h"

namespace anabranch::kernels {

// Adds to `launch` what computes `program` over the domain `shape`. in[i] has the domain's shape with any strides
// (0 along broadcast axes); out[i] is dense row-major and may be the very memory of an input that has the same dtype
// and is dense too. A domain small enough is computed at once, without a phase. `program` need not outlive the call.
void run_program_cpu(const graph::Program& program, const Shape& shape, std::span<const runtime::View> in,
                     std::span<const runtime::View> out, runtime::Launch& launch);

}  // namespace anabranch::kernels
