#include "graph/attributes.h"
#include "kernels/cuda_kernels.h"
#include "kernels/indexing/cuda_copy.h"

namespace anabranch::kernels {

void concatenate_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const auto axis = static_cast<std::size_t>(call.attrs<graph::ConcatenateAttrs>().axis);
  const runtime::View& out = call.out[0];
  const Strides strides = contiguous_strides(out.shape);
  const std::size_t itemsize = out.dtype.size();
  char* to = out.as<char>();
  for (const runtime::View& in : call.in) {
    copy_region(to, strides, in.data, in.strides, in.shape, itemsize, launch);
    to += in.shape[axis] * strides[axis] * static_cast<std::int64_t>(itemsize);
  }
}

}  // namespace anabranch::kernels
