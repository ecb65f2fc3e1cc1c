#include "kernels/scan/scan_numbers.cuh"

namespace anabranch::kernels {

void scan_products(const DenseRows& rows, const graph::ScanAttrs& attrs, const CudaLaunch& launch) {
  // For bool: and.
  rows.dtype == bool_ ? scan_extremes(rows, {graph::ScanKind::Min, attrs.reverse, attrs.inclusive}, launch)
                      : scan_numbers<Prod>(rows, attrs, launch);
}

}  // namespace anabranch::kernels
