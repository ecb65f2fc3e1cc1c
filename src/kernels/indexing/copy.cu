// Dense row-major copies of strided operands.
#include "kernels/cuda_kernels.h"

namespace anabranch::kernels {
namespace {

constexpr int most_axes = 32;

struct Layout {
  int axes;
  std::int64_t count;
  std::int64_t shape[most_axes], strides[most_axes];
};

template <typename T>
__global__ void copy_kernel(const T* in, T* out, Layout layout) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < layout.count; i += step) {
    std::int64_t rest = i, offset = 0;
    for (int a = layout.axes - 1; a >= 0; --a) {
      offset += rest % layout.shape[a] * layout.strides[a];
      rest /= layout.shape[a];
    }
    out[i] = in[offset];
  }
}

}  // namespace

void copy_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const runtime::View& in = call.in[0];
  Layout layout{static_cast<int>(in.shape.size()), element_count(in.shape), {}, {}};
  for (std::size_t a = 0; a < in.shape.size(); ++a) {
    layout.shape[a] = in.shape[a];
    layout.strides[a] = in.strides[a];
  }
  const unsigned blocks = static_cast<unsigned>(std::min<std::int64_t>((layout.count + 255) / 256, 132 * 16));
  void* out = call.out[0].data;
  switch (in.dtype.size()) {
    case 1: copy_kernel<<<blocks, 256, 0, launch.stream>>>(in.as<std::uint8_t>(), static_cast<std::uint8_t*>(out), layout); break;
    case 2: copy_kernel<<<blocks, 256, 0, launch.stream>>>(in.as<std::uint16_t>(), static_cast<std::uint16_t*>(out), layout); break;
    case 4: copy_kernel<<<blocks, 256, 0, launch.stream>>>(in.as<std::uint32_t>(), static_cast<std::uint32_t*>(out), layout); break;
    default: copy_kernel<<<blocks, 256, 0, launch.stream>>>(in.as<std::uint64_t>(), static_cast<std::uint64_t*>(out), layout); break;
  }
  check_launch("copy");
}

}  // namespace anabranch::kernels
