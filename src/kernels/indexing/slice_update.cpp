#include "kernels/cpu_kernels.h"
#include "kernels/indexing/update.h"

namespace anabranch::kernels {

void slice_update_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const auto& attrs = call.attrs<graph::SliceUpdateAttrs>();
  const runtime::View& target = call.in[0];
  const runtime::View& update = call.in[1];
  const runtime::View& out = call.out[0];
  const std::size_t itemsize = out.dtype.size();
  const Strides strides = contiguous_strides(out.shape);
  if (out.data != target.data)
    add_copy(launch, CopyPlan(out.data, strides, target.data, target.strides, out.shape, itemsize));
  std::int64_t first = 0;
  Strides steps = strides;
  for (std::size_t i = 0; i < strides.size(); ++i) {
    first += attrs.start[i] * strides[i];
    steps[i] *= attrs.step[i];
  }
  add_copy(launch, CopyPlan(out.as<char>() + first * static_cast<std::int64_t>(itemsize), steps, update.data,
                            update.strides, update.shape, itemsize, update_run(attrs.kind, out.dtype)));
}

}  // namespace anabranch::kernels
