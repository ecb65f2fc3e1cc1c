#include "kernels/elementwise/run_cuda.h"

#include "kernels/elementwise/interpreter.h"

namespace anabranch::kernels {

void run_program_cuda(const graph::Program& program, const Shape& shape, std::span<const runtime::View> in,
                      std::span<const runtime::View> out, const CudaLaunch& launch) {
  static thread_local Layout layout;
  lay_out(shape, in, out, layout);
  if (layout.count == 0) return;
  int processors = 0;
  check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, launch.device), "cudaDeviceGetAttribute");
  interpret_cuda(program, layout, launch, processors);
}

}  // namespace anabranch::kernels
