// Cumulative sums, products, maxima, minima and log-sums along the last axis.
#include "kernels/cuda_kernels.h"
#include "kernels/indexing/cuda_copy.h"
#include "kernels/scan/cuda_scan.h"

namespace anabranch::kernels {

void scan_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  const auto& attrs = call.attrs<graph::ScanAttrs>();
  const runtime::View& in = call.in[0];
  const runtime::View& out = call.out[0];
  const std::int64_t count = element_count(in.shape);
  if (count == 0) return;
  const std::int64_t n = in.shape.back();
  const DenseRows rows{dense_or_copied(in, out.data, launch), out.data, count / n, n, in.dtype};
  switch (attrs.kind) {
    case graph::ScanKind::Sum: return scan_sums(rows, attrs, launch);
    case graph::ScanKind::Prod: return scan_products(rows, attrs, launch);
    case graph::ScanKind::Max:
    case graph::ScanKind::Min: return scan_extremes(rows, attrs, launch);
    case graph::ScanKind::LogAddExp: return scan_log_sums(rows, attrs, launch);
  }
}

}  // namespace anabranch::kernels
