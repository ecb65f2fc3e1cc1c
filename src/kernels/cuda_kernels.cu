#include "kernels/cuda_kernels.h"

namespace anabranch::kernels {

CudaKernel cuda_kernel(graph::Op op) {
  switch (op) {
#define ANABRANCH_CASE(Opcode, function) \
  case graph::Op::Opcode: return function;
    ANABRANCH_CUDA_KERNELS(ANABRANCH_CASE)
#undef ANABRANCH_CASE
    default: return nullptr;
  }
}

}  // namespace anabranch::kernels
