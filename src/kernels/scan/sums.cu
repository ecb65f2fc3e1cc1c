#include "kernels/scan/scan_numbers.cuh"

namespace anabranch::kernels {

void scan_sums(const DenseRows& rows, const graph::ScanAttrs& attrs, const CudaLaunch& launch) {
  // For bool: or.
  rows.dtype == bool_ ? scan_extremes(rows, {graph::ScanKind::Max, attrs.reverse, attrs.inclusive}, launch)
                      : scan_numbers<Sum>(rows, attrs, launch);
}

}  // namespace anabranch::kernels
