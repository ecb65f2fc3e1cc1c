#include "kernels/cuda_kernels.h"
#include "kernels/index_map.h"
#include "kernels/indexing/cuda_copy.h"
#include "kernels/indexing/cuda_update.h"

namespace anabranch::kernels {
namespace {

constexpr int threads = 256;

template <typename T, typename Update>
__global__ void __launch_bounds__(threads)
    update_kernel(T* out, const T* update, const __grid_constant__ IndexMap<2> map) {
  const std::int64_t step = std::int64_t{gridDim.x} * threads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < map.count; i += step) {
    const auto at = map.offsets(i);
    T& to = out[at.of[0]];
    to = Update()(to, update[at.of[1]]);
  }
}

}  // namespace

void slice_update_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const auto& attrs = call.attrs<graph::SliceUpdateAttrs>();
  const runtime::View& target = call.in[0];
  const runtime::View& update = call.in[1];
  const runtime::View& out = call.out[0];
  const std::size_t itemsize = out.dtype.size();
  const Strides strides = contiguous_strides(out.shape);
  if (out.data != target.data) copy_region(out.data, strides, target.data, target.strides, out.shape, itemsize, launch);
  if (element_count(update.shape) == 0) return;
  std::int64_t first = 0;
  Strides steps = strides;
  for (std::size_t i = 0; i < strides.size(); ++i) {
    first += attrs.start[i] * strides[i];
    steps[i] *= attrs.step[i];
  }
  char* region = out.as<char>() + first * static_cast<std::int64_t>(itemsize);
  if (attrs.kind == graph::ScatterKind::Assign) {
    copy_region(region, steps, update.data, update.strides, update.shape, itemsize, launch);
    return;
  }
  const IndexMap<2> map(update.shape, {&steps, &update.strides});
  dispatch_update(attrs.kind, out.dtype, [&](auto operation, auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    launch.run("slice_update", update_kernel<T, decltype(operation)>, grid_of((map.count + threads - 1) / threads),
               threads, 0, reinterpret_cast<T*>(region), update.as<const T>(), map);
  });
}

}  // namespace anabranch::kernels
