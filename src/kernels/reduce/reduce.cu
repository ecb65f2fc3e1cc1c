// Sums and products, maxima and minima, any and all.
#include "graph/attributes.h"
#include "kernels/cuda_kernels.h"
#include "kernels/indexing/cuda_fill.h"
#include "kernels/reduce/cuda_reduce.h"

namespace anabranch::kernels {

namespace {

void fill_empty(graph::ReduceKind kind, const runtime::View& out, const CudaLaunch& launch) {
  const bool one = kind == graph::ReduceKind::Prod || kind == graph::ReduceKind::All;
  std::uint64_t bits = 0;
  graph::Scalar::of_int(one, out.dtype).store(&bits);
  fill_bits(out, bits, launch);
}

}  // namespace

void reduce_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const auto& attrs = call.attrs<graph::ReduceAttrs>();
  const DeviceReduction r(call.in[0], call.out[0], attrs.reduced, false);
  const Dtype in = call.in[0].dtype, out = call.out[0].dtype;
  if (r.results == 0) return;
  if (r.length == 0) return fill_empty(attrs.kind, call.out[0], launch);
  switch (attrs.kind) {
    case graph::ReduceKind::Sum: return reduce_sum(r, in, out, launch);
    case graph::ReduceKind::Prod: return reduce_product(r, in, out, launch);
    case graph::ReduceKind::Max: return reduce_extreme(r, in, true, launch);
    case graph::ReduceKind::Min: return reduce_extreme(r, in, false, launch);
    case graph::ReduceKind::Any: return reduce_truth(r, in, false, launch);
    case graph::ReduceKind::All: return reduce_truth(r, in, true, launch);
  }
}

}  // namespace anabranch::kernels
