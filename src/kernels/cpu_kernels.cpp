#include "kernels/cpu_kernels.h"

namespace anabranch::kernels {

runtime::CpuKernel cpu_kernel(graph::Op op) {
  switch (op) {
#define ANABRANCH_CASE(Opcode, function) \
  case graph::Op::Opcode: return function;
    ANABRANCH_CPU_KERNELS(ANABRANCH_CASE)
#undef ANABRANCH_CASE
    default: return nullptr;
  }
}

}  // namespace anabranch::kernels
