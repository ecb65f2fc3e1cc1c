// Sums and products, maxima and minima, any and all.
#include "graph/attributes.h"
#include "kernels/cuda_kernels.h"
#include "kernels/elementwise/run_cuda.h"
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

// Integers whose sum is a float, as their mean's is: converted beforehand.
void reduce_converted(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const runtime::View& from = call.in[0];
  const Dtype to = call.out[0].dtype;
  graph::Program conversion;
  conversion.inputs = {from.dtype};
  conversion.instructions = {{graph::Op::AsType, from.dtype, to, 1, {0}}};
  conversion.outputs = {{1, to}};
  const auto count = static_cast<std::size_t>(element_count(from.shape));
  const runtime::View converted{launch.scratch<char>(count * to.size()), to, from.shape,
                                contiguous_strides(from.shape)};
  run_program_cuda(conversion, from.shape, {&from, 1}, {&converted, 1}, launch);
  reduce_cuda({{&converted, 1}, call.out, call.attributes}, launch);
}

}  // namespace

void reduce_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const auto& attrs = call.attrs<graph::ReduceAttrs>();
  const bool folds_numbers = attrs.kind == graph::ReduceKind::Sum || attrs.kind == graph::ReduceKind::Prod;
  if (folds_numbers && issubdtype(call.out[0].dtype, inexact) && !issubdtype(call.in[0].dtype, inexact))
    return reduce_converted(call, launch);
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
